//! A session over a server that only forwards messages and keeps nothing, as the app's own does (S18).
//!
//! Clients stamp their operations themselves and merge everybody's. What they say to each other rides in the envelope of
//! commands, which every server passes on and in which clients of the app find the edit in their own terms. What was missed
//! is found by version vectors: each client says what it has when it comes, after changes and every 30 s, and whoever
//! misses something asks for it.

mod exchange;
mod legacy;

use std::collections::{BTreeMap, BTreeSet};

use crate::scene::ItemId;
use crate::sync::operation::{Body, Operation};
use crate::sync::replica::{DocumentFull, RemovedItems, Replica};
use crate::sync::session::{Event, Session, Status};
use crate::sync::version::{ReplicaId, VersionVector};
use crate::sync::wire::envelope::Envelope;
use crate::sync::wire::{FrameError, RefusalReason, app, forward};

pub use exchange::{ANNOUNCE_DELAY_MS, MAX_FORWARD_REPLICAS, MAX_OTHERS};

/// After this time without a word a client takes another one for gone, in milliseconds.
pub const OTHER_EXPIRY_MS: u64 = 75_000;

/// The most names of users of older clients that are reported.
const MAX_LEGACY_WRITERS: usize = 256;

/// What is known of a session over a server that only forwards. All but the fact itself belongs to one connection.
#[derive(Debug, Default)]
pub(crate) struct Forward {
    /// The name of this user in the envelopes.
    user: String,
    /// Whether the server keeps the scene that this client uploads, and sends it to those who join.
    is_host: bool,
    others: BTreeMap<ReplicaId, Other>,
    /// When to say what this client has.
    announce_due_ms: Option<u64>,
    /// The time to the next question, which doubles as long as nobody answers.
    ask_wait_ms: u64,
    /// Whom to answer, and when.
    answers: BTreeMap<ReplicaId, u64>,
    answers_made: u64,
    /// Items of which clients of the app may show another state.
    corrections: BTreeMap<ItemId, exchange::Correction>,
    legacy_writers: BTreeSet<String>,
    /// Whether a host's scene has arrived.
    has_state: bool,
    is_skew_reported: bool,
}

/// Another new client.
#[derive(Debug)]
struct Other {
    user: String,
    /// What it last said that it has.
    have: VersionVector,
    /// Whether that is exactly what this client has.
    agrees: bool,
    heard_ms: u64,
    /// The answer of which parts are arriving, and which part is next.
    arriving: Option<(u64, u64)>,
}

impl Forward {
    /// The host's clock was set back.
    pub(crate) fn set_back(&mut self, by_ms: u64) {
        let others = self.others.values_mut().map(|other| &mut other.heard_ms);
        let corrections = self.corrections.values_mut().map(|correction| &mut correction.due_ms);
        let due = others.chain(corrections).chain(self.answers.values_mut()).chain(&mut self.announce_due_ms);
        due.for_each(|due| *due = due.saturating_sub(by_ms));
    }
}

impl Session {
    /// The server has greeted and is no relay.
    pub(crate) fn forwarder_connected(&mut self, envelope: &Envelope<'_>, now_ms: u64) -> Result<(), FrameError> {
        let user = envelope.optional("user_id", |scanner| scanner.string())?.unwrap_or_default().into_owned();
        let is_host = envelope.optional("is_host", |scanner| scanner.boolean())?.unwrap_or(false);
        let connection = Forward { user, is_host, ask_wait_ms: ANNOUNCE_DELAY_MS, ..Forward::default() };
        if self.forward.replace(connection).is_none() {
            // Nothing was confirmed by a relay, and operations come in any order from now on.
            self.confirmed = Replica::new(RemovedItems::Keep);
            self.events.push_back(Event::ForwardOnly);
        }
        self.announce(true, now_ms);
        self.forward_pending(now_ms);
        if is_host && !self.confirmed.is_empty() {
            self.upload_state(now_ms);
        }
        Ok(())
    }

