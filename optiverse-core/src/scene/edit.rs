//! Edits as values: each can be applied, and applying it gives the edit that takes it back.

use serde_json::{Map, Value};

use crate::scene::error::describe;
use crate::scene::file::{MAX_NESTING, is_nested_deeper};
use crate::scene::item::{Item, ItemId, Placement, Section};
use crate::scene::property;
use crate::scene::scene::Scene;

/// The deepest nesting of batches that is applied, the outermost one counted.
pub const MAX_BATCH_NESTING: usize = 16;

/// The levels of a document around a property of an item: the document, the list, the item.
const LEVELS_AROUND_PROPERTY: usize = 3;

/// A change of a scene.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Adds an item to its list, at a position counted from 0, or at the end.
    Add {
        /// The item.
        item: Item,
        /// Its position in the list of its section.
        position: Option<usize>,
    },
    /// Removes an item. Its node in the layer tree, if it has one, stays.
    Remove {
        /// The item.
        id: ItemId,
    },
    /// Changes properties of an item, one after the other.
    Set {
        /// The item.
        id: ItemId,
        /// What changes.
        changes: Vec<PropertyChange>,
    },
    /// Puts an item at a position, in millimetres.
    ///
    /// It sets `x_mm` and `y_mm`; for a text or rectangle `x` and `y`. A ruler is shifted as a whole so that its first
    /// point comes to lie there. Numbers that are not finite are kept as they are.
    Move {
        /// The item.
        id: ItemId,
        /// New x, in millimetres.
        x_mm: f64,
        /// New y, in millimetres.
        y_mm: f64,
    },
    /// Changes top-level values of the document that are not lists of items, such as `layer_state`.
    SetDocument {
        /// What changes.
        changes: Vec<PropertyChange>,
    },
    /// Several edits in order, all or none of them.
    Batch(Vec<Edit>),
}

/// A new value for one key, or its removal.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyChange {
    key: String,
    value: Option<Value>,
    /// Where the key goes if it is not there; otherwise it stays where it is.
    position: Option<usize>,
}

impl PropertyChange {
    /// Gives `key` a value. A key that is there keeps its place, a new one comes last.
    pub fn set(key: impl Into<String>, value: impl Into<Value>) -> PropertyChange {
        PropertyChange { key: key.into(), value: Some(value.into()), position: None }
    }

    /// Removes `key`. Nothing happens if it is not there.
    pub fn remove(key: impl Into<String>) -> PropertyChange {
        PropertyChange { key: key.into(), value: None, position: None }
    }

    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The new value; none if the key is removed.
    pub fn value(&self) -> Option<&Value> {
        self.value.as_ref()
    }
}

/// Why an edit was refused. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// There is no such item.
    #[error("there is no item {item}")]
    UnknownItem {
        /// The id that was asked for.
        item: ItemId,
    },
    /// An item of that id is there already.
    #[error("there is an item {item} already")]
    RepeatedId {
        /// The id.
        item: ItemId,
    },
    /// The item belongs to a linked assembly and can only be changed there.
    #[error("item {item} belongs to a linked assembly and cannot be changed here")]
    LinkedItem {
        /// The item.
        item: ItemId,
    },
    /// The change would give the item another id.
    #[error("`{key}` of item {item} is its id and cannot be changed; remove the item and add another")]
    IdKey {
        /// The item.
        item: ItemId,
        /// The key.
        key: String,
    },
    /// A list of items cannot be set as a document property.
    #[error("`{key}` of the document is a list of items; they are added and removed one by one")]
    ListKey {
        /// The key.
        key: String,
    },
    /// The position lies behind the end of the list.
    #[error("item {item} cannot be put at position {position} of `{list}`, which has {length} items")]
    Position {
        /// The item.
        item: ItemId,
        /// The key of the list.
        list: &'static str,
        /// The position asked for, counted from 0.
        position: usize,
        /// The number of items in the list.
        length: usize,
    },
    /// The value is nested so deep that the document could not be read again.
    #[error("`{key}` of {place} is nested more than {limit} levels deep")]
    Nesting {
        /// The item or the document.
        place: String,
        /// The key.
        key: String,
        /// The greatest depth of a value there.
        limit: usize,
    },
    /// The item has a position, but not one that can be changed.
    #[error("`{key}` of item {item} is {found}, expected {expected}; the item cannot be moved")]
    Points {
        /// The item.
        item: ItemId,
        /// The key.
        key: &'static str,
        /// What stands there.
        found: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// The item has no position of its own.
    #[error("item {item} is a path measure: it lies on a ray and cannot be moved")]
    NotMovable {
        /// The item.
        item: ItemId,
    },
    /// Batches within batches, deeper than is allowed.
    #[error("batches of edits are nested more than {MAX_BATCH_NESTING} levels deep")]
    BatchNesting,
}

