//! Deciding about operations: recognise repeats, check, stamp, append, acknowledge.

use std::mem;
use std::sync::Arc;

use crate::scene::Section;
use crate::sync::authority::legacy::Removal;
use crate::sync::authority::{
    Authority, ConnectionId, LogEntry, MAX_LOG_BYTES, MAX_LOG_OPERATIONS, Record, connection::Dialect,
};
use crate::sync::clock::Timestamp;
use crate::sync::limits::{MAX_DOCUMENT_BYTES, MAX_ITEM_BYTES, MAX_ITEM_KEYS, REGISTER_BYTES};
use crate::sync::operation::{Body, GroupChange, Operation};
use crate::sync::replica::{DocumentFull, ItemState};
use crate::sync::role::Role;
use crate::sync::version::{OperationId, ReplicaId};
use crate::sync::wire::message::{Decision, RefusalReason, write_decision, write_gap};
use crate::sync::wire::scanner::Scanner;

/// Accepted operations after a refused one that are remembered singly; after that the refused one is forgotten.
const MAX_AFTER_REFUSED: usize = 1_000;

impl Authority {
    /// Decides about operations that a new client sent, and tells everybody.
    pub(crate) fn decide_all(
        &mut self,
        connection: ConnectionId,
        replica: ReplicaId,
        operations: Vec<Operation<'_>>,
        now_ms: u64,
    ) {
        let before = self.sequence;
        let mut answers = Vec::with_capacity(operations.len());
        for operation in operations {
            let number = operation.id.number;
            let decided = self.decided.get(&replica).copied().unwrap_or(0);
            if operation.id.replica != replica {
                answers.push(write_decision(number, Decision::Refused(RefusalReason::Id)));
            } else if self.replica.vector().contains(operation.id) {
                answers.push(write_decision(number, Decision::Accepted(self.place_in_log(&operation))));
            } else if number <= decided {
                answers.push(write_decision(number, Decision::Refused(RefusalReason::Late)));
            } else if number > decided + 1 {
                answers.push(write_gap(decided + 1));
                break;
            } else {
                self.decided.insert(replica, number);
                let decision = match self.decide(connection, operation, now_ms) {
                    Ok(place) => Decision::Accepted(Some(place)),
                    Err(reason) => Decision::Refused(reason),
                };
                answers.push(write_decision(number, decision));
            }
        }
        for answer in answers {
            self.send(connection, answer);
        }
        self.publish(before, connection, now_ms);
    }

    /// Checks an operation and, if nothing speaks against it, makes it the next one.
    pub(crate) fn decide(
        &mut self,
        connection: ConnectionId,
        operation: Operation<'_>,
        now_ms: u64,
    ) -> Result<(u64, Timestamp), RefusalReason> {
        let role = self.connections.get(&connection).map(|entry| entry.role);
        if !role.is_some_and(Role::may_edit) {
            return Err(RefusalReason::Role);
        }
        self.check(&operation)?;
        let time = self.clock.stamp(now_ms);
        let operation = Operation { time, ..operation };
        let text: Arc<str> = operation.to_json().into();
        self.append(&operation, Arc::clone(&text)).map_err(|DocumentFull| RefusalReason::DocumentFull)?;
        self.changes.note(&operation);
        if matches!(operation.body, Body::Remove) {
            self.removed
                .insert(&operation.item, Removal { sequence: self.sequence, at_ms: now_ms, by: Some(connection) });
        }
        self.records.push_back(Record { sequence: self.sequence, text });
        Ok((self.sequence, time))
    }

    /// Applies an operation in its final form and gives it the next number.
    pub(crate) fn append(&mut self, operation: &Operation<'_>, text: Arc<str>) -> Result<(), DocumentFull> {
        self.replica.apply(operation)?;
        let OperationId { replica, number } = operation.id;
        if self.replica.vector.ahead(replica) > MAX_AFTER_REFUSED {
            self.replica.vector.insert_up_to(replica, number);
        }
        self.sequence += 1;
        self.whole = None;
        self.whole_for_app = None;
        self.log_bytes += text.len();
        self.log.push_back(LogEntry { id: operation.id, time: operation.time, text });
        while self.log.len() > MAX_LOG_OPERATIONS || self.log_bytes > MAX_LOG_BYTES {
            let Some(oldest) = self.log.pop_front() else { break };
            self.log_bytes -= oldest.text.len();
        }
        Ok(())
    }

