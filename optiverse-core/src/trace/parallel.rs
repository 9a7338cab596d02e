//! Shares the source rays out among threads and joins the results in order.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::balance::PowerBalance;
use super::batch::{Batch, BatchTracer};
use super::emit::Emission;
use super::options::{TraceControl, TraceError, TraceOptions};
use super::paths::RayPaths;
use super::walker::{self, Cancelled};
use crate::optics::OpticalSystem;

/// Source rays handed out at a time. The number must not depend on the number of threads: sums of power are rounded
/// ray by ray, and these sums chunk by chunk.
pub(super) const CHUNK: u64 = 16;

/// The source rays to trace.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rays<'a> {
    /// All of them.
    All,
    /// Those of these numbers.
    These(&'a [u64]),
}

/// What became of one source ray.
#[derive(Clone, Copy, Debug)]
pub(super) struct TracedRay {
    /// Its number among all source rays.
    pub(super) number: u64,
    /// Number of its paths.
    pub(super) paths: usize,
    /// Where its power went.
    pub(super) balance: PowerBalance,
}

/// Paths, and which of them are whose.
#[derive(Debug)]
pub(super) struct Traced {
    /// The paths, without tables of items.
    pub(super) paths: RayPaths,
    /// Of each source ray in turn, where it was asked for.
    pub(super) rays: Vec<TracedRay>,
}

/// Traces all sources of a system.
///
/// # Errors
/// Where an option cannot be used.
pub fn trace(system: &OpticalSystem, options: &TraceOptions) -> Result<RayPaths, TraceError> {
    trace_with_control(system, options, &TraceControl::new())
}

/// Traces all sources of a system; `control` stops it or tells how far it is, from another thread.
///
/// # Errors
/// Where an option cannot be used, and where it was cancelled.
pub fn trace_with_control(
    system: &OpticalSystem,
    options: &TraceOptions,
    control: &TraceControl,
) -> Result<RayPaths, TraceError> {
    let mut paths = RayPaths::empty();
    trace_into(system, options, control, &mut paths)?;
    Ok(paths)
}

/// As [`trace_with_control`], into the memory of an earlier result, which it replaces: a program that traces again and again while something is
/// dragged saves the system from handing out fresh memory each time.
///
/// # Errors
/// Where an option cannot be used, and where it was cancelled; `paths` is empty then.
pub fn trace_into(
    system: &OpticalSystem,
    options: &TraceOptions,
    control: &TraceControl,
    paths: &mut RayPaths,
) -> Result<(), TraceError> {
    let mut room = std::mem::replace(paths, RayPaths::empty());
    room.clear();
    options.validate()?;
    let emission = Emission::new(system, options);
    control.begin(emission.len());
    let batch = Batch { emission: &emission, rays: Rays::All, is_over: None };
    let job = Job { system, options, control, batch, keep_rays: false };
    *paths = job.run(room)?.paths;
    paths.items.extend_from_slice(system.items());
    paths.source_items.extend_from_slice(system.source_items());
    Ok(())
}

/// Traces these rays of a system and keeps apart what became of each; the options must have been validated.
pub(super) fn trace_rays(
    system: &OpticalSystem,
    options: &TraceOptions,
    control: &TraceControl,
    emission: &Emission<'_>,
    rays: Rays<'_>,
) -> Result<Traced, TraceError> {
    let batch = Batch { emission, rays, is_over: None };
    Job { system, options, control, batch, keep_rays: true }.run(RayPaths::empty())
}

/// Does as [`trace_rays`], until `is_over`, which is asked before each ray; rays that were not begun are not in the result then.
pub(super) fn trace_rays_until(
    system: &OpticalSystem,
    options: &TraceOptions,
    control: &TraceControl,
    emission: &Emission<'_>,
    rays: Rays<'_>,
    is_over: IsOver<'_>,
) -> Result<Traced, TraceError> {
    let batch = Batch { emission, rays, is_over: Some(is_over) };
    Job { system, options, control, batch, keep_rays: true }.run(RayPaths::empty())
}

/// Chunks that have been traced, on several threads.
#[derive(Debug, Default)]
struct Queue {
    /// Those whose turn has not come, by number; each ray on its own.
    waiting: BTreeMap<u64, Vec<walker::Traced>>,
    /// Memory for others.
    spare: Vec<Vec<walker::Traced>>,
}

/// The result so far.
struct Output {
    traced: Traced,
    /// The chunk that comes next.
    next: u64,
}

/// What is in a mutex. A thread that panics while it holds one takes the trace with it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells whether time is up.
pub(super) type IsOver<'a> = &'a (dyn Fn() -> bool + Sync);

