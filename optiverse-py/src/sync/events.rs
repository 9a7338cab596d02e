//! Events of the core as the classes of `optiverse_engine.events`.

use std::collections::BTreeMap;

use optiverse_core::scene::ItemId;
use optiverse_core::sync::session::{Event, Peer, SceneChange, Status};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::edit::Edit;

/// The word for a status.
pub(crate) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Offline => "offline",
        Status::Connecting { .. } => "connecting",
        Status::CatchingUp => "catching up",
        Status::Sending => "sending",
        Status::Unconfirmed => "unconfirmed",
        Status::Synchronised => "synchronised",
    }
}

/// An instance of a class of `optiverse_engine.events`.
pub(crate) fn instance<'py>(
    py: Python<'py>,
    class: &str,
    arguments: impl pyo3::call::PyCallArgs<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    py.import("optiverse_engine.events")?.getattr(class)?.call1(arguments)
}

/// An event; none for those that this version of the package has no class for. `python/tests/test_sync_engine.py` holds
/// the list to the core's.
pub(crate) fn to_python<'py>(py: Python<'py>, event: Event) -> PyResult<Option<Bound<'py, PyAny>>> {
    let event = match event {
        Event::Connect { attempt } => instance(py, "Connect", (attempt,)),
        Event::Disconnect { reason } => instance(py, "Disconnect", (reason,)),
        Event::Status(status) => {
            let attempt = if let Status::Connecting { attempt } = status { Some(attempt) } else { None };
            instance(py, "StatusChanged", (status_name(status), attempt))
        }
        Event::Role(role) => instance(py, "RoleChanged", (role.code(),)),
        Event::Changed(change) => scene_changed(py, change),
        Event::Refused { item, reason } => instance(py, "Refused", (item.as_str(), reason.code(), reason.message())),
        Event::UserJoined { user } => instance(py, "UserJoined", (user,)),
        Event::UserLeft { user } => instance(py, "UserLeft", (user,)),
        Event::Presence { connection, peer } => {
            let peer = peer.map(|peer| peer_to_python(py, &peer)).transpose()?;
            instance(py, "PeerChanged", (connection, peer))
        }
        Event::ForwardOnly => instance(py, "ForwardOnly", ()),
        Event::ServerChanged => instance(py, "ServerChanged", ()),
        Event::ClockSkew { ahead_ms } => instance(py, "ClockSkew", (ahead_ms,)),
        Event::LegacyWriter { user } => instance(py, "LegacyWriter", (user,)),
        Event::FrameIgnored(error) => instance(py, "FrameIgnored", (error.to_string(),)),
        Event::RelayComplained { message } => instance(py, "RelayComplained", (message,)),
        _ => return Ok(None),
    };
    event.map(Some)
}

/// The others, by connection.
pub(crate) fn peers_to_python<'py>(py: Python<'py>, peers: &BTreeMap<u64, Peer>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (connection, peer) in peers {
        dict.set_item(connection, peer_to_python(py, peer)?)?;
    }
    Ok(dict)
}

/// One of the others.
fn peer_to_python<'py>(py: Python<'py>, peer: &Peer) -> PyResult<Bound<'py, PyAny>> {
    let presence = &peer.presence;
    let arguments = (&peer.user, presence.cursor_mm, ids(py, &presence.selection)?, &presence.color);
    instance(py, "Peer", arguments)
}

fn scene_changed<'py>(py: Python<'py>, change: SceneChange) -> PyResult<Bound<'py, PyAny>> {
    let changed = PyDict::new(py);
    for (id, keys) in &change.changed {
        changed.set_item(id.as_str(), PyTuple::new(py, keys)?)?;
    }
    let arguments = (ids(py, &change.added)?, changed, ids(py, &change.removed)?, Edit::from(change.edit));
    instance(py, "SceneChanged", arguments)
}

fn ids<'py>(py: Python<'py>, ids: &[ItemId]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, ids.iter().map(ItemId::as_str))
}
