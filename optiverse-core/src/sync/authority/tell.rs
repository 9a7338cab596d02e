//! Telling legacy clients what happened, in their own terms (S11).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::sync::authority::connection::{Connection, Dialect};
use crate::sync::authority::{Authority, ConnectionId};
use crate::sync::operation::{Body, Operation};
use crate::sync::replica::ItemState;
use crate::sync::wire::{app, component};

/// The name by which the relay speaks to clients of the app.
const SENDER: &str = "relay";

impl Authority {
    /// Makes a legacy client show an item as it is or not at all, whatever it shows now.
    pub(crate) fn rebuild(&mut self, connection: ConnectionId, id: &str, now_ms: u64) {
        let Some(entry) = self.connections.get(&connection) else { return };
        let frame = if entry.is_component() { component::delete(id) } else { app::remove_command(id, SENDER, now_ms) };
        let is_component = entry.is_component();
        let present = self.replica.items.get(id).filter(|_| self.is_understood(connection, id));
        let add = present.and_then(|state| {
            if is_component { component::add(id, state) } else { app::command("add_item", id, state, SENDER, now_ms) }
        });
        if let Some(shadow) = self.shadow_mut(connection) {
            shadow.sent_removal(id);
        }
        self.send(connection, frame);
        if let Some(add) = add {
            self.send(connection, add);
            self.note_sent(connection, id, now_ms);
        }
    }

    /// Tells legacy clients of the operations after `before`.
    pub(crate) fn publish_to_legacy(&mut self, before: u64, author: ConnectionId, now_ms: u64) {
        let is_legacy = |state: &Connection| matches!(state.dialect, Dialect::App(_) | Dialect::Component(_));
        let receivers: Vec<ConnectionId> = self
            .connections
            .iter()
            .filter(|(id, state)| **id != author && is_legacy(state))
            .map(|(id, _)| *id)
            .collect();
        if receivers.is_empty() {
            return;
        }
        for (id, change) in self.changes_after(before) {
            let mut frames = Frames::default();
            for &receiver in &receivers {
                self.tell_legacy(receiver, &id, &change, &mut frames, now_ms);
            }
        }
    }

    /// What the operations after `before` did, in sum, to each item.
    fn changes_after(&self, before: u64) -> BTreeMap<String, Change> {
        let count = usize::try_from(self.sequence - before).unwrap_or(usize::MAX);
        let mut changes: BTreeMap<String, Change> = BTreeMap::new();
        for entry in self.log.iter().skip(self.log.len().saturating_sub(count)) {
            let Ok(operation) = Operation::from_json(&entry.text) else { continue };
            match (&operation.body, changes.get_mut(&*operation.item)) {
                (Body::Set { .. }, Some(Change::Added)) => {}
                (Body::Set { groups }, Some(Change::Changed(names))) => {
                    names.extend(groups.iter().map(|change| change.group.to_string()));
                    names.sort_unstable();
                    names.dedup();
                }
                (Body::Set { groups }, None) => {
                    let names = groups.iter().map(|change| change.group.to_string()).collect();
                    changes.insert(operation.item.to_string(), Change::Changed(names));
                }
                (Body::Add { .. } | Body::Remove, _) => {
                    changes.insert(operation.item.to_string(), Change::Added);
                }
            }
        }
        changes
    }

    /// Tells a legacy client of an item as it is now. `frames` are those of this item and this change.
    pub(crate) fn tell_legacy(
        &mut self,
        connection: ConnectionId,
        id: &str,
        change: &Change,
        frames: &mut Frames,
        now_ms: u64,
    ) {
        let Some(entry) = self.connections.get_mut(&connection) else { return };
        let (is_app, shadow) = match &mut entry.dialect {
            Dialect::App(shadow) => (true, shadow),
            Dialect::Component(shadow) => (false, shadow),
            _ => return,
        };
        let known = shadow.has(id);
        // The app would show an item twice that it has already.
        let may_have = known || shadow.is_in_doubt(id, now_ms);
        let state = self.replica.items.get(id);
        let is_understood =
            |state: &&ItemState| if is_app { is_for_app(state) } else { frames.is_for_component(state) };
        let present = state.filter(is_understood);
        // A component message cannot take a property away.
        let takes_away = |state: &ItemState| !is_app && change.names().iter().any(|name| is_removed(state, name));
        let starts_anew = matches!(change, Change::Added) || present.is_none_or(takes_away) || !known;
        let removal = (may_have && starts_anew).then(|| match is_app {
            true => frames.write(Kind::AppRemoval, || Some(app::remove_command(id, SENDER, now_ms))),
            false => frames.write(Kind::ComponentRemoval, || Some(component::delete(id))),
        });
        let content = present.and_then(|state| match (is_app, change) {
            (true, _) if starts_anew => {
                frames.write(Kind::AppAdd, || app::command("add_item", id, state, SENDER, now_ms))
            }
            (true, _) => frames.write(Kind::AppUpdate, || app::command("update_item", id, state, SENDER, now_ms)),
            (false, Change::Changed(names)) if !starts_anew => {
                frames.write(Kind::ComponentChange, || Some(component::change(id, state, names)))
            }
            (false, _) => frames.write(Kind::ComponentAdd, || component::add(id, state)),
        });
        if removal.is_some() {
            shadow.sent_removal(id);
        }
        if let Some(state) = present {
            shadow.sent(id, state, now_ms);
        }
        for frame in removal.flatten().into_iter().chain(content) {
            self.send(connection, frame);
        }
    }

    pub(crate) fn is_understood(&self, connection: ConnectionId, id: &str) -> bool {
        let Some(state) = self.replica.items.get(id) else { return false };
        match self.connections.get(&connection).map(|entry| &entry.dialect) {
            Some(Dialect::App(_)) => is_for_app(state),
            Some(Dialect::Component(_)) => component::understands(state),
            _ => false,
        }
    }

    /// Remembers that a client was sent an item as it is now.
    pub(crate) fn note_sent(&mut self, connection: ConnectionId, id: &str, now_ms: u64) {
        let Some(state) = self.replica.items.get(id) else { return };
        let dialect = self.connections.get_mut(&connection).map(|entry| &mut entry.dialect);
        if let Some(Dialect::App(shadow) | Dialect::Component(shadow)) = dialect {
            shadow.sent(id, state, now_ms);
        }
    }
}

fn is_for_app(state: &ItemState) -> bool {
    state.section().is_some_and(|section| app::app_kind(section, state).is_some())
}

/// What is said of one change of one item: written when the first client needs it, and shared by all others.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    written: [Option<Option<Arc<str>>>; 6],
    is_for_component: Option<bool>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    AppRemoval,
    AppAdd,
    AppUpdate,
    ComponentRemoval,
    ComponentAdd,
    ComponentChange,
}

impl Frames {
    fn write(&mut self, kind: Kind, write: impl FnOnce() -> Option<String>) -> Option<Arc<str>> {
        self.written[kind as usize].get_or_insert_with(|| write().map(Arc::from)).clone()
    }

    fn is_for_component(&mut self, state: &ItemState) -> bool {
        *self.is_for_component.get_or_insert_with(|| component::understands(state))
    }
}

/// What happened to an item, in sum.
#[derive(Debug)]
pub(crate) enum Change {
    /// It was added or removed, perhaps both.
    Added,
    /// These groups changed.
    Changed(Vec<String>),
}

impl Change {
    fn names(&self) -> &[String] {
        match self {
            Change::Added => &[],
            Change::Changed(names) => names,
        }
    }
}

fn is_removed(state: &ItemState, name: &str) -> bool {
    state.group(name).is_some_and(|group| group.register.value.is_none())
}
