//! A client's side of a session: it shows what the relay has confirmed together with the user's own edits that are still
//! on their way, and brings the two together.

mod event;
mod forward;
mod link;
mod local;
mod peers;
mod saved;
mod undo;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;

pub use event::{Event, SceneChange, Status};
pub use forward::{ANNOUNCE_DELAY_MS, MAX_FORWARD_REPLICAS, MAX_OTHERS, OTHER_EXPIRY_MS};
pub use link::{
    FIRST_RETRY_MS, GREETING_TIMEOUT_MS, LONGEST_RETRY_MS, MAX_PARTS, PING_INTERVAL_MS, SILENCE_TIMEOUT_MS,
};
pub use local::{LocalEditError, MAX_PENDING, UndoStep, add_all, with_written_ids};
pub use peers::{MAX_PEERS, Peer};
pub use undo::MAX_UNDO_STEPS;

use crate::scene::{ItemId, Scene};
use crate::sync::clock::Clock;
use crate::sync::key::ReplicaKey;
use crate::sync::operation::Operation;
use crate::sync::replica::{RemovedItems, Replica};
use crate::sync::role::Role;
use crate::sync::version::ReplicaId;
use forward::Forward;
use link::Link;
use peers::Peers;
use undo::History;

/// The user's copy of a session.
///
/// Tell it what happens by [`Session::edit`], [`Session::undo`], [`Session::redo`] and `handle_*`, with the time in
/// milliseconds since the Unix epoch. After each of them poll until there is nothing more: [`Session::poll_event`] for what
/// the host is to show or do, [`Session::poll_transmit`] for frames to send; then [`Session::poll_timeout`] for when to
/// call [`Session::handle_timeout`].
#[derive(Debug)]
pub struct Session {
    key: ReplicaKey,
    /// The one of the key.
    replica: ReplicaId,
    /// The number of the last operation made here.
    number: u64,
    clock: Clock,
    /// The time that the host last said.
    now_ms: u64,
    confirmed: Replica,
    /// The relay's numbering, and up to where `confirmed` follows it.
    have: Option<(u64, u64)>,
    pending: BTreeMap<u64, Operation<'static>>,
    pending_of_item: HashMap<ItemId, BTreeSet<u64>>,
    /// The number of the last operation that was sent on this connection.
    sent: u64,
    /// What the user may do, as the relay last said.
    role: Option<Role>,
    view: Scene,
    link: Link,
    /// Set once the server is known to be one that only forwards.
    forward: Option<Forward>,
    history: History,
    peers: Peers,
    status: Status,
    events: VecDeque<Event>,
    transmits: Transmits,
}

impl Session {
    /// A session without items, not connected. The first event asks for a connection.
    ///
    /// `key` is random, and new for each session. It is all the randomness that a session needs: from the replica that it
    /// makes comes also what spreads out the attempts of clients that lost one relay.
    pub fn new(key: ReplicaKey) -> Session {
        let replica = key.replica();
        let mut session = Session {
            key,
            replica,
            number: 0,
            clock: Clock::new(),
            now_ms: 0,
            confirmed: Replica::new(RemovedItems::Forget),
            have: None,
            pending: BTreeMap::new(),
            pending_of_item: HashMap::new(),
            sent: 0,
            role: None,
            view: Scene::new(),
            link: Link::new(replica.bits()),
            forward: None,
            history: History::default(),
            peers: Peers::default(),
            status: Status::Connecting { attempt: 1 },
            events: VecDeque::new(),
            transmits: Transmits::default(),
        };
        session.events.push_back(Event::Connect { attempt: 1 });
        session
    }

    /// The scene as the user sees it: what is confirmed, and the pending edits on top of it (S7).
    pub fn scene(&self) -> &Scene {
        &self.view
    }

    /// How things stand between this copy and the relay's.
    pub fn status(&self) -> Status {
        self.status
    }

    /// What the user may do, as the relay last said; none if no relay has said so yet. Edits of a viewer are refused at
    /// once. Those that were made before the relay said so are refused by the relay, and undone.
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// The number of edits that the relay has not yet decided about.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// What the relay has confirmed; on a server that only forwards, everything that was merged.
    pub fn confirmed(&self) -> &Replica {
        &self.confirmed
    }

    /// The next thing for the host to show or do.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next frame to send, in order. The first one to a relay holds the key: frames do not belong in logs.
    pub fn poll_transmit(&mut self) -> Option<String> {
        self.transmits.0.pop_front()
    }

    fn push_pending(&mut self, operation: Operation<'static>) {
        let number = operation.id.number;
        self.pending_of_item.entry(ItemId::from(&*operation.item)).or_default().insert(number);
        self.pending.insert(number, operation);
    }

    fn take_pending(&mut self, number: u64) -> Option<Operation<'static>> {
        let operation = self.pending.remove(&number)?;
        if let Some(numbers) = self.pending_of_item.get_mut(&*operation.item) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.pending_of_item.remove(&*operation.item);
            }
        }
        Some(operation)
    }
}

/// Frames to send.
#[derive(Default)]
struct Transmits(VecDeque<String>);

impl Transmits {
    fn push_back(&mut self, frame: String) {
        self.0.push_back(frame);
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

/// Without the frames, one of which may hold the key.
impl fmt::Debug for Transmits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} frames", self.0.len())
    }
}
