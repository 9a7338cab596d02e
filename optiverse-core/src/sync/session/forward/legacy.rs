//! Clients of the app beside new ones on a server that only forwards: what they write has no stamps, and they are told of
//! everything in their own terms.

use std::borrow::Cow;

use crate::scene::ItemId;
use crate::sync::clock::Timestamp;
use crate::sync::equal::same_value;
use crate::sync::limits::{MAX_FRAME_BYTES, MAX_FRAME_OPERATIONS};
use crate::sync::operation::{Body, GroupChange, Operation, POSITION, complete_position};
use crate::sync::replica::ItemState;
use crate::sync::session::forward::MAX_LEGACY_WRITERS;
use crate::sync::session::{Event, Session};
use crate::sync::version::OperationId;
use crate::sync::wire::app::{self, LegacyItem, LegacyMessage};
use crate::sync::wire::envelope::Envelope;
use crate::sync::wire::{FrameError, component, forward};

impl Session {
    /// Takes what an older client said. Each new client makes operations of it: the same values, so that they agree.
    pub(crate) fn take_legacy(&mut self, envelope: &Envelope<'_>, user: &str, now_ms: u64) -> Result<(), FrameError> {
        let is_component = envelope.kind.starts_with("component:");
        let message = if is_component { component::read(envelope)? } else { app::read(envelope)? };
        let mut made = Vec::new();
        match message {
            LegacyMessage::Other | LegacyMessage::Request => {}
            LegacyMessage::Add(item) => self.operation_for(&item, true, &mut made)?,
            LegacyMessage::Update(item) => self.operation_for(&item, false, &mut made)?,
            LegacyMessage::Remove(id) => {
                if self.confirmed.contains(&id) {
                    let time = self.clock.stamp_next();
                    made.push(Operation::remove(self.next_id(0), time, &id)?);
                }
            }
            LegacyMessage::State(items) => {
                let is_stored = envelope.get("from_server") == Some("true");
                let is_first = !is_stored
                    && self.forward.as_mut().is_some_and(|forward| !std::mem::replace(&mut forward.has_state, true));
                for item in items {
                    let item = app::read_state_item(item)?;
                    if is_first && self.confirmed.contains(&item.id) {
                        self.operation_for(&item, false, &mut made)?;
                    } else if !self.confirmed.items.contains_key(item.id.as_str()) {
                        // Nobody knows when it was written: whoever knows more of the item wins.
                        made.push(add(self.next_id(made.len()), Timestamp::default(), &item));
                    }
                }
            }
        }
        if made.is_empty() {
            return Ok(());
        }
        self.report_legacy_writer(user);
        self.forward_own(made, now_ms)
    }

    /// The operation that makes this client's item what an older one said it is, if there is a difference.
    fn operation_for(
        &mut self,
        item: &LegacyItem<'_>,
        is_add: bool,
        made: &mut Vec<Operation<'static>>,
    ) -> Result<(), FrameError> {
        let id = self.next_id(made.len());
        let present = self.confirmed.items.get(item.id.as_str()).filter(|state| state.section().is_some());
        let Some(state) = present else {
            if is_add {
                let time = self.clock.stamp_next();
                made.push(add(id, time, item).replacing_in(&self.confirmed));
            }
            return Ok(());
        };
        let present = |name: &str| state.group(name).and_then(|group| group.register.value.as_deref());
        let mut groups: Vec<GroupChange<'_>> = item.groups.iter().map(GroupChange::borrowed).collect();
        complete_position(&mut groups, present(POSITION));
        groups.retain(|change| !same_value(present(&change.group), change.value.as_deref()));
        if !groups.is_empty() {
            let time = self.clock.stamp_next();
            let operation = Operation { id, time, item: Cow::Borrowed(&item.id), body: Body::Set { groups } };
            made.push(operation.into_owned());
        }
        Ok(())
    }

    fn next_id(&self, made: usize) -> OperationId {
        OperationId { replica: self.replica, number: self.number + 1 + made as u64 }
    }

