//! The class `Engine`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use optiverse_client::{ObservedSession, now_ms};
use optiverse_core::scene::{self, ItemId};
use optiverse_core::sync::{Role, Session};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use crate::edit::{self, Edit};
use crate::error;
use crate::scene::Scene;
use crate::sync::{arguments, events, followed};

/// One user's copy of a session: a state machine without socket, thread and clock.
///
/// Tell it what happens by the edits and `handle_*`; after each of them poll until there is nothing more: `poll_event`, then
/// `poll_transmit`; then ask `poll_timeout`. The module shows the loop.
///
/// Every method that needs the time takes it as `now_ms`, whole milliseconds since the Unix epoch; without it, it is that of
/// the system. A host gives either all times or none.
///
/// Every edit shows in `scene` at once and is told to the relay when there is one. Its argument `step` is "new", where it is a
/// step of undo, or "continue", where it continues the step before as the moves of one drag do.
///
/// Args:
///     key: 16 random bytes, a secret, new for each engine; taken from the system if not given. It makes the id by which the
///         others know this copy, and nobody can speak to a relay as this copy without it.
///
/// Attributes:
///     scene: the scene as the user is to see it: what is confirmed, with the user's own edits on top. Always the same
///         object, which follows the session.
///     status: "offline", "connecting", "catching up", "sending", "unconfirmed" or "synchronised"; see `StatusChanged`.
///     role: "owner", "editor" or "viewer", as the relay last said; None before it has.
///     pending: the number of edits that the relay has not yet decided about.
///     users: who else is in the session: the names of the other connections, one for each, in the order they came. Empty
///         while there is no connection; whole once the status is "sending", "unconfirmed" or "synchronised".
///     peers: those of the others who have shown where they are, by connection.
///     can_undo: whether there is a step to undo.
///     can_redo: whether there is a step to redo.
#[pyclass(module = "optiverse_engine.sync", frozen)]
pub(crate) struct Engine {
    session: Mutex<ObservedSession>,
    scene: Py<Scene>,
}

impl Engine {
    fn start_from(py: Python<'_>, session: Session) -> PyResult<Self> {
        let (scene, observer) = followed::scene_of(py, &session)?;
        Ok(Engine { session: Mutex::new(ObservedSession::new(session, Some(observer))), scene })
    }

