//! Connections: who they are, which protocol they speak, and what arrives on them.

use std::sync::Arc;

use crate::sync::authority::presence::Shown;
use crate::sync::authority::shadow::Shadow;
use crate::sync::authority::{Authority, CLOSE_POLICY, CLOSE_SUPERSEDED, DIALECT_TIMEOUT_MS, MAX_REPLICAS};
use crate::sync::presence::Presence;
use crate::sync::role::Role;
use crate::sync::version::ReplicaId;
use crate::sync::wire::FrameError;
use crate::sync::wire::app;
use crate::sync::wire::envelope::Envelope;
use crate::sync::wire::message::{Hello, check_user_name, read_operations, write_error};

/// One connection, as the host counts them. An id is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) user: Arc<str>,
    pub(crate) role: Role,
    pub(crate) dialect: Dialect,
    /// The newest operation when it connected.
    pub(crate) since: u64,
    /// Whether it is the one that the app calls the host.
    pub(crate) is_host: bool,
    pub(crate) shown: Option<Shown>,
}

/// The protocol that a connection speaks.
#[derive(Debug)]
pub(crate) enum Dialect {
    /// It has said nothing yet; after the deadline it is taken for the app.
    Undecided { deadline_ms: u64 },
    /// A new client.
    Sync { replica: ReplicaId },
    /// The app 0.3.4.
    App(Shadow),
    /// A client of component messages.
    Component(Shadow),
    /// Another connection of the same replica took over.
    Superseded,
}

impl Connection {
    pub(crate) fn is_component(&self) -> bool {
        matches!(self.dialect, Dialect::Component(_))
    }

    pub(crate) fn is_legacy(&self) -> bool {
        matches!(self.dialect, Dialect::App(_) | Dialect::Component(_))
    }

    pub(crate) fn shadowed_items(&self) -> usize {
        match &self.dialect {
            Dialect::App(shadow) | Dialect::Component(shadow) => shadow.len(),
            _ => 0,
        }
    }

    pub(crate) fn deadline(&self) -> Option<u64> {
        let of_dialect = match &self.dialect {
            Dialect::Undecided { deadline_ms } => Some(*deadline_ms),
            Dialect::App(shadow) | Dialect::Component(shadow) => shadow.deadline(),
            Dialect::Sync { .. } | Dialect::Superseded => None,
        };
        let of_presence = self.shown.as_ref().and_then(Shown::deadline);
        [of_dialect, of_presence].into_iter().flatten().min()
    }
}

impl Authority {
    /// A connection of `user` was let in. Two connections of one name are two connections (S12).
    ///
    /// # Errors
    /// If the name is too long; the connection does not exist then.
    pub fn connect(&mut self, connection: ConnectionId, user: &str, role: Role, now_ms: u64) -> Result<(), FrameError> {
        check_user_name(user)?;
        // What the host of the app shows counts as the session: not what somebody shows who may not edit.
        let is_host = role.may_edit() && !self.connections.values().any(|other| other.is_host);
        let joined: Arc<str> = app::user_joined(user).into();
        let others: Vec<ConnectionId> = self.connections.keys().copied().collect();
        for other in others {
            self.send(other, Arc::clone(&joined));
        }
        let dialect = Dialect::Undecided { deadline_ms: now_ms.saturating_add(DIALECT_TIMEOUT_MS) };
        let user: Arc<str> = user.into();
        let state = Connection { user: Arc::clone(&user), role, dialect, since: self.sequence, is_host, shown: None };
        self.connections.insert(connection, state);
        let users: Vec<&str> = self.connections.values().map(|other| &*other.user).collect();
        let greeting = app::Greeting { user: &user, users: &users, is_host, role, epoch: self.config.epoch };
        let ack = greeting.write(&self.config.session_id, now_ms);
        self.send(connection, ack);
        Ok(())
    }

    /// A connection has ended. Other connections of the same user are not touched.
    pub fn disconnect(&mut self, connection: ConnectionId) {
        let Some(gone) = self.connections.remove(&connection) else { return };
        self.forget_idle_replica(&gone.dialect);
        if gone.is_host
            && let Some(heir) = self.connections.values_mut().find(|entry| entry.role.may_edit())
        {
            heir.is_host = true;
        }
        if gone.shown.is_some() {
            self.presence_gone(connection, &gone.user);
        }
        let left: Arc<str> = app::user_left(&gone.user).into();
        let others: Vec<ConnectionId> = self.connections.keys().copied().collect();
        for other in others {
            self.send(other, Arc::clone(&left));
        }
    }

