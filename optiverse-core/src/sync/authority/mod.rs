//! The relay's side of one session: the one writer that decides what happened, and in which order.
//!
//! It does no input or output. Each operation that is accepted becomes a record; nothing that tells anybody of it leaves
//! [`Authority::poll_transmit`] before [`Authority::handle_stored`] says that the record is safe (S9).

mod catch_up;
mod connection;
mod decide;
mod legacy;
mod presence;
mod restore;
mod shadow;
mod tell;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

pub use connection::ConnectionId;
pub use legacy::MAX_REMOVED_IDS;
pub use restore::RestoreError;

use crate::scene::Scene;
use crate::sync::clock::Clock;
use crate::sync::replica::{RemovedItems, Replica};
use crate::sync::version::ReplicaId;
use connection::Connection;
use legacy::{RemovedIds, WholeForApp};
use tell::Changes;

/// Operations that are kept in memory for clients that come back, at most.
pub const MAX_LOG_OPERATIONS: usize = 10_000;

/// Their texts, at most, in bytes.
pub const MAX_LOG_BYTES: usize = 16 << 20;

/// How long a client may take to show which protocol it speaks before it is taken for one of the app's, in milliseconds.
pub const DIALECT_TIMEOUT_MS: u64 = 500;

/// The most replicas that may ever edit one session.
pub const MAX_REPLICAS: usize = 65_536;

/// The frame is a misuse of the protocol (RFC 6455, section 7.4.1).
pub const CLOSE_POLICY: u16 = 1008;

/// Another connection of the same replica took over; come back and catch up if this one is still meant.
pub const CLOSE_SUPERSEDED: u16 = 4001;

/// What is to be sent to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// To whom.
    pub connection: ConnectionId,
    /// What.
    pub payload: Payload,
}

/// A frame, or the end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// A text frame. The same text is shared by all that it goes to.
    Frame(Arc<str>),
    /// Close the connection. The host still calls [`Authority::disconnect`].
    Close {
        /// The WebSocket close code.
        code: u16,
        /// The reason given with it.
        reason: &'static str,
    },
}

/// An operation in its final form, to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the session's sequence, counted from 1 without gaps.
    pub sequence: u64,
    /// Its text.
    pub text: Arc<str>,
}

/// The state of a session as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The operations up to this one are in it.
    pub sequence: u64,
    /// The text.
    pub text: String,
}

/// What a session is started with.
#[derive(Debug, Clone)]
pub struct AuthorityConfig {
    /// The name of the session.
    pub session_id: String,
    /// Distinguishes this numbering of operations from any other of a session of the same name: random when the session
    /// is created, then stored with it.
    pub epoch: u64,
    /// The relay's own replica, for what it writes on behalf of legacy clients: random for each start. Nobody has a key for it.
    pub replica: ReplicaId,
}

/// How much a session of a relay holds in memory, beside its document. For metrics, and for tests of the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Operations for clients that come back: at most [`MAX_LOG_OPERATIONS`].
    pub log_operations: usize,
    /// Their texts, in bytes: at most [`MAX_LOG_BYTES`].
    pub log_bytes: usize,
    /// Frames and closes that wait to be polled, or for records to be stored.
    pub waiting: usize,
    /// Removals that are remembered: at most [`MAX_REMOVED_IDS`].
    pub removals: usize,
    /// Replicas whose last decision is remembered: at most [`MAX_REPLICAS`], and one for each connection.
    pub replicas: usize,
    /// Items that older clients are known to have or to be told of again, over all connections.
    pub shadowed_items: usize,
}

