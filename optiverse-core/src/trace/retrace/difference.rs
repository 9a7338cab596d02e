//! What two systems do not have in common.

use std::collections::{HashMap, HashSet};

use super::super::emit::Emission;
use super::super::{HiddenItems, Physics};
use super::probe::Probes;
use crate::optics::{OpticalSystem, Source, Surface};
use crate::scene::ItemId;

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

/// The rays of every source that sends any, in order.
pub(super) fn sources(
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
pub(super) fn surfaces(
    old: &OpticalSystem,
    new: &OpticalSystem,
    physics: Physics,
    touched: Option<&HashSet<ItemId>>,
) -> Probes {
    let (old, new) = (Met::of(old, physics), Met::of(new, physics));
    let mut shapes = Vec::new();
    let mut differ = |surfaces: &[&Surface]| shapes.extend(surfaces.iter().map(|surface| *surface.shape()));
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
        let skip_hidden = physics.hidden_items == HiddenItems::Skipped;
        let met = |surface: &&Surface| !(skip_hidden && surface.is_hidden());
        let surfaces: Vec<&Surface> = system.surfaces().iter().filter(met).collect();
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

fn same_surface(a: &Surface, b: &Surface, touched: bool) -> bool {
    let same = a.shape() == b.shape() && a.element() == b.element() && a.interface() == b.interface();
    // An item that no edit has touched was compiled once: equal numbers are the same bits.
    same && (!touched || identical(&(a.shape(), a.element()), &(b.shape(), b.element())))
}

/// Whether two values are the same to the last bit: equality does not tell 0 from −0, which light may carry on.
fn identical<T: std::fmt::Debug + PartialEq>(a: &T, b: &T) -> bool {
    a == b && format!("{a:?}") == format!("{b:?}")
}