    fn report_legacy_writer(&mut self, user: &str) {
        let Some(forward) = &mut self.forward else { return };
        if forward.legacy_writers.len() < MAX_LEGACY_WRITERS && forward.legacy_writers.insert(user.to_owned()) {
            self.events.push_back(Event::LegacyWriter { user: user.to_owned() });
        }
    }

    /// Merges what was made of an older client's messages, and tells the other new clients: the older ones know it.
    fn forward_own(&mut self, made: Vec<Operation<'static>>, now_ms: u64) -> Result<(), FrameError> {
        self.number += made.len() as u64;
        let mut touched: Vec<ItemId> = Vec::new();
        let mut outcome = Ok(());
        let mut frame: Vec<Operation<'static>> = Vec::new();
        let mut bytes = 0;
        for operation in made {
            if let Err(error) = self.confirmed.apply(&operation) {
                self.confirmed.vector.insert(operation.id);
                outcome = Err(FrameError::Value {
                    key: "items",
                    found: error.to_string(),
                    expected: "a document within its limit",
                });
                continue;
            }
            touched.push(ItemId::from(&*operation.item));
            bytes += operation.to_json().len() + 1;
            if !frame.is_empty() && (bytes > MAX_FRAME_BYTES / 2 || frame.len() == MAX_FRAME_OPERATIONS) {
                self.carry_operations(&std::mem::take(&mut frame), now_ms);
                bytes = 0;
            }
            frame.push(operation);
        }
        if !frame.is_empty() {
            self.carry_operations(&frame, now_ms);
        }
        self.refresh(touched.iter().map(|id| &**id).collect::<std::collections::BTreeSet<_>>());
        self.vector_changed(now_ms);
        outcome
    }

    fn carry_operations(&mut self, operations: &[Operation<'static>], now_ms: u64) {
        let mut frame = app::no_command(self.sender(), now_ms);
        app::add_member("sync", &forward::write_operations(self.replica, operations), &mut frame);
        self.transmits.push_back(frame);
    }

    /// Tells clients of the app how an item is.
    pub(crate) fn tell_app(&mut self, id: &str, rebuild: bool, now_ms: u64) {
        let sender = self.sender();
        let state = self.confirmed.items.get(id).filter(|state| state.section().is_some());
        let mut frames = Vec::new();
        if rebuild || state.is_none() {
            frames.push(app::remove_command(id, sender, now_ms));
        }
        let action = if rebuild { "add_item" } else { "update_item" };
        frames.extend(state.and_then(|state| app::command(action, id, state, sender, now_ms)));
        for mut frame in frames {
            app::add_member("sync", &forward::write(self.replica), &mut frame);
            self.transmits.push_back(frame);
        }
    }

    /// Sends the whole scene, as the app's host does when somebody joins. The server keeps it for those who join later.
    pub(crate) fn upload_state(&mut self, now_ms: u64) {
        let mut present: Vec<(&str, &ItemState)> = self
            .confirmed
            .items
            .iter()
            .filter(|(_, state)| app::is_for_app(state))
            .map(|(id, state)| (id.as_str(), &**state))
            .collect();
        present.sort_unstable_by_key(|(id, _)| *id);
        // Room for `sync`.
        let limit = MAX_FRAME_BYTES - 1_024;
        let (mut frame, count) = app::full_state(present.iter().copied(), self.number, limit, now_ms);
        let rest: Vec<String> = present[count..]
            .iter()
            .filter_map(|(id, state)| app::command("add_item", id, state, self.sender(), now_ms))
            .collect();
        app::add_member("user_id", &serde_json::Value::from(self.sender()).to_string(), &mut frame);
        for mut frame in std::iter::once(frame).chain(rest) {
            app::add_member("sync", &forward::write(self.replica), &mut frame);
            self.transmits.push_back(frame);
        }
    }
}

/// Adds an item as an older client has it.
fn add(id: OperationId, time: Timestamp, item: &LegacyItem<'_>) -> Operation<'static> {
    let groups = item.groups.iter().map(GroupChange::borrowed).collect();
    Operation { id, time, item: Cow::Borrowed(&item.id), body: Body::Add { section: item.section, groups } }
        .into_owned()
}
