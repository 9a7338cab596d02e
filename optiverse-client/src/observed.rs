//! A session with an observer of its scene.

use std::collections::VecDeque;
use std::fmt;

use optiverse_core::scene::{Edit, Scene};
use optiverse_core::sync::session::{Event, LocalEditError, UndoStep, add_all, with_written_ids};
use optiverse_core::sync::{Presence, Session};

/// Is told every edit of the scene as it was made, in order: the user's own and everybody else's. Applied to a copy of the
/// scene, each of them succeeds and keeps the copy the same.
pub type Observer = Box<dyn FnMut(&Edit) + Send>;

/// A session whose scene is observed, so that what a program derives from it (a copy, a compiled system, a picture) can follow
/// edit by edit.
///
/// Inputs and outputs are those of [`Session`]; what is only looked at is reached by [`ObservedSession::session`].
pub struct ObservedSession {
    session: Session,
    events: VecDeque<Event>,
    observer: Option<Observer>,
}

impl ObservedSession {
    /// Observes a session from its present scene on.
    pub fn new(session: Session, observer: Option<Observer>) -> ObservedSession {
        let mut observed = ObservedSession { session, events: VecDeque::new(), observer };
        observed.take_events();
        observed
    }

    /// The session, to look at.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// See [`Session::edit`].
    ///
    /// # Errors
    /// If the edit is refused; nothing has changed then.
    pub fn edit(&mut self, edit: &Edit, step: UndoStep, now_ms: u64) -> Result<(), LocalEditError> {
        let edit = with_written_ids(edit);
        self.session.edit(&edit, step, now_ms)?;
        if let Some(observer) = &mut self.observer {
            observer(&edit);
        }
        self.take_events();
        Ok(())
    }

    /// See [`Session::share`].
    ///
    /// # Errors
    /// As for [`ObservedSession::edit`].
    pub fn share(&mut self, scene: &Scene, now_ms: u64) -> Result<(), LocalEditError> {
        self.edit(&add_all(scene), UndoStep::New, now_ms)
    }

    /// See [`Session::undo`].
    ///
    /// # Errors
    /// As there.
    pub fn undo(&mut self, now_ms: u64) -> Result<bool, LocalEditError> {
        self.then_take_events(|session| session.undo(now_ms))
    }

    /// See [`Session::redo`].
    ///
    /// # Errors
    /// As there.
    pub fn redo(&mut self, now_ms: u64) -> Result<bool, LocalEditError> {
        self.then_take_events(|session| session.redo(now_ms))
    }

    /// See [`Session::set_presence`].
    pub fn set_presence(&mut self, presence: Presence, now_ms: u64) {
        self.then_take_events(|session| session.set_presence(presence, now_ms));
    }

    /// See [`Session::start`].
    pub fn start(&mut self) {
        self.then_take_events(Session::start);
    }

    /// See [`Session::stop`].
    pub fn stop(&mut self) {
        self.then_take_events(Session::stop);
    }

    /// See [`Session::handle_connected`].
    pub fn handle_connected(&mut self, now_ms: u64) {
        self.then_take_events(|session| session.handle_connected(now_ms));
    }

    /// See [`Session::handle_disconnected`].
    pub fn handle_disconnected(&mut self, now_ms: u64) {
        self.then_take_events(|session| session.handle_disconnected(now_ms));
    }

    /// See [`Session::handle_frame`].
    pub fn handle_frame(&mut self, frame: &[u8], now_ms: u64) {
        self.then_take_events(|session| session.handle_frame(frame, now_ms));
    }

    /// See [`Session::handle_timeout`].
    pub fn handle_timeout(&mut self, now_ms: u64) {
        self.then_take_events(|session| session.handle_timeout(now_ms));
    }

    /// See [`Session::poll_transmit`].
    pub fn poll_transmit(&mut self) -> Option<String> {
        self.session.poll_transmit()
    }

    /// See [`Session::poll_event`]. The observer has been told of a change before.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn then_take_events<T>(&mut self, act: impl FnOnce(&mut Session) -> T) -> T {
        let result = act(&mut self.session);
        self.take_events();
        result
    }

    /// Takes them at once: a change that waits would reach the observer after a later edit of the user's own.
    fn take_events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            if let (Event::Changed(change), Some(observer)) = (&event, &mut self.observer) {
                observer(&change.edit);
            }
            self.events.push_back(event);
        }
    }
}

impl fmt::Debug for ObservedSession {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ObservedSession").field("session", &self.session).field("events", &self.events).finish()
    }
}
