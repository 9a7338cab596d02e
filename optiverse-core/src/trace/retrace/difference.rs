//! What two systems do not have in common.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::super::emit::Emission;
use super::super::{HiddenItems, Physics};
use super::probe::Probes;
use crate::optics::{OpticalSystem, Source, Surface};
use crate::scene::ItemId;

/// What two systems do not have in common.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    /// Where surfaces are in one of them only.
    pub(super) probes: Probes,
    /// The sources of the new one, in order.
    pub(super) sources: Vec<SourceRays>,
    /// The rays that the old one has in addition, source by source.
    pub(super) gone: Vec<GoneRays>,
}

/// The rays of one source of a system, and what they were in the system before.
#[derive(Clone, Debug)]
pub(super) struct SourceRays {
    /// Number of the first one, and of rays.
    pub(super) first: u64,
    pub(super) count: u64,
    /// The same two for the source of that id before; none where there was none.
    pub(super) before: Option<(u64, u64)>,
    /// Whether the source is as it was.
    pub(super) is_same: bool,
    /// Its place among all sources.
    pub(super) index: usize,
}

/// Rays of a source that are there no more.
#[derive(Clone, Debug)]
pub(super) struct GoneRays {
    /// The place the source had among all sources.
    pub(super) index: usize,
    /// Number of the source's first ray.
    pub(super) first: u64,
    pub(super) rays: Range<u64>,
}

impl Difference {
    /// Of a system in which surfaces were put in the places of others, each as it was and as it is.
    pub(super) fn of_surfaces(surfaces: &[[Surface; 2]], emission: &Emission<'_>, physics: Physics) -> Difference {
        let shapes = surfaces
            .iter()
            .filter(|[was, is]| is_met(was, physics) && !same_surface(was, is, true))
            .flat_map(|[was, is]| [was.shape(), is.shape()]);
        let as_before = |(source, first, count): (&Source, u64, u64)| {
            let before = Some((first, count));
            SourceRays { first, count, before, is_same: true, index: source.index() }
        };
        let sources = emission.sources().map(as_before).collect();
        Difference { probes: Probes::around(shapes), sources, gone: Vec::new() }
    }

