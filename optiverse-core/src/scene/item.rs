//! One item of a scene: an id, the list it stands in, and its properties.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde_json::Value;

use crate::scene::Properties;
use crate::scene::error::describe;

/// The id of an item; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(Arc<str>);

impl ItemId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ItemId {
    fn from(id: &str) -> ItemId {
        ItemId(Arc::from(id))
    }
}

impl From<String> for ItemId {
    fn from(id: String) -> ItemId {
        ItemId(Arc::from(id))
    }
}

impl Borrow<str> for ItemId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for ItemId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Deref for ItemId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The list of a document in which an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// `items`: sources and components of the "2.0" format.
    Items,
    /// `rulers`.
    Rulers,
    /// `texts`.
    Texts,
    /// `rectangles`.
    Rectangles,
    /// `path_measures`.
    PathMeasures,
    /// `sources`, of the older format and of flat scenes.
    Sources,
    /// `lenses`, of the older format.
    Lenses,
    /// `mirrors`, of the older format.
    Mirrors,
    /// `beamsplitters`, of the older format.
    Beamsplitters,
    /// `dichroics`, of the older format.
    Dichroics,
    /// `waveplates`, of the older format.
    Waveplates,
    /// `slms` (spatial light modulators), of the older format.
    Slms,
    /// `components`: flat components, named by `kind` and `id`.
    Components,
}

impl Section {
    /// Every section, in the order in which lists new to a document are written.
    pub const ALL: [Section; 13] = [
        Section::Items,
        Section::Rulers,
        Section::Texts,
        Section::Rectangles,
        Section::PathMeasures,
        Section::Sources,
        Section::Lenses,
        Section::Mirrors,
        Section::Beamsplitters,
        Section::Dichroics,
        Section::Waveplates,
        Section::Slms,
        Section::Components,
    ];

    /// The key of the list in the document.
    pub const fn key(self) -> &'static str {
        match self {
            Section::Items => "items",
            Section::Rulers => "rulers",
            Section::Texts => "texts",
            Section::Rectangles => "rectangles",
            Section::PathMeasures => "path_measures",
            Section::Sources => "sources",
            Section::Lenses => "lenses",
            Section::Mirrors => "mirrors",
            Section::Beamsplitters => "beamsplitters",
            Section::Dichroics => "dichroics",
            Section::Waveplates => "waveplates",
            Section::Slms => "slms",
            Section::Components => "components",
        }
    }

    /// The section whose list has this key.
    pub fn from_key(key: &str) -> Option<Section> {
        Section::ALL.into_iter().find(|section| section.key() == key)
    }

    /// How the section's items say where they are.
    pub(crate) const fn placement(self) -> Placement {
        match self {
            Section::Texts | Section::Rectangles => Placement::Keys { x: "x", y: "y" },
            Section::Rulers => Placement::Points,
            Section::PathMeasures => Placement::None,
            _ => Placement::Keys { x: "x_mm", y: "y_mm" },
        }
    }

    /// Whether an item without `item_uuid` may be named by `id`, as flat components are.
    const fn is_flat(self) -> bool {
        matches!(self, Section::Components | Section::Sources)
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// How an item says where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// By two properties, in millimetres.
    Keys { x: &'static str, y: &'static str },
    /// By a list of points (`points`; in older files `p1` and `p2`), in millimetres.
    Points,
    /// Not at all.
    None,
}

/// A value and the key it stands under.
pub(crate) type KeyedValue<'p> = (&'static str, &'p Value);

/// What an item is, by its list and its `_type` or `kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// A light source.
    Source,
    /// A component made of interfaces, of the "2.0" format.
    Component,
    /// A thin lens without interfaces (older format, flat).
    Lens,
    /// A mirror without interfaces (older format, flat).
    Mirror,
    /// A beam splitter without interfaces (older format, flat).
    BeamSplitter,
    /// A dichroic mirror without interfaces (older format, flat).
    Dichroic,
    /// A waveplate without interfaces (older format, flat).
    Waveplate,
    /// A spatial light modulator without interfaces (older format, flat).
    Slm,
    /// A ruler.
    Ruler,
    /// A text note.
    Text,
    /// A rectangle that is drawn and has no effect on light.
    Rectangle,
    /// A measure along a ray.
    PathMeasure,
    /// Something this version does not know; it is kept as it is.
    Other,
}

/// One item: its properties are whatever the file says, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub(crate) id: ItemId,
    pub(crate) section: Section,
    pub(crate) properties: Properties,
}

/// Why properties are not an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ItemError {
    /// The properties do not name the item.
    #[error("a new item for `{list}` has no `{key}`, expected a text that is not empty")]
    NoId {
        /// The list it was meant for.
        list: &'static str,
        /// The key of the id.
        key: &'static str,
    },
    /// The id is not a text, or is empty.
    #[error("`{key}` of a new item for `{list}` is {found}, expected a text that is not empty")]
    BadId {
        /// The list it was meant for.
        list: &'static str,
        /// The key of the id.
        key: &'static str,
        /// What stands there.
        found: String,
    },
}