    /// No Python code runs while it is locked.
    fn lock(&self) -> MutexGuard<'_, ObservedSession> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make(&self, py: Python<'_>, edit: &scene::Edit, step: &str, time: Option<u64>) -> PyResult<()> {
        let step = arguments::undo_step(py, step)?;
        let made = self.lock().edit(edit, step, time.unwrap_or_else(now_ms));
        made.map_err(|error| error::local_edit_error(py, &error))
    }
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (*, key = None))]
    fn new(py: Python<'_>, key: Option<&[u8]>) -> PyResult<Self> {
        Engine::start_from(py, Session::new(arguments::key(py, key)?))
    }

    /// Goes on from what `save` wrote, in a new process. The history of undo starts anew.
    ///
    /// Edits that the relay has decided about in the meantime are recognised. One text must not be resumed twice: if edits are
    /// pending in it, the engine goes on with the key under which they were made, which the text holds, and not with `key`.
    ///
    /// Raises:
    ///     SyncArgumentError: the text or the key is something else.
    #[staticmethod]
    #[pyo3(signature = (text, /, *, key = None))]
    fn resume(py: Python<'_>, text: &str, key: Option<&[u8]>) -> PyResult<Self> {
        let key = arguments::key(py, key)?;
        let session = py.detach(|| Session::resume(key, text));
        Engine::start_from(py, session.map_err(|error| error::saved_work(py, "text", &error))?)
    }

    /// What is confirmed and what is pending, as text for `resume`. It is for this user alone: who has it can go on as this
    /// engine.
    fn save(&self, py: Python<'_>) -> String {
        py.detach(|| self.lock().session().save())
    }

    /// The connection that was asked for is open.
    #[pyo3(signature = (*, now_ms = None))]
    fn handle_connected(&self, now_ms: Option<u64>) {
        self.lock().handle_connected(time(now_ms));
    }

    /// The connection has ended, or could not be opened. Another attempt follows by itself.
    #[pyo3(signature = (*, now_ms = None))]
    fn handle_disconnected(&self, now_ms: Option<u64>) {
        self.lock().handle_disconnected(time(now_ms));
    }

    /// A text frame has arrived, as text or as its bytes. One that cannot be read changes nothing; `FrameIgnored` says so.
    ///
    /// Raises:
    ///     TypeError: it is neither str nor bytes.
    #[pyo3(signature = (frame, /, *, now_ms = None))]
    fn handle_frame(&self, py: Python<'_>, frame: &Bound<'_, PyAny>, now_ms: Option<u64>) -> PyResult<()> {
        let frame: Vec<u8> = match frame.cast::<PyString>() {
            // Half of a surrogate pair is no text that a frame can hold: it is told as bytes that are not UTF-8.
            Ok(text) => text.call_method1("encode", ("utf-8", "surrogatepass"))?.extract()?,
            Err(_) => frame.cast::<PyBytes>()?.as_bytes().to_vec(),
        };
        py.detach(|| self.lock().handle_frame(&frame, time(now_ms)));
        Ok(())
    }

    /// The time that `poll_timeout` asked for has come. To call it early does nothing.
    #[pyo3(signature = (*, now_ms = None))]
    fn handle_timeout(&self, now_ms: Option<u64>) {
        self.lock().handle_timeout(time(now_ms));
    }

    /// Tries to connect at once, where it waits to try again or was stopped.
    fn start(&self) {
        self.lock().start();
    }

    /// Tries no more until `start`; edits are kept.
    fn stop(&self) {
        self.lock().stop();
    }

    /// The next event, or None.
    fn poll_event<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        loop {
            let Some(event) = self.lock().poll_event() else { return Ok(None) };
            if let Some(event) = events::to_python(py, event)? {
                return Ok(Some(event));
            }
        }
    }

    /// The next frame to send, in order, or None. The first one to a relay holds the key: frames do not belong in logs.
    fn poll_transmit(&self) -> Option<String> {
        self.lock().poll_transmit()
    }

    /// When to call `handle_timeout`, in milliseconds since the Unix epoch; None where nothing is waited for.
    fn poll_timeout(&self) -> Option<u64> {
        self.lock().session().poll_timeout()
    }

    /// Makes an edit.
    ///
    /// Raises:
    ///     EditError: the scene refuses it; nothing has changed then.
    ///     ShareError: it cannot be made in this session, or not by this user; nothing has changed then.
    #[pyo3(signature = (edit, /, *, step = "new", now_ms = None))]
    fn edit(&self, py: Python<'_>, edit: &Edit, step: &str, now_ms: Option<u64>) -> PyResult<()> {
        self.make(py, edit.inner(), step, now_ms)
    }

    /// Adds an item and returns its id; a random one where the properties have none. See `Scene.add`.
    ///
    /// Raises:
    ///     EditError: as for `Scene.add`.
    ///     ShareError: it cannot be made in this session, or not by this user; nothing has changed then.
    #[pyo3(signature = (properties, /, *, section = "items", step = "new", now_ms = None))]
    fn add(
        &self,
        py: Python<'_>,
        properties: &Bound<'_, PyAny>,
        section: &str,
        step: &str,
        now_ms: Option<u64>,
    ) -> PyResult<String> {
        let item = edit::new_item(py, Some(properties), section, None)?;
        let id = item.id().to_string();
        self.make(py, &scene::Edit::Add { item, position: None }, step, now_ms)?;
        Ok(id)
    }

    /// Gives properties of an item new values. See `Scene.update`.
    ///
    /// Raises:
    ///     EditError: as for `Scene.update`.
    ///     ShareError: it cannot be made in this session, or not by this user; nothing has changed then.
    #[pyo3(signature = (id, changes, /, *, step = "new", now_ms = None))]
    fn update(
        &self,
        py: Python<'_>,
        id: &str,
        changes: &Bound<'_, PyAny>,
        step: &str,
        now_ms: Option<u64>,
    ) -> PyResult<()> {
        self.make(py, &edit::setting(id, Some(changes), None)?, step, now_ms)
    }

    /// Removes properties of an item. See `Scene.unset`.
    ///
    /// Raises:
    ///     EditError: as for `Scene.unset`.
    ///     ShareError: it cannot be made in this session, or not by this user; nothing has changed then.
    #[pyo3(signature = (id, /, *keys, step = "new", now_ms = None))]
    fn unset(&self, py: Python<'_>, id: &str, keys: Vec<String>, step: &str, now_ms: Option<u64>) -> PyResult<()> {
        self.make(py, &edit::unsetting(id, keys), step, now_ms)
    }

    /// Puts an item at a position in mm. See `Scene.move`.
    ///
    /// Raises:
    ///     EditError: as for `Scene.move`.
    ///     ShareError: it cannot be made in this session, or not by this user; nothing has changed then.
    #[pyo3(name = "move", signature = (id, /, x_mm, y_mm, *, step = "new", now_ms = None))]
    fn move_to(&self, py: Python<'_>, id: &str, x_mm: f64, y_mm: f64, step: &str, now_ms: Option<u64>) -> PyResult<()> {
        self.make(py, &scene::Edit::Move { id: ItemId::from(id), x_mm, y_mm }, step, now_ms)
    }

    /// Removes an item. See `Scene.remove`.
    ///
    /// Raises:
    ///     UnknownItemError: there is no item of that id.
    ///     ShareError: it cannot be made in this session, or not by this user; nothing has changed then.
    #[pyo3(signature = (id, /, *, step = "new", now_ms = None))]
    fn remove(&self, py: Python<'_>, id: &str, step: &str, now_ms: Option<u64>) -> PyResult<()> {
        self.make(py, &scene::Edit::Remove { id: ItemId::from(id) }, step, now_ms)
    }

    /// Adds all items of a scene, as one step of undo; those of linked assemblies are left out.
    ///
    /// Raises:
    ///     EditError: an item of one of these ids is there already; nothing has changed then.
    ///     ShareError: an item cannot be shared; nothing has changed then.
    #[pyo3(signature = (scene, /, *, now_ms = None))]
    fn share(&self, py: Python<'_>, scene: &Scene, now_ms: Option<u64>) -> PyResult<()> {
        let snapshot = scene.snapshot();
        let shared = py.detach(|| self.lock().share(snapshot.scene(), time(now_ms)));
        shared.map_err(|error| error::local_edit_error(py, &error))
    }

    /// Takes back the user's last step, as far as nobody has changed it since. Returns whether there was one.
    ///
    /// What it changes in the scene is told by `SceneChanged`.
    ///
    /// Raises:
    ///     ShareError: too many edits wait for the relay; the step is gone then.
    #[pyo3(signature = (*, now_ms = None))]
    fn undo(&self, py: Python<'_>, now_ms: Option<u64>) -> PyResult<bool> {
        let undone = self.lock().undo(time(now_ms));
        undone.map_err(|error| error::local_edit_error(py, &error))
    }

    /// Makes the step again that was undone last, by the same rule. Returns whether there was one.
    ///
    /// Raises:
    ///     ShareError: too many edits wait for the relay; the step is gone then.
    #[pyo3(signature = (*, now_ms = None))]
    fn redo(&self, py: Python<'_>, now_ms: Option<u64>) -> PyResult<bool> {
        let redone = self.lock().redo(time(now_ms));
        redone.map_err(|error| error::local_edit_error(py, &error))
    }

    /// Tells the others where this user is; of states that follow each other quickly the newest.
    ///
    /// Args:
    ///     cursor_mm: x and y in the scene.
    ///     selection: the ids of the selected items, at most 1000.
    ///     color: the colour in which others are to show the user, such as "#1e90ff".
    ///     now_ms: the time.
    ///
    /// Raises:
    ///     SyncArgumentError: one of them cannot be used.
    #[pyo3(signature = (*, cursor_mm = None, selection = None, color = None, now_ms = None))]
    fn set_presence(
        &self,
        py: Python<'_>,
        cursor_mm: Option<(f64, f64)>,
        selection: Option<&Bound<'_, PyAny>>,
        color: Option<String>,
        now_ms: Option<u64>,
    ) -> PyResult<()> {
        let presence = arguments::presence(py, cursor_mm, selection, color)?;
        self.lock().set_presence(presence, time(now_ms));
        Ok(())
    }

    #[getter]
    fn scene(&self, py: Python<'_>) -> Py<Scene> {
        self.scene.clone_ref(py)
    }

    #[getter]
    fn status(&self) -> &'static str {
        events::status_name(self.lock().session().status())
    }

    #[getter]
    fn role(&self) -> Option<&'static str> {
        self.lock().session().role().map(Role::code)
    }

    #[getter]
    fn pending(&self) -> usize {
        self.lock().session().pending()
    }

    #[getter]
    fn users(&self) -> Vec<String> {
        self.lock().session().users().to_vec()
    }

    #[getter]
    fn peers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let peers = self.lock().session().peers().clone();
        events::peers_to_python(py, &peers)
    }

    #[getter]
    fn can_undo(&self) -> bool {
        self.lock().session().can_undo()
    }

    #[getter]
    fn can_redo(&self) -> bool {
        self.lock().session().can_redo()
    }

    fn __repr__(&self) -> String {
        let session = self.lock();
        let (items, pending) = (session.session().scene().len(), session.session().pending());
        format!("<Engine: {items} items, {pending} pending, {}>", events::status_name(session.session().status()))
    }
}

fn time(given: Option<u64>) -> u64 {
    given.unwrap_or_else(now_ms)
}
