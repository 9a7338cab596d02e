//! Legacy clients: their whole items become differences, and they are told what they understand (S11).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use crate::scene::ItemId;
use crate::sync::authority::connection::{Connection, Dialect};
use crate::sync::authority::shadow::{ARRIVED_AFTER_MS, Meaning, SentState, Shadow};
use crate::sync::authority::tell::Change;
use crate::sync::authority::{Authority, ConnectionId};
use crate::sync::equal::same_value;
use crate::sync::limits::{MAX_FRAME_BYTES, MAX_STATE_BYTES};
use crate::sync::operation::{Body, GroupChange, Operation, POSITION, complete_position};
use crate::sync::replica::ItemState;
use crate::sync::version::OperationId;
use crate::sync::wire::FrameError;
use crate::sync::wire::app::{self, LegacyItem, LegacyMessage};
use crate::sync::wire::component;
use crate::sync::wire::envelope::Envelope;

/// Removed items that are remembered, so that a legacy client that was away does not bring them back.
pub const MAX_REMOVED_IDS: usize = 10_000;

/// Items of one message after which the others are told, so that the log still has all of it.
const ITEMS_AT_ONCE: usize = 1_000;

/// Bytes of their texts after which they are, so that few items are in memory taken apart.
const BYTES_AT_ONCE: usize = MAX_FRAME_BYTES;

/// When an item was removed, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Removal {
    pub(crate) sequence: u64,
    pub(crate) at_ms: u64,
    pub(crate) by: Option<ConnectionId>,
}

/// The items that were removed last.
#[derive(Debug, Default)]
pub(crate) struct RemovedIds {
    removals: HashMap<ItemId, Removal>,
    order: VecDeque<(u64, ItemId)>,
}

impl RemovedIds {
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn insert(&mut self, id: &str, removal: Removal) {
        let id = ItemId::from(id);
        self.removals.insert(id.clone(), removal);
        self.order.push_back((removal.sequence, id));
        if self.order.len() > MAX_REMOVED_IDS
            && let Some((sequence, id)) = self.order.pop_front()
            && self.removals.get(&id).is_some_and(|removal| removal.sequence == sequence)
        {
            self.removals.remove(&id);
        }
    }
}

/// The whole document for clients of the app.
#[derive(Debug)]
pub(crate) struct WholeForApp {
    frame: Arc<str>,
    /// The items in the frame.
    items: SentState,
    /// Those that found no room in it.
    rest: Vec<ItemId>,
}

/// Whether a value is believed over the relay's own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// It may be a deliberate edit.
    Believe,
    /// It is part of all that the client has, and may be old; edits were told of one by one.
    Doubt,
}

impl Authority {
    pub(crate) fn receive_legacy(
        &mut self,
        connection: ConnectionId,
        envelope: &Envelope<'_>,
        now_ms: u64,
    ) -> Result<(), FrameError> {
        let is_component = envelope.kind.starts_with("component:");
        let message = if is_component { component::read(envelope)? } else { app::read(envelope)? };
        let is_undecided = |state: &Connection| matches!(state.dialect, Dialect::Undecided { .. });
        let undecided = self.connections.get(&connection).is_some_and(is_undecided);
        // A slow one may have been taken for the app.
        if is_component && !self.connections.get(&connection).is_some_and(Connection::is_component) {
            self.greet_component(connection, now_ms);
        }
        let trust = if is_component { Trust::Doubt } else { Trust::Believe };
        match message {
            LegacyMessage::Other => {}
            LegacyMessage::Request => self.greet_app(connection, now_ms),
            LegacyMessage::State(items) => {
                if undecided {
                    self.become_app(connection, Shadow::default());
                }
                let mut shown: HashSet<ItemId> = HashSet::new();
                let mut rest = items.as_slice();
                while !rest.is_empty() {
                    let (chunk, after) = rest.split_at(at_once(rest));
                    let chunk: Vec<LegacyItem<'_>> =
                        chunk.iter().map(|item| app::read_state_item(item)).collect::<Result<_, _>>()?;
                    shown.extend(chunk.iter().map(|item| ItemId::from(item.id.as_str())));
                    self.take_items(connection, &chunk, true, Trust::Doubt, now_ms);
                    rest = after;
                }
                // A host takes no notice of `sync:full_state`; it needs the rest one by one.
                for id in self.present_ids().into_iter().filter(|id| !shown.contains(id)) {
                    self.rebuild(connection, &id, now_ms);
                }
            }
            LegacyMessage::Add(item) => {
                self.decide_dialect(connection, undecided && !is_component, now_ms);
                self.take_items(connection, &[item], true, trust, now_ms);
            }
            LegacyMessage::Update(item) => {
                self.decide_dialect(connection, undecided && !is_component, now_ms);
                self.take_items(connection, &[item], false, Trust::Believe, now_ms);
            }
            LegacyMessage::Remove(id) => {
                self.decide_dialect(connection, undecided && !is_component, now_ms);
                self.remove_for_legacy(connection, &id, now_ms);
            }
        }
        Ok(())
    }

