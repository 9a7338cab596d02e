//! What a trace is asked to do, and the handle to stop it and to watch it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Physics;
use crate::optics::OpticalSystem;

/// What a trace is asked to do.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceOptions {
    /// The laws to follow.
    pub physics: Physics,
    /// Interactions after which a path ends.
    pub max_events: u32,
    /// A path ends where its intensity, as a share of the ray that left the source, falls below this. 0 follows all light.
    pub min_intensity: f64,
    /// The length in mm after which a path ends; `None` takes each source's own `ray_length_mm`.
    pub length_mm: Option<f64>,
    /// Hits nearer than this, in mm, are not seen under [`SelfHits::StepAndSkip`](super::SelfHits::StepAndSkip); geometric hits
    /// know no smallest distance.
    pub smallest_hit_mm: f64,
    /// Worker threads; `None` takes one for each core. The result is the same, bit for bit, for any number. Each takes sixteen source rays at a time, and they are started
    /// once a thousand vertices are traced: a few rays, however long, are traced on one.
    pub threads: Option<usize>,
    /// Vertices in the result at which tracing stops. The result then says so:
    /// [`RayPaths::is_truncated`](super::RayPaths::is_truncated), and the path it happened on ends in
    /// [`Ending::Limit`](super::Ending::Limit).
    pub max_vertices: usize,
}

impl TraceOptions {
    /// Most worker threads that are started, whatever is asked for.
    pub const MAX_THREADS: usize = 256;

    /// The default of [`max_vertices`](Self::max_vertices): about 1 GB of results.
    pub const DEFAULT_MAX_VERTICES: usize = 10_000_000;

    /// The first option that cannot be used.
    ///
    /// # Errors
    /// `min_intensity` or `smallest_hit_mm` that is negative or not finite; a length that is not over 0 and up to
    /// [`MAX_COORDINATE_MM`](OpticalSystem::MAX_COORDINATE_MM).
    pub(super) fn validate(&self) -> Result<(), TraceError> {
        let bad = |option, value: f64, expected| Err(TraceError::InvalidOption { option, value, expected });
        if !(self.min_intensity >= 0.0 && self.min_intensity.is_finite()) {
            return bad("min_intensity", self.min_intensity, "a finite number, 0 or more");
        }
        if !(self.smallest_hit_mm >= 0.0 && self.smallest_hit_mm.is_finite()) {
            return bad("smallest_hit_mm", self.smallest_hit_mm, "a finite number, 0 or more");
        }
        match self.length_mm {
            Some(length) if !(length > 0.0 && length <= OpticalSystem::MAX_COORDINATE_MM) => {
                bad("length_mm", length, "a number over 0 and up to 1e9")
            }
            _ => Ok(()),
        }
    }
}

impl Default for TraceOptions {
    /// Exact physics, 80 events, intensity 0.02, each source's own length, hits from 10⁻³ mm on under the app's rules, all cores, ten million vertices.
    fn default() -> Self {
        TraceOptions {
            physics: Physics::EXACT,
            max_events: 80,
            min_intensity: 0.02,
            length_mm: None,
            smallest_hit_mm: 1e-3,
            threads: None,
            max_vertices: Self::DEFAULT_MAX_VERTICES,
        }
    }
}

/// Why a trace gave no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// An option cannot be used.
    #[error("{option} is {value}, expected {expected}")]
    InvalidOption {
        /// The option's name.
        option: &'static str,
        /// Its value.
        value: f64,
        /// What can be used.
        expected: &'static str,
    },
    /// [`TraceControl::cancel`] was called.
    #[error("the trace was cancelled")]
    Cancelled,
}

/// Stops a running trace and tells how far it is, from any thread.
#[derive(Debug, Default)]
pub struct TraceControl {
    cancelled: AtomicBool,
    rays_done: AtomicU64,
    rays_total: AtomicU64,
}

impl TraceControl {
    /// A control for one trace.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the trace to stop; it does so within a few interactions on each thread.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Source rays traced to their end, and source rays in all (0 before the trace has begun).
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        (self.rays_done.load(Ordering::Relaxed), self.rays_total.load(Ordering::Relaxed))
    }

    pub(super) fn begin(&self, rays: u64) {
        self.rays_done.store(0, Ordering::Relaxed);
        self.rays_total.store(rays, Ordering::Relaxed);
    }

    pub(super) fn advance(&self, rays: u64) {
        self.rays_done.fetch_add(rays, Ordering::Relaxed);
    }
}
