//! Random edits of scenes, named by what they do and told by numbers what they do it to.

use optiverse_core::scene::{Edit, Item, PropertyChange, Scene, Section, Value};
use proptest::prelude::*;
use serde_json::json;

use super::random::{RandomScene, RandomSource, RandomSurface, any_element, any_source, surface};

/// An edit that is made when the scene is there.
#[derive(Clone, Debug)]
pub(crate) enum RandomEdit {
    /// Puts some item somewhere.
    Move(usize, f64, f64),
    /// Shifts some item by little.
    Nudge(usize, f64, f64),
    Turn(usize, f64),
    /// Gives some component another element, where it is.
    Element(usize, Value),
    /// Gives some source another value of one of its properties.
    Source(usize, &'static str, Value),
    /// Makes some item invalid.
    Break(usize),
    Remove(usize),
    AddSurface(RandomSurface, usize),
    AddSource(RandomSource, usize),
    /// Hides some item and shows all others; or shows all.
    Hide(Option<usize>),
    /// A name, a ruler, a value of the document: nothing that light sees.
    Nothing(usize),
    /// Takes the last edit back.
    Undo,
    /// Several at once.
    Batch(Vec<RandomEdit>),
}

/// A number that is whole, tens or not, as the scene has it.
fn snapped(snap: bool, number: f64) -> f64 {
    // The sum keeps −0 out; some moves bring it in.
    if snap { (number / 10.0).round() * 10.0 } else { number }
}

pub(crate) fn any_edit() -> impl Strategy<Value = RandomEdit> {
    let which = any::<usize>;
    let place = || -50.0..50.0_f64;
    let property = prop_oneof![
        (-60.0..60.0_f64).prop_map(|y| ("y_mm", json!(y))),
        (0..12_i64).prop_map(|rays| ("n_rays", json!(rays))),
        (0.0..20.0_f64).prop_map(|size| ("size_mm", json!(size))),
        (-90.0..90.0_f64).prop_map(|angle| ("angle_deg", json!(angle))),
        (350.0..1100.0_f64).prop_map(|wavelength| ("wavelength_nm", json!(wavelength))),
        (50.0..500.0_f64).prop_map(|length| ("ray_length_mm", json!(length))),
        prop_oneof![Just("ray"), Just("gaussian")].prop_map(|kind| ("source_type", json!(kind))),
        prop_oneof![Just("#ff0000"), Just("no colour")].prop_map(|colour| ("color_hex", json!(colour))),
    ];
    let dark = Just(json!({"element_type": "refractive_interface", "n1": 1.0, "n2": 1.6, "n2_material": "SF10"}));
    let one = prop_oneof![
        5 => (which(), place(), place()).prop_map(|(i, x, y)| RandomEdit::Move(i, x, y)),
        5 => (which(), -1.0..1.0_f64, -1.0..1.0_f64).prop_map(|(i, x, y)| RandomEdit::Nudge(i, x, y)),
        3 => (which(), -180.0..180.0_f64).prop_map(|(i, angle)| RandomEdit::Turn(i, angle)),
        3 => (which(), prop_oneof![4 => any_element().boxed(), 1 => dark.boxed()])
            .prop_map(|(i, element)| RandomEdit::Element(i, element)),
        3 => (which(), property).prop_map(|(i, (key, value))| RandomEdit::Source(i, key, value)),
        1 => which().prop_map(RandomEdit::Break),
        2 => which().prop_map(RandomEdit::Remove),
        2 => (surface(any_element()), which()).prop_map(|(surface, i)| RandomEdit::AddSurface(surface, i)),
        1 => (any_source(6), which()).prop_map(|(source, i)| RandomEdit::AddSource(source, i)),
        2 => prop::option::of(which()).prop_map(RandomEdit::Hide),
        1 => which().prop_map(RandomEdit::Nothing),
        3 => Just(RandomEdit::Undo),
    ];
    one.prop_recursive(1, 4, 3, |one| prop::collection::vec(one, 0..3).prop_map(RandomEdit::Batch))
}

/// Makes edits of a scene that changes.
pub(crate) struct Editor {
    /// Numbers of positions are tens, angles quarter turns: surfaces touch and coincide.
    pub(crate) snap: bool,
    pub(crate) added: usize,
    pub(crate) undo: Option<Edit>,
}

impl Editor {
    /// The edit of the scene as it is; none where there is nothing to be edited.
    pub(crate) fn edit(&mut self, scene: &Scene, edit: &RandomEdit) -> Option<Edit> {
        let choose = |which: usize, kind: Option<&str>| -> Option<&Item> {
            let items: Vec<&Item> = scene
                .section(Section::Items)
                .filter(|item| kind.is_none_or(|kind| item.get("_type") == Some(&json!(kind))))
                .collect();
            items.get(which % items.len().max(1)).copied()
        };
        let set = |item: &Item, changes: Vec<(&str, Value)>| Edit::Set {
            id: item.id().clone(),
            changes: changes.into_iter().map(|(key, value)| PropertyChange::set(key, value)).collect(),
        };
        let number = |item: &Item, key: &str| item.get(key).and_then(Value::as_f64).unwrap_or(0.0);
        Some(match edit {
            RandomEdit::Move(which, x, y) => Edit::Move {
                id: choose(*which, None)?.id().clone(),
                x_mm: snapped(self.snap, *x),
                y_mm: snapped(self.snap, *y),
            },
            RandomEdit::Nudge(which, x, y) => {
                let item = choose(*which, None)?;
                let step = if self.snap { 10.0 } else { 1.0 };
                let (x, y) = (number(item, "x_mm") + x.round() * step, number(item, "y_mm") + y * step);
                Edit::Move { id: item.id().clone(), x_mm: x, y_mm: snapped(self.snap, y) }
            }
            RandomEdit::Turn(which, angle) => {
                let angle = if self.snap { (angle / 90.0).round() * 90.0 } else { *angle };
                set(choose(*which, None)?, vec![("angle_deg", json!(angle))])
            }
            RandomEdit::Element(which, element) => {
                let item = choose(*which, Some("component"))?;
                // What was broken is made whole.
                let whole = item.get("interfaces").filter(|interfaces| interfaces.is_array()).cloned();
                let mut interfaces = whole.unwrap_or_else(|| json!([{"y1_mm": -15.0, "x2_mm": 0.0, "y2_mm": 15.0}]));
                for (key, value) in element.as_object()? {
                    interfaces[0][key] = value.clone();
                }
                set(item, vec![("interfaces", interfaces)])
            }
            RandomEdit::Source(which, key, value) => set(choose(*which, Some("source"))?, vec![(key, value.clone())]),
            RandomEdit::Break(which) => {
                let item = choose(*which, None)?;
                let key = ["x_mm", "angle_deg", "n_rays", "interfaces"][which % 4];
                set(item, vec![(key, json!("nonsense"))])
            }
            RandomEdit::Remove(which) => Edit::Remove { id: choose(*which, None)?.id().clone() },
            RandomEdit::AddSurface(surface, position) => {
                let scene_of_one = RandomScene { surfaces: vec![surface.clone()], sources: vec![] };
                self.add(scene, scene_of_one, *position)
            }
            RandomEdit::AddSource(source, position) => {
                let scene_of_one = RandomScene { surfaces: vec![], sources: vec![source.clone()] };
                self.add(scene, scene_of_one, *position)
            }
            RandomEdit::Hide(which) => {
                let node = |item: &Item| json!({"uuid": item.id().as_str(), "type": "item", "visible": false});
                let nodes: Vec<Value> = match which {
                    Some(which) => vec![node(choose(*which, None)?)],
                    None => vec![],
                };
                let layers = json!({"version": 1, "nodes": nodes});
                Edit::SetDocument { changes: vec![PropertyChange::set("layer_state", layers)] }
            }
            RandomEdit::Nothing(which) => match which % 3 {
                0 => set(choose(*which, None)?, vec![("name", json!(format!("name {which}")))]),
                1 => Edit::SetDocument { changes: vec![PropertyChange::set("comment", json!(which))] },
                _ => {
                    self.added += 1;
                    let ruler = json!({"item_uuid": format!("ruler{}", self.added), "points": [[0, 0], [5, 5]]});
                    let properties = ruler.as_object()?.clone();
                    Edit::Add { item: Item::new(Section::Rulers, properties).ok()?, position: None }
                }
            },
            RandomEdit::Undo => self.undo.clone()?,
            RandomEdit::Batch(edits) => {
                // Each is made for the scene as those before it leave it.
                let mut scene = scene.clone();
                let mut batch = Vec::new();
                for edit in edits {
                    if let Some(edit) = self.edit(&scene, edit)
                        && scene.apply(&edit).is_ok()
                    {
                        batch.push(edit);
                    }
                }
                Edit::Batch(batch)
            }
        })
    }

