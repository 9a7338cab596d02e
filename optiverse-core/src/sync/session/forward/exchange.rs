//! What new clients tell each other: who has what, and what is missing.

use std::collections::BTreeSet;

use crate::scene::ItemId;
use crate::sync::limits::MAX_FRAME_BYTES;
use crate::sync::operation::{Body, Operation, check_limit};
use crate::sync::session::forward::{OTHER_EXPIRY_MS, Other};
use crate::sync::session::{Event, Session};
use crate::sync::snapshot::Completeness;
use crate::sync::version::{ReplicaId, VersionVector};
use crate::sync::wire::forward::{AnswerPart, Carried};
use crate::sync::wire::{FrameError, app, forward};

/// The time between a change and saying what one has, in milliseconds: changes that follow each other are told of at once.
pub const ANNOUNCE_DELAY_MS: u64 = 1_000;

/// The longest time between two questions for the same, in milliseconds.
const LONGEST_ASK_MS: u64 = 30_000;

/// The longest time that one waits for somebody else to answer, in milliseconds.
const ANSWER_SPREAD_MS: u64 = 300;

/// After this time clients of the app are told again of an item on which two edits met, in milliseconds.
const CORRECTED_AFTER_MS: u64 = 1_000;

/// The most other new clients of a session that are told apart.
pub const MAX_OTHERS: usize = 256;

/// The most replicas that may ever edit a session on a server that only forwards; the version vectors hold all of them.
pub const MAX_FORWARD_REPLICAS: usize = 4_096;

/// An item that clients of the app are told of once more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Correction {
    pub(crate) due_ms: u64,
    /// Whether they may not have the item at all, or have it wrongly.
    rebuild: bool,
}

impl Session {
    /// Says what this client has.
    pub(crate) fn announce(&mut self, asks: bool, now_ms: u64) {
        let mut frame = app::no_command(self.sender(), now_ms);
        app::add_member("sync", &forward::write_have(self.replica, &self.confirmed.vector, asks), &mut frame);
        self.transmits.push_back(frame);
    }

    /// Takes what another new client said.
    pub(crate) fn take_carried(&mut self, carried: Carried<'_>, user: &str, now_ms: u64) -> Result<(), FrameError> {
        if carried.replica == self.replica {
            return Ok(());
        }
        let is_new = self.hear(carried.replica, user, now_ms);
        let mut touched: BTreeSet<ItemId> = BTreeSet::new();
        let mut outcome = Ok(());
        for operation in &carried.operations {
            touched.insert(ItemId::from(&*operation.item));
            outcome = outcome.and(self.merge_operation(operation, now_ms));
        }
        if let Some(part) = carried.part {
            outcome = outcome.and(self.merge_answer(carried.replica, part, &mut touched, now_ms));
        }
        if !touched.is_empty() {
            self.refresh(touched.iter().map(|id| &**id));
            self.vector_changed(now_ms);
        }
        if let Some(have) = carried.have {
            outcome = outcome.and(check_limit("`have`", have.replicas(), "replicas", MAX_FORWARD_REPLICAS));
            if outcome.is_ok() {
                self.take_have(carried.replica, have, carried.asks, now_ms);
            }
        }
        let misses = self.confirmed.vector.has_gaps() || self.misses_something();
        if is_new || misses {
            let soon = now_ms.saturating_add(self.link.random_below(ANSWER_SPREAD_MS));
            let Some(forward) = &mut self.forward else { return outcome };
            // While a question is open the next one waits for its time.
            if is_new || forward.announce_due_ms.is_none() {
                let due = forward.announce_due_ms.map_or(soon, |due| due.min(soon));
                forward.announce_due_ms = Some(due);
            }
        }
        outcome
    }

