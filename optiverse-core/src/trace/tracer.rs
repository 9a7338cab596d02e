//! Traces source rays, several at a time.

use std::ops::Range;

use super::balance::PowerBalance;
use super::emit::Emission;
use super::nearest_hit::NearestHit;
use super::options::{TraceControl, TraceOptions};
use super::parallel::{IsOver, Rays};
use super::paths::RayPaths;
use super::walker::{Cancelled, Going, Rules, Traced, Walker};
use crate::optics::OpticalSystem;

/// Source rays under way at once: while the search for one waits for memory or a mispredicted branch, the next one is on. Measured in
/// `docs/performance.md`.
pub(super) const UNDER_WAY: usize = 8;

/// Source rays to trace.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    pub(super) emission: &'a Emission<'a>,
    pub(super) rays: Rays<'a>,
    /// Asked before each ray: whether no more are to be begun.
    pub(super) is_over: Option<IsOver<'a>>,
}

impl Batch<'_> {
    /// Number of source rays.
    pub(super) fn len(&self) -> u64 {
        match self.rays {
            Rays::All => self.emission.len(),
            Rays::These(numbers) => numbers.len() as u64,
        }
    }

    /// The number among all source rays of the ray at a place.
    pub(super) fn number_of(&self, place: u64) -> u64 {
        match self.rays {
            Rays::All => place,
            // The numbers of rays that are listed lie in memory.
            Rays::These(numbers) => numbers[place as usize],
        }
    }

    /// Whether time is up.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.is_some_and(|is_over| is_over())
    }
}

/// Traces source rays into one result, in order.
pub(super) struct Tracer<'a> {
    rules: Rules<'a>,
    nearest: NearestHit<'a>,
    walkers: Vec<Walker>,
    /// Numbers of the walkers that still have light to follow.
    going: Vec<usize>,
    /// The instructions that this processor has.
    arch: pulp::Arch,
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
            nearest: NearestHit::new(system, options.physics, options.smallest_hit_mm),
            walkers: (0..UNDER_WAY).map(|_| Walker::new()).collect(),
            going: Vec::with_capacity(UNDER_WAY),
            arch: pulp::Arch::new(),
            paths: RayPaths::empty(),
        }
    }

    /// Traces rays with all they divide into; the number of rays traced. Where the limit on vertices falls into one, that one is cut,
    /// the result marked, and those behind it are not traced. `each` is told the number of a ray, of its paths, and where its power went, which
    /// is not added to the result's own balance.
    pub(super) fn trace_rays(
        &mut self,
        batch: &Batch<'_>,
        places: Range<u64>,
        each: &mut dyn FnMut(u64, usize, &PowerBalance),
    ) -> Result<u64, Cancelled> {
        let mut from = places.start;
        while from < places.end {
            let wanted = from..places.end.min(from + UNDER_WAY as u64);
            let rules = self.rules_with_room();
            let begun = self.trace_together(batch, wanted.clone(), &rules)?;
            for (place, number) in (from..from + begun).zip(0..) {
                let walker = self.walkers[number].traced();
                let cut = walker.cut || walker.vertices.len() > self.rules_with_room().max_vertices;
                if cut {
                    // With the room that the rays before it have left.
                    let rules = self.rules_with_room();
                    self.trace_one(batch, place, &rules)?;
                }
                let walker = self.walkers[if cut { 0 } else { number }].traced();
                self.paths.push_traced(walker);
                each(batch.number_of(place), walker.paths.len(), &walker.balance);
                if cut {
                    self.paths.truncated = true;
                    return Ok(place + 1 - places.start);
                }
            }
            from += begun;
            if begun < wanted.end - wanted.start {
                break; // time is up
            }
        }
        Ok(from - places.start)
    }

    /// Traces rays, each on its own, into the memory of `apart`; the number of rays traced. None of them is added to the result.
    pub(super) fn trace_apart(
        &mut self,
        batch: &Batch<'_>,
        places: Range<u64>,
        apart: &mut Vec<Traced>,
    ) -> Result<u64, Cancelled> {
        let count = (places.end - places.start) as usize; // of a chunk
        apart.resize_with(count, Traced::default);
        let mut done = 0;
        for group in apart.chunks_mut(UNDER_WAY) {
            let from = places.start + done;
            let wanted = group.len() as u64;
            let begun = self.trace_together(batch, from..from + wanted, &self.rules_with_room())?;
            for (walker, traced) in self.walkers.iter_mut().zip(group).take(begun as usize) {
                walker.give(traced);
            }
            done += begun;
            if begun < wanted {
                break; // time is up
            }
        }
        apart.truncate(done as usize);
        Ok(done)
    }

    /// The rules for rays that share what room is left in the result.
    fn rules_with_room(&self) -> Rules<'a> {
        Rules { max_vertices: self.rules.max_vertices - self.paths.vertex_count(), ..self.rules }
    }

    /// Traces the ray at one place, whether or not time is up, by the first walker.
    fn trace_one(&mut self, batch: &Batch<'_>, place: u64, rules: &Rules<'a>) -> Result<(), Cancelled> {
        self.trace_together(&Batch { is_over: None, ..*batch }, place..place + 1, rules).map(drop)
    }

    /// Traces up to [`UNDER_WAY`] rays, one by each walker, in turns; the number of those that were begun.
    fn trace_together(&mut self, batch: &Batch<'_>, places: Range<u64>, rules: &Rules<'a>) -> Result<u64, Cancelled> {
        self.going.clear();
        let mut begun = 0;
        for (place, number) in places.zip(0..) {
            if batch.is_over() {
                break;
            }
            let (source, index) = batch.emission.source_of(batch.number_of(place));
            if self.walkers[number].begin(source, index, &batch.emission.emit(source, index), rules)? == Going::On {
                self.going.push(number);
            }
            begun += 1;
        }
        self.arch.dispatch(Follow(self, rules))?;
        Ok(begun)
    }

    /// Takes the light of all walkers that are under way to its end, in turns.
    #[inline(always)]
    fn follow(&mut self, rules: &Rules<'a>) -> Result<(), Cancelled> {
        while !self.going.is_empty() {
            let mut kept = 0;
            for at in 0..self.going.len() {
                let number = self.going[at];
                let walker = &mut self.walkers[number];
                let found = self.nearest.find(walker.light(), walker.contact());
                if walker.proceed(found, rules)? == Going::On {
                    self.going[kept] = number;
                    kept += 1;
                }
            }
            self.going.truncate(kept);
        }
        Ok(())
    }
}

/// [`Tracer::follow`], for [`pulp`] to compile for several processors.
struct Follow<'t, 'a>(&'t mut Tracer<'a>, &'t Rules<'a>);

impl pulp::WithSimd for Follow<'_, '_> {
    type Output = Result<(), Cancelled>;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Self::Output {
        self.0.follow(self.1)
    }
}
