//! Errors of the core as exceptions of `optiverse_engine.errors`.
//!
//! Each core error has one function here; `python/tests/test_errors.py` holds the list of its variants.

use std::io;
use std::path::Path;

use optiverse_client::{ClientError, StartError};
use optiverse_core::scene::{
    EditError as CoreEditError, ItemError, LinkError as CoreLinkError, LoadError, SceneError as CoreSceneError,
};
use optiverse_core::sync::FrameError;
use optiverse_core::sync::session::LocalEditError;
use optiverse_core::trace::TraceError as CoreTraceError;
use pyo3::prelude::*;

use crate::report::Report;

/// They are documented where they are written, in `errors.py`.
mod python {
    pyo3::import_exception!(optiverse_engine.errors, EditError);
    pyo3::import_exception!(optiverse_engine.errors, InvalidSceneError);
    pyo3::import_exception!(optiverse_engine.errors, LinkError);
    pyo3::import_exception!(optiverse_engine.errors, OptionError);
    pyo3::import_exception!(optiverse_engine.errors, OptiverseWarning);
    pyo3::import_exception!(optiverse_engine.errors, PropertyTypeError);
    pyo3::import_exception!(optiverse_engine.errors, RenderError);
    pyo3::import_exception!(optiverse_engine.errors, SceneError);
    pyo3::import_exception!(optiverse_engine.errors, SceneFileError);
    pyo3::import_exception!(optiverse_engine.errors, SceneFileNotFoundError);
    pyo3::import_exception!(optiverse_engine.errors, SessionClosedError);
    pyo3::import_exception!(optiverse_engine.errors, ShareError);
    pyo3::import_exception!(optiverse_engine.errors, SyncArgumentError);
    pyo3::import_exception!(optiverse_engine.errors, SyncError);
    pyo3::import_exception!(optiverse_engine.errors, TraceError);
    pyo3::import_exception!(optiverse_engine.errors, UnknownItemError);
}

/// Sets an attribute of an exception. Ours take any, so this fails only where memory does.
fn with<'py>(py: Python<'py>, error: PyErr, name: &str, value: impl IntoPyObject<'py>) -> PyErr {
    match error.value(py).setattr(name, value) {
        Ok(()) => error,
        Err(other) => other,
    }
}

/// A text that is not a scene.
pub(crate) fn scene_error(py: Python<'_>, error: &CoreSceneError) -> PyErr {
    let exception = python::SceneError::new_err(error.to_string());
    match error {
        CoreSceneError::Syntax { line, column, .. } => with(py, with(py, exception, "line", line), "column", column),
        CoreSceneError::Nesting { place, .. } => with(py, exception, "place", *place),
        CoreSceneError::Form { place, .. } => with(py, exception, "place", place),
        _ => exception,
    }
}

/// A file that gave no scene.
pub(crate) fn load_error(py: Python<'_>, error: &LoadError, path: &Path) -> PyErr {
    match error {
        LoadError::Io(io) => file_error(py, io, path),
        LoadError::Scene(scene) => scene_error(py, scene),
        LoadError::Link(link) => link_error(py, link),
        LoadError::Utf8 { position } => python::SceneError::new_err(format!(
            "{} is not UTF-8 text: byte {position} is none of any character",
            path.display()
        )),
        other => python::SceneError::new_err(format!("{}: {other}", path.display())),
    }
}

/// A file that cannot be read or written.
pub(crate) fn file_error(py: Python<'_>, error: &io::Error, path: &Path) -> PyErr {
    let filename = path.display().to_string();
    let Some(code) = error.raw_os_error() else {
        return python::SceneFileError::new_err(format!("{filename}: {error}"));
    };
    let message = py.import("os").and_then(|os| os.call_method1("strerror", (code,))?.extract::<String>());
    let arguments = (code, message.unwrap_or_else(|_| error.to_string()), filename);
    match error.kind() {
        io::ErrorKind::NotFound => python::SceneFileNotFoundError::new_err(arguments),
        _ => python::SceneFileError::new_err(arguments),
    }
}

/// Links that were not followed.
pub(crate) fn link_error(py: Python<'_>, error: &CoreLinkError) -> PyErr {
    let exception = python::LinkError::new_err(error.to_string());
    match error {
        CoreLinkError::Cycle { chain } | CoreLinkError::Depth { chain, .. } => {
            with(py, exception, "chain", chain.clone())
        }
        _ => exception,
    }
}

/// An edit that was refused.
pub(crate) fn edit_error(py: Python<'_>, error: &CoreEditError) -> PyErr {
    let message = error.to_string();
    let (item, key) = match error {
        CoreEditError::UnknownItem { item } => return unknown_item(py, item),
        CoreEditError::RepeatedId { item } => (Some(item.as_str()), None),
        CoreEditError::LinkedItem { item } => (Some(item.as_str()), None),
        CoreEditError::IdKey { item, key } => (Some(item.as_str()), Some(key.as_str())),
        CoreEditError::ListKey { key } => (None, Some(key.as_str())),
        CoreEditError::Position { item, .. } => (Some(item.as_str()), None),
        CoreEditError::Nesting { key, .. } => (None, Some(key.as_str())),
        CoreEditError::Points { item, key, .. } => (Some(item.as_str()), Some(*key)),
        CoreEditError::NotMovable { item } => (Some(item.as_str()), None),
        _ => (None, None),
    };
    let exception = python::EditError::new_err(message);
    with(py, with(py, exception, "item", item), "key", key)
}

