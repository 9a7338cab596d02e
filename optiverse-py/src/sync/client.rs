//! The class `Client`, the native part of `Session`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use optiverse_client::{Address, Client as CoreClient, ClientOptions, Event};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::edit::Edit;
use crate::error;
use crate::scene::Scene;
use crate::sync::{arguments, events, followed};

/// How often signals are looked for while a thread waits.
const SIGNALS_EVERY: Duration = Duration::from_millis(100);

/// What to call after events have come.
type Bell = Arc<Mutex<Option<Py<PyAny>>>>;

/// The native part of `Session`, which documents it.
#[pyclass(name = "_Client", module = "optiverse_engine._native", subclass, frozen)]
pub(crate) struct Client {
    inner: CoreClient,
    scene: Py<Scene>,
    bell: Bell,
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (url, /, *, user = None, password = None, token = None, root_certificates = None, resume = None))]
    fn new(
        py: Python<'_>,
        url: &str,
        user: Option<&str>,
        password: Option<String>,
        token: Option<String>,
        root_certificates: Option<String>,
        resume: Option<String>,
    ) -> PyResult<Self> {
        let address = match user {
            None => Address::parse(url),
            Some(user) => Address::of_user(url, user),
        };
        let address = address.map_err(|error| error::client_argument(py, "url", &error))?;
        // The scene starts as what is resumed, and the client resumes the same text.
        let (scene, observer) = followed::scene_to_be(py, resume.as_deref())?;
        let bell = Bell::default();
        let rung = Arc::clone(&bell);
        let options = ClientOptions {
            password,
            token,
            root_certificates: root_certificates.map(String::into_bytes),
            resume,
            observer: Some(observer),
            bell: Some(Arc::new(move || ring(&rung))),
        };
        let inner = py.detach(|| CoreClient::connect(address, options));
        let inner = inner.map_err(|error| error::client_start(py, &error))?;
        Ok(Client { inner, scene, bell })
    }

    /// Makes an edit: `scene` shows it at once, and the relay is told.
    ///
    /// Args:
    ///     edit: the edit.
    ///     step: "new", where it is a step of undo, or "continue", where it continues the step before, as the moves of one
    ///         drag do.
    ///
    /// Raises:
    ///     EditError: the scene refuses it; nothing has changed then.
    ///     ShareError: it cannot be made in this session, or not by this user; nothing has changed then.
    ///     SessionClosedError: the session is closed.
    #[pyo3(signature = (edit, /, *, step = "new"))]
    fn edit(&self, py: Python<'_>, edit: &Edit, step: &str) -> PyResult<()> {
        let step = arguments::undo_step(py, step)?;
        py.detach(|| self.inner.edit(edit.inner(), step)).map_err(|error| error::client_error(py, &error))
    }

    /// Adds all items of a scene, as one step of undo; those of linked assemblies are left out.
    ///
    /// Raises:
    ///     EditError: an item of one of these ids is there already; nothing has changed then.
    ///     ShareError: an item cannot be shared; nothing has changed then.
    ///     SessionClosedError: the session is closed.
    #[pyo3(signature = (scene, /))]
    fn share(&self, py: Python<'_>, scene: &Scene) -> PyResult<()> {
        let snapshot = scene.snapshot();
        py.detach(|| self.inner.share(snapshot.scene())).map_err(|error| error::client_error(py, &error))
    }

    /// Takes back the user's last step, as far as nobody has changed it since. Returns whether there was one.
    ///
    /// What it changes in the scene is told by `SceneChanged`.
    ///
    /// Raises:
    ///     ShareError: too many edits wait for the relay; the step is gone then.
    ///     SessionClosedError: the session is closed.
    fn undo(&self, py: Python<'_>) -> PyResult<bool> {
        py.detach(|| self.inner.undo()).map_err(|error| error::client_error(py, &error))
    }

    /// Makes the step again that was undone last, by the same rule. Returns whether there was one.
    ///
    /// Raises:
    ///     ShareError: too many edits wait for the relay; the step is gone then.
    ///     SessionClosedError: the session is closed.
    fn redo(&self, py: Python<'_>) -> PyResult<bool> {
        py.detach(|| self.inner.redo()).map_err(|error| error::client_error(py, &error))
    }

    /// Tells the others where this user is; of states that follow each other quickly the newest.
    ///
    /// Args:
    ///     cursor_mm: x and y in the scene.
    ///     selection: the ids of the selected items, at most 1000.
    ///     color: the colour in which others are to show the user, such as "#1e90ff".
    ///
    /// Raises:
    ///     SyncArgumentError: one of them cannot be used.
    #[pyo3(signature = (*, cursor_mm = None, selection = None, color = None))]
    fn set_presence(
        &self,
        py: Python<'_>,
        cursor_mm: Option<(f64, f64)>,
        selection: Option<&Bound<'_, PyAny>>,
        color: Option<String>,
    ) -> PyResult<()> {
        let presence = arguments::presence(py, cursor_mm, selection, color)?;
        py.detach(|| self.inner.set_presence(presence));
        Ok(())
    }

    /// Tries to connect at once, where it waits to try again or has stopped because the server refused it.
    ///
    /// Raises:
    ///     SessionClosedError: the session is closed.
    fn retry(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.inner.retry()).map_err(|error| error::client_error(py, &error))
    }

    /// The next event, or None.
    fn poll_event<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        while let Some(event) = py.detach(|| self.inner.poll_event()) {
            if let Some(event) = to_python(py, event)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// The next event; waits for it. None where the time is up or the session is closed. Ctrl-C ends the waiting.
    ///
    /// Args:
    ///     timeout_s: how long to wait, in seconds; None is for ever.
    #[pyo3(signature = (timeout_s = None))]
    fn wait_event<'py>(&self, py: Python<'py>, timeout_s: Option<f64>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut clock = Waiting::new(py, timeout_s)?;
        while let Some(slice) = clock.next(py)? {
            let event = py.detach(|| self.inner.wait_event(slice));
            if let Some(event) = event.map(|event| to_python(py, event)).transpose()?.flatten() {
                return Ok(Some(event));
            }
            if self.is_closed(py) {
                return self.poll_event(py);
            }
        }
        Ok(None)
    }

    /// Waits until the relay has acknowledged every edit, and all that it has was received. Returns whether that is so.
    ///
    /// Args:
    ///     timeout_s: how long to wait, in seconds; None is for ever.
    #[pyo3(signature = (timeout_s = None))]
    fn wait_synchronised(&self, py: Python<'_>, timeout_s: Option<f64>) -> PyResult<bool> {
        let mut clock = Waiting::new(py, timeout_s)?;
        while let Some(slice) = clock.next(py)? {
            if py.detach(|| self.inner.wait_synchronised(slice)) {
                return Ok(true);
            }
            if self.is_closed(py) {
                break;
            }
        }
        Ok(false)
    }

    /// Waits until the relay has decided about every edit, then closes the connection and ends the thread.
    ///
    /// Args:
    ///     timeout_s: how long to wait for the relay, in seconds.
    ///
    /// Returns the number of edits that are still undecided; `save` gives them as text. A second call does nothing.
    #[pyo3(signature = (timeout_s = 5.0))]
    fn close(&self, py: Python<'_>, timeout_s: f64) -> PyResult<usize> {
        let mut clock = Waiting::new(py, Some(timeout_s))?;
        while let Some(slice) = clock.next(py)? {
            if slice.is_zero() || py.detach(|| self.inner.wait_decided(slice)) {
                break;
            }
        }
        Ok(py.detach(|| self.inner.close(Duration::ZERO)))
    }

    /// What is confirmed and what is pending, as text to go on from in another process. A closed session has it too.
    fn save(&self, py: Python<'_>) -> String {
        py.detach(|| self.inner.save())
    }

    /// Has this called, on a thread of the session and without arguments, after events have come; None calls nothing.
    ///
    /// It must not wait, nor call the session. What it raises is shown by `sys.unraisablehook`.
    #[pyo3(signature = (bell, /))]
    fn set_bell(&self, bell: Option<Py<PyAny>>) {
        let old = std::mem::replace(&mut *self.bell.lock().unwrap_or_else(PoisonError::into_inner), bell);
        // It may run Python code when it goes, which must not happen while the bell is locked.
        drop(old);
    }

    #[getter]
    fn scene(&self, py: Python<'_>) -> Py<Scene> {
        self.scene.clone_ref(py)
    }

    #[getter]
    fn url(&self) -> String {
        self.inner.address().to_string()
    }

    #[getter]
    fn name(&self) -> &str {
        self.inner.address().session()
    }

    #[getter]
    fn user(&self) -> &str {
        self.inner.address().user()
    }

    #[getter]
    fn status(&self, py: Python<'_>) -> &'static str {
        events::status_name(py.detach(|| self.inner.status()))
    }

    #[getter]
    fn role(&self, py: Python<'_>) -> Option<&'static str> {
        py.detach(|| self.inner.role()).map(optiverse_core::sync::Role::code)
    }

    #[getter]
    fn pending(&self, py: Python<'_>) -> usize {
        py.detach(|| self.inner.pending())
    }

    #[getter]
    fn users(&self, py: Python<'_>) -> Vec<String> {
        py.detach(|| self.inner.users())
    }

    #[getter]
    fn peers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let peers = py.detach(|| self.inner.peers());
        events::peers_to_python(py, &peers)
    }

    #[getter]
    fn can_undo(&self, py: Python<'_>) -> bool {
        py.detach(|| self.inner.look(optiverse_core::sync::Session::can_undo))
    }

    #[getter]
    fn can_redo(&self, py: Python<'_>) -> bool {
        py.detach(|| self.inner.look(optiverse_core::sync::Session::can_redo))
    }

    #[getter]
    fn is_closed(&self, py: Python<'_>) -> bool {
        py.detach(|| self.inner.is_closed())
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let status = if self.is_closed(py) { "closed" } else { self.status(py) };
        format!(
            "<Session {}: {} items, {} pending, {status}>",
            self.url(),
            self.scene.get().__len__(),
            self.pending(py)
        )
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The thread may be about to ring: it waits for the GIL, which whoever drops the client may hold.
        let inner = &self.inner;
        let closed = Python::try_attach(|py| py.detach(|| inner.close(Duration::ZERO)));
        // Without an interpreter nobody holds its lock.
        if closed.is_none() {
            inner.close(Duration::ZERO);
        }
    }
}

