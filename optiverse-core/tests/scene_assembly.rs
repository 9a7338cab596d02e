//! Reading assemblies, older files and flat scenes: what becomes an item, what it is called, what is refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "in the helpers of a test a failure ends the test, as it should")]

use optiverse_core::scene::{Item, ItemKind, MAX_NESTING, Scene, SceneError, Section, property};
use serde_json::json;

const ASSEMBLY: &str = include_str!("data/scene/assembly.json");
const OLDER_FORMAT: &str = include_str!("data/scene/older_format.json");

fn error(text: &str) -> String {
    Scene::from_json(text).expect_err("the text should be refused").to_string()
}

fn ids(scene: &Scene) -> Vec<&str> {
    scene.items().map(|item| item.id().as_str()).collect()
}

fn warnings(scene: &Scene) -> Vec<String> {
    scene.warnings().iter().map(ToString::to_string).collect()
}

#[test]
fn items_come_in_the_order_of_the_file() {
    let scene = Scene::from_json(ASSEMBLY).unwrap();
    assert_eq!(ids(&scene), ["laser", "mirror", "items[2]", "ruler", "note"]);
    let kinds: Vec<ItemKind> = scene.items().map(Item::kind).collect();
    assert_eq!(kinds, [ItemKind::Source, ItemKind::Component, ItemKind::Other, ItemKind::Ruler, ItemKind::Text]);
    assert_eq!(scene.len(), 5);
    assert!(!scene.is_empty());
    assert_eq!(scene.section(Section::Items).len(), 3);
    assert!(scene.warnings().is_empty());
}

#[test]
fn sections_come_in_the_order_of_the_file() {
    let scene = Scene::from_json(
        r#"{"texts": [{"item_uuid": "t"}], "a": 1, "items": [{"item_uuid": "i"}], "rulers": [{"item_uuid": "r"}]}"#,
    );
    assert_eq!(ids(&scene.unwrap()), ["t", "i", "r"]);
}

#[test]
fn properties_and_numbers_are_as_they_were_written() {
    let scene = Scene::from_json(ASSEMBLY).unwrap();
    let laser = scene.get("laser").unwrap();
    assert_eq!(laser.get("x_mm").unwrap().to_string(), "-1.50e2");
    assert_eq!(laser.get("serial number").unwrap().to_string(), "12345678901234567890123");
    assert!(property::to_f64(laser.get("y_mm").unwrap()).unwrap().is_sign_negative());
    assert_eq!(laser.get("missing"), None);
    assert_eq!(scene.get("nobody"), None);
    assert_eq!(scene.document_property("version"), Some(&json!("2.0")));
    assert_eq!(scene.document_property("items"), None, "a list of items is no property");
    let keys: Vec<&str> = scene.document_properties().map(|(key, _)| key).collect();
    assert_eq!(keys, ["version", "comment by hand", "layer_state"]);
}

#[test]
fn the_older_format_keeps_its_lists() {
    let scene = Scene::from_json(OLDER_FORMAT).unwrap();
    assert_eq!(ids(&scene), ["green", "collimator", "lenses[1]", "splitter", "dichroic", "plate", "modulator"]);
    let kinds: Vec<ItemKind> = scene.items().map(Item::kind).collect();
    assert_eq!(
        kinds,
        [
            ItemKind::Source,
            ItemKind::Lens,
            ItemKind::Lens,
            ItemKind::BeamSplitter,
            ItemKind::Dichroic,
            ItemKind::Waveplate,
            ItemKind::Slm
        ]
    );
    assert_eq!(scene.get("collimator").unwrap().section(), Section::Lenses);
}

#[test]
fn every_section_has_a_key_of_its_own() {
    for section in Section::ALL {
        assert_eq!(Section::from_key(section.key()), Some(section));
    }
    assert_eq!(Section::from_key("Items"), None);
}

#[test]
fn a_flat_scene_is_named_by_id() {
    let body = json!({
        "sources": [{"id": "s", "x_mm": 0, "n_rays": 5}],
        "components": [{"id": "l", "kind": "lens"}, {"id": "m", "kind": "mirror"}, {"id": "b", "kind": "beamsplitter"}, {"id": "p", "kind": "source"}]
    });
    let scene = Scene::from_flat(&body).unwrap();
    assert_eq!(ids(&scene), ["s", "l", "m", "b", "p"]);
    let kinds: Vec<ItemKind> = scene.items().map(Item::kind).collect();
    assert_eq!(kinds, [ItemKind::Source, ItemKind::Lens, ItemKind::Mirror, ItemKind::BeamSplitter, ItemKind::Source]);
    assert!(Scene::from_flat(&json!({})).unwrap().is_empty());
    let refused = Scene::from_flat(&json!([])).unwrap_err().to_string();
    assert_eq!(refused, "the body is a list of 0, expected an object");
}

