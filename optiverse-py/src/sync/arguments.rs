//! Arguments that several classes take.

use optiverse_client::random_key;
use optiverse_core::scene::ItemId;
use optiverse_core::sync::session::UndoStep;
use optiverse_core::sync::{MAX_SELECTION, Presence, ReplicaKey, limits};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::error;

/// Where an edit belongs in the history: "new" or "continue".
pub(crate) fn undo_step(py: Python<'_>, step: &str) -> PyResult<UndoStep> {
    match step {
        "new" => Ok(UndoStep::New),
        "continue" => Ok(UndoStep::Continue),
        other => Err(error::sync_argument(py, "step", &format!("{other:?}"), "\"new\" or \"continue\"")),
    }
}

/// The key that is given, or else a new one.
pub(crate) fn key(py: Python<'_>, given: Option<&[u8]>) -> PyResult<ReplicaKey> {
    let Some(bytes) = given else { return random_key().map_err(|error| error::no_randomness(&error)) };
    let refused = |_| error::sync_argument(py, "key", &format!("{} bytes long", bytes.len()), "16 random bytes");
    bytes.try_into().map(ReplicaKey::new).map_err(refused)
}

/// Where the user is.
pub(crate) fn presence(
    py: Python<'_>,
    cursor_mm: Option<(f64, f64)>,
    selection: Option<&Bound<'_, PyAny>>,
    color: Option<String>,
) -> PyResult<Presence> {
    let refused = |argument, value: String, expected| Err(error::sync_argument(py, argument, &value, expected));
    if let Some((x, y)) = cursor_mm.filter(|(x, y)| !x.is_finite() || !y.is_finite()) {
        return refused("cursor_mm", format!("({x}, {y})"), "two finite numbers");
    }
    let is_name = |text: &str| (1..=limits::MAX_NAME_BYTES).contains(&text.len());
    let mut ids = Vec::new();
    if let Some(selection) = selection {
        if selection.is_instance_of::<PyString>() {
            return refused("selection", selection.repr()?.to_string(), "a list of ids");
        }
        for id in selection.try_iter()? {
            let id: String = id?.extract()?;
            if !is_name(&id) {
                return refused("selection", format!("with an id of {} bytes", id.len()), "ids of 1 to 256 bytes");
            }
            ids.push(ItemId::from(id));
        }
    }
    if ids.len() > MAX_SELECTION {
        return refused("selection", format!("{} ids long", ids.len()), "1000 ids at most");
    }
    if let Some(color) = color.as_ref().filter(|color| !is_name(color)) {
        return refused("color", format!("{} bytes long", color.len()), "a text of 1 to 256 bytes");
    }
    Ok(Presence { cursor_mm, selection: ids, color })
}
