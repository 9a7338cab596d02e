//! Shares the source rays out among threads and joins the results in order.

use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::emit::Emission;
use super::options::{TraceControl, TraceError, TraceOptions};
use super::paths::RayPaths;
use super::tracer::Tracer;
use super::walker::Cancelled;
use crate::optics::OpticalSystem;

/// Source rays handed out at a time. The number must not depend on the number of threads: sums of power are rounded
/// chunk by chunk.
const CHUNK: u64 = 16;

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
    let job = Job { system, options, control, emission: &emission };
    let chunks = emission.len().div_ceil(CHUNK);
    let threads = thread_count(options, chunks);
    *paths = if threads == 1 { job.trace_here(room)? } else { job.trace_on(threads, room)? };
    paths.items.extend_from_slice(system.items());
    paths.source_items.extend_from_slice(system.source_items());
    Ok(())
}

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
}

impl Job<'_> {
    fn tracer(&self, max_vertices: usize) -> Tracer<'_> {
        Tracer::new(self.system, self.options, self.control, max_vertices)
    }

    /// Traces one chunk of source rays and appends it to what the tracer has.
    fn trace_chunk(&self, tracer: &mut Tracer<'_>, chunk: u64) -> Result<(), TraceError> {
        let mut before = std::mem::take(&mut tracer.paths.balance);
        let rays = chunk * CHUNK..((chunk + 1) * CHUNK).min(self.emission.len());
        let untraced = tracer.trace_rays(self.emission, rays.clone()).map_err(|Cancelled| TraceError::Cancelled)?;
        tracer.paths.book_untraced(untraced);
        before.add(&tracer.paths.balance);
        tracer.paths.balance = before;
        self.control.advance(rays.end - rays.start);
        Ok(())
    }

    fn trace_here(&self, room: RayPaths) -> Result<RayPaths, TraceError> {
        let mut tracer = self.tracer(self.options.max_vertices);
        tracer.paths = room;
        for chunk in 0..self.emission.len().div_ceil(CHUNK) {
            if tracer.paths.truncated {
                tracer.paths.book_untraced(self.rays_from(chunk));
                break;
            }
            self.trace_chunk(&mut tracer, chunk)?;
            self.reserve(&mut tracer.paths, (chunk + 1) * CHUNK);
        }
        Ok(tracer.paths)
    }

    /// Makes room for all rays once some are traced: the others will be about as long. Memory that turns out too small is copied to grow.
    fn reserve(&self, paths: &mut RayPaths, rays: u64) {
        if rays >= self.emission.len() || paths.has_room() {
            return;
        }
        let ahead = self.emission.len() as f64 / rays as f64 * 1.05;
        // What a ray has is known to the limit on vertices only.
        let vertices = (paths.vertex_count() as f64 * ahead) as usize;
        paths.reserve(vertices.min(self.options.max_vertices), (paths.len() as f64 * ahead) as usize);
    }

    /// Chunks go to threads in order; results are joined in that order, so the number of threads leaves no trace in them.
    fn trace_on(&self, threads: usize, room: RayPaths) -> Result<RayPaths, TraceError> {
        let chunks = self.emission.len().div_ceil(CHUNK);
        let next = AtomicU64::new(0);
        let vertices = AtomicUsize::new(0);
        let worker = || {
            let mut tracer = self.tracer(self.options.max_vertices);
            let mut done: Vec<(u64, RayPaths)> = Vec::new();
            loop {
                // Whatever has been counted by now comes before the chunk that is taken next: if it fills the result, that
                // chunk has no place in it.
                if vertices.load(Ordering::SeqCst) > self.options.max_vertices {
                    return Ok(done);
                }
                let chunk = next.fetch_add(1, Ordering::SeqCst);
                if chunk >= chunks {
                    return Ok(done);
                }
                self.trace_chunk(&mut tracer, chunk)?;
                // The next chunk will be about as large.
                let mut next_paths = RayPaths::empty();
                next_paths.reserve(tracer.paths.vertex_count(), tracer.paths.len());
                let paths = std::mem::replace(&mut tracer.paths, next_paths);
                vertices.fetch_add(paths.vertex_count(), Ordering::SeqCst);
                let full = paths.truncated;
                done.push((chunk, paths));
                if full {
                    vertices.store(usize::MAX / 2, Ordering::SeqCst);
                    return Ok(done);
                }
            }
        };
        let results: Vec<Result<Vec<(u64, RayPaths)>, TraceError>> = std::thread::scope(|scope| {
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

        let total: usize = done.iter().map(|(_, paths)| paths.vertex_count()).sum();
        let mut joined = room;
        joined.reserve(total.min(self.options.max_vertices), 0);
        let mut after = 0;
        for (chunk, mut paths) in done {
            let room = self.options.max_vertices - joined.vertex_count();
            if paths.vertex_count() > room || (paths.truncated && room < self.options.max_vertices) {
                // The limit falls into this chunk: trace it again with what is left.
                let mut tracer = self.tracer(room);
                self.trace_chunk(&mut tracer, chunk)?;
                paths = tracer.paths;
            }
            joined.append(&mut paths);
            after = chunk + 1;
            if joined.truncated {
                break;
            }
        }
        if after < chunks {
            joined.book_untraced(self.rays_from(after));
        }
        Ok(joined)
    }

    /// Number of source rays from a chunk on.
    fn rays_from(&self, chunk: u64) -> u64 {
        self.emission.len().saturating_sub(chunk * CHUNK)
    }
}

impl RayPaths {
    /// Books source rays that the limit on vertices left out.
    fn book_untraced(&mut self, rays: u64) {
        self.balance.emitted += rays as f64;
        self.balance.limit += rays as f64;
    }
}
