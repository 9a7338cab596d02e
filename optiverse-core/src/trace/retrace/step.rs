//! One step from the paths of a system to those of another.

use std::sync::Arc;

use super::super::emit::Emission;
use super::super::options::{TraceControl, TraceError, TraceOptions};
use super::super::parallel::{Rays, trace_rays};
use super::difference::{Difference, SourceRays};
use super::store::{Batch, Numbering, Store};
use super::update::RayId;
use crate::optics::OpticalSystem;

/// The share of rays from which on all are traced: what is then saved does not pay for putting the old and the new together.
const FULL_SHARE: f64 = 0.6;

/// What a change of the system did to the paths.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Whether numbers of sources mean something else than before, or paths are missing.
    pub(super) is_whole: bool,
    /// The rays that have other paths than before.
    pub(super) rays: Vec<RayId>,
    /// The numbers of those that have any now.
    pub(super) numbers: Vec<u64>,
    pub(super) traced_rays: u64,
}

pub(super) struct Step<'a> {
    pub(super) store: &'a mut Store,
    pub(super) new: &'a OpticalSystem,
    pub(super) difference: Difference,
    pub(super) options: &'a TraceOptions,
    /// Of the new system.
    pub(super) emission: &'a Emission<'a>,
    pub(super) control: &'a TraceControl,
}

/// A ray of the new system that has to be traced.
#[derive(Clone, Copy, Debug)]
struct Stale {
    number: u64,
    /// Its number in the old system.
    before: Option<u64>,
    source: usize,
    /// Which of the source's rays it is.
    ray: u64,
}

impl Step<'_> {
    /// Traces what the change of the system touches; nothing, and nothing has changed, where the paths do not tell what that is.
    pub(super) fn run(self) -> Result<Option<Changes>, TraceError> {
        let renumbered = !self.store.numbering().is_of(self.new);
        let numbering = match renumbered {
            true => Arc::new(Numbering::of(self.new)),
            false => Arc::clone(self.store.numbering()),
        };
        if renumbered && (numbering.has_twins() || self.store.numbering().has_twins()) {
            return Ok(None);
        }
        let stale = self.stale();

        let total = self.emission.len();
        let all = stale.len() as f64 > FULL_SHARE * total as f64;
        let numbers: Vec<u64> = stale.iter().map(|ray| ray.number).collect();
        let (rays, count) = if all { (Rays::All, total) } else { (Rays::These(&numbers), numbers.len() as u64) };
        self.control.begin(count);
        let traced = trace_rays(self.new, self.options, self.control, self.emission, rays)?;
        let vertices = traced.paths.vertex_count();
        // A path that comes to nothing takes room for one vertex while it is traced: at the limit itself, a whole trace may stop.
        if traced.paths.truncated || (!all && self.kept_vertices(&stale) + vertices >= self.options.max_vertices) {
            return Ok(None);
        }

        let batch = Batch::new(traced, Arc::clone(&numbering));
        let mut changes = Changes { traced_rays: count, ..Changes::default() };
        let (before, after) = (&self.store.numbering().source_items, &numbering.source_items);
        changes.is_whole = !(before.starts_with(after) || after.starts_with(before));
        {
            let same = self.store.same_as(&batch);
            for (at, ray) in stale.iter().enumerate() {
                let place = if all { ray.number as usize } else { at };
                let is_there = !batch.paths_of(place).is_empty();
                if ray.before.map_or(is_there, |before| !same(before, place)) {
                    changes.rays.push(RayId { source: ray.source, ray: ray.ray });
                    changes.numbers.extend(is_there.then_some(ray.number));
                }
            }
        }
        self.add_gone(&mut changes.rays);
        if all {
            *self.store = Store::new(batch);
        } else {
            let kept = (!self.difference.keeps_numbers()).then(|| numbers_before(&self.difference.sources));
            self.store.exchange(batch, &numbers, kept.as_deref());
        }
        Ok(Some(changes))
    }

    /// The rays whose paths may be other ones now, in order.
    fn stale(&self) -> Vec<Stale> {
        let Difference { probes, sources, .. } = &self.difference;
        let mut stale = Vec::new();
        for source in sources {
            for ray in 0..source.count {
                let before = source.before.filter(|&(_, count)| ray < count).map(|(first, _)| first + ray);
                let touched = |before| !probes.is_empty() && self.store.touches(before, probes);
                if !source.is_same || before.is_none_or(touched) {
                    stale.push(Stale { number: source.first + ray, before, source: source.index, ray });
                }
            }
        }
        stale
    }

    /// The number of vertices of all rays that are neither stale nor gone.
    fn kept_vertices(&self, stale: &[Stale]) -> usize {
        let stale = stale.iter().filter_map(|ray| ray.before);
        let gone = self.difference.gone.iter().flat_map(|source| source.rays.clone().map(|ray| source.first + ray));
        self.store.vertex_count() - stale.chain(gone).map(|ray| self.store.vertices_of(ray)).sum::<usize>()
    }

    /// Adds the rays that had paths and are there no more.
    fn add_gone(&self, rays: &mut Vec<RayId>) {
        let changed = rays.len();
        for source in &self.difference.gone {
            let had_paths = |ray: &u64| self.store.path_count(source.first + ray) > 0;
            let gone = source.rays.clone().filter(had_paths);
            rays.extend(gone.map(|ray| RayId { source: source.index, ray }));
        }
        if rays.len() > changed {
            rays.sort_unstable();
        }
    }
}

/// Of each ray its number before, none where it is new.
fn numbers_before(sources: &[SourceRays]) -> Vec<Option<u64>> {
    let before = |source: &SourceRays| {
        let before = source.before;
        (0..source.count).map(move |ray| before.filter(|&(_, count)| ray < count).map(|(first, _)| first + ray))
    };
    sources.iter().flat_map(before).collect()
}
