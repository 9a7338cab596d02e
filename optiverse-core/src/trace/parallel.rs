//! Shares the source rays out among threads and joins the results in order.

use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::balance::PowerBalance;
use super::emit::Emission;
use super::options::{TraceControl, TraceError, TraceOptions};
use super::paths::RayPaths;
use super::tracer::{Batch, Tracer};
use super::walker::Cancelled;
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
    let job = Job { system, options, control, emission: &emission, rays: Rays::All, keep_rays: false, is_over: None };
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
    Job { system, options, control, emission, rays, keep_rays: true, is_over: None }.run(RayPaths::empty())
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
    Job { system, options, control, emission, rays, keep_rays: true, is_over: Some(is_over) }.run(RayPaths::empty())
}

/// Tells whether time is up.
pub(super) type IsOver<'a> = &'a (dyn Fn() -> bool + Sync);

/// Vertices for which room is made at once on a guess.
const MAX_GUESS: usize = TraceOptions::DEFAULT_MAX_VERTICES;

/// Chunks a thread should find to do: starting one costs about as much as tracing this many short rays.
const CHUNKS_PER_THREAD: u64 = 2;

/// The threads asked for, where there is enough for them to do.
fn thread_count(options: &TraceOptions, chunks: u64) -> usize {
    // Asking the system takes longer than tracing a small scene.
    static CORES: OnceLock<usize> = OnceLock::new();
    let wanted = if cfg!(feature = "parallel") {
        let cores = || *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZero::get));
        options.threads.unwrap_or_else(cores).clamp(1, TraceOptions::MAX_THREADS)
    } else {
        1
    };
    usize::try_from(chunks / CHUNKS_PER_THREAD).unwrap_or(usize::MAX).clamp(1, wanted)
}

struct Job<'a> {
    system: &'a OpticalSystem,
    options: &'a TraceOptions,
    control: &'a TraceControl,
    emission: &'a Emission<'a>,
    rays: Rays<'a>,
    keep_rays: bool,
    is_over: Option<IsOver<'a>>,
}

