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
    /// The view is what the relay has, up to what is still under way from it (S15).
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
    /// Somebody joined.
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
    /// The server is not a relay of this project: it neither keeps nor confirms edits. The session has stopped.
    NoRelay,
    /// A frame could not be read and was ignored.
    FrameIgnored(FrameError),
    /// The relay could not read a frame of ours and ignored it.
    RelayComplained {
        /// In its words.
        message: String,
    },
}