impl Item {
    /// An item to be added to the list `section`, named by its property `item_uuid` (flat components: also by `id`).
    ///
    /// # Errors
    /// If the properties hold no id, or one that is not a text or is empty: the engine makes up none.
    pub fn new(section: Section, properties: Properties) -> Result<Item, ItemError> {
        let list = section.key();
        match WrittenId::of(section, &properties) {
            WrittenId::Text(id) => Ok(Item { id: ItemId::from(id), section, properties }),
            WrittenId::Missing => {
                Err(ItemError::NoId { list, key: if section == Section::Components { "id" } else { "item_uuid" } })
            }
            WrittenId::Unusable(key, found) => Err(ItemError::BadId { list, key, found: describe(found) }),
        }
    }

    /// An item from the data of a `component:add` message: `id`, `kind`, `x_mm`, `y_mm`, `angle_deg` and whatever else.
    ///
    /// # Errors
    /// As for [`Item::new`].
    pub fn from_flat_component(properties: Properties) -> Result<Item, ItemError> {
        Item::new(Section::Components, properties)
    }

    /// The id. It is the item's own, or `items[3]` where it has none, or its own with `#2` where it was taken.
    pub fn id(&self) -> &ItemId {
        &self.id
    }

    /// The list in which it stands.
    pub fn section(&self) -> Section {
        self.section
    }

    /// What it is.
    pub fn kind(&self) -> ItemKind {
        match self.section {
            Section::Items => named_kind(self.properties.get("_type")),
            Section::Components => named_kind(self.properties.get("kind")),
            Section::Rulers => ItemKind::Ruler,
            Section::Texts => ItemKind::Text,
            Section::Rectangles => ItemKind::Rectangle,
            Section::PathMeasures => ItemKind::PathMeasure,
            Section::Sources => ItemKind::Source,
            Section::Lenses => ItemKind::Lens,
            Section::Mirrors => ItemKind::Mirror,
            Section::Beamsplitters => ItemKind::BeamSplitter,
            Section::Dichroics => ItemKind::Dichroic,
            Section::Waveplates => ItemKind::Waveplate,
            Section::Slms => ItemKind::Slm,
        }
    }

    /// Every property, in the order of the file.
    pub fn properties(&self) -> &Properties {
        &self.properties
    }

    /// The property `key`, if there is one.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.properties.get(key)
    }

    /// The points of a ruler, each with the key it stands under; or the key and value that are no points.
    pub(crate) fn points(&self) -> Result<Vec<KeyedValue<'_>>, (&'static str, Option<&Value>)> {
        match self.get("points") {
            Some(Value::Array(points)) => Ok(points.iter().map(|point| ("points", point)).collect()),
            Some(other) => Err(("points", Some(other))),
            None => match (self.get("p1"), self.get("p2")) {
                (Some(first), Some(second)) => Ok(vec![("p1", first), ("p2", second)]),
                _ => Err(("points", None)),
            },
        }
    }

    /// The keys under which a ruler keeps these points, one for each of [`Item::points`].
    pub(crate) fn keyed_points(&self, points: Vec<Value>) -> Vec<(&'static str, Value)> {
        if self.get("points").is_some() {
            return vec![("points", Value::Array(points))];
        }
        ["p1", "p2"].into_iter().zip(points).collect()
    }

    /// The id as the properties have it: other than [`Item::id`] where that was taken.
    pub(crate) fn written_id(&self) -> Option<&str> {
        match WrittenId::of(self.section, &self.properties) {
            WrittenId::Text(id) => Some(id),
            WrittenId::Missing | WrittenId::Unusable(..) => None,
        }
    }

    /// Whether changing `key` would change the item's id.
    pub(crate) fn is_id_key(&self, key: &str) -> bool {
        key == "item_uuid" || (key == "id" && self.section.is_flat() && self.get("item_uuid").is_none())
    }
}

fn named_kind(name: Option<&Value>) -> ItemKind {
    match name.and_then(Value::as_str) {
        Some("source") => ItemKind::Source,
        Some("component") => ItemKind::Component,
        Some("lens") => ItemKind::Lens,
        Some("mirror") => ItemKind::Mirror,
        Some("beamsplitter" | "beam_splitter") => ItemKind::BeamSplitter,
        Some("dichroic") => ItemKind::Dichroic,
        Some("waveplate") => ItemKind::Waveplate,
        Some("slm") => ItemKind::Slm,
        _ => ItemKind::Other,
    }
}

/// The id in an item's properties.
pub(crate) enum WrittenId<'p> {
    Text(&'p str),
    Missing,
    /// Not a text, or an empty one: the key and the value.
    Unusable(&'static str, &'p Value),
}

impl WrittenId<'_> {
    pub(crate) fn of(section: Section, properties: &Properties) -> WrittenId<'_> {
        let named = |key: &'static str| properties.get(key).map(|value| (key, value));
        let entry = named("item_uuid").or_else(|| if section.is_flat() { named("id") } else { None });
        match entry {
            None => WrittenId::Missing,
            Some((_, Value::String(id))) if !id.is_empty() => WrittenId::Text(id),
            Some((key, value)) => WrittenId::Unusable(key, value),
        }
    }
}
