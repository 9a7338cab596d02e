//! The scene: a document whose lists of items can be looked up by id.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::scene::error::SceneWarning;
use crate::scene::item::{Item, ItemId, Section};
use crate::scene::layers::{LayerKind, LayerTree};

/// Ordered items of JSON-valued properties, and the document they stand in.
///
/// A scene knows no light, reads no files and has no clock. Whatever it was read from is written back by
/// [`Scene::to_json`] as the same document. Items are looked up by id in constant time; adding at the end is constant
/// too, while adding in the middle or removing shifts the items after it.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The document. The lists of items keep their place in it, as empty lists.
    pub(crate) document: Map<String, Value>,
    /// The items of each section, by `Section::index`.
    pub(crate) lists: [IndexMap<ItemId, Item>; Section::ALL.len()],
    /// What links brought in, by instance id.
    pub(crate) linked: IndexMap<ItemId, LinkedItem>,
    pub(crate) warnings: Vec<SceneWarning>,
}

/// An item of a linked assembly, placed in this scene.
#[derive(Debug, Clone)]
pub(crate) struct LinkedItem {
    pub(crate) item: Item,
    /// The group of this scene that brings it in.
    pub(crate) group: String,
    /// Whether it is hidden in its own assembly.
    pub(crate) hidden: bool,
}

impl Default for Scene {
    fn default() -> Scene {
        Scene::new()
    }
}

impl Scene {
    /// An empty assembly of version "2.0", with the empty lists that the app writes.
    pub fn new() -> Scene {
        let mut document = Map::new();
        document.insert("version".to_owned(), Value::from("2.0"));
        for section in [Section::Items, Section::Rulers, Section::Texts, Section::Rectangles, Section::PathMeasures] {
            document.insert(section.key().to_owned(), Value::Array(Vec::new()));
        }
        document.insert("layer_state".to_owned(), Value::Object(Map::new()));
        Scene { document, lists: Default::default(), linked: IndexMap::new(), warnings: Vec::new() }
    }

    /// The scene's own items in the order of the file: list by list, and within each list from first to last.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        let declared = self.document.keys().filter_map(|key| Section::from_key(key));
        let added = Section::ALL.into_iter().filter(|section| !self.document.contains_key(section.key()));
        declared.chain(added).flat_map(|section| self.lists[section.index()].values())
    }

    /// The items of one list, from first to last.
    pub fn section(&self, section: Section) -> impl ExactSizeIterator<Item = &Item> {
        self.lists[section.index()].values()
    }

    /// The items that links brought in, placed in this scene. They are not saved and cannot be edited here.
    ///
    /// Empty until [`Scene::resolve_links`] is called.
    pub fn linked_items(&self) -> impl Iterator<Item = &Item> {
        self.linked.values().map(|linked| &linked.item)
    }

    /// The item of this id, the scene's own or a linked one, in constant time.
    pub fn get(&self, id: &str) -> Option<&Item> {
        self.own(id).or_else(|| self.linked.get(id).map(|linked| &linked.item))
    }

    /// Whether there is an item of this id, the scene's own or a linked one.
    pub fn contains(&self, id: &str) -> bool {
        self.get(id).is_some()
    }

    /// The number of the scene's own items, annotations included and linked items not.
    pub fn len(&self) -> usize {
        self.lists.iter().map(IndexMap::len).sum()
    }

    /// Whether the scene has no items of its own.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The top-level value `key`; none for the lists of items.
    pub fn document_property(&self, key: &str) -> Option<&Value> {
        if Section::from_key(key).is_some() {
            return None;
        }
        self.document.get(key)
    }

    /// The top-level values that are not lists of items, in the order of the file.
    pub fn document_properties(&self) -> impl Iterator<Item = (&str, &Value)> {
        let entries = self.document.iter().map(|(key, value)| (key.as_str(), value));
        entries.filter(|(key, _)| Section::from_key(key).is_none())
    }

    /// What was odd about the text that the scene was read from.
    pub fn warnings(&self) -> &[SceneWarning] {
        &self.warnings
    }

    /// The layer tree.
    pub fn layers(&self) -> LayerTree {
        // What is wrong with it was said when the scene was read.
        LayerTree::parse(&self.document, &mut Vec::new())
    }

    /// The items that are hidden, by their own layer or by any group above it, linked items included.
    ///
    /// Items with one id written twice share their layer and are hidden together.
    pub fn hidden_items(&self) -> HashSet<ItemId> {
        let tree = self.layers();
        let layers = tree.by_uuid();
        let is_hidden =
            |id: &str, kind: LayerKind| layers.get(id).is_some_and(|layer| layer.node.kind == kind && !layer.visible);
        let item_hidden = |item: &&Item| {
            is_hidden(item.id(), LayerKind::Item) || item.written_id().is_some_and(|id| is_hidden(id, LayerKind::Item))
        };
        let linked_hidden = |linked: &&LinkedItem| {
            linked.hidden || is_hidden(&linked.group, LayerKind::Group) || is_hidden(linked.item.id(), LayerKind::Item)
        };
        let own = self.items().filter(item_hidden).map(|item| item.id().clone());
        let linked = self.linked.values().filter(linked_hidden).map(|linked| linked.item.id().clone());
        own.chain(linked).collect()
    }

    /// The scene's own item of this id.
    pub(crate) fn own(&self, id: &str) -> Option<&Item> {
        self.lists.iter().find_map(|list| list.get(id))
    }

    pub(crate) fn own_mut(&mut self, id: &str) -> Option<&mut Item> {
        self.lists.iter_mut().find_map(|list| list.get_mut(id))
    }
}