/// Properties that are no item.
pub(crate) fn item_error(py: Python<'_>, error: &ItemError) -> PyErr {
    let exception = python::EditError::new_err(error.to_string());
    match error {
        ItemError::NoId { key, .. } | ItemError::BadId { key, .. } => with(py, exception, "key", *key),
        _ => exception,
    }
}

/// An edit of a scene that follows a session.
pub(crate) fn follows_a_session() -> PyErr {
    python::EditError::new_err("this scene follows a session: edit it by the session's methods, or a `copy()` of it")
}

/// An edit that was refused in a session.
pub(crate) fn local_edit_error(py: Python<'_>, error: &LocalEditError) -> PyErr {
    match error {
        LocalEditError::Edit(error) => edit_error(py, error),
        other => python::ShareError::new_err(other.to_string()),
    }
}

/// A text that is no saved work.
pub(crate) fn saved_work(py: Python<'_>, argument: &str, error: &FrameError) -> PyErr {
    let exception = python::SyncArgumentError::new_err(format!("the text is no saved session: {error}"));
    with(py, with(py, exception, "argument", argument), "expected", "what `save` wrote")
}

/// An argument that the client cannot use; the message says what is expected.
pub(crate) fn client_argument(py: Python<'_>, argument: &str, error: &dyn std::fmt::Display) -> PyErr {
    with(py, python::SyncArgumentError::new_err(error.to_string()), "argument", argument)
}

/// A client that was not started.
pub(crate) fn client_start(py: Python<'_>, error: &StartError) -> PyErr {
    match error {
        StartError::Secret { what } => client_argument(py, what, error),
        StartError::RootCertificates { .. } => client_argument(py, "root_certificates", error),
        StartError::Resume(error) => saved_work(py, "resume", error),
        StartError::Address { .. } => client_argument(py, "url", error),
        other => python::SyncError::new_err(other.to_string()),
    }
}

/// What a client did not do.
pub(crate) fn client_error(py: Python<'_>, error: &ClientError) -> PyErr {
    match error {
        ClientError::Edit(error) => local_edit_error(py, error),
        other => python::SessionClosedError::new_err(other.to_string()),
    }
}

/// An argument that cannot be used in a session.
pub(crate) fn sync_argument(py: Python<'_>, argument: &str, value: &str, expected: &str) -> PyErr {
    let exception = python::SyncArgumentError::new_err(format!("{argument} is {value}, expected {expected}"));
    with(py, with(py, exception, "argument", argument), "expected", expected)
}

/// The operating system has no randomness.
pub(crate) fn no_randomness(error: &dyn std::fmt::Display) -> PyErr {
    python::SyncError::new_err(format!("the operating system gives no random numbers: {error}"))
}

/// A property that cannot be given.
pub(crate) fn edit_refused(py: Python<'_>, message: String, key: &str) -> PyErr {
    with(py, python::EditError::new_err(message), "key", key)
}

/// A property of a type that JSON does not have.
pub(crate) fn property_type(py: Python<'_>, place: &str, found: &str, expected: &str) -> PyErr {
    let exception = python::PropertyTypeError::new_err(format!("{place} is {found}, expected {expected}"));
    with(py, exception, "key", place)
}

/// No item of that id.
pub(crate) fn unknown_item(py: Python<'_>, id: &str) -> PyErr {
    with(py, python::UnknownItemError::new_err(format!("there is no item {id}")), "item", id)
}

/// Items that cannot be traced, in a strict trace.
pub(crate) fn invalid_scene(py: Python<'_>, error: &optiverse_core::optics::CompileError) -> PyErr {
    let exception = python::InvalidSceneError::new_err(error.to_string());
    with(py, exception, "reports", Report::all(error.reports()))
}

/// A trace that gave no result.
pub(crate) fn trace_error(py: Python<'_>, error: &CoreTraceError) -> PyErr {
    match error {
        CoreTraceError::InvalidOption { option, value, expected } => {
            option_error(py, option, &value.to_string(), expected)
        }
        other => python::TraceError::new_err(other.to_string()),
    }
}

/// A trace that could not be started.
pub(crate) fn no_thread(error: &io::Error) -> PyErr {
    python::TraceError::new_err(format!("no thread could be started for the trace: {error}"))
}

/// An option that cannot be used.
pub(crate) fn option_error(py: Python<'_>, option: &str, value: &str, expected: &str) -> PyErr {
    let exception = python::OptionError::new_err(format!("{option} is {value}, expected {expected}"));
    with(py, with(py, with(py, exception, "option", option), "value", value), "expected", expected)
}

/// A picture that cannot be made.
pub(crate) fn render_error(message: String) -> PyErr {
    python::RenderError::new_err(message)
}

/// Says something by `warnings.warn`, in the name of the caller's line.
///
/// # Errors
/// The warning itself, where the user has made errors of warnings.
pub(crate) fn warn(py: Python<'_>, message: &str) -> PyResult<()> {
    let category = py.get_type::<python::OptiverseWarning>();
    // No text of a C interface can hold a NUL.
    let message = std::ffi::CString::new(message.replace('\0', "\\0"))?;
    PyErr::warn(py, &category, &message, 1)
}