    /// Of two systems; surfaces of items that are not `touched` are the same where they are equal.
    pub(super) fn between(
        (old, old_emission): (&OpticalSystem, &Emission<'_>),
        (new, new_emission): (&OpticalSystem, &Emission<'_>),
        physics: Physics,
        touched: Option<&HashSet<ItemId>>,
    ) -> Difference {
        let sources = sources((old, old_emission), (new, new_emission));
        let left: HashMap<&ItemId, u64> =
            sources.iter().map(|source| (&new.source_items()[source.index], source.count)).collect();
        let gone = |(source, first, count): (&Source, u64, u64)| {
            let left = left.get(&old.source_items()[source.index()]).copied().unwrap_or(0);
            GoneRays { index: source.index(), first, rays: left.min(count)..count }
        };
        let gone = old_emission.sources().map(gone).collect();
        Difference { probes: surfaces(old, new, physics, touched), sources, gone }
    }

    /// Whether every ray has the number it had.
    pub(super) fn keeps_numbers(&self) -> bool {
        self.sources.iter().all(|source| source.before == Some((source.first, source.count)))
            && self.gone.iter().all(|gone| gone.rays.is_empty())
    }
}

/// The rays of every source that sends any, in order.
fn sources(
    (old, old_emission): (&OpticalSystem, &Emission<'_>),
    (new, new_emission): (&OpticalSystem, &Emission<'_>),
) -> Vec<SourceRays> {
    let mut before: HashMap<&ItemId, (&Source, u64, u64)> = HashMap::new();
    for (source, first, count) in old_emission.sources() {
        before.insert(&old.source_items()[source.index()], (source, first, count));
    }
    let rays = |(source, first, count): (&Source, u64, u64)| {
        let before = before.get(&new.source_items()[source.index()]);
        SourceRays {
            first,
            count,
            before: before.map(|&(_, first, count)| (first, count)),
            is_same: before.is_some_and(|(was, ..)| identical(was.parameters(), source.parameters())),
            index: source.index(),
        }
    };
    new_emission.sources().map(rays).collect()
}

/// The places of all surfaces that one of the systems has and the other has not.
///
/// The surfaces they have in common keep their order, on which the choice among surfaces met in one point depends.
fn surfaces(old: &OpticalSystem, new: &OpticalSystem, physics: Physics, touched: Option<&HashSet<ItemId>>) -> Probes {
    let (old, new) = (Met::of(old, physics), Met::of(new, physics));
    let mut shapes = Vec::new();
    let mut differ = |surfaces: &[&Surface]| shapes.extend(surfaces.iter().map(|surface| surface.shape().clone()));
    let (mut i, mut j) = (0, 0);
    // Looked at only where the two lists do not go on with the same item.
    let mut places: Option<[HashMap<&ItemId, usize>; 2]> = None;
    while i < old.runs.len() && j < new.runs.len() {
        let ((was, was_there), (is, is_there)) = (old.run(i), new.run(j));
        if was == is {
            let touched = touched.is_none_or(|touched| touched.contains(was));
            let pairs = || was_there.iter().zip(is_there);
            if was_there.len() != is_there.len() || !pairs().all(|(a, b)| same_surface(a, b, touched)) {
                differ(was_there);
                differ(is_there);
            }
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let [in_old, in_new] = places.get_or_insert_with(|| [old.places(), new.places()]);
        let goes_to = in_new.get(was).filter(|&&place| place >= j);
        let comes_from = in_old.get(is).filter(|&&place| place >= i);
        // Where both stand elsewhere, the one that has gone further is the one that was moved in the list.
        let was_first = match (goes_to, comes_from) {
            (None, _) => true,
            (_, None) => false,
            (Some(to), Some(from)) => to - j >= from - i,
        };
        if was_first {
            differ(was_there);
            i += 1;
        } else {
            differ(is_there);
            j += 1;
        }
    }
    (i..old.runs.len()).for_each(|i| differ(old.run(i).1));
    (j..new.runs.len()).for_each(|j| differ(new.run(j).1));
    Probes::around(shapes.iter())
}

/// The surfaces of a system that light meets, item by item.
struct Met<'a> {
    surfaces: Vec<&'a Surface>,
    /// Each item, and where its surfaces end.
    runs: Vec<(&'a ItemId, usize)>,
}

impl<'a> Met<'a> {
    fn of(system: &'a OpticalSystem, physics: Physics) -> Self {
        let surfaces: Vec<&Surface> = system.surfaces().iter().filter(|surface| is_met(surface, physics)).collect();
        let mut runs = Vec::with_capacity(system.items().len());
        let mut end = 0;
        for run in surfaces.chunk_by(|a, b| a.item() == b.item()) {
            end += run.len();
            runs.push((&system.items()[run[0].item()], end));
        }
        Met { surfaces, runs }
    }

    fn run(&self, at: usize) -> (&'a ItemId, &[&'a Surface]) {
        let start = if at == 0 { 0 } else { self.runs[at - 1].1 };
        (self.runs[at].0, &self.surfaces[start..self.runs[at].1])
    }

    fn places(&self) -> HashMap<&'a ItemId, usize> {
        self.runs.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect()
    }
}

fn is_met(surface: &Surface, physics: Physics) -> bool {
    physics.hidden_items == HiddenItems::Traced || !surface.is_hidden()
}

fn same_surface(a: &Surface, b: &Surface, touched: bool) -> bool {
    let same = a.shape() == b.shape() && a.element() == b.element() && a.interface() == b.interface();
    // An item that no edit has touched was compiled once: equal numbers are the same bits.
    same && (!touched || identical(&(a.shape(), a.element()), &(b.shape(), b.element())))
}

/// Whether two values are the same to the last bit: equality does not tell 0 from −0, which light may carry on.
fn identical<T: std::fmt::Debug + PartialEq>(a: &T, b: &T) -> bool {
    a == b && format!("{a:?}") == format!("{b:?}")
}
