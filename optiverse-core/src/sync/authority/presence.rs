//! Passing on where people are: the newest state of each connection, 30 times a second at most.

use std::sync::Arc;

use crate::sync::authority::connection::{Connection, Dialect};
use crate::sync::authority::{Authority, ConnectionId};
use crate::sync::presence::{PRESENCE_INTERVAL_MS, Presence, write_cursor_move, write_peer};

/// What is known of the user of a connection.
#[derive(Debug)]
pub(crate) struct Shown {
    presence: Presence,
    sent_ms: u64,
    /// Whether the others have not been told of the newest state.
    is_due: bool,
}

impl Shown {
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.is_due.then(|| self.sent_ms.saturating_add(PRESENCE_INTERVAL_MS))
    }
}

impl Authority {
    pub(crate) fn take_presence(&mut self, connection: ConnectionId, presence: Presence, now_ms: u64) {
        let Some(entry) = self.connections.get_mut(&connection) else { return };
        match &mut entry.shown {
            Some(shown) => {
                shown.presence = presence;
                shown.is_due = true;
            }
            empty => *empty = Some(Shown { presence, sent_ms: 0, is_due: true }),
        }
        self.pass_on_presence(connection, now_ms);
    }

    /// Tells the others, if it is time to.
    pub(crate) fn pass_on_presence(&mut self, connection: ConnectionId, now_ms: u64) {
        let Some(entry) = self.connections.get_mut(&connection) else { return };
        let Some(shown) = entry.shown.as_mut().filter(|shown| shown.deadline().is_some_and(|due| due <= now_ms)) else {
            return;
        };
        shown.is_due = false;
        shown.sent_ms = now_ms;
        let frame: Arc<str> = write_peer(connection.0, &entry.user, Some(&shown.presence)).into();
        let cursor = shown.presence.cursor_mm.map(|cursor| Arc::<str>::from(write_cursor_move(&entry.user, cursor)));
        self.send_presence(connection, &frame, cursor.as_ref());
    }

    /// Tells the others that a connection is gone.
    pub(crate) fn presence_gone(&mut self, connection: ConnectionId, user: &str) {
        let frame: Arc<str> = write_peer(connection.0, user, None).into();
        self.send_presence(connection, &frame, None);
    }

    /// Tells a client that has just come where the others are.
    pub(crate) fn send_everybodys_presence(&mut self, to: ConnectionId) {
        let others = self.connections.iter().filter(|(id, _)| **id != to);
        let frame = |(id, entry): (&ConnectionId, &Connection)| {
            entry.shown.as_ref().map(|shown| write_peer(id.0, &entry.user, Some(&shown.presence)))
        };
        let frames: Vec<String> = others.filter_map(frame).collect();
        for frame in frames {
            self.send(to, frame);
        }
    }

    fn send_presence(&mut self, from: ConnectionId, frame: &Arc<str>, cursor: Option<&Arc<str>>) {
        let others = self.connections.iter().filter(|(id, _)| **id != from);
        let frames: Vec<(ConnectionId, Arc<str>)> = others
            .filter_map(|(id, entry)| match &entry.dialect {
                Dialect::Sync { .. } => Some((*id, Arc::clone(frame))),
                Dialect::Component(_) => cursor.map(|cursor| (*id, Arc::clone(cursor))),
                _ => None,
            })
            .collect();
        for (to, frame) in frames {
            self.send(to, frame);
        }
    }
}
