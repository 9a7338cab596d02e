//! Assembly documents: "2.0", the older format with separate lists, and flat scenes.
//!
//! All three are one shape: an object in which some keys hold lists of items. Which list an item stands in says what it
//! is; see [`Section`]. Everything else in the document is kept as it is.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value};

use crate::scene::error::{SceneError, SceneWarning, describe};
use crate::scene::file::{self, MAX_NESTING};
use crate::scene::item::{Item, ItemId, Section, WrittenId};
use crate::scene::layers::LayerTree;
use crate::scene::scene::Scene;

impl Scene {
    /// Reads an assembly, an older file with separate lists, or a flat scene. Any `version` is read.
    ///
    /// Bare `NaN`, `Infinity` and `-Infinity` are read as the numbers they name. What is odd but readable is listed by
    /// [`Scene::warnings`].
    ///
    /// # Errors
    /// If the text is not JSON (with line and column), is nested deeper than [`MAX_NESTING`],
    /// is not an object, if a list of items is not a list, or if an entry of such a list is not an object.
    pub fn from_json(text: &str) -> Result<Scene, SceneError> {
        let document = file::read(text)?;
        let warnings = document.repeated_keys.iter().map(SceneWarning::from).collect();
        match document.value {
            Value::Object(document) => Scene::from_document(document, warnings),
            other => Err(SceneError::form("the document", &other, "an object")),
        }
    }

    /// A scene from the body of a ray-trace request: `{"sources": […], "components": […]}`, both optional.
    ///
    /// # Errors
    /// If the body or an entry of a list is not an object, a list is not a list, or the body is nested deeper than
    /// [`MAX_NESTING`].
    pub fn from_flat(body: &Value) -> Result<Scene, SceneError> {
        if file::is_nested_deeper(body, MAX_NESTING) {
            return Err(SceneError::Nesting { place: "the body", limit: MAX_NESTING });
        }
        match body {
            Value::Object(document) => Scene::from_document(document.clone(), Vec::new()),
            other => Err(SceneError::form("the body", other, "an object")),
        }
    }

    pub(crate) fn from_document(
        mut document: Map<String, Value>,
        mut warnings: Vec<SceneWarning>,
    ) -> Result<Scene, SceneError> {
        let mut ids = UniqueIds::default();
        let mut lists: [IndexMap<ItemId, Item>; Section::ALL.len()] = Default::default();
        for (key, value) in &mut document {
            let Some(section) = Section::from_key(key) else {
                continue;
            };
            // The list moves out of the document, an empty one keeps its place there.
            let entries = match value {
                Value::Array(entries) => std::mem::take(entries),
                other => return Err(SceneError::form(key, other, "a list of objects")),
            };
            let list = &mut lists[section.index()];
            list.reserve(entries.len());
            for (index, entry) in entries.into_iter().enumerate() {
                let Value::Object(properties) = entry else {
                    return Err(SceneError::form(format!("{key}[{index}]"), &entry, "an object"));
                };
                let id = ids.assign(section, index, &properties, &mut warnings);
                list.insert(id.clone(), Item { id, section, properties });
            }
        }
        LayerTree::parse(&document, &mut warnings);
        Ok(Scene { document, lists, linked: IndexMap::new(), warnings })
    }

    /// The scene as text: indented by two spaces and escaped as the app does.
    ///
    /// It is the document that was read, with the edits made since: same keys, same order, numbers as they were
    /// written. Items brought in by links are not part of it.
    pub fn to_json(&self) -> String {
        file::write(&DocumentText(self))
    }
}

/// Gives every item of a document an id of its own.
#[derive(Default)]
pub(crate) struct UniqueIds {
    /// The number to try next for an id that is taken. Its keys are all the ids given so far.
    next: HashMap<ItemId, usize>,
}

impl UniqueIds {
    fn assign(
        &mut self,
        section: Section,
        index: usize,
        properties: &Map<String, Value>,
        warnings: &mut Vec<SceneWarning>,
    ) -> ItemId {
        let place = || format!("{}[{index}]", section.key());
        let wanted = match WrittenId::of(section, properties) {
            WrittenId::Text(id) => ItemId::from(id),
            WrittenId::Missing => ItemId::from(place()),
            WrittenId::Unusable(key, value) => {
                let found = describe(value);
                let message =
                    format!("`{key}` is {found}, expected a text that is not empty; the item is called by its place");
                warnings.push(SceneWarning::new(place(), message));
                ItemId::from(place())
            }
        };
        let id = self.unique(&wanted);
        if id != wanted {
            let message = format!("the id {wanted} is taken by an earlier item; this one is called {id}");
            warnings.push(SceneWarning::new(place(), message));
        }
        id
    }

    /// `wanted`, or where that is taken `wanted#2`, `wanted#3` and so on.
    pub(crate) fn unique(&mut self, wanted: &ItemId) -> ItemId {
        let Some(next) = self.next.get_mut(wanted) else {
            self.next.insert(wanted.clone(), 2);
            return wanted.clone();
        };
        let mut number = *next;
        let mut id = ItemId::from(format!("{wanted}#{number}"));
        while self.next.contains_key(&id) {
            number += 1;
            id = ItemId::from(format!("{wanted}#{number}"));
        }
        self.next.insert(wanted.clone(), number + 1);
        self.next.insert(id.clone(), 2);
        id
    }
}

/// The document with the items back in their lists.
struct DocumentText<'s>(&'s Scene);

impl Serialize for DocumentText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let scene = self.0;
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in &scene.document {
            match Section::from_key(key) {
                Some(section) => map.serialize_entry(key, &ListText(&scene.lists[section.index()]))?,
                None => map.serialize_entry(key, value)?,
            }
        }
        // Lists that the document did not have come last, and go again with their last item.
        for section in Section::ALL {
            let list = &scene.lists[section.index()];
            if !list.is_empty() && !scene.document.contains_key(section.key()) {
                map.serialize_entry(section.key(), &ListText(list))?;
            }
        }
        map.end()
    }
}

struct ListText<'s>(&'s IndexMap<ItemId, Item>);

impl Serialize for ListText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for item in self.0.values() {
            list.serialize_element(&item.properties)?;
        }
        list.end()
    }
}
