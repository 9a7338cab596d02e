//! The replicated document: items as groups of last-writer-wins registers.
//!
//! The registers themselves are the compacted log: each knows the operation that wrote it, so that what a peer misses is
//! found by its version vector, and an overwritten value is never sent.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use crate::scene::{Item, ItemId, Properties, Scene, Section, read};
use crate::sync::clock::Timestamp;
use crate::sync::limits::{MAX_DOCUMENT_BYTES, REGISTER_BYTES};
use crate::sync::operation::{Body, Operation, POSITION};
use crate::sync::version::{OperationId, VersionVector};

/// What is kept of an item that was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovedItems {
    /// Its registers, because operations may arrive in any order.
    Keep,
    /// Nothing, because operations arrive in the order of a relay's sequence.
    Forget,
}

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It was merged.
    New,
    /// It had been merged before, and nothing happened.
    Repeat,
}

/// The document would take more than [`MAX_DOCUMENT_BYTES`]; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the document would take more than {MAX_DOCUMENT_BYTES} bytes")]
pub struct DocumentFull;

/// Who wrote a register, and when. Ordered as writers win: by time, then by replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Writer {
    pub(crate) time: Timestamp,
    pub(crate) id: OperationId,
}

/// A last-writer-wins register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Register<T> {
    pub(crate) writer: Writer,
    pub(crate) value: T,
}

/// The register of a group: JSON text, or none if the group was removed. The texts are shared with those who remember them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) name: Arc<str>,
    pub(crate) register: Register<Option<Arc<str>>>,
}

/// An item, whether it is there or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ItemState {
    /// The list in which it stands; none if it was removed.
    pub(crate) present: Option<Register<Option<Section>>>,
    pub(crate) groups: Vec<Group>,
}

impl ItemState {
    /// The list in which it stands, if it is there.
    pub(crate) fn section(&self) -> Option<Section> {
        self.present.as_ref().and_then(|register| register.value)
    }

    pub(crate) fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| *group.name == *name)
    }

    /// Its properties, each group's in the order in which the groups were first written.
    pub(crate) fn properties(&self) -> Properties {
        let mut properties = Properties::new();
        for group in &self.groups {
            if let Some(value) = &group.register.value {
                properties.extend(read_group(&group.name, value));
            }
        }
        properties
    }

    /// The bytes of keys and values, without those of removed groups.
    pub(crate) fn content_bytes(&self) -> usize {
        let bytes = |group: &Group| group.register.value.as_ref().map_or(0, |value| group.name.len() + value.len());
        self.groups.iter().map(bytes).sum()
    }

    fn bytes(&self) -> usize {
        let size = |group: &Group| group_bytes(&group.name, group.register.value.as_deref());
        REGISTER_BYTES + self.groups.iter().map(size).sum::<usize>()
    }

    /// Merges the value of a group. Returns the change in size.
    fn merge_group(&mut self, name: &str, writer: Writer, value: Option<&str>) -> isize {
        let Some(group) = self.groups.iter_mut().find(|group| *group.name == *name) else {
            let register = Register { writer, value: value.map(Arc::from) };
            self.groups.push(Group { name: Arc::from(name), register });
            return group_bytes(name, value) as isize;
        };
        // Equal stamps come from a faulty replica only; the values decide, so that all agree.
        let order = writer.cmp(&group.register.writer).then_with(|| value.cmp(&group.register.value.as_deref()));
        if order != Ordering::Greater {
            return 0;
        }
        let before = group.register.value.as_ref().map_or(0, |value| value.len());
        group.register.writer = writer;
        group.register.value = value.map(Arc::from);
        value.map_or(0, str::len) as isize - before as isize
    }

    fn merge_present(&mut self, writer: Writer, section: Option<Section>) -> bool {
        let wins = self.present.as_ref().is_none_or(|present| {
            let rank = |section: Option<Section>| section.map(|section| section.index());
            (writer, rank(section)) > (present.writer, rank(present.value))
        });
        if wins {
            self.present = Some(Register { writer, value: section });
        }
        wins
    }
}

fn group_bytes(name: &str, value: Option<&str>) -> usize {
    REGISTER_BYTES + name.len() + value.map_or(0, str::len)
}

/// The properties that a group holds.
pub(crate) fn read_group(name: &str, value: &str) -> Properties {
    let text = if name == POSITION { format!("{{{value}}}") } else { format!("{{\"\":{value}}}") };
    match read(&text).map(|document| document.value) {
        Ok(serde_json::Value::Object(members)) if name == POSITION => members,
        Ok(serde_json::Value::Object(members)) => {
            members.into_iter().map(|(_, value)| (name.to_owned(), value)).collect()
        }
        other => {
            // Every value was checked against the same grammar when it came in.
            debug_assert!(false, "{name}: {value}: {other:?}");
            Properties::new()
        }
    }
}