    /// A frame arrived. Whatever it holds, nobody else's connection suffers: the sender gets `sync:error`.
    pub fn handle_frame(&mut self, connection: ConnectionId, frame: &[u8], now_ms: u64) {
        if let Err(error) = self.receive(connection, frame, now_ms) {
            self.send(connection, write_error(&error.to_string()));
        }
    }

    /// The time that [`Authority::poll_timeout`] asked for has come.
    pub fn handle_timeout(&mut self, now_ms: u64) {
        let due = |entry: &Connection| entry.deadline().is_some_and(|deadline| deadline <= now_ms);
        let due: Vec<ConnectionId> =
            self.connections.iter().filter(|(_, entry)| due(entry)).map(|(id, _)| *id).collect();
        for connection in due {
            let is_undecided = |entry: &Connection| matches!(entry.dialect, Dialect::Undecided { .. });
            if self.connections.get(&connection).is_some_and(is_undecided) {
                self.greet_unasked(connection, now_ms);
            } else {
                self.correct_due(connection, now_ms);
                self.pass_on_presence(connection, now_ms);
            }
        }
    }

    fn receive(&mut self, connection: ConnectionId, frame: &[u8], now_ms: u64) -> Result<(), FrameError> {
        let envelope = Envelope::read(frame)?;
        let Some(state) = self.connections.get(&connection) else { return Ok(()) };
        match (envelope.kind.as_ref(), &state.dialect) {
            (_, Dialect::Superseded) => Ok(()),
            ("ping", _) => {
                self.send(connection, app::pong(now_ms));
                Ok(())
            }
            // A slow one may have been taken for the app.
            ("sync:hello", _) => {
                self.hello(connection, &Hello::read(&envelope)?);
                Ok(())
            }
            ("sync:ops", Dialect::Sync { replica }) => {
                let replica = *replica;
                let (_, operations) = read_operations(&envelope)?;
                self.decide_all(connection, replica, operations, now_ms);
                Ok(())
            }
            ("sync:presence", Dialect::Sync { .. }) => {
                self.take_presence(connection, Presence::read(&envelope)?, now_ms);
                Ok(())
            }
            ("cursor:move", _) => {
                self.take_presence(connection, Presence::from_cursor_move(&envelope)?, now_ms);
                Ok(())
            }
            _ => self.receive_legacy(connection, &envelope, now_ms),
        }
    }

    /// Nothing is kept of a replica that has left and of which nothing was accepted.
    fn forget_idle_replica(&mut self, dialect: &Dialect) {
        if let Dialect::Sync { replica } = dialect
            && self.replica.vector().highest(*replica) == 0
        {
            self.decided.remove(replica);
        }
    }

    fn hello(&mut self, connection: ConnectionId, hello: &Hello) {
        let replica = hello.replica;
        // Ids are no secret: everybody sees them in operations (S19).
        if hello.key.replica() != replica {
            self.close(connection, CLOSE_POLICY, "the key is not that of the replica");
            return;
        }
        let is_known = self.replica.vector().highest(replica) > 0;
        if !is_known && self.replica.vector().replicas() >= MAX_REPLICAS {
            self.close(connection, CLOSE_POLICY, "too many replicas have edited this session");
            return;
        }
        let speaks_for =
            |entry: &Connection| matches!(entry.dialect, Dialect::Sync { replica: other } if other == replica);
        let earlier: Vec<ConnectionId> = self
            .connections
            .iter()
            .filter(|(id, entry)| **id != connection && speaks_for(entry))
            .map(|(id, _)| *id)
            .collect();
        for id in earlier {
            if let Some(entry) = self.connections.get_mut(&id) {
                entry.dialect = Dialect::Superseded;
            }
            self.close(id, CLOSE_SUPERSEDED, "another connection of this client took over");
        }
        let settled = hello.settled.max(self.replica.vector().highest(replica));
        let decided = self.decided.entry(replica).or_default();
        *decided = settled.max(*decided);
        if let Some(entry) = self.connections.get_mut(&connection) {
            let before = std::mem::replace(&mut entry.dialect, Dialect::Sync { replica });
            if !matches!(before, Dialect::Sync { replica: same } if same == replica) {
                self.forget_idle_replica(&before);
            }
        }
        self.catch_up(connection, hello.have);
        self.send_everybodys_presence(connection);
    }
}