/// Calls the bell, if there is one and an interpreter to run it.
fn ring(bell: &Mutex<Option<Py<PyAny>>>) {
    let _ = Python::try_attach(|py| {
        let called = bell.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|bell| bell.clone_ref(py));
        if let Some(called) = called
            && let Err(raised) = called.call0(py)
        {
            raised.write_unraisable(py, Some(called.bind(py)));
        }
    });
}

fn to_python<'py>(py: Python<'py>, event: Event) -> PyResult<Option<Bound<'py, PyAny>>> {
    match event {
        Event::Session(event) => events::to_python(py, event),
        Event::Disconnected { code, message, retries } => {
            events::instance(py, "Disconnected", (message, code, retries)).map(Some)
        }
        Event::Missed { count } => events::instance(py, "Missed", (count,)).map(Some),
        _ => Ok(None),
    }
}

/// Cuts a time into slices, between which signals are looked for.
struct Waiting {
    deadline: Option<std::time::Instant>,
    is_over: bool,
}

impl Waiting {
    fn new(py: Python<'_>, timeout_s: Option<f64>) -> PyResult<Waiting> {
        let Some(timeout_s) = timeout_s else { return Ok(Waiting { deadline: None, is_over: false }) };
        let timeout = Duration::try_from_secs_f64(timeout_s);
        let timeout = timeout.map_err(|_| {
            error::sync_argument(py, "timeout_s", &timeout_s.to_string(), "a number of seconds, 0 or more, or None")
        })?;
        Ok(Waiting { deadline: std::time::Instant::now().checked_add(timeout), is_over: false })
    }

    /// How long to wait before the next look; none where the time is up.
    fn next(&mut self, py: Python<'_>) -> PyResult<Option<Duration>> {
        py.check_signals()?;
        if self.is_over {
            return Ok(None);
        }
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(std::time::Instant::now()));
        self.is_over = left.is_some_and(|left| left <= SIGNALS_EVERY);
        Ok(Some(left.unwrap_or(SIGNALS_EVERY).min(SIGNALS_EVERY)))
    }
}
