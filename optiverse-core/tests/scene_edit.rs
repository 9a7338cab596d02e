//! Edits and their inverses.
#![allow(clippy::unwrap_used, clippy::panic, reason = "in the helpers of a test a failure ends the test, as it should")]

use optiverse_core::scene::{
    Edit, EditError, Item, ItemId, MAX_BATCH_NESTING, MAX_NESTING, PropertyChange, Scene, Section, Value, property,
};
use proptest::prelude::*;
use serde_json::json;

const TEXT: &str = r#"{
  "items": [
    {"item_uuid": "a", "x_mm": 1.50, "y_mm": 2e0, "name": "first"},
    {"x_mm": 3},
    {"item_uuid": "c", "angle_deg": 45}
  ],
  "made by": "hand",
  "rulers": [
    {"item_uuid": "r", "points": [[0, 1], [10, 1, "mark"], [10, 5]]},
    {"item_uuid": "old", "p1": [0, 0], "p2": [3, 4]},
    {"item_uuid": "empty", "points": []},
    {"item_uuid": "odd", "points": [[0, 0], ["x", 0]]},
    {"item_uuid": "none"}
  ],
  "texts": [{"item_uuid": "t", "x": 0, "y": 0}],
  "path_measures": [{"item_uuid": "p", "ray_index": 0}],
  "last": true
}"#;

fn scene() -> Scene {
    Scene::from_json(TEXT).unwrap()
}

fn id(id: &str) -> ItemId {
    ItemId::from(id)
}

fn item(section: Section, properties: Value) -> Item {
    Item::new(section, properties.as_object().unwrap().clone()).unwrap()
}

fn ids(scene: &Scene) -> Vec<&str> {
    scene.items().map(|item| item.id().as_str()).collect()
}

/// Applies the edit, checks that its inverse restores the text, and returns the scene with the edit.
fn applied(edit: &Edit) -> Scene {
    let mut scene = scene();
    let before = scene.to_json();
    let inverse = scene.apply(edit).unwrap();
    let after = scene.to_json();
    let again = scene.apply(&inverse).unwrap();
    assert_eq!(scene.to_json(), before);
    scene.apply(&again).unwrap();
    assert_eq!(scene.to_json(), after, "the inverse of the inverse is the edit");
    scene
}

/// The message of a refused edit, which must not have changed anything.
fn refused(edit: &Edit) -> String {
    let mut scene = scene();
    let before = scene.to_json();
    let message = scene.apply(edit).unwrap_err().to_string();
    assert_eq!(scene.to_json(), before);
    message
}

fn set(item: &str, changes: Vec<PropertyChange>) -> Edit {
    Edit::Set { id: id(item), changes }
}

fn move_to(item: &str, x_mm: f64, y_mm: f64) -> Edit {
    Edit::Move { id: id(item), x_mm, y_mm }
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
}

#[test]
fn adding_puts_an_item_at_the_end_or_at_a_position() {
    let new = || item(Section::Items, json!({"item_uuid": "new"}));
    let scene = applied(&Edit::Add { item: new(), position: None });
    assert_eq!(ids(&scene)[..4], ["a", "items[1]", "c", "new"]);
    assert!(scene.contains("new"));
    let scene = applied(&Edit::Add { item: new(), position: Some(0) });
    assert_eq!(ids(&scene)[..4], ["new", "a", "items[1]", "c"]);
    let scene = applied(&Edit::Add { item: new(), position: Some(3) });
    assert_eq!(ids(&scene)[..4], ["a", "items[1]", "c", "new"]);
    assert_eq!(
        refused(&Edit::Add { item: new(), position: Some(4) }),
        "item new cannot be put at position 4 of `items`, which has 3 items"
    );
}

#[test]
fn a_list_new_to_the_document_comes_last_and_goes_with_its_last_item() {
    let scene = applied(&Edit::Add { item: item(Section::Rectangles, json!({"item_uuid": "box"})), position: None });
    assert_eq!(ids(&scene).last(), Some(&"box"));
    let text = scene.to_json();
    assert!(
        text.ends_with("\"last\": true,\n  \"rectangles\": [\n    {\n      \"item_uuid\": \"box\"\n    }\n  ]\n}"),
        "{text}"
    );
}

#[test]
fn an_id_can_be_added_once() {
    let edit = Edit::Add { item: item(Section::Texts, json!({"item_uuid": "a"})), position: None };
    assert_eq!(refused(&edit), "there is an item a already");
}

#[test]
fn removing_keeps_the_order_of_the_rest() {
    let scene = applied(&Edit::Remove { id: id("a") });
    assert_eq!(ids(&scene)[..2], ["items[1]", "c"]);
    assert!(!scene.contains("a"));
    assert_eq!(refused(&Edit::Remove { id: id("nobody") }), "there is no item nobody");
}

