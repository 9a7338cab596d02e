//! Traces source rays, several at a time.

use std::cell::Cell;
use std::ops::Range;

use super::balance::PowerBalance;
use super::emit::Emission;
use super::nearest_hit::NearestHit;
use super::options::{TraceControl, TraceOptions};
use super::parallel::{CHUNK, IsOver, Rays};
use super::paths::RayPaths;
use super::walker::{Cancelled, Going, Rules, Traced, Walker};
use crate::geometry::index::Searches;
use crate::geometry::index::lanes::{Avx2, Baseline, Job, Lanes};
use crate::optics::OpticalSystem;

/// Source rays that make each move together: while one waits for memory, or for a branch that was guessed wrong, there is work for the others. Measured in
/// `docs/performance.md`.
const UNDER_WAY: usize = 16;

// More would never be under way.
const _: () = assert!(UNDER_WAY as u64 <= CHUNK);

/// Bytes of a walker's memory up to which it is kept for the next trace: 1 MB for all.
const MOST_SPARE: usize = 1 << 16;

/// A ray of more vertices, and of more than its share of the room, is traced again by itself: rays that make moves together are not to take the whole room
/// each.
const LONG: usize = 1 << 16;

/// Memory that a tracer leaves to the next one on its thread: a short trace would spend a tenth of its time on asking for it.
#[derive(Default)]
struct Spare {
    /// As many as have been needed, up to [`UNDER_WAY`].
    walkers: Vec<Walker>,
    /// Their searches where they make moves together: made when first needed.
    together: Option<Box<Searches<UNDER_WAY>>>,
}

thread_local! {
    static SPARE: Cell<Spare> = const { Cell::new(Spare { walkers: Vec::new(), together: None }) };
}

/// Has that memory as long as it is.
struct Memory(Spare);

impl Memory {
    fn take() -> Self {
        Memory(SPARE.try_with(Cell::take).unwrap_or_default())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let mut spare = std::mem::take(&mut self.0);
        spare.walkers.retain(|walker| walker.memory_bytes() <= MOST_SPARE);
        // Where the thread is at its end, nobody is next.
        let _ = SPARE.try_with(|next| next.set(spare));
    }
}

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
    memory: Memory,
    /// The search of a walker that is alone.
    alone: Searches<1>,
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
            memory: Memory::take(),
            alone: Searches::NONE,
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
            let begun = self.trace_together(batch, wanted.clone())?;
            for (place, number) in (from..from + begun).zip(0..) {
                let walker = self.memory.0.walkers[number].traced();
                let again = walker.cut || walker.vertices.len() > self.rules_with_room().max_vertices;
                if again {
                    self.trace_alone(batch, place)?;
                }
                // The first walker's ray is in the result by now, or is this one.
                let walker = self.memory.0.walkers[if again { 0 } else { number }].traced();
                self.paths.push_traced(walker);
                each(batch.number_of(place), walker.paths.len(), &walker.balance);
                if walker.cut {
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
            let begun = self.trace_together(batch, from..from + wanted)?;
            for (walker, traced) in self.memory.0.walkers.iter_mut().zip(group).take(begun as usize) {
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

    /// The rules for a ray that has all the room that is left in the result.
    fn rules_with_room(&self) -> Rules<'a> {
        Rules { max_vertices: self.rules.max_vertices - self.paths.vertex_count(), ..self.rules }
    }

    /// Traces the ray at one place by the first walker, with all the room there is.
    fn trace_alone(&mut self, batch: &Batch<'_>, place: u64) -> Result<(), Cancelled> {
        let rules = self.rules_with_room();
        if self.begin(0, batch, place, &rules)? {
            self.follow_alone(0, &rules)?;
        }
        Ok(())
    }

    /// Traces up to [`UNDER_WAY`] rays, one by each walker, together; the number of those that were begun.
    fn trace_together(&mut self, batch: &Batch<'_>, places: Range<u64>) -> Result<u64, Cancelled> {
        let rules = self.rules_with_room();
        let share = (rules.max_vertices / UNDER_WAY).max(LONG);
        let rules = Rules { max_vertices: rules.max_vertices.min(share), ..rules };
        let mut begun = 0;
        let mut going = 0;
        for place in places {
            if batch.is_over() {
                break;
            }
            going |= u32::from(self.begin(begun, batch, place, &rules)?) << begun;
            begun += 1;
        }
        if going.count_ones() > 1 {
            let Spare { walkers, together } = &mut self.memory.0;
            let searches = &mut **together.get_or_insert_with(|| Box::new(Searches::NONE));
            let follow = Follow { nearest: &mut self.nearest, searches, walkers, going: Set(going), rules: &rules };
            going = run(follow, self.avx2)?;
        }
        // What is done for all at once would be too much for one.
        if going != 0 {
            self.follow_alone(going.trailing_zeros() as usize, &rules)?;
        }
        Ok(begun as u64)
    }

    /// Begins a ray; whether its light goes on.
    fn begin(&mut self, walker: usize, batch: &Batch<'_>, place: u64, rules: &Rules<'a>) -> Result<bool, Cancelled> {
        if walker == self.memory.0.walkers.len() {
            self.memory.0.walkers.push(Walker::new());
        }
        let (fan, number) = batch.emission.fan_of(batch.number_of(place));
        Ok(self.memory.0.walkers[walker].begin(fan, number, rules)? == Going::On)
    }

    /// Takes the light of one walker to its end.
    fn follow_alone(&mut self, walker: usize, rules: &Rules<'a>) -> Result<(), Cancelled> {
        let (searches, walkers) = (&mut self.alone, &mut self.memory.0.walkers[walker..]);
        let follow = Follow { nearest: &mut self.nearest, searches, walkers, going: Set(1), rules };
        run(follow, self.avx2).map(drop)
    }
}

/// Follows light with the instructions that the processor has.
fn run<const N: usize>(follow: Follow<'_, '_, N>, avx2: Option<Avx2>) -> Result<u32, Cancelled> {
    match avx2 {
        #[cfg(target_arch = "x86_64")]
        Some(avx2) => avx2.run(follow),
        _ => Baseline.run(follow),
    }
}

/// Some of up to N walkers: a bit for each.
#[derive(Clone, Copy)]
struct Set<const N: usize>(u32);

impl<const N: usize> Set<N> {
    const NONE: Self = {
        assert!(N <= 32);
        Set(0)
    };

    /// Adds one, or does not; without a branch, which could not be predicted.
    #[inline(always)]
    fn add_if(&mut self, walker: usize, is_in: bool) {
        self.0 |= u32::from(is_in) << walker;
    }
}

impl<const N: usize> Iterator for Set<N> {
    type Item = usize;

    /// Takes the first one out.
    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        let first = self.0.trailing_zeros() as usize;
        let is_some = self.0 != 0;
        self.0 &= self.0.wrapping_sub(1);
        is_some.then_some(first % N)
    }
}