    fn decide_dialect(&mut self, connection: ConnectionId, is_app: bool, now_ms: u64) {
        if is_app {
            self.greet_unasked(connection, now_ms);
        }
    }

    /// Takes a client that did not ask for the items for the app. The first one in a new session gets none, as ever.
    pub(crate) fn greet_unasked(&mut self, connection: ConnectionId, now_ms: u64) {
        if self.sequence == 0 {
            self.become_app(connection, Shadow::default());
        } else {
            self.greet_app(connection, now_ms);
        }
    }

    fn become_app(&mut self, connection: ConnectionId, shadow: Shadow) {
        if let Some(state) = self.connections.get_mut(&connection) {
            state.dialect = Dialect::App(shadow);
        }
    }

    /// Sends all items to a client of the app, which builds its canvas anew from them.
    pub(crate) fn greet_app(&mut self, connection: ConnectionId, now_ms: u64) {
        let whole = self.whole_for_app(now_ms);
        self.become_app(connection, Shadow::after_state(Arc::clone(&whole.items), now_ms));
        self.send(connection, Arc::clone(&whole.frame));
        for id in &whole.rest {
            self.tell_legacy(connection, id, &Change::Added, now_ms);
        }
    }

    /// What brings a client of the app the whole document. It is kept until the next operation: after a failure of the
    /// network all come back at once.
    fn whole_for_app(&mut self, now_ms: u64) -> Arc<WholeForApp> {
        if let Some(whole) = &self.whole_for_app {
            return Arc::clone(whole);
        }
        let mut items: Vec<(ItemId, Arc<ItemState>)> = Vec::new();
        for (id, state) in self.replica.items.iter().filter(|(_, state)| app::is_for_app(state)) {
            items.push((id.clone(), Arc::clone(state)));
        }
        items.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        let states = items.iter().map(|(id, state)| (id.as_str(), &**state));
        let (mut frame, count) = app::full_state(states, self.sequence, MAX_STATE_BYTES, now_ms);
        app::add_member("from_server", "true", &mut frame);
        app::add_member("conflict_resolution", "\"host_wins\"", &mut frame);
        let rest = items.split_off(count).into_iter().map(|(id, _)| id).collect();
        let whole = Arc::new(WholeForApp { frame: frame.into(), items: items.into(), rest });
        self.whole_for_app = Some(Arc::clone(&whole));
        whole
    }

    fn greet_component(&mut self, connection: ConnectionId, now_ms: u64) {
        if let Some(state) = self.connections.get_mut(&connection) {
            state.dialect = Dialect::Component(Shadow::default());
        }
        for id in self.present_ids() {
            self.tell_legacy(connection, &id, &Change::Added, now_ms);
        }
    }

    /// The items that are there, in the order of their ids.
    fn present_ids(&self) -> Vec<ItemId> {
        let present = self.replica.items.iter().filter(|(_, state)| state.section().is_some());
        let mut ids: Vec<ItemId> = present.map(|(id, _)| id.clone()).collect();
        ids.sort_unstable();
        ids
    }