#[test]
fn setting_keeps_the_order_of_keys() {
    let changes = vec![
        PropertyChange::set("name", "renamed"),
        PropertyChange::remove("x_mm"),
        PropertyChange::set("locked", true),
        PropertyChange::remove("nothing"),
        PropertyChange::set("locked", false),
    ];
    let scene = applied(&set("a", changes));
    let text = serde_json::to_string(scene.get("a").unwrap().properties()).unwrap();
    assert_eq!(text, r#"{"item_uuid":"a","y_mm":2e0,"name":"renamed","locked":false}"#);
}

#[test]
fn numbers_are_written_short_and_may_be_not_finite() {
    let written = |number: f64| property::from_f64(number).to_string();
    let numbers = [0.1, -0.0, 1.0, 1e-7, 1e22, f64::MAX, f64::MIN_POSITIVE, 5e-324];
    for number in numbers {
        let text = written(number);
        assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits(), "{text}");
        assert!(text.len() <= 24, "{text}");
    }
    assert_eq!([written(0.1), written(1.0), written(-0.0)], ["0.1", "1.0", "-0.0"]);
    assert_eq!(
        [written(f64::NAN), written(f64::INFINITY), written(f64::NEG_INFINITY)],
        ["NaN", "Infinity", "-Infinity"]
    );
    let scene = applied(&set("a", vec![PropertyChange::set("x_mm", property::from_f64(f64::NAN))]));
    assert!(scene.to_json().contains("\"x_mm\": NaN"));
}

#[test]
fn the_id_cannot_be_changed() {
    let message = "`item_uuid` of item a is its id and cannot be changed; remove the item and add another";
    assert_eq!(refused(&set("a", vec![PropertyChange::set("item_uuid", "z")])), message);
    assert_eq!(refused(&set("a", vec![PropertyChange::remove("item_uuid")])), message);
    let without_id = set("items[1]", vec![PropertyChange::set("item_uuid", "z")]);
    assert!(refused(&without_id).starts_with("`item_uuid` of item items[1]"));
    // In an assembly `id` is a property like any other; in a flat scene it is the id.
    applied(&set("a", vec![PropertyChange::set("id", "z")]));
    let mut flat = Scene::from_flat(&json!({"components": [{"id": "l", "kind": "lens"}]})).unwrap();
    let refused = flat.apply(&set("l", vec![PropertyChange::set("id", "z")])).unwrap_err();
    assert_eq!(refused, EditError::IdKey { item: id("l"), key: "id".to_owned() });
}

#[test]
fn moving_sets_the_position_of_each_kind() {
    let number = |scene: &Scene, item: &str, key: &str| property::to_f64(scene.get(item).unwrap().get(key).unwrap());
    let scene = applied(&move_to("a", -1.25, 7.0));
    assert_eq!((number(&scene, "a", "x_mm"), number(&scene, "a", "y_mm")), (Some(-1.25), Some(7.0)));
    let scene = applied(&move_to("t", -1.25, 7.0));
    assert_eq!((number(&scene, "t", "x"), number(&scene, "t", "y")), (Some(-1.25), Some(7.0)));
    assert_eq!(scene.get("t").unwrap().get("x_mm"), None);
    assert_eq!(refused(&move_to("nobody", 0.0, 0.0)), "there is no item nobody");
}

