//! Options of a trace from keywords; runs one, and unless it is brief the calling thread looks for Ctrl-C meanwhile and tells how far it is.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use optiverse_core::optics::{Beam, OpticalSystem};
use optiverse_core::trace::{Physics, RayPaths, TraceControl, TraceError, TraceOptions};
use pyo3::prelude::*;
use pyo3::types::PyBool;

use crate::error;

/// How often signals are looked for.
const SIGNALS_EVERY: Duration = Duration::from_millis(50);

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// The options of a trace, from keywords.
///
/// # Errors
/// Where one cannot be used whatever the core says about the others.
pub(crate) fn options(
    py: Python<'_>,
    physics: &str,
    max_events: i64,
    min_intensity: f64,
    threads: Option<i64>,
    max_vertices: i64,
    length_mm: Option<f64>,
) -> PyResult<TraceOptions> {
    let refused =
        |option, value: &dyn ToString, expected| error::option_error(py, option, &value.to_string(), expected);
    Ok(TraceOptions {
        physics: Physics::preset(physics).ok_or_else(|| {
            refused("physics", &format!("{physics:?}"), "\"exact\", \"optiverse-0.3.4\" or \"optiverse-0.2.7\"")
        })?,
        max_events: u32::try_from(max_events)
            .map_err(|_| refused("max_events", &max_events, "a whole number from 0 to 4294967295"))?,
        min_intensity,
        length_mm,
        threads: match threads.map(usize::try_from) {
            None => None,
            Some(Ok(threads)) if threads > 0 => Some(threads),
            Some(_) => return Err(refused("threads", &threads.unwrap_or(0), "None or a whole number over 0")),
        },
        max_vertices: usize::try_from(max_vertices)
            .map_err(|_| refused("max_vertices", &max_vertices, "a whole number, 0 or more"))?,
        ..TraceOptions::default()
    })
}

/// What is called with the numbers of source rays done and in all.
///
/// # Errors
/// Where it is neither None, nor a bool, nor a function.
pub(crate) fn progress_callback<'py>(progress: Option<&Bound<'py, PyAny>>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(progress) = progress else { return Ok(None) };
    match progress.cast::<PyBool>() {
        Ok(wanted) if !wanted.is_true() => Ok(None),
        Ok(_) => Ok(Some(progress.py().import("optiverse_engine._progress")?.getattr("ProgressBar")?.call0()?)),
        Err(_) if progress.is_callable() => Ok(Some(progress.clone())),
        Err(_) => {
            let value = progress.repr()?.to_string();
            Err(error::option_error(progress.py(), "progress", &value, "None, a bool, or a function of two numbers"))
        }
    }
}

/// Says by `warnings.warn` that the result is cut, where it is.
pub(crate) fn warn_if_truncated(py: Python<'_>, paths: &RayPaths, options: &TraceOptions) -> PyResult<()> {
    if !paths.is_truncated() {
        return Ok(());
    }
    error::warn(py, &format!("the trace stopped at max_vertices = {}: paths are missing", options.max_vertices))
}

/// Most looks at surfaces of a brief trace: about a quarter of a second of one core.
const BRIEF: f64 = 5e7;

/// A search for the next surface and what comes with it, in looks at a surface.
const SEARCH: f64 = 20.0;

/// A Gaussian beam in rays: its envelope has up to 200 vertices between two surfaces.
const GAUSSIAN: f64 = 20.0;

/// Whether a trace is over in about a quarter of a second, even if light divides wherever it can and each search looks at each surface.
pub(crate) fn is_brief(system: &OpticalSystem, options: &TraceOptions) -> bool {
    let rays = system.sources().iter().map(|source| {
        let parameters = source.parameters();
        // At most ten million, so that the cast is exact.
        let rays = parameters.n_rays.max(1) as f64;
        if parameters.beam == Beam::Rays { rays } else { rays * GAUSSIAN }
    });
    let events = f64::from(options.max_events);
    // Light has no more branches at a time than its power suffices for.
    let branches = options.min_intensity.recip().clamp(1.0, events.exp2());
    // Each search ends in a vertex.
    let searches = (rays.sum::<f64>() * branches * (events + 1.0)).min(options.max_vertices as f64);
    searches * (SEARCH + system.surfaces().len() as f64) <= BRIEF
}

/// Does work that traces a system, with the GIL released. A brief trace is made on this thread, since starting another one can take longer; any
/// other as [`run`] does.
///
/// # Errors
/// Those of [`run`].
pub(crate) fn run_on<T: Send + 'static>(
    py: Python<'_>,
    system: &OpticalSystem,
    options: &TraceOptions,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&TraceControl) -> T + Send + 'static,
) -> PyResult<T> {
    if !is_brief(system, options) {
        return run(py, progress, work);
    }
    let control = TraceControl::new();
    let done = py.detach(|| work(&control));
    if let Some(progress) = progress {
        progress.call1(control.progress())?;
    }
    Ok(done)
}

/// Does work that a control can stop, on a thread of its own and with the GIL released; `progress` is called with source rays done
/// and in all, also once at the end.
///
/// # Errors
/// Where `progress` raises, and `KeyboardInterrupt`; the work is stopped then. Otherwise what the work gives is returned.
pub(crate) fn run<T: Send + 'static>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&TraceControl) -> T + Send + 'static,
) -> PyResult<T> {
    let control = Arc::new(TraceControl::new());
    let (done, mut result) = channel();
    let thread = {
        let control = Arc::clone(&control);
        std::thread::Builder::new().name("optiverse-trace".to_owned()).spawn(move || {
            // Nobody listens any more where the caller gave up.
            let _ = done.send(work(&control));
        })
    };
    let thread = thread.map_err(|error| error::no_thread(&error))?;
    let mut told = Instant::now();
    let outcome: PyResult<Option<T>> = loop {
        // By value and back: a receiver can be sent to the detached state, but not shared with it.
        let (received, receiver) = py.detach(move || (result.recv_timeout(SIGNALS_EVERY), result));
        result = receiver;
        match received {
            Ok(paths) => break Ok(Some(paths)),
            // The thread has panicked: joining it says how.
            Err(RecvTimeoutError::Disconnected) => break Ok(None),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let heard = py.check_signals().and_then(|()| match progress {
            Some(progress) if told.elapsed() >= PROGRESS_EVERY => {
                told = Instant::now();
                progress.call1(control.progress()).map(drop)
            }
            _ => Ok(()),
        });
        if let Err(raised) = heard {
            control.cancel();
            break Err(raised);
        }
    };
    if let Err(panic) = py.detach(|| thread.join()) {
        std::panic::resume_unwind(panic);
    }
    // Not without a result: a thread that sent nothing has panicked.
    let done = outcome?.ok_or_else(|| error::trace_error(py, &TraceError::Cancelled))?;
    if let Some(progress) = progress {
        progress.call1(control.progress())?;
    }
    Ok(done)
}
