//! Tracing, watching a trace, and stopping it.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use optiverse_core::optics::OpticalSystem;
use optiverse_core::trace::{self, RayPaths, TraceControl};

use crate::border;
use crate::handle::{self, object};
use crate::options::{self, TraceOptions};
use crate::paths::Paths;
use crate::result::{Failure, ResultCode};
use crate::system::System;

/// Stops a trace and tells how far it is, from any thread.
pub struct Control {
    control: TraceControl,
}

object!(Control, "optiverse_control", 6);

impl Control {
    /// The one that a call was given, or for a null pointer one that nobody else has.
    pub(crate) fn given_or_own(control: *const Control) -> Result<Arc<Control>, Failure> {
        let own = || Arc::new(Control { control: TraceControl::new() });
        Ok(handle::get_if_any(control, "control")?.unwrap_or_else(own))
    }

    pub(crate) fn control(&self) -> &TraceControl {
        &self.control
    }
}

/// Is told how many source rays have been traced, and how many there are; 0 of 0 before the trace has begun. Anything but 0
/// that it returns cancels the trace. It may call the library; it must not leave by `longjmp` or an exception.
pub type ProgressCallback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, rays_done: u64, rays_total: u64) -> i32>;

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Makes a control for one trace.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_control_new(control: *mut *mut Control) -> ResultCode {
    border::call(|| {
        let out = border::output(control, "control")?;
        border::give(out, Control { control: TraceControl::new() })
    })
}

/// Frees a control. A trace that uses it goes on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_control_free(control: *mut Control) -> ResultCode {
    border::call(|| handle::free(control, "control"))
}

/// Asks the trace to stop, which it does within a few interactions on each thread. One that begins later with this control
/// stops at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_control_cancel(control: *mut Control) -> ResultCode {
    border::call(|| {
        handle::get(control, "control")?.control.cancel();
        Ok(())
    })
}

/// Gives the source rays that have been traced to their end, and all there are: 0 before the trace has begun.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_control_progress(
    control: *const Control,
    rays_done: *mut u64,
    rays_total: *mut u64,
) -> ResultCode {
    border::call(|| {
        let out_done = border::output(rays_done, "rays_done")?;
        let out_total = border::output(rays_total, "rays_total")?;
        let (done, total) = handle::get(control, "control")?.control.progress();
        border::write(out_done, done);
        border::write(out_total, total);
        Ok(())
    })
}

/// Traces the light of all sources.
///
/// `options` may be null for the defaults, `control` if nobody stops the trace or asks how far it is. `progress`, if it is
/// not null, is called on this thread with `user_data`, about ten times a second and once at the end; the trace then runs
/// on another thread.
///
/// Codes: `INVALID_OPTION`, `CANCELLED`, `NO_THREAD`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_trace(
    system: *const System,
    options: *const TraceOptions,
    control: *const Control,
    progress: ProgressCallback,
    user_data: *mut c_void,
    paths: *mut *mut Paths,
) -> ResultCode {
    border::call(|| {
        let out = border::output(paths, "paths")?;
        let options = options::read(options)?;
        let system = handle::get(system, "system")?;
        let control = Control::given_or_own(control)?;
        let traced = match progress {
            None => trace::trace_with_control(system.system(), &options, control.control())?,
            Some(progress) => {
                watched(system.system(), &options, control.control(), |done, total| progress(user_data, done, total))?
            }
        };
        border::give(out, Paths::new(Arc::new(traced)))
    })
}

/// Traces on a thread of its own while this one tells how far it is.
fn watched(
    system: &OpticalSystem,
    options: &trace::TraceOptions,
    control: &TraceControl,
    progress: impl Fn(u64, u64) -> i32,
) -> Result<RayPaths, Failure> {
    std::thread::scope(|scope| {
        let (done, result) = channel();
        let tracing = std::thread::Builder::new().name("optiverse-trace".to_owned()).spawn_scoped(scope, move || {
            // Nobody has stopped listening: the other end waits in this scope.
            let _ = done.send(trace::trace_with_control(system, options, control));
        });
        let tracing = tracing.map_err(|error| {
            Failure::new(ResultCode::NoThread, format!("no thread could be started for the trace: {error}"))
        })?;
        let tell = || {
            let (done, total) = control.progress();
            if progress(done, total) != 0 {
                control.cancel();
            }
        };
        loop {
            match result.recv_timeout(PROGRESS_EVERY) {
                Err(RecvTimeoutError::Timeout) => tell(),
                Ok(traced) => {
                    let paths = traced?;
                    tell();
                    return if control.is_cancelled() { Err(trace::TraceError::Cancelled.into()) } else { Ok(paths) };
                }
                Err(RecvTimeoutError::Disconnected) => {
                    // The thread has panicked, and says how.
                    let said = tracing.join().err();
                    return Err(said.map_or_else(|| Failure::panic(&"the trace ended"), |said| Failure::panic(&*said)));
                }
            }
        }
    })
}