/// Vertices for which room is made at once on a guess.
const MAX_GUESS: usize = TraceOptions::DEFAULT_MAX_VERTICES;

/// Rays for which room is made before any is traced, and vertices for each of them: a short trace then asks for memory once.
const FEW_RAYS: u64 = 256;
const GUESSED_VERTICES: usize = 4;

/// Vertices that are traced before threads are started: starting one takes about as long, and a short trace is over before.
const BEFORE_THREADS: usize = 1_000;

/// The threads asked for, where there is a chunk for each.
fn thread_count(options: &TraceOptions, chunks: u64) -> usize {
    // Asking the system takes longer than tracing a small scene.
    static CORES: OnceLock<usize> = OnceLock::new();
    let wanted = if cfg!(feature = "parallel") {
        let cores = || *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZero::get));
        options.threads.unwrap_or_else(cores).clamp(1, TraceOptions::MAX_THREADS)
    } else {
        1
    };
    usize::try_from(chunks).unwrap_or(usize::MAX).clamp(1, wanted)
}

struct Job<'a> {
    system: &'a OpticalSystem,
    options: &'a TraceOptions,
    control: &'a TraceControl,
    batch: Batch<'a>,
    keep_rays: bool,
}

impl Job<'_> {
    /// Traces into the memory of `room`, which is empty.
    fn run(&self, room: RayPaths) -> Result<Traced, TraceError> {
        let wanted = thread_count(self.options, self.chunks());
        let alone = if wanted == 1 { usize::MAX } else { BEFORE_THREADS };
        let output = self.trace_here(room, alone)?;
        if output.next == self.chunks() || output.traced.paths.truncated || self.batch.is_over() {
            return Ok(output.traced);
        }
        self.trace_on(thread_count(self.options, self.chunks() - output.next), output)
    }

    fn chunks(&self) -> u64 {
        self.batch.len().div_ceil(CHUNK)
    }

    fn tracer(&self, max_vertices: usize) -> BatchTracer<'_> {
        BatchTracer::new(self.system, self.options, self.control, max_vertices)
    }

    /// The places of a chunk among the rays to trace.
    fn places(&self, chunk: u64) -> Range<u64> {
        chunk * CHUNK..((chunk + 1) * CHUNK).min(self.batch.len())
    }

    /// Traces one chunk of source rays and appends it to what the tracer has, and what became of each ray to `kept`; the number of rays traced.
    fn trace_chunk(
        &self,
        tracer: &mut BatchTracer<'_>,
        chunk: u64,
        kept: &mut Vec<TracedRay>,
    ) -> Result<u64, TraceError> {
        let mut sum = PowerBalance::default();
        let places = self.places(chunk);
        let untraced = tracer.trace_rays(&self.batch, places.clone(), &mut |number, paths, balance| {
            sum.add(balance);
            if self.keep_rays {
                kept.push(TracedRay { number, paths, balance: *balance });
            }
        });
        let traced = untraced.map_err(|Cancelled| TraceError::Cancelled)?;
        if tracer.paths.truncated {
            sum.book_untraced(places.end - places.start - traced);
        }
        tracer.paths.balance.add(&sum);
        Ok(traced)
    }

    /// Traces chunk by chunk, until there are so many vertices.
    fn trace_here(&self, room: RayPaths, most: usize) -> Result<Output, TraceError> {
        let mut tracer = self.tracer(self.options.max_vertices);
        tracer.paths = room;
        let few = self.batch.len().min(FEW_RAYS) as usize;
        tracer.paths.reserve(GUESSED_VERTICES * few, few);
        let mut rays = Vec::new();
        let mut next = self.chunks();
        for chunk in 0..self.chunks() {
            if tracer.paths.truncated {
                tracer.paths.balance.book_untraced(self.rays_from(chunk));
                break;
            }
            if self.batch.is_over() || tracer.paths.vertex_count() >= most {
                next = chunk;
                break;
            }
            let traced = self.trace_chunk(&mut tracer, chunk, &mut rays)?;
            let places = self.places(chunk);
            self.control.advance(if tracer.paths.truncated { places.end - places.start } else { traced });
            self.reserve(&mut tracer.paths, (chunk + 1) * CHUNK);
        }
        Ok(Output { traced: Traced { paths: tracer.paths, rays }, next })
    }

    /// Makes room for all rays once some are traced: the others will be about as long. Memory that turns out too small is copied to grow.
    fn reserve(&self, paths: &mut RayPaths, rays: u64) {
        if rays >= self.batch.len() || paths.has_room() {
            return;
        }
        let ahead = self.batch.len() as f64 / rays as f64 * 1.05;
        // A guess must not take more memory than there is: past a size at which copying is rare, it only doubles.
        let guess = |count: usize| ((count as f64 * ahead) as usize).min((2 * count).max(MAX_GUESS));
        paths.reserve(guess(paths.vertex_count()).min(self.options.max_vertices), guess(paths.len()));
    }

    /// Chunks go to threads in order. Each ray is kept as it was traced until all before it are in the result; then whoever comes by puts it into
    /// the columns, while others trace. So the number of threads leaves no trace in the result, and nothing is copied more often than on one thread.
    fn trace_on(&self, threads: usize, output: Output) -> Result<Traced, TraceError> {
        let next = AtomicU64::new(output.next);
        let queue = Mutex::new(Queue::default());
        let output = Mutex::new(output);
        let is_full = AtomicBool::new(false);
        let worker = || {
            let mut tracer = self.tracer(self.options.max_vertices);
            loop {
                if is_full.load(Ordering::Relaxed) || self.batch.is_over() {
                    return Ok(());
                }
                let chunk = next.fetch_add(1, Ordering::Relaxed);
                if chunk >= self.chunks() {
                    return Ok(());
                }
                let mut rays = lock(&queue).spare.pop().unwrap_or_default();
                let traced = tracer.trace_apart(&self.batch, self.places(chunk), &mut rays);
                self.control.advance(traced.map_err(|Cancelled| TraceError::Cancelled)?);
                lock(&queue).waiting.insert(chunk, rays);
                // Who has the output sees to what waits; the last comes by when all have ended.
                if let Ok(mut output) = output.try_lock() {
                    self.join(&mut output, &queue)?;
                    is_full.fetch_or(output.traced.paths.truncated, Ordering::Relaxed);
                }
            }
        };
        let results: Vec<Result<(), TraceError>> = std::thread::scope(|scope| {
            let handles: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
            let own = worker();
            let others = handles.into_iter().map(|handle| match handle.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            std::iter::once(own).chain(others).collect()
        });
        results.into_iter().collect::<Result<(), TraceError>>()?;
        let mut output = output.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.join(&mut output, &queue)?;
        if output.next < self.chunks() {
            output.traced.paths.balance.book_untraced(self.rays_from(output.next));
        }
        Ok(output.traced)
    }

    /// Puts the chunks that are next into the result.
    fn join(&self, output: &mut Output, queue: &Mutex<Queue>) -> Result<(), TraceError> {
        loop {
            if output.traced.paths.truncated {
                return Ok(());
            }
            let Some(rays) = lock(queue).waiting.remove(&output.next) else { return Ok(()) };
            let chunk = output.next;
            output.next += 1;
            let Traced { paths, rays: kept } = &mut output.traced;
            let vertices: usize = rays.iter().map(|ray| ray.vertices.len()).sum();
            if paths.vertex_count() + vertices > self.options.max_vertices || rays.iter().any(|ray| ray.cut) {
                // The limit falls into this chunk: it is traced again with what is left.
                let mut tracer = self.tracer(self.options.max_vertices);
                tracer.paths = std::mem::replace(paths, RayPaths::empty());
                self.trace_chunk(&mut tracer, chunk, kept)?;
                *paths = tracer.paths;
                continue;
            }
            let mut sum = PowerBalance::default();
            for (ray, place) in rays.iter().zip(self.places(chunk)) {
                paths.push_traced(ray);
                sum.add(&ray.balance);
                if self.keep_rays {
                    let number = self.batch.number_of(place);
                    kept.push(TracedRay { number, paths: ray.paths.len(), balance: ray.balance });
                }
            }
            paths.balance.add(&sum);
            lock(queue).spare.push(rays);
            self.reserve(&mut output.traced.paths, (chunk + 1) * CHUNK);
        }
    }

    /// Number of source rays from a chunk on.
    fn rays_from(&self, chunk: u64) -> u64 {
        self.batch.len().saturating_sub(chunk * CHUNK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thread_has_a_chunk_to_do() {
        let on = |threads, chunks| thread_count(&TraceOptions { threads, ..TraceOptions::default() }, chunks);
        let most = TraceOptions::MAX_THREADS;
        for (threads, chunks, count) in [
            (Some(4), 0, 1),
            (Some(4), 1, 1),
            (Some(4), 3, 3),
            (Some(4), 5, 4),
            (Some(0), 5, 1),
            (Some(usize::MAX), u64::MAX, most),
        ] {
            assert_eq!(on(threads, chunks), if cfg!(feature = "parallel") { count } else { 1 }, "{threads:?}");
        }
        assert!((1..=most).contains(&on(None, u64::MAX)));
    }
}
