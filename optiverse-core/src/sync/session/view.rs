//! The view: what is confirmed, with the pending edits on top of it.

use std::collections::{BTreeSet, HashSet};

use crate::scene::{Edit, Item, ItemId, Properties, PropertyChange};
use crate::sync::operation::{Body, Operation, POSITION};
use crate::sync::replica::{ItemState, read_group};
use crate::sync::session::{Event, SceneChange, Session};

impl Session {
    /// Brings the view of these items up to date and tells the host what has changed.
    pub(crate) fn refresh<'i>(&mut self, ids: impl IntoIterator<Item = &'i str>) {
        let mut change =
            SceneChange { added: Vec::new(), changed: Vec::new(), removed: Vec::new(), edit: Edit::Batch(Vec::new()) };
        let mut edits = Vec::new();
        for id in ids {
            let wanted = self.wanted(id);
            for edit in edits_towards(self.view.get(id), wanted) {
                match self.view.apply(&edit) {
                    Ok(_) => {
                        note(&edit, &mut change);
                        edits.push(edit);
                    }
                    // Items are checked before they are confirmed or pending, and the view has no other source.
                    Err(error) => debug_assert!(false, "{id}: {error}"),
                }
            }
        }
        if !edits.is_empty() {
            change.edit = Edit::Batch(edits);
            self.events.push_back(Event::Changed(change));
        }
    }

    /// Brings the whole view up to date.
    pub(crate) fn refresh_all(&mut self) {
        let mut ids: BTreeSet<ItemId> = self.view.items().map(|item| item.id().clone()).collect();
        ids.extend(self.confirmed.items.keys().cloned());
        ids.extend(self.pending_of_item.keys().cloned());
        self.refresh(ids.iter().map(|id| &**id));
    }

    /// The item as it is to be shown.
    fn wanted(&self, id: &str) -> Option<Item> {
        let mut item = self.confirmed.item(id);
        for number in self.pending_of_item.get(id).into_iter().flatten() {
            if let Some(operation) = self.pending.get(number) {
                item = with_operation(item, operation);
            }
        }
        item
    }
}

/// The item after an operation, as the relay will see it.
fn with_operation(item: Option<Item>, operation: &Operation<'_>) -> Option<Item> {
    match (&operation.body, item) {
        (Body::Remove, _) | (Body::Set { .. }, None) => None,
        // The relay will refuse it.
        (Body::Add { .. }, Some(item)) => Some(item),
        (Body::Add { section, groups }, None) => {
            let mut properties = Properties::new();
            for change in groups {
                if let Some(value) = &change.value {
                    properties.extend(read_group(&change.group, value));
                }
            }
            Some(Item { id: ItemId::from(&*operation.item), section: *section, properties })
        }
        (Body::Set { groups }, Some(mut item)) => {
            for change in groups {
                let new = change.value.as_deref().map(|value| read_group(&change.group, value)).unwrap_or_default();
                let group: &str = &change.group;
                let keys: &[&str] = if group == POSITION { &["x_mm", "y_mm"] } else { &[group] };
                for key in keys {
                    if !new.contains_key(*key) {
                        item.properties.shift_remove(*key);
                    }
                }
                item.properties.extend(new);
            }
            Some(item)
        }
    }
}

/// The edits that make `shown` what is `wanted`.
fn edits_towards(shown: Option<&Item>, wanted: Option<Item>) -> Vec<Edit> {
    match (shown, wanted) {
        (None, None) => Vec::new(),
        (None, Some(item)) => vec![Edit::Add { item, position: None }],
        (Some(shown), None) => vec![Edit::Remove { id: shown.id().clone() }],
        (Some(shown), Some(item)) if shown.section() != item.section() || changes_id(shown, &item) => {
            vec![Edit::Remove { id: shown.id().clone() }, Edit::Add { item, position: None }]
        }
        (Some(shown), Some(item)) => {
            let (old, new) = (shown.properties(), item.properties());
            let gone = old.keys().filter(|key| !new.contains_key(*key)).map(PropertyChange::remove);
            let set = new.iter().filter(|(key, value)| old.get(*key) != Some(value));
            let set = set.map(|(key, value)| PropertyChange::set(key, value.clone()));
            let changes: Vec<PropertyChange> = gone.chain(set).collect();
            if changes.is_empty() { Vec::new() } else { vec![Edit::Set { id: shown.id().clone(), changes }] }
        }
    }
}

/// Whether a property that names the item differs, which no relay of this project lets happen.
fn changes_id(shown: &Item, item: &Item) -> bool {
    let names = ["item_uuid", "id"].into_iter().filter(|key| shown.is_id_key(key));
    names.into_iter().any(|key| shown.get(key) != item.get(key))
}

fn note(edit: &Edit, change: &mut SceneChange) {
    match edit {
        Edit::Add { item, .. } => change.added.push(item.id().clone()),
        Edit::Remove { id } => change.removed.push(id.clone()),
        Edit::Set { id, changes } => {
            let keys = changes.iter().map(|change| change.key().to_owned()).collect();
            change.changed.push((id.clone(), keys));
        }
        Edit::Move { .. } | Edit::SetDocument { .. } | Edit::Batch(_) => {}
    }
}

impl Session {
    /// Whether the group's present value in the view is the user's own.
    pub(crate) fn is_own(&self, id: &str, group: &str) -> bool {
        let state = self.confirmed.items.get(id).and_then(|state| state.group(group));
        // What nobody has written is nobody else's.
        if state.is_none_or(|group| group.register.writer.id.replica == self.replica) {
            return true;
        }
        // From the newest on: what is taken back was written not long ago.
        let pending = self.pending_of_item.get(id).into_iter().flatten().rev();
        let mut operations = pending.filter_map(|number| self.pending.get(number));
        operations.any(|operation| operation.body.groups().iter().any(|change| change.group == *group))
    }

    /// Whether nobody else has written anything of the item that is there.
    pub(crate) fn is_wholly_own(&self, id: &str) -> bool {
        let Some(state) = self.confirmed.items.get(id) else { return true };
        let pending: HashSet<&str> = self
            .pending_of_item
            .get(id)
            .into_iter()
            .flatten()
            .filter_map(|number| self.pending.get(number))
            .flat_map(|operation| operation.body.groups())
            .map(|change| &*change.group)
            .collect();
        let own = |state: &ItemState| {
            let present = state.present.as_ref().is_none_or(|present| present.writer.id.replica == self.replica);
            let others = |name: &str, replica| replica != self.replica && !pending.contains(name);
            present && !state.groups.iter().any(|group| others(&group.name, group.register.writer.id.replica))
        };
        own(state)
    }
}