    fn add(&mut self, scene: &Scene, one: RandomScene, position: usize) -> Edit {
        self.added += 1;
        let mut item = snapped_item(self.snap, one.items().remove(0));
        item["item_uuid"] = json!(format!("added{}", self.added));
        let properties = item.as_object().cloned().unwrap_or_default();
        let length = scene.section(Section::Items).len();
        Edit::Add { item: Item::new(Section::Items, properties).unwrap(), position: Some(position % (length + 1)) }
    }
}

/// The item with its coordinates snapped to tens where the scene is.
fn snapped_item(snap: bool, mut item: Value) -> Value {
    if !snap {
        return item;
    }
    let snap_keys = |object: &mut Value, keys: &[&str]| {
        for key in keys {
            if let Some(number) = object[*key].as_f64() {
                object[*key] = json!(snapped(true, number));
            }
        }
    };
    snap_keys(&mut item, &["x_mm", "y_mm"]);
    if item.get("interfaces").is_none() {
        let quarter = (item["angle_deg"].as_f64().unwrap_or(0.0) / 90.0).round() * 90.0;
        item["angle_deg"] = json!(quarter);
        return item;
    }
    let interface = &mut item["interfaces"][0];
    snap_keys(interface, &["x1_mm", "y1_mm", "x2_mm", "y2_mm"]);
    // Whatever has no length or bends too much now is reported, which is part of the game.
    item
}

/// The scene of these items, snapped to tens where that is wanted.
pub(crate) fn scene_of(random: &RandomScene, snap: bool) -> Scene {
    super::scene(random.items().into_iter().map(|item| snapped_item(snap, item)).collect())
}
