//! Telling legacy clients what happened, in their own terms (S11).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::scene::ItemId;
use crate::sync::authority::connection::{Connection, Dialect};
use crate::sync::authority::{Authority, ConnectionId, Payload, Transmit};
use crate::sync::operation::{Body, Operation};
use crate::sync::replica::ItemState;
use crate::sync::wire::{app, component};

/// The name by which the relay speaks to clients of the app.
const SENDER: &str = "relay";

impl Authority {
    /// Makes a legacy client show an item as it is or not at all, whatever it shows now.
    pub(crate) fn rebuild(&mut self, connection: ConnectionId, id: &ItemId, now_ms: u64) {
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

    /// Tells legacy clients of changes.
    pub(crate) fn publish_to_legacy(&mut self, changes: &Changes, author: ConnectionId, now_ms: u64) {
        if !self.connections.values().any(Connection::is_legacy) {
            return;
        }
        for (id, change) in &changes.items {
            let mut item = Told::new(id, change, self.replica.items.get(id).map(|state| &**state), now_ms);
            for (&receiver, entry) in self.connections.iter_mut().filter(|(other, _)| **other != author) {
                for frame in item.tell(&mut entry.dialect).into_iter().flatten() {
                    let transmit = Transmit { connection: receiver, payload: Payload::Frame(frame) };
                    self.transmits.push_back((self.sequence, transmit));
                }
            }
        }
    }

    /// Tells a legacy client of an item as it is now.
    pub(crate) fn tell_legacy(&mut self, connection: ConnectionId, id: &ItemId, change: &Change, now_ms: u64) {
        let Some(entry) = self.connections.get_mut(&connection) else { return };
        let frames =
            Told::new(id, change, self.replica.items.get(id).map(|state| &**state), now_ms).tell(&mut entry.dialect);
        for frame in frames.into_iter().flatten() {
            self.send(connection, frame);
        }
    }

    pub(crate) fn is_understood(&self, connection: ConnectionId, id: &str) -> bool {
        let Some(state) = self.replica.items.get(id) else { return false };
        match self.connections.get(&connection).map(|entry| &entry.dialect) {
            Some(Dialect::App(_)) => app::is_for_app(state),
            Some(Dialect::Component(_)) => component::understands(state),
            _ => false,
        }
    }

    /// Remembers that a client was sent an item as it is now.
    pub(crate) fn note_sent(&mut self, connection: ConnectionId, id: &ItemId, now_ms: u64) {
        let Some(state) = self.replica.items.get(id) else { return };
        let dialect = self.connections.get_mut(&connection).map(|entry| &mut entry.dialect);
        if let Some(Dialect::App(shadow) | Dialect::Component(shadow)) = dialect {
            shadow.sent(id, state, now_ms);
        }
    }
}

/// What operations did, in sum, to each item.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    items: BTreeMap<ItemId, Change>,
}

/// What happened to an item, in sum.
#[derive(Debug)]
pub(crate) enum Change {
    /// It was added or removed, perhaps both.
    Added,
    /// These groups changed.
    Changed(Vec<String>),
}

impl Changes {
    /// Takes note of an operation that was accepted.
    pub(crate) fn note(&mut self, operation: &Operation<'_>) {
        match (&operation.body, self.items.get_mut(&*operation.item)) {
            (Body::Set { .. }, Some(Change::Added)) => {}
            (Body::Set { groups }, Some(Change::Changed(names))) => {
                names.extend(groups.iter().map(|change| change.group.to_string()));
                names.sort_unstable();
                names.dedup();
            }
            (Body::Set { groups }, None) => {
                let names = groups.iter().map(|change| change.group.to_string()).collect();
                self.items.insert(ItemId::from(&*operation.item), Change::Changed(names));
            }
            (Body::Add { .. } | Body::Remove, _) => {
                self.items.insert(ItemId::from(&*operation.item), Change::Added);
            }
        }
    }
}

/// One change of one item, of which legacy clients are told. What is said is written when the first client needs it, and
/// shared by all others.
struct Told<'a> {
    id: &'a ItemId,
    change: &'a Change,
    /// The item as it is now.
    state: Option<&'a ItemState>,
    now_ms: u64,
    is_for_app: Option<bool>,
    is_for_component: Option<bool>,
    frames: [Option<Option<Arc<str>>>; 6],
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

impl<'a> Told<'a> {
    fn new(id: &'a ItemId, change: &'a Change, state: Option<&'a ItemState>, now_ms: u64) -> Told<'a> {
        Told { id, change, state, now_ms, is_for_app: None, is_for_component: None, frames: Default::default() }
    }

    /// The frames for one client, which from now on is known to have been sent them.
    fn tell(&mut self, dialect: &mut Dialect) -> [Option<Arc<str>>; 2] {
        let (is_app, shadow) = match dialect {
            Dialect::App(shadow) => (true, shadow),
            Dialect::Component(shadow) => (false, shadow),
            _ => return [None, None],
        };
        let (id, now_ms) = (self.id, self.now_ms);
        let present = self.state.filter(|state| self.is_understood(is_app, state));
        // A component message cannot take a property away.
        let is_told = |names: &[String], state| is_app || !names.iter().any(|name| is_removed(state, name));
        if let (Change::Changed(names), Some(state)) = (self.change, present)
            && is_told(names, state)
            && shadow.sent_again(id, state, now_ms)
        {
            return [None, self.update(is_app, names, state)];
        }
        // The app would show an item twice that it has already.
        let removal = (shadow.has(id) || shadow.is_in_doubt(id, now_ms)).then(|| self.removal(is_app));
        if removal.is_some() {
            shadow.sent_removal(id);
        }
        let addition = present.and_then(|state| {
            shadow.sent(id, state, now_ms);
            self.addition(is_app, state)
        });
        [removal.flatten(), addition]
    }

    fn update(&mut self, is_app: bool, names: &[String], state: &ItemState) -> Option<Arc<str>> {
        let (id, now_ms) = (self.id, self.now_ms);
        match is_app {
            true => self.frame(Kind::AppUpdate, || app::command("update_item", id, state, SENDER, now_ms)),
            false => self.frame(Kind::ComponentChange, || Some(component::change(id, state, names))),
        }
    }

    fn removal(&mut self, is_app: bool) -> Option<Arc<str>> {
        let (id, now_ms) = (self.id, self.now_ms);
        match is_app {
            true => self.frame(Kind::AppRemoval, || Some(app::remove_command(id, SENDER, now_ms))),
            false => self.frame(Kind::ComponentRemoval, || Some(component::delete(id))),
        }
    }

    fn addition(&mut self, is_app: bool, state: &ItemState) -> Option<Arc<str>> {
        let (id, now_ms) = (self.id, self.now_ms);
        match is_app {
            true => self.frame(Kind::AppAdd, || app::command("add_item", id, state, SENDER, now_ms)),
            false => self.frame(Kind::ComponentAdd, || component::add(id, state)),
        }
    }

    fn is_understood(&mut self, is_app: bool, state: &ItemState) -> bool {
        match is_app {
            true => *self.is_for_app.get_or_insert_with(|| app::is_for_app(state)),
            false => *self.is_for_component.get_or_insert_with(|| component::understands(state)),
        }
    }

    fn frame(&mut self, kind: Kind, write: impl FnOnce() -> Option<String>) -> Option<Arc<str>> {
        self.frames[kind as usize].get_or_insert_with(|| write().map(Arc::from)).clone()
    }
}

fn is_removed(state: &ItemState, name: &str) -> bool {
    state.group(name).is_some_and(|group| group.register.value.is_none())
}