/// A document that merges with others of its kind, without a server (S1 to S6 of [`crate::sync`]).
#[derive(Debug, Clone)]
pub struct Replica {
    /// Shared with those who keep an item as it was at some time; what is shared is copied when it changes.
    pub(crate) items: HashMap<ItemId, Arc<ItemState>>,
    pub(crate) vector: VersionVector,
    pub(crate) newest: Timestamp,
    removed: RemovedItems,
    bytes: usize,
}

impl Replica {
    /// An empty document.
    pub fn new(removed: RemovedItems) -> Replica {
        Replica { items: HashMap::new(), vector: VersionVector::new(), newest: Timestamp::default(), removed, bytes: 0 }
    }

    /// The operations that were merged.
    pub fn vector(&self) -> &VersionVector {
        &self.vector
    }

    /// The newest stamp among the operations that were merged.
    pub fn newest(&self) -> Timestamp {
        self.newest
    }

    /// How much of [`MAX_DOCUMENT_BYTES`] is taken.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number of items that are there.
    pub fn len(&self) -> usize {
        self.items.values().filter(|state| state.section().is_some()).count()
    }

    /// Whether no item is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the item is there.
    pub fn contains(&self, id: &str) -> bool {
        self.items.get(id).is_some_and(|state| state.section().is_some())
    }

    /// The item, if it is there.
    pub fn item(&self, id: &str) -> Option<Item> {
        let (id, state) = self.items.get_key_value(id)?;
        Some(Item { id: id.clone(), section: state.section()?, properties: state.properties() })
    }

    /// The items that are there, in the order in which they were added.
    pub fn items(&self) -> Vec<Item> {
        let mut present: Vec<(&Writer, &ItemId, &ItemState, Section)> = Vec::new();
        for (id, state) in &self.items {
            if let Some(Register { writer, value: Some(section) }) = &state.present {
                present.push((writer, id, state, *section));
            }
        }
        present.sort_unstable_by_key(|(writer, id, ..)| (**writer, *id));
        let item = |(_, id, state, section): (_, &ItemId, &ItemState, _)| Item {
            id: id.clone(),
            section,
            properties: state.properties(),
        };
        present.into_iter().map(item).collect()
    }

    /// The document as a scene of its own.
    pub fn to_scene(&self) -> Scene {
        let mut scene = Scene::new();
        for item in self.items() {
            scene.lists[item.section().index()].insert(item.id().clone(), item);
        }
        scene
    }

    /// Merges an operation. The order in which operations are merged does not matter, nor how often (S1).
    ///
    /// # Errors
    /// If the document would grow past [`MAX_DOCUMENT_BYTES`].
    pub fn apply(&mut self, operation: &Operation<'_>) -> Result<Applied, DocumentFull> {
        let id = operation.id;
        let groups = operation.body.groups();
        // A repeat takes no room.
        if self.bytes > MAX_DOCUMENT_BYTES / 2 && !self.vector.contains(id) {
            let new: usize = groups.iter().map(|change| group_bytes(&change.group, change.value.as_deref())).sum();
            if self.bytes + new + REGISTER_BYTES + operation.item.len() > MAX_DOCUMENT_BYTES {
                return Err(DocumentFull);
            }
        }
        if !self.vector.insert(id) {
            return Ok(Applied::Repeat);
        }
        let writer = Writer { time: operation.time, id };
        let section = match operation.body {
            Body::Add { section, .. } => Some(Some(section)),
            Body::Remove => Some(None),
            Body::Set { .. } => None,
        };
        let groups = groups.iter().map(|change| (&*change.group, writer, change.value.as_deref()));
        self.merge_item(&operation.item, section.map(|value| Register { writer, value }), groups);
        Ok(Applied::New)
    }

    /// Merges registers of one item.
    pub(crate) fn merge_item<'g>(
        &mut self,
        id: &str,
        present: Option<Register<Option<Section>>>,
        groups: impl IntoIterator<Item = (&'g str, Writer, Option<&'g str>)>,
    ) {
        let state = match self.items.get_mut(id) {
            Some(state) => state,
            None => {
                self.bytes += REGISTER_BYTES + id.len();
                self.items.entry(ItemId::from(id)).or_default()
            }
        };
        let state = Arc::make_mut(state);
        for (name, writer, value) in groups {
            self.newest = self.newest.max(writer.time);
            let growth = state.merge_group(name, writer, value);
            self.bytes = self.bytes.saturating_add_signed(growth);
        }
        if let Some(Register { writer, value }) = present {
            self.newest = self.newest.max(writer.time);
            let wins = state.merge_present(writer, value);
            if wins && value.is_none() && self.removed == RemovedItems::Forget {
                self.bytes = self.bytes.saturating_sub(state.bytes() + id.len());
                self.items.remove(id);
            }
        }
    }
}