/// One session of a relay.
///
/// Tell it what happens by `connect`, `disconnect` and `handle_*`; after each of them poll, in this order:
/// [`Authority::poll_record`] until there is none; store those, in one go, and call [`Authority::handle_stored`];
/// [`Authority::poll_transmit`] until there is none; [`Authority::poll_timeout`]. If storing fails, drop the authority and
/// its connections and restore it: nobody has been told of what is lost.
///
/// `now_ms` is milliseconds since the Unix epoch from a clock that is not set while the session runs: the wall clock at the
/// start, and the time that has passed since.
#[derive(Debug)]
pub struct Authority {
    config: AuthorityConfig,
    replica: Replica,
    clock: Clock,
    sequence: u64,
    stored: u64,
    /// The last operations, up to `sequence`.
    log: VecDeque<LogEntry>,
    log_bytes: usize,
    /// The highest number of each replica that was decided, be it accepted or refused.
    decided: HashMap<ReplicaId, u64>,
    own_number: u64,
    connections: BTreeMap<ConnectionId, Connection>,
    removed: RemovedIds,
    /// What the operations did of which nobody has been told yet.
    changes: Changes,
    records: VecDeque<Record>,
    transmits: VecDeque<(u64, Transmit)>,
    /// The frames that bring a new client the whole document, and of which sequence number they are.
    whole: Option<(u64, Vec<Arc<str>>)>,
    /// The same for clients of the app, as it is now.
    whole_for_app: Option<Arc<WholeForApp>>,
}

#[derive(Debug)]
struct LogEntry {
    id: crate::sync::version::OperationId,
    time: crate::sync::clock::Timestamp,
    text: Arc<str>,
}

impl Authority {
    /// A session without items.
    pub fn new(config: AuthorityConfig) -> Authority {
        Authority {
            config,
            replica: Replica::new(RemovedItems::Forget),
            clock: Clock::new(),
            sequence: 0,
            stored: 0,
            log: VecDeque::new(),
            log_bytes: 0,
            decided: HashMap::new(),
            own_number: 0,
            connections: BTreeMap::new(),
            removed: RemovedIds::default(),
            changes: Changes::default(),
            records: VecDeque::new(),
            transmits: VecDeque::new(),
            whole: None,
            whole_for_app: None,
        }
    }

    /// The next operation to be stored.
    pub fn poll_record(&mut self) -> Option<Record> {
        self.records.pop_front()
    }

    /// Everything up to `sequence` survives a crash from now on.
    pub fn handle_stored(&mut self, sequence: u64) {
        self.stored = self.stored.max(sequence.min(self.sequence));
    }

    /// The next thing to be sent. What a crash could still undo is held back.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let (after, _) = self.transmits.front()?;
        if *after > self.stored {
            return None;
        }
        self.transmits.pop_front().map(|(_, transmit)| transmit)
    }

    /// When to call [`Authority::handle_timeout`], in milliseconds since the Unix epoch.
    pub fn poll_timeout(&self) -> Option<u64> {
        self.connections.values().filter_map(Connection::deadline).min()
    }

    /// The number of the newest operation.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The document.
    pub fn document(&self) -> &Replica {
        &self.replica
    }

    /// The document as a scene of its own.
    pub fn scene(&self) -> Scene {
        self.replica.to_scene()
    }

    /// The state as text, operations included that are not stored yet: once it is stored, records up to its sequence
    /// number may be thrown away.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { sequence: self.sequence, text: self.replica.to_snapshot() }
    }

    /// How much is held in memory beside the document.
    pub fn held(&self) -> Held {
        Held {
            log_operations: self.log.len(),
            log_bytes: self.log_bytes,
            waiting: self.transmits.len() + self.records.len(),
            removals: self.removed.len(),
            replicas: self.decided.len(),
            shadowed_items: self.connections.values().map(Connection::shadowed_items).sum(),
        }
    }

    fn send(&mut self, connection: ConnectionId, frame: impl Into<Arc<str>>) {
        self.push(connection, Payload::Frame(frame.into()));
    }

    fn close(&mut self, connection: ConnectionId, code: u16, reason: &'static str) {
        self.push(connection, Payload::Close { code, reason });
    }

    fn push(&mut self, connection: ConnectionId, payload: Payload) {
        self.transmits.push_back((self.sequence, Transmit { connection, payload }));
    }
}