impl Scene {
    /// Applies `edit` and returns its exact inverse: applied next, it restores the scene to the byte.
    ///
    /// Changing properties takes constant time, whatever the number of items; adding in the middle of a list and
    /// removing shift the items after it.
    ///
    /// # Errors
    /// If the edit cannot be applied as a whole; the scene is then as it was.
    pub fn apply(&mut self, edit: &Edit) -> Result<Edit, EditError> {
        self.apply_nested(edit, 0)
    }

    fn apply_nested(&mut self, edit: &Edit, depth: usize) -> Result<Edit, EditError> {
        match edit {
            Edit::Add { item, position } => self.add(item, *position),
            Edit::Remove { id } => self.remove(id),
            Edit::Set { id, changes } => self.set(id, changes),
            Edit::Move { id, x_mm, y_mm } => self.set(id, &self.own_or_error(id)?.moved_to(*x_mm, *y_mm)?),
            Edit::SetDocument { changes } => self.set_document(changes),
            Edit::Batch(edits) => self.batch(edits, depth + 1),
        }
    }

    fn own_or_error(&self, id: &ItemId) -> Result<&Item, EditError> {
        match self.own(id) {
            Some(item) => Ok(item),
            None if self.linked.contains_key(id) => Err(EditError::LinkedItem { item: id.clone() }),
            None => Err(EditError::UnknownItem { item: id.clone() }),
        }
    }

    fn add(&mut self, item: &Item, position: Option<usize>) -> Result<Edit, EditError> {
        let id = item.id();
        if self.contains(id) {
            return Err(EditError::RepeatedId { item: id.clone() });
        }
        for (key, value) in item.properties() {
            check_nesting(|| format!("item {id}"), key, value, LEVELS_AROUND_PROPERTY)?;
        }
        let list = &mut self.lists[item.section().index()];
        let length = list.len();
        let position = position.unwrap_or(length);
        if position > length {
            let list = item.section().key();
            return Err(EditError::Position { item: id.clone(), list, position, length });
        }
        list.shift_insert(position, id.clone(), item.clone());
        Ok(Edit::Remove { id: id.clone() })
    }

    fn remove(&mut self, id: &ItemId) -> Result<Edit, EditError> {
        let section = self.own_or_error(id)?.section();
        match self.lists[section.index()].shift_remove_full(id) {
            Some((position, _, item)) => Ok(Edit::Add { item, position: Some(position) }),
            None => Err(EditError::UnknownItem { item: id.clone() }),
        }
    }

    fn set(&mut self, id: &ItemId, changes: &[PropertyChange]) -> Result<Edit, EditError> {
        let item = self.own_or_error(id)?;
        for change in changes {
            if item.is_id_key(&change.key) {
                return Err(EditError::IdKey { item: id.clone(), key: change.key.clone() });
            }
            if let Some(value) = &change.value {
                check_nesting(|| format!("item {id}"), &change.key, value, LEVELS_AROUND_PROPERTY)?;
            }
        }
        let Some(item) = self.own_mut(id) else {
            return Err(EditError::UnknownItem { item: id.clone() });
        };
        Ok(Edit::Set { id: id.clone(), changes: change_all(&mut item.properties, changes) })
    }

    fn set_document(&mut self, changes: &[PropertyChange]) -> Result<Edit, EditError> {
        for change in changes {
            if Section::from_key(&change.key).is_some() {
                return Err(EditError::ListKey { key: change.key.clone() });
            }
            if let Some(value) = &change.value {
                check_nesting(|| "the document".to_owned(), &change.key, value, 1)?;
            }
        }
        Ok(Edit::SetDocument { changes: change_all(&mut self.document, changes) })
    }

