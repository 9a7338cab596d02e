//! The scene that Python sees of a session.

use std::sync::Arc;

use optiverse_client::{Observer, random_key};
use optiverse_core::sync::Session;
use pyo3::prelude::*;

use crate::error;
use crate::scene::{Current, Scene};
use crate::snapshot::Snapshot;

/// The scene of a session that will go on from what was saved, or that is new.
pub(crate) fn scene_to_be(py: Python<'_>, saved: Option<&str>) -> PyResult<(Py<Scene>, Observer)> {
    let key = random_key().map_err(|error| error::no_randomness(&error))?;
    let session = match saved {
        None => Session::new(key),
        Some(text) => {
            let resumed = py.detach(|| Session::resume(key, text));
            resumed.map_err(|error| error::saved_work(py, "resume", &error))?
        }
    };
    scene_of(py, &session)
}

/// A scene that starts as that of the session, and the observer that keeps it so.
pub(crate) fn scene_of(py: Python<'_>, session: &Session) -> PyResult<(Py<Scene>, Observer)> {
    let current = Current::new(Arc::new(Snapshot::new(session.scene().clone())));
    let scene = Py::new(py, Scene::following(current.clone()))?;
    let observer = move |edit: &optiverse_core::scene::Edit| {
        let applied = current.apply(edit);
        // The same edits in the same order as in the session, from the same start.
        debug_assert!(applied.is_ok(), "{applied:?}");
    };
    Ok((scene, Box::new(observer)))
}