impl Job<'_> {
    /// Traces into the memory of `room`, which is empty.
    fn run(&self, room: RayPaths) -> Result<Traced, TraceError> {
        let threads = thread_count(self.options, self.chunks());
        if threads == 1 { self.trace_here(room) } else { self.trace_on(threads, room) }
    }

    /// Number of source rays to trace.
    fn ray_count(&self) -> u64 {
        match self.rays {
            Rays::All => self.emission.len(),
            Rays::These(numbers) => numbers.len() as u64,
        }
    }

    fn is_over(&self) -> bool {
        self.is_over.is_some_and(|is_over| is_over())
    }

    fn chunks(&self) -> u64 {
        self.ray_count().div_ceil(CHUNK)
    }

    fn tracer(&self, max_vertices: usize) -> Tracer<'_> {
        Tracer::new(self.system, self.options, self.control, max_vertices)
    }

    /// Traces one chunk of source rays and appends it to what the tracer has, and what became of each ray to `kept`.
    fn trace_chunk(&self, tracer: &mut Tracer<'_>, chunk: u64, kept: &mut Vec<TracedRay>) -> Result<(), TraceError> {
        let mut sum = PowerBalance::default();
        let rays = chunk * CHUNK..((chunk + 1) * CHUNK).min(self.ray_count());
        let number_of = |at: u64| match self.rays {
            Rays::All => at,
            // The numbers of rays that are listed lie in memory.
            Rays::These(numbers) => numbers[at as usize],
        };
        let batch = Batch { emission: self.emission, number_of: &number_of, is_over: &|| self.is_over() };
        let untraced = tracer.trace_rays(&batch, rays.clone(), &mut |number, paths, balance| {
            sum.add(balance);
            if self.keep_rays {
                kept.push(TracedRay { number, paths, balance: *balance });
            }
        });
        let traced = untraced.map_err(|Cancelled| TraceError::Cancelled)?;
        if tracer.paths.truncated {
            sum.book_untraced(rays.end - rays.start - traced);
        }
        tracer.paths.balance.add(&sum);
        self.control.advance(if tracer.paths.truncated { rays.end - rays.start } else { traced });
        Ok(())
    }

    fn trace_here(&self, room: RayPaths) -> Result<Traced, TraceError> {
        let mut tracer = self.tracer(self.options.max_vertices);
        tracer.paths = room;
        let mut rays = Vec::new();
        for chunk in 0..self.chunks() {
            if tracer.paths.truncated {
                tracer.paths.balance.book_untraced(self.rays_from(chunk));
                break;
            }
            if self.is_over() {
                break;
            }
            self.trace_chunk(&mut tracer, chunk, &mut rays)?;
            self.reserve(&mut tracer.paths, (chunk + 1) * CHUNK);
        }
        Ok(Traced { paths: tracer.paths, rays })
    }

    /// Makes room for all rays once some are traced: the others will be about as long. Memory that turns out too small is copied to grow.
    fn reserve(&self, paths: &mut RayPaths, rays: u64) {
        if rays >= self.ray_count() || paths.has_room() {
            return;
        }
        let ahead = self.ray_count() as f64 / rays as f64 * 1.05;
        // A guess must not take more memory than there is: past a size at which copying is rare, it only doubles.
        let guess = |count: usize| ((count as f64 * ahead) as usize).min((2 * count).max(MAX_GUESS));
        paths.reserve(guess(paths.vertex_count()).min(self.options.max_vertices), guess(paths.len()));
    }

    /// Chunks go to threads in order; results are joined in that order, so the number of threads leaves no trace in them.
    fn trace_on(&self, threads: usize, room: RayPaths) -> Result<Traced, TraceError> {
        let chunks = self.chunks();
        let next = AtomicU64::new(0);
        let vertices = AtomicUsize::new(0);
        let worker = || {
            let mut tracer = self.tracer(self.options.max_vertices);
            let mut done: Vec<(u64, Traced)> = Vec::new();
            let mut rays = Vec::new();
            loop {
                // Whatever has been counted by now comes before the chunk that is taken next: if it fills the result, that
                // chunk has no place in it.
                if vertices.load(Ordering::SeqCst) > self.options.max_vertices || self.is_over() {
                    return Ok(done);
                }
                let chunk = next.fetch_add(1, Ordering::SeqCst);
                if chunk >= chunks {
                    return Ok(done);
                }
                self.trace_chunk(&mut tracer, chunk, &mut rays)?;
                // The next chunk will be about as large.
                let next_paths = RayPaths::with_capacity(tracer.paths.vertex_count());
                let paths = std::mem::replace(&mut tracer.paths, next_paths);
                vertices.fetch_add(paths.vertex_count(), Ordering::SeqCst);
                let full = paths.truncated;
                done.push((chunk, Traced { paths, rays: std::mem::take(&mut rays) }));
                if full {
                    vertices.store(usize::MAX / 2, Ordering::SeqCst);
                    return Ok(done);
                }
            }
        };
        let results: Vec<Result<Vec<(u64, Traced)>, TraceError>> = std::thread::scope(|scope| {
            let handles: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
            let own = worker();
            let others = handles.into_iter().map(|handle| match handle.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            std::iter::once(own).chain(others).collect()
        });
        let mut done = Vec::new();
        for result in results {
            done.append(&mut result?);
        }
        done.sort_unstable_by_key(|&(chunk, _)| chunk);

        let total: usize = done.iter().map(|(_, traced)| traced.paths.vertex_count()).sum();
        let mut joined = room;
        joined.reserve(total.min(self.options.max_vertices), 0);
        let mut rays = Vec::new();
        let mut after = 0;
        for (chunk, Traced { mut paths, rays: mut of_chunk }) in done {
            let room = self.options.max_vertices - joined.vertex_count();
            if paths.vertex_count() > room || (paths.truncated && room < self.options.max_vertices) {
                // The limit falls into this chunk: trace it again with what is left.
                let mut tracer = self.tracer(room);
                of_chunk.clear();
                self.trace_chunk(&mut tracer, chunk, &mut of_chunk)?;
                paths = tracer.paths;
            }
            joined.append(&mut paths);
            rays.append(&mut of_chunk);
            after = chunk + 1;
            if joined.truncated {
                break;
            }
        }
        if after < chunks {
            joined.balance.book_untraced(self.rays_from(after));
        }
        Ok(Traced { paths: joined, rays })
    }

    /// Number of source rays from a chunk on.
    fn rays_from(&self, chunk: u64) -> u64 {
        self.ray_count().saturating_sub(chunk * CHUNK)
    }
}
