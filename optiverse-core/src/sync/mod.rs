//! Synchronisation: many people's copies of one scene, kept the same.
//!
//! There are three state machines here, without sockets, threads, clock or randomness of their own:
//! - [`Replica`], the document that merges with others of its kind;
//! - [`Session`], a client's side of a session with a relay: edits, undo, catching up, trying again;
//! - [`authority::Authority`], the relay's side of it: the one writer that decides and orders.
//!
//! A host tells them what happens (`handle_*`, with the time), and polls for what is to be done (`poll_*`). Each type says
//! in which order.
//!
//! # Rules
//! Tests quote them by number.
//!
//! - **S1** A document is a set of operations. The same set, in any order and with any repeats, is the same document.
//! - **S2** An operation is named by its replica and its number there; a replica numbers its operations from 1 without
//!   gaps. Repeats are recognised by that name.
//! - **S3** An item is there while the last writer of its presence added it. An edit never brings a removed item back.
//! - **S4** An item is a map of groups, each written as a whole and won by the last writer: `x_mm` and `y_mm` are one
//!   group, every other property is one by itself. What a group holds is always what somebody wrote.
//! - **S5** The last writer is the one with the larger stamp: time of a hybrid logical clock, then replica, then number.
//! - **S6** Values are kept as the text they came as; keys that nobody knows are kept like any others. The order of items
//!   and of their properties is not shared.
//! - **S7** What a user sees is what is confirmed, with the user's pending edits on top. A refused edit leaves no trace in
//!   it, and the host is told.
//! - **S8** A relay stamps every operation with its own clock, so that the order of stamps is the order of arrival; the
//!   time of a client is never trusted.
//! - **S9** The state of a relay is its stored log replayed. Its sequence has no gaps and no repeats. Nobody is told of an
//!   operation before it is stored.
//! - **S10** A client that comes back gets all the operations that it misses, or the whole document, never a part.
//! - **S11** Of what a legacy client sends only real differences from what it knew become operations. When it has said
//!   nothing of an item for a second it is told again how the item is, in case something crossed on the way.
//! - **S12** State belongs to connections, never to user names: two connections of one name are two.
//! - **S13** Undo is each user's own. A group goes back only while its last writer is that user; an item that somebody
//!   else has changed is not removed by undoing its addition; undoing a removal adds the item again.
//! - **S14** Any bytes at all give an error or are ignored. Every limit is in [`limits`] or on the type it belongs to.
//! - **S15** "Synchronised" is said when the client has everything up to the relay's welcome and all after it that has
//!   arrived, and none of its edits is undecided. On a server that only forwards: when there are other new clients, and each
//!   has said that it has exactly the same operations.
//! - **S16** Where people are is no part of the document. It belongs to a connection, is passed on 30 times a second at most,
//!   the newest state, and is gone with the connection; one that lost its relay forgets the others after 10 s.
//! - **S17** A viewer's operations of every family are refused, and the host role of the app is never a viewer's. A client
//!   learns its role on connecting, and refuses a viewer's edits at once.
//! - **S18** On a server that only forwards, clients stamp their operations themselves and merge everybody's. Operations
//!   ride in the envelope of commands that older clients understand, never in their data. Who misses something asks, and
//!   is answered with the registers that it misses. What an older client writes becomes an operation of each new client,
//!   stamped one step after the newest that it knows; what comes from a stored scene loses against everything stamped.
//! - **S19** Nobody speaks to a relay as another's replica. The id of a replica follows from a key by a hash; a client shows
//!   the key to a relay when it says who it is, and to nobody else. The relay passes it on to nobody, and keeps it nowhere.
//!
//! The top-level properties of a document, such as its layer tree, are not shared.
//!
//! # Example
//! ```
//! use optiverse_core::scene::{Edit, Item, Section};
//! use optiverse_core::sync::authority::{Authority, AuthorityConfig, ConnectionId, Payload};
//! use optiverse_core::sync::session::{Status, UndoStep};
//! use optiverse_core::sync::{ReplicaId, ReplicaKey, Role, Session};
//!
//! let now_ms = 1_763_700_000_000;
//! let config = AuthorityConfig { session_id: "bench".into(), epoch: 1, replica: ReplicaId::new(1) };
//! let mut relay = Authority::new(config);
//! let mut client = Session::new(ReplicaKey::new([7; 16])); // random bytes
//!
//! let properties = serde_json::json!({"id": "lens", "kind": "lens", "x_mm": 100, "y_mm": 0});
//! let lens = Item::new(Section::Components, properties.as_object().cloned().unwrap_or_default())?;
//! client.edit(&Edit::Add { item: lens, position: None }, UndoStep::New, now_ms)?;
//!
//! relay.connect(ConnectionId(1), "ada", Role::Editor, now_ms)?;
//! client.handle_connected(now_ms);
//! loop {
//!     let mut is_quiet = true;
//!     while let Some(frame) = client.poll_transmit() {
//!         relay.handle_frame(ConnectionId(1), frame.as_bytes(), now_ms);
//!         is_quiet = false;
//!     }
//!     while let Some(record) = relay.poll_record() {
//!         relay.handle_stored(record.sequence); // after writing it to the disk
//!     }
//!     while let Some(transmit) = relay.poll_transmit() {
//!         if let Payload::Frame(frame) = transmit.payload {
//!             client.handle_frame(frame.as_bytes(), now_ms);
//!             is_quiet = false;
//!         }
//!     }
//!     if is_quiet {
//!         break;
//!     }
//! }
//! assert_eq!(client.status(), Status::Synchronised);
//! assert!(relay.scene().contains("lens"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod authority;
mod clock;
mod compose;
mod equal;
mod key;
pub mod limits;
mod operation;
mod presence;
mod replica;
mod role;
pub mod session;
mod snapshot;
mod version;
mod wire;

pub use clock::{Clock, REPORTED_SKEW_MS, Timestamp};
pub use key::ReplicaKey;
pub use operation::Operation;
pub use presence::{MAX_SELECTION, PRESENCE_EXPIRY_MS, PRESENCE_INTERVAL_MS, Presence};
pub use replica::{Applied, DocumentFull, RemovedItems, Replica};
pub use role::Role;
pub use session::Session;
pub use snapshot::Completeness;
pub use version::{MAX_AHEAD, OperationId, ReplicaId, VersionVector};
pub use wire::{FrameError, PROTOCOL, RefusalReason};