#[test]
fn an_id_in_an_assembly_item_is_an_ordinary_property() {
    let scene = Scene::from_json(r#"{"items": [{"id": "catalogue number"}]}"#).unwrap();
    assert_eq!(ids(&scene), ["items[0]"]);
}

#[test]
fn an_item_needs_an_id_to_be_added() {
    let properties = |value: serde_json::Value| value.as_object().unwrap().clone();
    let lens = Item::from_flat_component(properties(json!({"id": "l", "kind": "lens"}))).unwrap();
    assert_eq!((lens.id().as_str(), lens.kind()), ("l", ItemKind::Lens));
    let refused = |section, value| Item::new(section, properties(value)).unwrap_err().to_string();
    assert_eq!(
        refused(Section::Components, json!({"kind": "lens"})),
        "a new item for `components` has no `id`, expected a text that is not empty"
    );
    assert_eq!(
        refused(Section::Items, json!({"id": "l"})),
        "a new item for `items` has no `item_uuid`, expected a text that is not empty"
    );
    assert_eq!(
        refused(Section::Items, json!({"item_uuid": 7})),
        "`item_uuid` of a new item for `items` is the number 7, expected a text that is not empty"
    );
    assert_eq!(
        refused(Section::Components, json!({"id": ""})),
        "`id` of a new item for `components` is the text \"\", expected a text that is not empty"
    );
}

#[test]
fn a_repeated_id_gets_a_number_and_a_warning() {
    let text =
        r#"{"items": [{"item_uuid": "a"}, {"item_uuid": "a"}, {"item_uuid": "a#2"}], "texts": [{"item_uuid": "a"}]}"#;
    let scene = Scene::from_json(text).unwrap();
    assert_eq!(ids(&scene), ["a", "a#2", "a#2#2", "a#3"]);
    assert_eq!(scene.get("a#2").unwrap().get("item_uuid"), Some(&json!("a")), "the property stays");
    assert_eq!(warnings(&scene)[0], "items[1]: the id a is taken by an earlier item; this one is called a#2");
    assert_eq!(warnings(&scene).len(), 3);
}

#[test]
fn many_items_of_one_id_are_read_in_time_that_grows_with_their_number() {
    let entry = r#"{"item_uuid": "a"}"#;
    let text = format!(r#"{{"items": [{}]}}"#, vec![entry; 50_000].join(","));
    let scene = Scene::from_json(&text).unwrap();
    assert_eq!(scene.len(), 50_000);
    assert!(scene.contains("a#50000"));
}

#[test]
fn an_id_of_the_wrong_type_gives_way_to_the_place() {
    let scene = Scene::from_json(r#"{"items": [{"item_uuid": 7}, {"item_uuid": ""}, {"item_uuid": null}]}"#).unwrap();
    assert_eq!(ids(&scene), ["items[0]", "items[1]", "items[2]"]);
    assert_eq!(
        warnings(&scene)[0],
        "items[0]: `item_uuid` is the number 7, expected a text that is not empty; the item is called by its place"
    );
    assert_eq!(warnings(&scene).len(), 3);
}

#[test]
fn a_repeated_key_is_reported_and_the_last_value_kept() {
    let scene = Scene::from_json("{\"items\": [],\n \"µ\": 1, \"version\": 1, \"µ\": 2,\n \"µ\": 3}").unwrap();
    assert_eq!(scene.document_property("µ"), Some(&json!(3)));
    assert_eq!(
        warnings(&scene),
        [
            "line 2, column 24: the key \"µ\" is repeated in one object; the last value is kept",
            "line 3, column 2: the key \"µ\" is repeated in one object; the last value is kept",
        ]
    );
}

#[test]
fn numbers_that_are_not_finite_are_read_as_python_writes_them() {
    let scene = Scene::from_json(
        r#"{"items": [{"item_uuid": "a", "a": NaN, "b": Infinity, "c": -Infinity, "d": 1e400, "e": "NaN", "NaN": 1}]}"#,
    );
    let scene = scene.unwrap();
    let number = |key: &str| property::to_f64(scene.get("a").unwrap().get(key).unwrap());
    assert!(number("a").unwrap().is_nan());
    assert_eq!(number("b"), Some(f64::INFINITY));
    assert_eq!(number("c"), Some(f64::NEG_INFINITY));
    assert_eq!(number("d"), Some(f64::INFINITY));
    assert_eq!(number("e"), None, "a text stays a text");
    assert_eq!(number("NaN"), Some(1.0));
}

#[test]
fn a_list_that_is_no_list_is_refused() {
    assert_eq!(error(r#"{"items": {}}"#), "items is an object, expected a list of objects");
    assert_eq!(error(r#"{"rulers": null}"#), "rulers is null, expected a list of objects");
    assert_eq!(error(r#"{"lenses": "none"}"#), "lenses is the text \"none\", expected a list of objects");
}

#[test]
fn an_entry_that_is_no_object_is_refused_by_place() {
    assert_eq!(error(r#"{"items": [{}, {}, {}, 1.50]}"#), "items[3] is the number 1.50, expected an object");
    assert_eq!(error(r#"{"texts": [[1, 2]]}"#), "texts[0] is a list of 2, expected an object");
    assert_eq!(error(r#"{"texts": [true]}"#), "texts[0] is true, expected an object");
}

#[test]
fn a_document_that_is_no_object_is_refused() {
    assert_eq!(error("[]"), "the document is a list of 0, expected an object");
    assert_eq!(error("NaN"), "the document is the number NaN, expected an object");
    let long = format!("\"{}\"", "x".repeat(1000));
    assert!(error(&long).len() < 200, "a message stays readable");
}

#[test]
fn a_syntax_error_has_line_and_column() {
    let place = |text: &str| match Scene::from_json(text).unwrap_err() {
        SceneError::Syntax { line, column, .. } => (line, column),
        other => panic!("{other}"),
    };
    assert_eq!(place("{\n  \"µµ\": 1.x}"), (2, 11));
    assert_eq!(place(""), (1, 1));
    assert_eq!(place("{\"a\": 1\n\n"), (3, 1));
    assert_eq!(
        error("{\"a\" 1}"),
        "the text is not valid JSON at line 1, column 6: expected `:` after the key, found `1`"
    );
    assert_eq!(
        error("{\"a\": \"b"),
        "the text is not valid JSON at line 1, column 9: expected `\"` at the end of the string, found the end of the text"
    );
}

#[test]
fn nesting_is_limited() {
    // The document itself is one level.
    let nested = |levels: usize| format!(r#"{{"a": {}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    let scene = Scene::from_json(&nested(MAX_NESTING - 1)).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&scene.to_json()).is_ok(), "others can read it too");
    let refused = error(&nested(MAX_NESTING));
    assert!(refused.ends_with("lists and objects are nested more than 127 levels deep"), "{refused}");
    // Far beyond the limit the stack must not matter.
    assert!(error(&nested(1_000_000)).contains("127 levels"));
}

#[test]
fn half_a_surrogate_pair_is_refused() {
    let refused = error(r#"{"a": "\ud800"}"#);
    assert_eq!(
        refused,
        "the text is not valid JSON at line 1, column 8: half of a surrogate pair stands alone, which is no Unicode character"
    );
}

#[test]
fn any_version_is_read() {
    for version in ["\"1.0\"", "\"99\"", "7", "null"] {
        assert!(Scene::from_json(&format!(r#"{{"version": {version}, "items": []}}"#)).is_ok());
    }
}

#[test]
fn a_new_scene_is_an_empty_assembly() {
    let text = r#"{
  "version": "2.0",
  "items": [],
  "rulers": [],
  "texts": [],
  "rectangles": [],
  "path_measures": [],
  "layer_state": {}
}"#;
    assert_eq!(Scene::new().to_json(), text);
    assert!(Scene::new().is_empty());
}

#[test]
fn a_flat_body_is_limited_like_a_text() {
    let body = |levels| {
        let deep = (0..levels).fold(json!(null), |inner, _| json!([inner]));
        Scene::from_flat(&json!({ "deep": deep }))
    };
    assert!(Scene::from_json(&body(MAX_NESTING - 1).unwrap().to_json()).is_ok());
    assert_eq!(body(MAX_NESTING).unwrap_err().to_string(), "the body is nested more than 127 levels deep");
}

#[test]
fn a_scene_can_move_between_threads_and_be_shared() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Scene>();
    shared::<SceneError>();
}