    /// A frame has arrived over a server that only forwards.
    pub(crate) fn receive_forwarded(&mut self, envelope: &Envelope<'_>, now_ms: u64) -> Result<(), FrameError> {
        let user = envelope.optional("user_id", |scanner| scanner.string())?.unwrap_or_default();
        match envelope.kind.as_ref() {
            "user:joined" => {
                self.user_joined(user.into_owned());
                if self.forward.as_ref().is_some_and(|forward| forward.is_host) {
                    self.upload_state(now_ms);
                }
                Ok(())
            }
            "user:left" => {
                if let Some(forward) = &mut self.forward {
                    forward.others.retain(|_, other| other.user != user);
                }
                self.user_left(user.into_owned());
                Ok(())
            }
            _ => match envelope.get("sync") {
                Some(text) => self.take_carried(forward::Carried::read(text)?, &user, now_ms),
                None => self.take_legacy(envelope, &user, now_ms),
            },
        }
    }

    /// Merges what was edited while nothing could be sent, and what has just been, and tells everybody.
    pub(crate) fn forward_pending(&mut self, now_ms: u64) {
        let mut touched: Vec<ItemId> = Vec::new();
        while let Some(number) = self.pending.keys().next().copied() {
            let Some(operation) = self.take_pending(number) else { break };
            let operation = operation.replacing_in(&self.confirmed);
            touched.push(ItemId::from(&*operation.item));
            if let Err(DocumentFull) = self.confirmed.apply(&operation) {
                // Its number is used up, so that the others do not wait for it.
                self.confirmed.vector.insert(operation.id);
                let (item, reason) = (ItemId::from(&*operation.item), RefusalReason::DocumentFull);
                self.events.push_back(Event::Refused { item, reason });
                continue;
            }
            let mut frame = self.command_for(&operation, now_ms);
            app::add_member("sync", &forward::write_operations(self.replica, [&operation]), &mut frame);
            self.transmits.push_back(frame);
        }
        if touched.is_empty() {
            return;
        }
        touched.sort_unstable();
        touched.dedup();
        self.refresh(touched.iter().map(|id| &**id));
        self.vector_changed(now_ms);
    }

    /// What clients of the app are told of an operation: the item as it is now.
    fn command_for(&self, operation: &Operation<'_>, now_ms: u64) -> String {
        let sender = self.sender();
        let present = self.confirmed.items.get(&*operation.item).filter(|state| state.section().is_some());
        let command = match (&operation.body, present) {
            (Body::Remove, None) => Some(app::remove_command(&operation.item, sender, now_ms)),
            (Body::Add { .. }, Some(state)) => app::command("add_item", &operation.item, state, sender, now_ms),
            (Body::Set { .. }, Some(state)) => app::command("update_item", &operation.item, state, sender, now_ms),
            // It has lost to somebody else's.
            (Body::Remove, Some(_)) | (Body::Add { .. } | Body::Set { .. }, None) => None,
        };
        command.unwrap_or_else(|| app::no_command(sender, now_ms))
    }

    fn sender(&self) -> &str {
        self.forward.as_ref().map_or("", |forward| &forward.user)
    }

    /// Something was merged: nobody is known to have the same any more.
    fn vector_changed(&mut self, now_ms: u64) {
        let Some(forward) = &mut self.forward else { return };
        for other in forward.others.values_mut() {
            other.agrees = false;
        }
        forward.ask_wait_ms = ANNOUNCE_DELAY_MS;
        forward.announce_due_ms.get_or_insert(now_ms.saturating_add(ANNOUNCE_DELAY_MS));
    }

    /// How things stand on a server that only forwards. Nobody but the other clients can confirm anything (S15).
    pub(crate) fn forward_status(&self) -> Status {
        let Some(forward) = &self.forward else { return Status::Unconfirmed };
        let mut others = forward.others.values();
        if others.clone().any(|other| !other.agrees && !self.confirmed.vector.covers(&other.have)) {
            Status::CatchingUp
        } else if !forward.others.is_empty() && others.all(|other| other.agrees) {
            Status::Synchronised
        } else {
            Status::Unconfirmed
        }
    }
}
