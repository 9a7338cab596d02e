//! `POST /api/raytrace`: traces what the body holds, off the threads that serve connections.

use std::sync::Arc;
use std::time::Duration;

use optiverse_core::optics::{OpticalSystem, Strictness};
use optiverse_core::render::raytrace_json;
use optiverse_core::scene::Scene;
use optiverse_core::trace::{TraceControl, TraceOptions, trace_with_control};
use tokio::sync::Semaphore;

use crate::config::Limits;

/// Requests that are traced at one time; each has one thread.
const MAX_AT_ONCE: usize = 2;

/// The longest body, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 4 << 20;

/// Traces requests, a few at one time.
#[derive(Debug)]
pub(crate) struct Raytracer {
    places: Arc<Semaphore>,
    max_vertices: usize,
    longest: Duration,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RaytraceError {
    /// The request is at fault.
    #[error("{0}")]
    Request(String),
    #[error("the answer would have more than {0} vertices")]
    TooLarge(usize),
    #[error("it took longer than {} s", .0.as_secs())]
    TooLong(Duration),
    #[error("{MAX_AT_ONCE} requests are being traced, try again later")]
    Busy,
    #[error("the trace failed")]
    Failed,
}

impl Raytracer {
    pub(crate) fn new(limits: &Limits) -> Raytracer {
        Raytracer {
            places: Arc::new(Semaphore::new(MAX_AT_ONCE)),
            max_vertices: limits.raytrace_vertices,
            longest: Duration::from_secs(limits.raytrace_s),
        }
    }

    /// Traces a body. Items that cannot be traced are an error, which names them.
    pub(crate) async fn trace(&self, body: Vec<u8>) -> Result<String, RaytraceError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| RaytraceError::Busy)?;
        let control = Arc::new(TraceControl::new());
        let (watched, max_vertices) = (Arc::clone(&control), self.max_vertices);
        let mut tracing = tokio::task::spawn_blocking(move || {
            let _place = place;
            trace(&body, max_vertices, &watched)
        });
        match tokio::time::timeout(self.longest, &mut tracing).await {
            Ok(traced) => traced.map_err(|_| RaytraceError::Failed)?,
            Err(_) => {
                control.cancel();
                Err(RaytraceError::TooLong(self.longest))
            }
        }
    }
}

fn trace(body: &[u8], max_vertices: usize, control: &TraceControl) -> Result<String, RaytraceError> {
    let request = |error: &dyn std::fmt::Display| RaytraceError::Request(error.to_string());
    let body = serde_json::from_slice(body).map_err(|error| request(&error))?;
    let scene = Scene::from_flat(&body).map_err(|error| request(&error))?;
    let compiled = OpticalSystem::compile(&scene, Strictness::Strict).map_err(|error| request(&error))?;
    let options = TraceOptions { threads: Some(1), max_vertices, ..TraceOptions::default() };
    let paths = trace_with_control(&compiled.system, &options, control).map_err(|error| request(&error))?;
    if paths.is_truncated() {
        return Err(RaytraceError::TooLarge(max_vertices));
    }
    Ok(raytrace_json(&paths))
}
