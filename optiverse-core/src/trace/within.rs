//! Traces as much as a time allows, coarsely first.

use super::emit::Emission;
use super::options::{TraceControl, TraceError, TraceOptions};
use super::parallel::{Rays, trace_rays_until};
use super::paths::RayPaths;
use super::retrace::{RayId, in_order};
use crate::optics::OpticalSystem;

/// Rays of the first pass, where sources do not make it more.
const FIRST_PASS: u64 = 256;

/// Rays whose numbers are listed at a time.
const SLICE: usize = 1 << 16;

/// As much of a trace as time allowed.
#[derive(Clone, Debug)]
pub struct PartialTrace {
    paths: RayPaths,
    rays: Vec<RayId>,
    ray_count: u64,
    stride: Option<u64>,
    is_complete: bool,
}

impl PartialTrace {
    /// The share of a time that tracing should have, where all should be over at the end of it. Putting the paths in order copies each vertex once and takes about the rest; less
    /// where interactions take long, and more where rays are short and many. Measured by `cargo bench --bench within`.
    pub const TRACING_SHARE: f64 = 0.6;

    /// The paths of the rays that were traced, in the order of a whole trace, with the power of these rays.
    #[must_use]
    pub fn paths(&self) -> &RayPaths {
        &self.paths
    }

    /// The paths alone.
    #[must_use]
    pub fn into_paths(self) -> RayPaths {
        self.paths
    }

    /// The rays that were traced, in order.
    #[must_use]
    pub fn rays(&self) -> &[RayId] {
        &self.rays
    }

    /// Number of rays of all sources.
    #[must_use]
    pub fn ray_count(&self) -> u64 {
        self.ray_count
    }

    /// Of every source, each ray was traced whose number is a multiple of this; none where time was up in the first pass.
    #[must_use]
    pub fn stride(&self) -> Option<u64> {
        self.stride
    }

    /// Whether every ray was traced, below the limit on vertices: the paths are then the same, bit for bit, as those of
    /// [`trace`](super::trace).
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }
}

/// Traces every k-th ray of each source, then the rays midway between these, and so on, until all are traced or `is_over` says that time
/// is up.
///
/// The first pass traces about 256 rays, or one of each source where there are more sources, and each further pass as many as those
/// before. `is_over` is asked before each ray, on each thread; once it says true, that must stay. Up to sixteen rays are begun together on a thread,
/// and those that have been begun are traced to their end; then the paths are put in order ([`PartialTrace::TRACING_SHARE`]). Where time is up from the start, the result is empty.
///
/// [`max_vertices`](TraceOptions::max_vertices) ends it too: the result is then truncated, and not complete.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use optiverse_core::optics::{OpticalSystem, Source, SourceParameters};
/// use optiverse_core::trace::{TraceControl, TraceOptions, trace_within};
///
/// let fan = Source::new(SourceParameters { n_rays: 1_000, ..Default::default() })?;
/// let system = OpticalSystem::new(vec![], vec![fan], vec![], vec!["fan".into()])?;
/// let deadline = Instant::now() + Duration::from_secs(60);
/// let options = TraceOptions::default();
/// let partial = trace_within(&system, &options, &TraceControl::new(), &|| Instant::now() >= deadline)?;
/// assert!(partial.is_complete());
/// assert_eq!(partial.paths().len(), 1_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Where an option cannot be used, and where `control` was cancelled, which throws away what was traced.
pub fn trace_within(
    system: &OpticalSystem,
    options: &TraceOptions,
    control: &TraceControl,
    is_over: &(dyn Fn() -> bool + Sync),
) -> Result<PartialTrace, TraceError> {
    options.validate()?;
    let emission = Emission::new(system, options);
    control.begin(emission.len());
    let mut traced = Vec::new();
    let mut room = options.max_vertices;
    let mut stride = first_stride(&emission);
    let mut whole_stride = None;
    let mut first = true;
    'passes: loop {
        let mut numbers = pass(&emission, stride, first).peekable();
        while numbers.peek().is_some() {
            let slice: Vec<u64> = numbers.by_ref().take(SLICE).collect();
            let options = TraceOptions { max_vertices: room, ..options.clone() };
            let found = trace_rays_until(system, &options, control, &emission, Rays::These(&slice), is_over)?;
            room -= found.paths.vertex_count();
            let stopped = found.paths.truncated || found.rays.len() < slice.len();
            traced.push(found);
            if stopped {
                break 'passes;
            }
        }
        whole_stride = Some(stride);
        if stride == 1 {
            break;
        }
        (stride, first) = (stride / 2, false);
    }
    let (paths, numbers) = in_order(traced, system);
    let rays = numbers.iter().map(|&number| {
        let (fan, ray) = emission.fan_of(number);
        RayId { source: fan.source.index(), ray }
    });
    Ok(PartialTrace {
        // At the limit itself, a whole trace may stop at a path that comes to nothing.
        is_complete: numbers.len() as u64 == emission.len() && !paths.truncated && (room > 0 || numbers.is_empty()),
        rays: rays.collect(),
        ray_count: emission.len(),
        stride: whole_stride,
        paths,
    })
}

/// The smallest power of two for which the first pass traces no more than it should, or one ray of each source.
fn first_stride(emission: &Emission<'_>) -> u64 {
    let most = emission.sources().map(|(.., count)| count).max().unwrap_or(0);
    let rays = |stride: u64| emission.sources().map(|(.., count)| count.div_ceil(stride)).sum::<u64>();
    let mut stride = 1;
    while rays(stride) > FIRST_PASS && stride < most {
        stride *= 2;
    }
    stride
}

/// The numbers of the rays at multiples of `stride` in their source, and, but in the first pass, not of twice that.
fn pass(emission: &Emission<'_>, stride: u64, first_pass: bool) -> impl Iterator<Item = u64> {
    let (start, step) = if first_pass { (0, stride) } else { (stride, 2 * stride) };
    emission.sources().flat_map(move |(_, first, count)| {
        (start..count).step_by(usize::try_from(step).unwrap_or(usize::MAX)).map(move |ray| first + ray)
    })
}