    /// Takes note of who speaks. Returns whether it is somebody new.
    fn hear(&mut self, replica: ReplicaId, user: &str, now_ms: u64) -> bool {
        let Some(forward) = &mut self.forward else { return false };
        if let Some(other) = forward.others.get_mut(&replica) {
            other.heard_ms = now_ms;
            return false;
        }
        if forward.others.len() >= MAX_OTHERS {
            return false;
        }
        let user = user.to_owned();
        let other = Other { user, have: VersionVector::new(), agrees: false, heard_ms: now_ms, arriving: None };
        forward.others.insert(replica, other);
        true
    }

    fn take_have(&mut self, replica: ReplicaId, have: VersionVector, asks: bool, now_ms: u64) {
        let spread = self.link.random_below(ANSWER_SPREAD_MS);
        let ours = &self.confirmed.vector;
        let Some(forward) = &mut self.forward else { return };
        let Some(other) = forward.others.get_mut(&replica) else { return };
        let misses = !have.covers(ours);
        other.agrees = !misses && ours.covers(&have);
        other.have = have;
        if asks && misses {
            forward.answers.entry(replica).or_insert(now_ms.saturating_add(spread));
        } else if !misses {
            forward.answers.remove(&replica);
        }
    }

    fn misses_something(&self) -> bool {
        let others = self.forward.iter().flat_map(|forward| forward.others.values());
        others.into_iter().any(|other| !other.agrees && !self.confirmed.vector.covers(&other.have))
    }

    fn merge_operation(&mut self, operation: &Operation<'_>, now_ms: u64) -> Result<(), FrameError> {
        let replica = operation.id.replica;
        if self.confirmed.vector.highest(replica) == 0 {
            check_limit("a session", self.confirmed.vector.replicas() + 1, "replicas", MAX_FORWARD_REPLICAS)?;
        }
        self.confirmed.apply(operation).map_err(|error| FrameError::Value {
            key: "ops",
            found: error.to_string(),
            expected: "a document within its limit",
        })?;
        self.observe(operation.time, now_ms);
        let Some(state) = self.confirmed.items.get(&*operation.item) else { return Ok(()) };
        let ours = |writer: &crate::sync::replica::Writer| writer.id.replica == self.replica;
        let lost_groups = operation
            .body
            .groups()
            .iter()
            .any(|change| state.group(&change.group).is_some_and(|group| ours(&group.register.writer)));
        let lost_presence = !matches!(operation.body, Body::Set { .. })
            && state.present.as_ref().is_some_and(|present| ours(&present.writer));
        if lost_groups || lost_presence {
            let due_ms = now_ms.saturating_add(CORRECTED_AFTER_MS);
            let item = ItemId::from(&*operation.item);
            if let Some(forward) = &mut self.forward {
                let correction = forward.corrections.entry(item).or_insert(Correction { due_ms, rebuild: false });
                correction.due_ms = due_ms;
                correction.rebuild |= lost_presence;
            }
        }
        Ok(())
    }

    fn merge_answer(
        &mut self,
        from: ReplicaId,
        answer: AnswerPart<'_>,
        touched: &mut BTreeSet<ItemId>,
        now_ms: u64,
    ) -> Result<(), FrameError> {
        let AnswerPart { to, answer, index, parts, mut part } = answer;
        let is_last = index + 1 == parts;
        let Some(forward) = &mut self.forward else { return Ok(()) };
        let is_next = match forward.others.get_mut(&from) {
            Some(other) => {
                let is_next = index == 0 || other.arriving == Some((answer, index));
                other.arriving = is_next.then_some((answer, index + 1));
                is_next
            }
            None => index == 0 && is_last,
        };
        if let Some(vector) = part.vector() {
            let replicas = vector.replicas() + self.confirmed.vector.replicas();
            check_limit("a session", replicas, "replicas", 2 * MAX_FORWARD_REPLICAS)?;
            if vector.covers(&self.confirmed.vector) {
                // Somebody else has told it all that this client could.
                forward.answers.remove(&to);
            }
        }
        if !is_next {
            // Something of the answer is missing: what is here is merged, but it is not all.
            part.forget_vector();
        }
        touched.extend(part.ids().map(ItemId::from));
        let before = self.confirmed.newest();
        let completeness = self.confirmed.merge_part(&part)?;
        debug_assert!(matches!(completeness, Completeness::Complete | Completeness::Gap));
        if self.confirmed.newest() > before {
            self.observe(self.confirmed.newest(), now_ms);
        }
        self.vector_changed(now_ms);
        Ok(())
    }

