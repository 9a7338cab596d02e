//! Traces source rays, several at a time.

use std::ops::Range;

use super::emit::Emission;
use super::nearest_hit::{Hit, NearestHit};
use super::options::{TraceControl, TraceOptions};
use super::paths::RayPaths;
use super::walker::{Cancelled, Going, Rules, Walker};
use crate::optics::OpticalSystem;

/// Source rays under way at once: while the search for one waits for memory or a mispredicted branch, the next one is on. Measured in
/// `docs/performance.md`.
pub(super) const UNDER_WAY: usize = 8;

/// Traces source rays into one result, in order.
pub(super) struct Tracer<'a> {
    rules: Rules<'a>,
    nearest: NearestHit<'a>,
    walkers: Vec<Walker>,
    /// Numbers of the walkers that still have light to follow, and what that meets next.
    going: Vec<usize>,
    found: Vec<Option<Hit>>,
    pub(super) paths: RayPaths,
}

impl<'a> Tracer<'a> {
    pub(super) fn new(
        system: &'a OpticalSystem,
        options: &'a TraceOptions,
        control: &'a TraceControl,
        max_vertices: usize,
    ) -> Self {
        Tracer {
            rules: Rules { system, options, control, max_vertices },
            nearest: NearestHit::new(system, options.physics),
            walkers: (0..UNDER_WAY).map(|_| Walker::new()).collect(),
            going: Vec::with_capacity(UNDER_WAY),
            found: Vec::with_capacity(UNDER_WAY),
            paths: RayPaths::empty(),
        }
    }

    /// Traces these rays of `emission` with all they divide into. Where the limit on vertices falls into one, that one is cut, the
    /// result marked, and the number of those behind it returned: they were not traced.
    pub(super) fn trace_rays(&mut self, emission: &Emission<'_>, rays: Range<u64>) -> Result<u64, Cancelled> {
        let mut from = rays.start;
        while from < rays.end {
            let batch = from..rays.end.min(from + UNDER_WAY as u64);
            let rules = self.rules_with_room();
            self.trace_together(emission, batch.clone(), &rules)?;
            for (ray, number) in batch.clone().zip(0..) {
                let traced = self.walkers[number].traced();
                if !traced.cut && traced.vertices.len() <= self.rules_with_room().max_vertices {
                    self.paths.push_traced(traced);
                    continue;
                }
                // With the room that the rays before it have left.
                let rules = self.rules_with_room();
                self.trace_together(emission, ray..ray + 1, &rules)?;
                self.paths.push_traced(self.walkers[0].traced());
                self.paths.truncated = true;
                return Ok(rays.end - ray - 1);
            }
            from = batch.end;
        }
        Ok(0)
    }

    /// The rules for rays that share what room is left in the result.
    fn rules_with_room(&self) -> Rules<'a> {
        Rules { max_vertices: self.rules.max_vertices - self.paths.vertex_count(), ..self.rules }
    }

    /// Traces up to [`UNDER_WAY`] rays, one by each walker, in turns.
    fn trace_together(
        &mut self,
        emission: &Emission<'_>,
        rays: Range<u64>,
        rules: &Rules<'a>,
    ) -> Result<(), Cancelled> {
        self.going.clear();
        for (ray, number) in rays.zip(0..) {
            let (source, index) = emission.source_of(ray);
            if self.walkers[number].begin(source, index, &emission.emit(source, index), rules)? == Going::On {
                self.going.push(number);
            }
        }
        while !self.going.is_empty() {
            self.found.clear();
            for &number in &self.going {
                self.found.push(self.nearest.find(&self.walkers[number]));
            }
            let (mut next, mut kept) = (self.found.iter(), 0);
            for at in 0..self.going.len() {
                let number = self.going[at];
                let found = next.next().copied().flatten();
                if self.walkers[number].proceed(found, rules)? == Going::On {
                    self.going[kept] = number;
                    kept += 1;
                }
            }
            self.going.truncate(kept);
        }
        Ok(())
    }
}
