//! What a session tells its host.

use crate::scene::{Edit, ItemId};
use crate::sync::role::Role;
use crate::sync::session::Peer;
use crate::sync::wire::{FrameError, RefusalReason};

/// How things stand between a user's copy and the relay's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Waiting to try again, or stopped.
    Offline,
    /// A connection was asked for.
    Connecting {
        /// Which attempt since the last success, counted from 1.
        attempt: u32,
    },
    /// Connected, and receiving what was missed.
    CatchingUp,
    /// Connected; some edits are not yet acknowledged.
    Sending,
    /// Connected to a server that only forwards: edits are sent, but not all other new clients have said that they have
    /// the same, or there is none. Nobody else keeps anything.
    Unconfirmed,
    /// The view is what the relay has, up to what is still under way from it. On a server that only forwards: there are
    /// other new clients, and each has said that it has exactly the same edits (S15).
    Synchronised,
}

/// A change of the scene that the host did not make itself. It has been applied to [`crate::sync::Session::scene`].
#[derive(Debug, Clone, PartialEq)]
pub struct SceneChange {
    /// Items that are new.
    pub added: Vec<ItemId>,
    /// Items that changed, each with the keys of its properties that did.
    pub changed: Vec<(ItemId, Vec<String>)>,
    /// Items that are gone.
    pub removed: Vec<ItemId>,
    /// The same as an edit, for a host that keeps a scene of its own.
    pub edit: Edit,
}

/// What a session tells its host.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Open a connection, then call `handle_connected`, or `handle_disconnected` if that fails.
    Connect {
        /// Which attempt since the last success, counted from 1.
        attempt: u32,
    },
    /// Close the connection, then call `handle_disconnected`.
    Disconnect {
        /// Why.
        reason: &'static str,
    },
    /// The status has changed.
    Status(Status),
    /// What the user may do: said on connecting, if it is not what was known before.
    Role(Role),
    /// The scene has changed.
    Changed(SceneChange),
    /// The relay refused an edit; it is undone in the scene.
    Refused {
        /// The item that was edited.
        item: ItemId,
        /// Why.
        reason: RefusalReason,
    },
    /// Somebody joined; [`Session::users`](crate::sync::session::Session::users) lists all who are there.
    UserJoined {
        /// The name; several connections may have it.
        user: String,
    },
    /// Somebody left.
    UserLeft {
        /// The name; other connections may still have it.
        user: String,
    },
    /// Somebody has moved, has come, or with no peer is gone.
    Presence {
        /// Which connection.
        connection: u64,
        /// Who and where.
        peer: Option<Peer>,
    },
    /// The server only forwards messages: it neither keeps nor confirms edits, and it passes on no presence. Said once.
    ForwardOnly,
    /// A server that only forwards where the session began with a relay, or the other way round. What is confirmed on one
    /// means nothing on the other: the session has stopped. A new one can be started and the scene shared in it.
    ServerChanged,
    /// On a server that only forwards: an edit of another client is stamped more than a minute ahead of this client's
    /// clock. Later edits are stamped after it, so that it does not win over them. Said once for each connection.
    ClockSkew {
        /// How far ahead, in milliseconds.
        ahead_ms: u64,
    },
    /// On a server that only forwards: a client edits whose messages have no stamps. Clients may come to differ where it
    /// and others edit the same. Said once for each user and connection.
    LegacyWriter {
        /// The name.
        user: String,
    },
    /// A frame could not be read and was ignored.
    FrameIgnored(FrameError),
    /// The relay could not read a frame of ours and ignored it.
    RelayComplained {
        /// In its words.
        message: String,
    },
}