#[test]
fn moving_a_ruler_shifts_all_its_points() {
    let scene = applied(&move_to("r", 0.1, 3.0));
    let points = scene.get("r").unwrap().get("points").unwrap();
    assert_eq!(points.to_string(), r#"[[0.1,3.0],[10.1,3.0,"mark"],[10.1,7.0]]"#);
    let scene = applied(&move_to("old", 1.0, 1.0));
    assert_eq!(scene.get("old").unwrap().get("p2").unwrap().to_string(), "[4.0,5.0]");
}

#[test]
fn what_has_no_position_cannot_be_moved() {
    assert_eq!(refused(&move_to("p", 0.0, 0.0)), "item p is a path measure: it lies on a ray and cannot be moved");
    assert_eq!(
        refused(&move_to("empty", 0.0, 0.0)),
        "`points` of item empty is a list of 0, expected a list of at least one point; the item cannot be moved"
    );
    assert_eq!(
        refused(&move_to("odd", 0.0, 0.0)),
        "`points` of item odd is a list of 2, expected a point [x, y] in millimetres; the item cannot be moved"
    );
    assert_eq!(
        refused(&move_to("none", 0.0, 0.0)),
        "`points` of item none is missing, expected a list of points [x, y]; the item cannot be moved"
    );
}

#[test]
fn document_properties_can_be_set_and_lists_cannot() {
    let changes =
        vec![PropertyChange::remove("made by"), PropertyChange::set("layer_state", json!({"version": 1, "nodes": []}))];
    let scene = applied(&Edit::SetDocument { changes });
    assert_eq!(scene.document_property("made by"), None);
    assert!(scene.document_property("layer_state").is_some());
    let edit = Edit::SetDocument { changes: vec![PropertyChange::set("sources", json!([]))] };
    assert_eq!(refused(&edit), "`sources` of the document is a list of items; they are added and removed one by one");
}

#[test]
fn a_batch_is_all_or_nothing() {
    let add = |name: &str| Edit::Add { item: item(Section::Items, json!({"item_uuid": name})), position: Some(1) };
    let good = vec![add("x"), add("y"), Edit::Remove { id: id("x") }, move_to("y", 1.0, 2.0)];
    assert_eq!(ids(&applied(&Edit::Batch(good.clone())))[..3], ["a", "y", "items[1]"]);
    let mut bad = good;
    bad.push(Edit::Batch(vec![Edit::Remove { id: id("a") }, Edit::Remove { id: id("a") }]));
    assert_eq!(refused(&Edit::Batch(bad)), "there is no item a");
}

#[test]
fn batches_nest_to_a_limit() {
    let nest = |levels: usize| (0..levels).fold(move_to("a", 1.0, 1.0), |inner, _| Edit::Batch(vec![inner]));
    applied(&nest(MAX_BATCH_NESTING));
    assert_eq!(refused(&nest(MAX_BATCH_NESTING + 1)), "batches of edits are nested more than 16 levels deep");
}

#[test]
fn values_nest_to_the_limit_at_which_they_can_be_read_again() {
    let item_limit = MAX_NESTING - 3;
    let in_item = |levels| set("a", vec![PropertyChange::set("deep", nested(levels))]);
    assert!(Scene::from_json(&applied(&in_item(item_limit)).to_json()).is_ok());
    assert_eq!(refused(&in_item(item_limit + 1)), "`deep` of item a is nested more than 124 levels deep");

    let in_new = |levels| Edit::Add {
        item: item(Section::Texts, json!({"item_uuid": "new", "deep": nested(levels)})),
        position: None,
    };
    assert!(Scene::from_json(&applied(&in_new(item_limit)).to_json()).is_ok());
    assert_eq!(refused(&in_new(item_limit + 1)), "`deep` of item new is nested more than 124 levels deep");

    let in_document = |levels| Edit::SetDocument { changes: vec![PropertyChange::set("deep", nested(levels))] };
    assert!(Scene::from_json(&applied(&in_document(MAX_NESTING - 1)).to_json()).is_ok());
    assert_eq!(refused(&in_document(MAX_NESTING)), "`deep` of the document is nested more than 126 levels deep");
}

/// An edit that mostly applies to `TEXT`.
fn edit() -> impl Strategy<Value = Edit> {
    let known = prop::sample::select(vec!["a", "items[1]", "c", "r", "old", "odd", "t", "p", "n0", "n1", "n2"]);
    let known = known.prop_map(ItemId::from);
    let section = prop::sample::select(Section::ALL.to_vec());
    let new_id = prop::sample::select(vec!["a", "n0", "n1", "n2"]);
    let value = prop::sample::select(vec![json!(null), json!(1.5), json!([1, {"b": []}]), json!("text")]);
    let change = (prop::sample::select(vec!["x_mm", "name", "points", "k0", "k1", "made by"]), prop::option::of(value));
    let change = change.prop_map(|(key, value)| match value {
        Some(value) => PropertyChange::set(key, value),
        None => PropertyChange::remove(key),
    });
    let changes = prop::collection::vec(change, 0..4);
    let leaf = prop_oneof![
        (section, new_id, prop::option::of(0..4_usize)).prop_map(|(section, name, position)| {
            Edit::Add { item: item(section, json!({"item_uuid": name, "x_mm": 1})), position }
        }),
        known.clone().prop_map(|id| Edit::Remove { id }),
        (known.clone(), changes.clone()).prop_map(|(id, changes)| Edit::Set { id, changes }),
        (known, any::<f64>(), any::<f64>()).prop_map(|(id, x_mm, y_mm)| Edit::Move { id, x_mm, y_mm }),
        changes.prop_map(|changes| Edit::SetDocument { changes }),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Edit::Batch))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn inverses_restore_the_text_byte_by_byte(edits in prop::collection::vec(edit(), 1..20)) {
        let mut scene = scene();
        let mut undo = Vec::new();
        for edit in &edits {
            let before = scene.to_json();
            match scene.apply(edit) {
                Ok(inverse) => undo.push((inverse, before)),
                Err(_) => prop_assert_eq!(scene.to_json(), before, "a refused edit changes nothing"),
            }
        }
        while let Some((inverse, before)) = undo.pop() {
            scene.apply(&inverse).unwrap();
            prop_assert_eq!(scene.to_json(), before);
            prop_assert_eq!(scene.len(), scene.items().count());
            for item in scene.items() {
                prop_assert_eq!(scene.get(item.id()).unwrap(), item);
            }
        }
    }
}