    /// Takes whole items from a legacy client: only real differences become operations.
    fn take_items(
        &mut self,
        connection: ConnectionId,
        items: &[LegacyItem<'_>],
        is_add: bool,
        trust: Trust,
        now_ms: u64,
    ) {
        let before = self.sequence;
        for item in items {
            let changed = self.take_changes(connection, item, trust, now_ms);
            let agrees = changed.unwrap_or_else(|| is_add && self.take_new(connection, item, trust, now_ms));
            // What is part of all that it has was said in no answer to anything on its way.
            if trust == Trust::Believe || !agrees {
                let rebuild = trust == Trust::Doubt || changed.is_none() && !agrees;
                self.correct_later(connection, &item.id, rebuild, now_ms);
            }
        }
        self.publish(before, connection, now_ms);
    }

    fn correct_later(&mut self, connection: ConnectionId, id: &str, rebuild: bool, now_ms: u64) {
        if let Some(shadow) = self.shadow_mut(connection) {
            let rebuild = rebuild || shadow.may_rebuild(now_ms);
            shadow.correct_later(id, rebuild, now_ms);
        }
    }

    /// Tells a legacy client again of the items that it spoke of.
    pub(crate) fn correct_due(&mut self, connection: ConnectionId, now_ms: u64) {
        let due = self.shadow_mut(connection).map(|shadow| shadow.due(now_ms)).unwrap_or_default();
        for (id, correction) in due {
            match self.replica.items.get(&id) {
                Some(state) if !correction.rebuild => {
                    let names = state.groups.iter().map(|group| group.name.to_string()).collect();
                    self.tell_legacy(connection, &id, &Change::Changed(names), now_ms);
                }
                _ => self.rebuild(connection, &id, now_ms),
            }
        }
    }

    /// Returns whether the client shows what the relay has.
    fn take_new(&mut self, connection: ConnectionId, item: &LegacyItem<'_>, trust: Trust, now_ms: u64) -> bool {
        let since = self.connections.get(&connection).map_or(0, |state| state.since);
        let removal = self.removed.removals.get(item.id.as_str()).copied();
        let others = removal.filter(|removal| removal.by != Some(connection));
        // It was removed while the client was away, or the client cannot have heard of it yet: it has it from before.
        let is_old =
            |removal: Removal| removal.sequence <= since || now_ms < removal.at_ms.saturating_add(ARRIVED_AFTER_MS);
        if trust == Trust::Doubt && others.is_some_and(is_old) {
            return false;
        }
        if let Some(shadow) = self.shadow_mut(connection) {
            let known = shadow.item(&ItemId::from(item.id.as_str()));
            for change in &item.groups {
                let _ = known.received(&change.group, change.value.as_deref(), now_ms);
            }
        }
        let groups = item.groups.iter().map(GroupChange::borrowed).collect();
        let operation = self.own_operation(&item.id, Body::Add { section: item.section, groups });
        // With a removal on its way to it, the item will vanish from it.
        let vanishes = others.is_some() || self.shadow(connection).is_some_and(|shadow| shadow.was_told_gone(&item.id));
        self.decide_own(connection, operation, now_ms) && !vanishes
    }

    /// Returns whether the client shows what the relay has; none if there is no such item.
    fn take_changes(
        &mut self,
        connection: ConnectionId,
        item: &LegacyItem<'_>,
        trust: Trust,
        now_ms: u64,
    ) -> Option<bool> {
        let (id, state) = self.replica.items.get_key_value(item.id.as_str())?;
        let section = state.section()?;
        let mut groups: Vec<GroupChange<'_>> = item.groups.iter().map(GroupChange::borrowed).collect();
        if section != item.section {
            groups.retain(|change| !component::is_addition(&change.group));
        }
        let present = |name: &str| state.group(name).and_then(|group| group.register.value.as_deref());
        complete_position(&mut groups, present(POSITION));
        // All that it has may lack what was added in the meantime.
        let is_named = |name: &str| groups.iter().any(|change| change.group == name);
        let mut is_right = trust == Trust::Believe || state.groups.iter().all(|group| is_named(&group.name));
        let dialect = self.connections.get_mut(&connection).map(|entry| &mut entry.dialect);
        let Some(Dialect::App(shadow) | Dialect::Component(shadow)) = dialect else { return Some(true) };
        let known = shadow.item(id);
        groups.retain(|change| {
            let value = change.value.as_deref();
            let meaning = known.received(&change.group, value, now_ms);
            let agrees = same_value(present(&change.group), value);
            is_right &= agrees;
            trust == Trust::Believe && meaning == Meaning::Changed && !agrees
        });
        if groups.is_empty() {
            return Some(is_right);
        }
        let operation = self.own_operation(&item.id, Body::Set { groups });
        let accepted = self.decide_own(connection, operation, now_ms);
        if !accepted {
            // It may show a property that the item has not, which no change of properties takes back.
            self.correct_later(connection, &item.id, true, now_ms);
        }
        Some(accepted)
    }

    fn remove_for_legacy(&mut self, connection: ConnectionId, id: &str, now_ms: u64) {
        let before = self.sequence;
        if self.replica.contains(id) {
            let operation = self.own_operation(id, Body::Remove);
            let _ = self.decide_own(connection, operation, now_ms);
        }
        if let Some(shadow) = self.shadow_mut(connection) {
            shadow.forget(id);
        }
        self.correct_later(connection, id, true, now_ms);
        self.publish(before, connection, now_ms);
    }

    /// The next operation on behalf of a legacy client. It is stamped when it is decided.
    fn own_operation<'o>(&self, item: &'o str, body: Body<'o>) -> Operation<'o> {
        let id = OperationId { replica: self.config.replica, number: self.own_number + 1 };
        Operation { id, time: self.clock.newest(), item: Cow::Borrowed(item), body }
    }

    /// Decides about an operation made on behalf of a legacy client.
    fn decide_own(&mut self, connection: ConnectionId, operation: Operation<'_>, now_ms: u64) -> bool {
        let accepted = self.decide(connection, operation, now_ms).is_ok();
        self.own_number += u64::from(accepted);
        accepted
    }

    pub(crate) fn shadow(&self, connection: ConnectionId) -> Option<&Shadow> {
        match &self.connections.get(&connection)?.dialect {
            Dialect::App(shadow) | Dialect::Component(shadow) => Some(shadow),
            _ => None,
        }
    }

    pub(crate) fn shadow_mut(&mut self, connection: ConnectionId) -> Option<&mut Shadow> {
        match &mut self.connections.get_mut(&connection)?.dialect {
            Dialect::App(shadow) | Dialect::Component(shadow) => Some(shadow),
            _ => None,
        }
    }
}

/// How many of these items to take before the others are told.
fn at_once(items: &[&str]) -> usize {
    let mut bytes = 0;
    let fits = |item: &&&str| {
        bytes += item.len();
        bytes <= BYTES_AT_ONCE
    };
    items.iter().take(ITEMS_AT_ONCE).take_while(fits).count().max(1)
}