    /// Takes note of another's stamp, and says so if that clock is more than a minute ahead.
    fn observe(&mut self, time: crate::sync::clock::Timestamp, now_ms: u64) {
        let skew = self.clock.observe(time, now_ms);
        if let (Some(ahead_ms), Some(forward)) = (skew, &mut self.forward)
            && !std::mem::replace(&mut forward.is_skew_reported, true)
        {
            self.events.push_back(Event::ClockSkew { ahead_ms });
        }
    }

    /// When something is to be said over a server that only forwards.
    pub(crate) fn forward_deadline(&self) -> Option<u64> {
        let forward = self.forward.as_ref()?;
        let expiry = forward.others.values().map(|other| other.heard_ms.saturating_add(OTHER_EXPIRY_MS));
        let corrections = forward.corrections.values().map(|correction| correction.due_ms);
        let answers = forward.answers.values().copied();
        forward.announce_due_ms.into_iter().chain(expiry).chain(corrections).chain(answers).min()
    }

    /// Says what is due.
    pub(crate) fn forward_timeout(&mut self, now_ms: u64) {
        let Some(forward) = &mut self.forward else { return };
        forward.others.retain(|_, other| now_ms < other.heard_ms.saturating_add(OTHER_EXPIRY_MS));
        let due: Vec<ReplicaId> =
            forward.answers.iter().filter(|(_, due)| **due <= now_ms).map(|(to, _)| *to).collect();
        forward.answers.retain(|_, due| *due > now_ms);
        let is_due = |correction: &Correction| correction.due_ms <= now_ms;
        let corrections: Vec<(ItemId, Correction)> = forward
            .corrections
            .iter()
            .filter(|(_, correction)| is_due(correction))
            .map(|(id, correction)| (id.clone(), *correction))
            .collect();
        forward.corrections.retain(|_, correction| !is_due(correction));
        let announces = forward.announce_due_ms.is_some_and(|due| due <= now_ms);
        for to in due {
            self.answer(to, now_ms);
        }
        for (id, correction) in corrections {
            self.tell_app(&id, correction.rebuild, now_ms);
        }
        if announces {
            let ours = &self.confirmed.vector;
            for other in self.forward.iter_mut().flat_map(|forward| forward.others.values_mut()) {
                other.agrees = other.have.covers(ours) && ours.covers(&other.have);
            }
            let asks = self.confirmed.vector.has_gaps() || self.misses_something();
            if let Some(forward) = &mut self.forward {
                forward.announce_due_ms = asks.then(|| now_ms.saturating_add(forward.ask_wait_ms));
                forward.ask_wait_ms = (2 * forward.ask_wait_ms).min(LONGEST_ASK_MS);
            }
            self.announce(asks, now_ms);
        }
    }

    /// Sends another client what it misses.
    fn answer(&mut self, to: ReplicaId, now_ms: u64) {
        let Some(forward) = &mut self.forward else { return };
        let Some(other) = forward.others.get(&to) else { return };
        if other.have.covers(&self.confirmed.vector) {
            return;
        }
        let parts = self.confirmed.parts_since(&other.have, MAX_FRAME_BYTES / 2);
        forward.answers_made += 1;
        let answer = forward.answers_made;
        for (index, part) in parts.iter().enumerate() {
            let mut frame = app::no_command(self.sender(), now_ms);
            let place = (index as u64, parts.len() as u64);
            app::add_member("sync", &forward::write_part(self.replica, to, answer, place, part), &mut frame);
            self.transmits.push_back(frame);
        }
    }
}
