//! Where a linked item comes to lie, and what it is called there.

use serde_json::Value;
use uuid::{Uuid, uuid};

use crate::scene::item::{Item, ItemId, ItemKind, Placement, Section};
use crate::scene::layers::LinkMetadata;
use crate::scene::property;
use crate::scene::scene::Scene;

/// The namespace in which the app makes the ids of linked items.
const INSTANCE_NAMESPACE: Uuid = uuid!("a3f1d8e0-7c2b-4f1a-b9d3-6e8f0a1c2d3e");

/// Where the app puts a source that does not say where it is, in millimetres.
const DEFAULT_SOURCE_X_MM: f64 = -400.0;

/// The id of the item `source_id` as it is brought in by the group `group`: the same for every reader of the file.
pub(crate) fn instance_id(group: &str, source_id: &str) -> String {
    Uuid::new_v5(&INSTANCE_NAMESPACE, format!("{group}:{source_id}").as_bytes()).to_string()
}

/// A rotation about the origin, counter-clockwise, and then a translation in millimetres.
pub(crate) struct Transform {
    cos: f64,
    sin: f64,
    rotation_deg: f64,
    offset: (f64, f64),
}

impl Transform {
    pub(crate) fn new(link: &LinkMetadata) -> Transform {
        // Without a rotation nothing is multiplied, so that numbers stay exactly as they are.
        let (sin, cos) = if link.rotation_deg == 0.0 { (0.0, 1.0) } else { link.rotation_deg.to_radians().sin_cos() };
        Transform { cos, sin, rotation_deg: link.rotation_deg, offset: (link.offset_x, link.offset_y) }
    }

    fn is_identity(&self) -> bool {
        self.rotation_deg == 0.0 && self.offset == (0.0, 0.0)
    }

    fn rotate(&self, (x, y): (f64, f64)) -> (f64, f64) {
        if self.rotation_deg == 0.0 {
            return (x, y);
        }
        (x * self.cos - y * self.sin, x * self.sin + y * self.cos)
    }

    fn apply(&self, point: (f64, f64)) -> (f64, f64) {
        let (x, y) = self.rotate(point);
        (x + self.offset.0, y + self.offset.1)
    }

    /// The item as the group `group` brings it in from `source`.
    ///
    /// A position or angle that is not a number stays as it is, for the reader of the item to report.
    pub(crate) fn place(&self, item: &Item, group: &str, source: &Scene) -> Item {
        let id = instance_id(group, item.id());
        let mut placed = item.clone();
        placed.id = ItemId::from(id.as_str());
        placed.properties.insert("item_uuid".to_owned(), Value::String(id));
        self.follow_owner(&mut placed, group, source);
        if self.is_identity() {
            return placed;
        }
        match item.section().placement() {
            Placement::Keys { x, y } => self.place_at_keys(&mut placed, x, y),
            Placement::Points => self.place_points(&mut placed),
            Placement::None => {}
        }
        placed
    }

    fn place_at_keys(&self, item: &mut Item, x_key: &str, y_key: &str) {
        let default_x = if item.kind() == ItemKind::Source { DEFAULT_SOURCE_X_MM } else { 0.0 };
        if let (Some(x), Some(y)) = (number_or(item, x_key, default_x), number_or(item, y_key, 0.0)) {
            let (x, y) = self.apply((x, y));
            set_number(item, x_key, x);
            set_number(item, y_key, y);
        }
        if self.rotation_deg != 0.0
            && let Some(angle) = number_or(item, "angle_deg", 0.0)
        {
            // A user angle is clockwise, that of an annotation counter-clockwise.
            let angle = match item.section() {
                Section::Texts | Section::Rectangles => angle + self.rotation_deg,
                _ => angle - self.rotation_deg,
            };
            set_number(item, "angle_deg", angle);
        }
    }

    fn place_points(&self, item: &mut Item) {
        let Ok(points) = item.points() else { return };
        let place = |value: &Value| match property::to_point(value) {
            Some(point) => property::with_point(value, self.apply(point)),
            None => value.clone(),
        };
        let placed = points.into_iter().map(|(_, value)| place(value)).collect();
        for (key, value) in item.keyed_points(placed) {
            item.properties.insert(key.to_owned(), value);
        }
    }

    /// Ties the label of an item to the item as it is brought in, at the offset turned along.
    fn follow_owner(&self, item: &mut Item, group: &str, source: &Scene) {
        let Some(owner) = item.get("owner_uuid").and_then(Value::as_str) else {
            return;
        };
        if !source.contains(owner) {
            return;
        }
        let owner = instance_id(group, owner);
        item.properties.insert("owner_uuid".to_owned(), Value::String(owner));
        let offset = |key| item.get(key).and_then(property::to_f64);
        if let (Some(x), Some(y)) = (offset("owner_offset_x"), offset("owner_offset_y"))
            && self.rotation_deg != 0.0
        {
            let (x, y) = self.rotate((x, y));
            set_number(item, "owner_offset_x", x);
            set_number(item, "owner_offset_y", y);
        }
    }
}

/// The number in a property, or what stands for a missing one; none if it is there and not a number.
fn number_or(item: &Item, key: &str, missing: f64) -> Option<f64> {
    item.get(key).map_or(Some(missing), property::to_f64)
}

fn set_number(item: &mut Item, key: &str, number: f64) {
    item.properties.insert(key.to_owned(), property::from_f64(number));
}
