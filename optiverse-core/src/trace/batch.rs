//! Traces source rays, several at a time.

use std::ops::Range;

use super::balance::PowerBalance;
use super::emit::Emission;
use super::nearest_hit::NearestHit;
use super::options::{TraceControl, TraceOptions};
use super::parallel::{IsOver, Rays};
use super::paths::RayPaths;
use super::walker::{Cancelled, Going, Rules, Traced, Walker};
use crate::geometry::index::lanes::{Avx2, Baseline, Job, Lanes};
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
pub(super) struct BatchTracer<'a> {
    rules: Rules<'a>,
    nearest: NearestHit<'a>,
    walkers: Vec<Walker>,
    /// Whether this processor has these instructions.
    avx2: Option<Avx2>,
    pub(super) paths: RayPaths,
}

impl<'a> BatchTracer<'a> {
    pub(super) fn new(
        system: &'a OpticalSystem,
        options: &'a TraceOptions,
        control: &'a TraceControl,
        max_vertices: usize,
    ) -> Self {
        BatchTracer {
            rules: Rules { options, control, max_vertices },
            nearest: NearestHit::new(system, options.physics, options.smallest_hit_mm),
            walkers: (0..UNDER_WAY).map(|_| Walker::new()).collect(),
            avx2: Avx2::try_new(),
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
        let mut walkers: [Option<&mut Walker>; UNDER_WAY] = [const { None }; UNDER_WAY];
        let mut begun = 0;
        for ((place, walker), going) in places.zip(&mut self.walkers).zip(&mut walkers) {
            if batch.is_over() {
                break;
            }
            let (source, index) = batch.emission.source_of(batch.number_of(place));
            if walker.begin(source, index, &batch.emission.emit(source, index), rules)? == Going::On {
                *going = Some(walker);
            }
            begun += 1;
        }
        let follow = Follow { nearest: &mut self.nearest, walkers, rules };
        match self.avx2 {
            #[cfg(target_arch = "x86_64")]
            Some(avx2) => avx2.run(follow)?,
            _ => Baseline.run(follow)?,
        }
        Ok(begun)
    }
}

/// Takes the light of all walkers that are under way to its end, in turns. To be compiled for several kinds of processors.
struct Follow<'t, 'a> {
    nearest: &'t mut NearestHit<'a>,
    walkers: [Option<&'t mut Walker>; UNDER_WAY],
    rules: &'t Rules<'a>,
}

impl<L: Lanes> Job<L> for Follow<'_, '_> {
    type Output = Result<(), Cancelled>;

    #[inline(always)]
    fn run(mut self, lanes: L) -> Self::Output {
        let mut going = self.walkers.iter().flatten().count();
        while going > 0 {
            for place in &mut self.walkers {
                let Some(walker) = place else { continue };
                let found = self.nearest.find(lanes, walker.light(), walker.contact());
                if walker.proceed(found, self.rules)? == Going::Done {
                    *place = None;
                    going -= 1;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Arc, Segment};
    use crate::optics::element::{Element, Mirror, RefractiveInterface};
    use crate::optics::{Source, SourceParameters, Surface};
    use glam::DVec2;

    /// A ring of mirrors around a ring of glass.
    fn rings() -> OpticalSystem {
        let mirror = Element::Mirror(Mirror::new(99.0).unwrap());
        let glass = Element::RefractiveInterface(RefractiveInterface::with_indices(1.0, 1.5).unwrap());
        let surfaces = (0..48)
            .map(|k| {
                let place = DVec2::from_angle(f64::from(k) * 0.27);
                let (middle, half) = (place * if k % 2 == 0 { 100.0 } else { 60.0 }, place.perp() * 8.0);
                let chord = Segment::new(middle + half, middle - half).unwrap();
                match k % 2 {
                    0 => Surface::new(chord.into(), mirror.clone(), 0, k),
                    _ => Surface::new(Arc::new(chord, 30.0).unwrap().into(), glass.clone(), 0, k),
                }
            })
            .collect();
        let source = SourceParameters {
            x_mm: 0.0,
            size_mm: 1.0,
            spread_deg: 180.0,
            n_rays: 200,
            ray_length_mm: 1e5,
            ..Default::default()
        };
        OpticalSystem::new(surfaces, vec![Source::new(source).unwrap()], vec!["rings".into()], vec!["fan".into()])
            .unwrap()
    }

    #[test]
    fn results_are_the_same_whatever_instructions_the_processor_has() {
        let system = rings();
        let (options, control) = (TraceOptions::default(), TraceControl::new());
        let emission = Emission::new(&system, &options);
        let batch = Batch { emission: &emission, rays: Rays::All, is_over: None };
        let trace = |avx2| {
            let mut tracer = BatchTracer::new(&system, &options, &control, options.max_vertices);
            tracer.avx2 = avx2;
            assert!(tracer.trace_rays(&batch, 0..batch.len(), &mut |_, _, _| ()).is_ok());
            tracer.paths
        };
        let (plain, here) = (trace(None), trace(Avx2::try_new()));
        assert!(plain.vertex_count() > 2_000, "{}", plain.vertex_count());
        assert_eq!(plain.points(), here.points());
        assert_eq!((plain.jones(), plain.intensities()), (here.jones(), here.intensities()));
        assert_eq!(plain.optical_paths_mm(), here.optical_paths_mm());
    }
}
