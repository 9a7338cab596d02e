//! As much of a trace as a time allows.

use std::sync::Arc;
use std::time::Instant;

use optiverse_core::trace;

use crate::border;
use crate::handle::{self, object};
use crate::options::{self, TraceOptions};
use crate::paths::Paths;
use crate::result::{Failure, ResultCode};
use crate::system::System;
use crate::trace::Control;

/// As much of a trace as time allowed: its paths, and which rays they are of.
pub struct PartialTrace {
    paths: Arc<trace::RayPaths>,
    rays: Vec<RayId>,
    rays_total: u64,
    stride: Option<u64>,
    is_complete: bool,
}

object!(PartialTrace, "optiverse_partial_trace", 14);

impl From<trace::PartialTrace> for PartialTrace {
    fn from(partial: trace::PartialTrace) -> PartialTrace {
        PartialTrace {
            rays: RayId::list(partial.rays()),
            rays_total: partial.ray_count(),
            stride: partial.stride(),
            is_complete: partial.is_complete(),
            paths: Arc::new(partial.into_paths()),
        }
    }
}

/// A ray of a source.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RayId {
    /// The source, counted over all sources in the order of the file.
    pub source: u64,
    /// The ray of that source, counted from −size/2 to +size/2.
    pub ray: u64,
}

impl RayId {
    pub(crate) fn list(rays: &[trace::RayId]) -> Vec<RayId> {
        rays.iter().map(|id| RayId { source: id.source as u64, ray: id.ray }).collect()
    }
}

/// What a partial trace says. Its array is good until the partial trace is freed.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PartialTraceInfo {
    /// 1 if every ray was traced, below `max_vertices`: the paths are then the same, bit for bit, as those of
    /// `optiverse_trace`. Otherwise 0.
    pub is_complete: u8,
    /// The first of the rays that were traced, in order; a ray may have no path, and several where light divides.
    pub rays: *const RayId,
    /// Their number.
    pub ray_count: usize,
    /// The number of rays of all sources.
    pub rays_total: u64,
    /// Of every source, each ray was traced whose number is a multiple of this; 0 where it ended in the first pass.
    pub stride: u64,
}

/// Traces as much as a time allows: every k-th ray of each source first, about 256 in all, then the rays midway between
/// these, and so on until all are traced or time is up.
///
/// Three fifths of `seconds`, from the call on, are for tracing, the rest for putting the paths in order, which may take
/// less, or more where rays are many and short. Up to sixteen rays are begun together on a thread, and those that have been
/// begun are traced to their end. With 0 seconds the result is empty. Where `max_vertices` is reached, it is truncated, and
/// not complete.
/// `options` may be null for the defaults, and `control` if nobody stops the trace or asks how far it is; stopped by it, the
/// trace gives nothing.
///
/// Codes: `INVALID_ARGUMENT` unless `seconds` is finite and 0 or more, `INVALID_OPTION`, `CANCELLED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_trace_within(
    system: *const System,
    options: *const TraceOptions,
    seconds: f64,
    control: *const Control,
    partial: *mut *mut PartialTrace,
) -> ResultCode {
    let start = Instant::now();
    border::call(|| {
        let out = border::output(partial, "partial")?;
        let options = options::read(options)?;
        if !seconds.is_finite() || seconds < 0.0 {
            return Err(Failure::argument("seconds", seconds.to_string(), "a finite number, 0 or more"));
        }
        let system = handle::get(system, "system")?;
        let control = Control::given_or_own(control)?;
        let is_over = || start.elapsed().as_secs_f64() >= seconds * trace::PartialTrace::TRACING_SHARE;
        let traced = trace::trace_within(system.system(), &options, control.control(), &is_over)?;
        border::give(out, PartialTrace::from(traced))
    })
}

/// Frees a partial trace. Paths that came from it are not touched.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_partial_trace_free(partial: *mut PartialTrace) -> ResultCode {
    border::call(|| handle::free(partial, "partial"))
}

/// Looks at a partial trace.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_partial_trace_view(
    partial: *const PartialTrace,
    info: *mut PartialTraceInfo,
) -> ResultCode {
    border::call(|| {
        let out = border::output(info, "info")?;
        let held = handle::get(partial, "partial")?;
        let PartialTrace { paths: _, rays, rays_total, stride, is_complete } = &*held;
        let info = PartialTraceInfo {
            is_complete: u8::from(*is_complete),
            rays: rays.as_ptr(),
            ray_count: rays.len(),
            rays_total: *rays_total,
            stride: stride.unwrap_or(0),
        };
        border::write(out, info);
        Ok(())
    })
}

/// Gives the paths of the rays that were traced, in the order of a whole trace, with the power of these rays, as a result of
/// its own, the caller's to free. Nothing is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_partial_trace_paths(
    partial: *const PartialTrace,
    paths: *mut *mut Paths,
) -> ResultCode {
    border::call(|| {
        let out = border::output(paths, "paths")?;
        let partial = handle::get(partial, "partial")?;
        border::give(out, Paths::new(Arc::clone(&partial.paths)))
    })
}