    fn batch(&mut self, edits: &[Edit], depth: usize) -> Result<Edit, EditError> {
        if depth > MAX_BATCH_NESTING {
            return Err(EditError::BatchNesting);
        }
        let mut inverses = Vec::with_capacity(edits.len());
        for edit in edits {
            match self.apply_nested(edit, depth) {
                Ok(inverse) => inverses.push(inverse),
                Err(error) => {
                    for inverse in inverses.iter().rev() {
                        // An inverse, applied to the state it was made in, cannot be refused.
                        let taken_back = self.apply_nested(inverse, depth);
                        debug_assert!(taken_back.is_ok(), "{taken_back:?}");
                    }
                    return Err(error);
                }
            }
        }
        inverses.reverse();
        Ok(Edit::Batch(inverses))
    }
}

/// Makes the changes in order and returns those that take them back, last first.
fn change_all(properties: &mut Map<String, Value>, changes: &[PropertyChange]) -> Vec<PropertyChange> {
    let mut inverse: Vec<PropertyChange> = changes.iter().filter_map(|change| change_one(properties, change)).collect();
    inverse.reverse();
    inverse
}

fn change_one(properties: &mut Map<String, Value>, change: &PropertyChange) -> Option<PropertyChange> {
    let key = change.key.clone();
    let place = properties.keys().position(|present| *present == key);
    match (&change.value, place) {
        (Some(value), Some(_)) => {
            let before = properties.insert(key.clone(), value.clone());
            Some(PropertyChange { key, value: before, position: None })
        }
        (Some(value), None) => {
            let last = properties.len();
            let position = change.position.map_or(last, |position| position.min(last));
            properties.shift_insert(position, key.clone(), value.clone());
            Some(PropertyChange { key, value: None, position: None })
        }
        (None, Some(_)) => {
            let before = properties.shift_remove(&key);
            Some(PropertyChange { key, value: before, position: place })
        }
        (None, None) => None,
    }
}

fn check_nesting(
    place: impl FnOnce() -> String,
    key: &str,
    value: &Value,
    levels_around: usize,
) -> Result<(), EditError> {
    let limit = MAX_NESTING - levels_around;
    if is_nested_deeper(value, limit) {
        return Err(EditError::Nesting { place: place(), key: key.to_owned(), limit });
    }
    Ok(())
}

impl Item {
    /// The changes that put the item at a position, in millimetres.
    fn moved_to(&self, x_mm: f64, y_mm: f64) -> Result<Vec<PropertyChange>, EditError> {
        match self.section().placement() {
            Placement::Keys { x, y } => {
                let set = |key, number| PropertyChange::set(key, property::from_f64(number));
                Ok(vec![set(x, x_mm), set(y, y_mm)])
            }
            Placement::Points => self.points_moved_to(x_mm, y_mm),
            Placement::None => Err(EditError::NotMovable { item: self.id().clone() }),
        }
    }

    fn points_moved_to(&self, x_mm: f64, y_mm: f64) -> Result<Vec<PropertyChange>, EditError> {
        let refused = |key, found: Option<&Value>, expected| EditError::Points {
            item: self.id().clone(),
            key,
            found: found.map_or("missing".to_owned(), describe),
            expected,
        };
        const POINT: &str = "a point [x, y] in millimetres";
        let points = self.points().map_err(|(key, found)| refused(key, found, "a list of points [x, y]"))?;
        let Some(&(first_key, first)) = points.first() else {
            return Err(refused("points", self.get("points"), "a list of at least one point"));
        };
        let Some((first_x, first_y)) = property::to_point(first) else {
            return Err(refused(first_key, Some(first), POINT));
        };
        let mut moved = Vec::with_capacity(points.len());
        for (index, &(key, point)) in points.iter().enumerate() {
            let Some((x, y)) = property::to_point(point) else {
                return Err(refused(key, Some(point), POINT));
            };
            // The first point is put, not shifted, so that it lies exactly where it was asked to.
            let target = if index == 0 { (x_mm, y_mm) } else { (x - first_x + x_mm, y - first_y + y_mm) };
            moved.push(property::with_point(point, target));
        }
        Ok(self.keyed_points(moved).into_iter().map(|(key, value)| PropertyChange::set(key, value)).collect())
    }
}