/// Takes the light of walkers to its end, until one at most is left that goes on, and of one alone until there is none; says which is left. To be compiled for
/// several kinds of processors.
///
/// Each move is made for all before the next one: one at a time, it would wait for memory and for branches that were guessed wrong.
struct Follow<'t, 'a, const N: usize> {
    nearest: &'t mut NearestHit<'a>,
    searches: &'t mut Searches<N>,
    walkers: &'t mut [Walker],
    /// Those whose light goes on.
    going: Set<N>,
    rules: &'t Rules<'a>,
}

impl<L: Lanes, const N: usize> Job<L> for Follow<'_, '_, N> {
    type Output = Result<u32, Cancelled>;

    #[inline(always)]
    fn run(self, lanes: L) -> Self::Output {
        let Follow { nearest, searches, walkers, mut going, rules } = self;
        let left = if N == 1 { 0 } else { 1 };
        // Those whose search is under way, those of them in whose cell there is something to look at, and those that are over, or have left a finer grid.
        let [mut searching, mut near, mut ended] = [Set::<N>::NONE; 3];
        while searching.0 != 0 || going.0.count_ones() > left {
            for at in going {
                let begun = nearest.begin(lanes, searches, at, walkers[at].start());
                searching.add_if(at, begun);
                near.add_if(at, begun & searches.is_near(at));
                ended.add_if(at, !begun);
            }
            for at in near {
                nearest.look(lanes, searches, at, walkers[at].start());
            }
            ended.0 |= searching.0 & searches.step();
            searching.0 &= !ended.0;
            (going, near) = (Set::NONE, Set::NONE);
            for at in searching {
                nearest.test(lanes, searches, at);
                near.add_if(at, searches.is_near(at));
            }
            for at in ended {
                if nearest.begin_again(lanes, searches, at) {
                    searching.add_if(at, true);
                    near.add_if(at, searches.is_near(at));
                    continue;
                }
                let walker = &mut walkers[at];
                let found = nearest.found(searches, at, walker.start());
                going.add_if(at, walker.proceed(found, rules)? == Going::On);
            }
            ended = Set::NONE;
        }
        Ok(going.0)
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

    /// Traces the source rays of a system, so many at a time.
    fn traced(system: &OpticalSystem, at_a_time: u64, avx2: Option<Avx2>) -> RayPaths {
        let (options, control) = (TraceOptions::default(), TraceControl::new());
        let emission = Emission::new(system, &options);
        let batch = Batch { emission: &emission, rays: Rays::All, is_over: None };
        let mut tracer = BatchTracer::new(system, &options, &control, options.max_vertices);
        tracer.avx2 = avx2;
        for first in (0..batch.len()).step_by(at_a_time as usize) {
            let places = first..batch.len().min(first + at_a_time);
            assert!(tracer.trace_rays(&batch, places, &mut |_, _, _| ()).is_ok());
        }
        assert!(tracer.paths.vertex_count() > 2_000, "{}", tracer.paths.vertex_count());
        tracer.paths
    }

    fn assert_same(a: &RayPaths, b: &RayPaths) {
        assert_eq!(a.points(), b.points());
        assert_eq!((a.jones(), a.intensities()), (b.jones(), b.intensities()));
        assert_eq!((a.optical_paths_mm(), a.offsets()), (b.optical_paths_mm(), b.offsets()));
    }

    #[test]
    fn results_are_the_same_whatever_instructions_the_processor_has() {
        assert_same(&traced(&rings(), 200, None), &traced(&rings(), 200, Avx2::try_new()));
    }

    #[test]
    fn a_ray_goes_the_same_way_alone_and_among_others() {
        let alone = traced(&rings(), 1, None);
        for at_a_time in [2, 7, 16, 200] {
            assert_same(&alone, &traced(&rings(), at_a_time, None));
        }
    }
}
