//! What the client's thread and those who call it share.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mio::Waker;
use optiverse_core::sync::session;

use crate::event::{Event, MAX_EVENTS};
use crate::observed::ObservedSession;
use crate::options::Bell;

/// What is shared, and how the two sides call each other.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Is notified after events have come, and at the end of the thread.
    changed: Condvar,
    bell: Option<Bell>,
    /// Ends the waiting of the thread.
    waker: Arc<Waker>,
}

pub(crate) struct State {
    pub(crate) session: ObservedSession,
    events: VecDeque<Event>,
    missed: u64,
    /// Counts events, so that who added some can tell.
    come: u64,
    /// What the session asked of the connection last.
    pub(crate) wish: Option<Wish>,
    /// Whether the session tries no more by itself, since the server refused it.
    pub(crate) is_given_up: bool,
    /// Until when the connection may take to end in order.
    pub(crate) closing: Option<Instant>,
    /// Whether the thread has ended.
    pub(crate) is_closed: bool,
}

/// What a session asks of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Connect,
    Disconnect(&'static str),
}

impl State {
    pub(crate) fn push(&mut self, event: Event) {
        if self.events.len() == MAX_EVENTS {
            self.events.pop_front();
            self.missed += 1;
        }
        self.events.push_back(event);
        self.come += 1;
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        if self.missed > 0 {
            return Some(Event::Missed { count: std::mem::take(&mut self.missed) });
        }
        self.events.pop_front()
    }

    /// Whether the client was closed, if only a moment ago.
    pub(crate) fn is_ending(&self) -> bool {
        self.closing.is_some() || self.is_closed
    }

    /// Takes what the session tells.
    fn take_events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                session::Event::Connect { .. } => self.wish = Some(Wish::Connect),
                session::Event::Disconnect { reason } => self.wish = Some(Wish::Disconnect(reason)),
                other => {
                    self.is_given_up |= matches!(other, session::Event::ServerChanged);
                    self.push(Event::Session(other));
                }
            }
        }
    }
}

impl Shared {
    pub(crate) fn new(session: ObservedSession, bell: Option<Bell>, waker: Arc<Waker>) -> Shared {
        let mut state = State {
            session,
            events: VecDeque::new(),
            missed: 0,
            come: 0,
            wish: None,
            is_given_up: false,
            closing: None,
            is_closed: false,
        };
        state.take_events();
        Shared { state: Mutex::new(state), changed: Condvar::new(), bell, waker }
    }

    /// To look at. What changes the session goes through [`Shared::act`].
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the state, and tells of the events that come of it.
    pub(crate) fn act<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let before = state.come;
        let result = act(&mut state);
        state.take_events();
        let has_come = state.come != before;
        drop(state);
        if has_come {
            self.tell();
        }
        result
    }

    /// The thread has ended.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.tell();
    }

    fn tell(&self) {
        self.changed.notify_all();
        if let Some(bell) = &self.bell {
            bell();
        }
    }

    /// As [`Shared::act`], for those who call the client: the thread looks at what they have done.
    pub(crate) fn act_and_wake<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let result = self.act(act);
        self.wake();
        result
    }

    pub(crate) fn wake(&self) {
        // It fails where the system has no memory for one more count, and then the thread is awake.
        let _ = self.waker.wake();
    }

    /// Waits until there is something in the state that `find` finds, the client is closed, or the time is up.
    pub(crate) fn wait<T>(&self, timeout: Duration, mut find: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.lock();
        loop {
            if let Some(found) = find(&mut state) {
                return Some(found);
            }
            if state.is_closed {
                return None;
            }
            state = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return None,
                Some(left) => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_nobody_takes_are_dropped_past_the_limit_and_counted() -> Result<(), Box<dyn std::error::Error>> {
        let poll = mio::Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), mio::Token(0))?);
        let session = optiverse_core::sync::Session::new(crate::random_key()?);
        let shared = Shared::new(ObservedSession::new(session, None), None, waker);
        let event = |number: usize| Event::Disconnected { code: None, message: number.to_string(), retries: true };
        let fill = |numbers: std::ops::Range<usize>| {
            shared.act(|state| numbers.for_each(|number| state.push(event(number))));
        };
        fill(0..MAX_EVENTS);
        assert_eq!(shared.lock().pop(), Some(event(0)));
        fill(MAX_EVENTS..MAX_EVENTS + 2);
        assert_eq!(shared.lock().pop(), Some(Event::Missed { count: 1 }));
        assert_eq!(shared.lock().pop(), Some(event(2)));
        Ok(())
    }
}
