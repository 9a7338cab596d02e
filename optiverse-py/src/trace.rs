//! Runs a trace on a thread of its own, while the calling thread looks for Ctrl-C and tells how far it is.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use optiverse_core::optics::Compiled;
use optiverse_core::trace::{RayPaths, TraceControl, TraceError, TraceOptions, trace_with_control};
use pyo3::prelude::*;

use crate::error;

/// How often signals are looked for.
const SIGNALS_EVERY: Duration = Duration::from_millis(50);

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// Traces with the GIL released; `progress` is called with source rays done and in all, also once at the end.
///
/// # Errors
/// Where the core refuses, where `progress` raises, and `KeyboardInterrupt`; the trace is stopped then.
pub(crate) fn run(
    py: Python<'_>,
    compiled: &Arc<Compiled>,
    options: TraceOptions,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<RayPaths> {
    let control = Arc::new(TraceControl::new());
    let (done, mut result) = channel();
    let thread = {
        let (compiled, control) = (Arc::clone(compiled), Arc::clone(&control));
        std::thread::Builder::new().name("optiverse-trace".to_owned()).spawn(move || {
            // Nobody listens any more where the caller gave up.
            let _ = done.send(trace_with_control(&compiled.system, &options, &control));
        })
    };
    let thread = thread.map_err(|error| error::no_thread(&error))?;
    let mut told = Instant::now();
    let outcome: PyResult<Option<Result<RayPaths, TraceError>>> = loop {
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
    let paths = match outcome? {
        Some(paths) => paths.map_err(|error| error::trace_error(py, &error))?,
        // Not reached: a thread that sent nothing has panicked.
        None => return Err(error::trace_error(py, &TraceError::Cancelled)),
    };
    if let Some(progress) = progress {
        progress.call1(control.progress())?;
    }
    Ok(paths)
}