    /// The place and stamp that an operation got, if it is still in the log.
    fn place_in_log(&self, operation: &Operation<'_>) -> Option<(u64, Timestamp)> {
        let from_end = self.log.iter().rev().position(|entry| entry.id == operation.id)?;
        let entry = self.log.get(self.log.len() - 1 - from_end)?;
        Some((self.sequence - from_end as u64, entry.time))
    }

    fn check(&self, operation: &Operation<'_>) -> Result<(), RefusalReason> {
        let present = self.replica.items.get(&*operation.item).filter(|state| state.section().is_some());
        let growth: usize = operation.body.groups().iter().map(change_bytes).sum();
        match (&operation.body, present) {
            (Body::Add { .. }, Some(_)) => return Err(RefusalReason::Exists),
            (Body::Set { .. }, None) => return Err(RefusalReason::Removed),
            (Body::Add { section, groups }, None) => {
                let named = id_group(*section, |name| groups.iter().any(|change| change.group == name));
                check_id(groups, named, &operation.item)?;
            }
            (Body::Set { groups }, Some(state)) => {
                let has_name = |name: &str| state.group(name).is_some_and(|group| group.register.value.is_some());
                let named = id_group(state.section().unwrap_or(Section::Items), has_name);
                check_id(groups, named, &operation.item)?;
                check_item_size(state, groups, growth)?;
            }
            (Body::Remove, _) => {}
        }
        if self.replica.bytes() + growth + REGISTER_BYTES + operation.item.len() > MAX_DOCUMENT_BYTES {
            return Err(RefusalReason::DocumentFull);
        }
        Ok(())
    }

    /// Tells everybody but the author of the operations after `before`, which are all that were decided since the last call.
    pub(crate) fn publish(&mut self, before: u64, author: ConnectionId, now_ms: u64) {
        if self.sequence == before {
            return;
        }
        let receivers: Vec<ConnectionId> = self
            .connections
            .iter()
            .filter(|(id, entry)| **id != author && matches!(entry.dialect, Dialect::Sync { .. }))
            .map(|(id, _)| *id)
            .collect();
        if !receivers.is_empty() {
            for frame in self.operations_after(before).into_iter().map(Arc::<str>::from) {
                for &receiver in &receivers {
                    self.send(receiver, Arc::clone(&frame));
                }
            }
        }
        let changes = mem::take(&mut self.changes);
        self.publish_to_legacy(&changes, author, now_ms);
    }
}

/// The group that names an item of this section: `item_uuid`, and `id` for a flat one that has no other.
fn id_group(section: Section, has: impl Fn(&str) -> bool) -> &'static str {
    if matches!(section, Section::Components | Section::Sources) && !has("item_uuid") { "id" } else { "item_uuid" }
}

/// An operation must not give an item another name than its own.
fn check_id(groups: &[GroupChange<'_>], named: &str, item: &str) -> Result<(), RefusalReason> {
    let names_item = |value: &str| Scanner::new(value).string().is_ok_and(|name| name == item);
    let changes_name = |change: &GroupChange<'_>| {
        (change.group == named || change.group == "item_uuid") && !change.value.as_deref().is_some_and(names_item)
    };
    if groups.iter().any(changes_name) { Err(RefusalReason::Id) } else { Ok(()) }
}

/// The item with the changes must stay within what one operation may add again.
fn check_item_size(state: &ItemState, groups: &[GroupChange<'_>], growth: usize) -> Result<(), RefusalReason> {
    let replaced = |change: &GroupChange<'_>| {
        let group = state.group(&change.group)?;
        Some((
            group.register.value.is_some(),
            group.register.value.as_ref().map_or(0, |value| value.len() + group.name.len()),
        ))
    };
    let (mut keys, mut bytes) = (0, 0);
    for (present, size) in groups.iter().filter_map(replaced) {
        keys += usize::from(present);
        bytes += size;
    }
    let present = state.groups.iter().filter(|group| group.register.value.is_some()).count();
    let written = groups.iter().filter(|change| change.value.is_some()).count();
    if present - keys + written > MAX_ITEM_KEYS || state.content_bytes() - bytes + growth > MAX_ITEM_BYTES {
        return Err(RefusalReason::ItemSize);
    }
    Ok(())
}

fn change_bytes(change: &GroupChange<'_>) -> usize {
    change.value.as_ref().map_or(0, |value| value.len() + change.group.len())
}
