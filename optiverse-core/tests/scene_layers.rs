//! The layer tree: what is hidden, locked and grouped, and what is made of damaged trees.
#![allow(clippy::unwrap_used, clippy::panic, reason = "in the helpers of a test a failure ends the test, as it should")]

use std::collections::HashSet;

use optiverse_core::scene::{Edit, ItemId, LayerKind, MAX_NESTING, PropertyChange, Scene};
use serde_json::{Value, json};

fn scene(document: Value) -> Scene {
    Scene::from_json(&document.to_string()).unwrap()
}

fn items(ids: &[&str]) -> Value {
    ids.iter().map(|id| json!({"item_uuid": id})).collect()
}

fn with_layers(nodes: Value) -> Scene {
    scene(json!({"items": items(&["a", "b", "c"]), "layer_state": {"version": 1, "nodes": nodes}}))
}

fn hidden(scene: &Scene) -> Vec<String> {
    let mut ids: Vec<String> = scene.hidden_items().iter().map(ToString::to_string).collect();
    ids.sort();
    ids
}

fn warnings(scene: &Scene) -> Vec<String> {
    scene.warnings().iter().map(ToString::to_string).collect()
}

#[test]
fn hiding_and_locking_reach_through_groups() {
    let scene = with_layers(json!([
        {"uuid": "outer", "type": "group", "visible": false, "locked": true, "name": "Bench", "collapsed": true, "children": [
            {"uuid": "inner", "type": "group", "children": [{"uuid": "a", "type": "item"}]}
        ]},
        {"uuid": "b", "type": "item", "visible": false},
        {"uuid": "c", "type": "item"}
    ]));
    assert!(scene.warnings().is_empty());
    assert_eq!(hidden(&scene), ["a", "b"]);
    let tree = scene.layers();
    let a = tree.get("a").unwrap();
    assert!(!a.visible && a.locked && a.node.visible && !a.node.locked);
    assert_eq!(a.depth, 2);
    let outer = tree.get("outer").unwrap().node;
    assert_eq!((outer.kind, outer.name.as_deref(), outer.collapsed), (LayerKind::Group, Some("Bench"), true));
    let order: Vec<&str> = tree.walk().map(|layer| layer.node.uuid.as_str()).collect();
    assert_eq!(order, ["outer", "inner", "a", "b", "c"]);
}

#[test]
fn annotations_can_be_hidden() {
    let scene = scene(json!({
        "rulers": items(&["r"]), "texts": items(&["t"]),
        "layer_state": {"version": 1, "nodes": [{"uuid": "r", "type": "item", "visible": false}]}
    }));
    assert_eq!(hidden(&scene), ["r"]);
}

#[test]
fn items_of_one_written_id_are_hidden_together() {
    let scene = scene(json!({
        "items": items(&["a", "a", "b"]),
        "layer_state": {"version": 1, "nodes": [{"uuid": "a", "type": "item", "visible": false}]}
    }));
    assert_eq!(hidden(&scene), ["a", "a#2"]);
}

#[test]
fn a_group_does_not_hide_an_item_of_the_same_id() {
    assert!(hidden(&with_layers(json!([{"uuid": "a", "type": "group", "visible": false}]))).is_empty());
}

#[test]
fn visibility_is_what_python_takes_for_true() {
    for (value, is_hidden) in [
        (json!(false), true),
        (json!(null), true),
        (json!(0), true),
        (json!(-0.0), true),
        (json!(""), true),
        (json!([]), true),
        (json!({}), true),
        (json!(true), false),
        (json!(2), false),
        (json!("false"), false),
        (json!([0]), false),
        (json!({"a": 0}), false),
    ] {
        let scene = with_layers(json!([{"uuid": "a", "type": "item", "visible": value}]));
        assert_eq!(!hidden(&scene).is_empty(), is_hidden, "{value}");
    }
}

#[test]
fn of_two_nodes_of_one_id_the_last_counts() {
    let scene = with_layers(json!([
        {"uuid": "a", "type": "item", "visible": false},
        {"uuid": "a", "type": "item"}
    ]));
    assert!(hidden(&scene).is_empty());
}

#[test]
fn layers_of_an_unknown_version_are_not_used_as_in_the_app() {
    for version in [json!(2), json!("1"), json!(null)] {
        let nodes = json!([{"uuid": "a", "type": "item", "visible": false}]);
        let scene = scene(json!({"items": items(&["a"]), "layer_state": {"version": version, "nodes": nodes}}));
        assert!(hidden(&scene).is_empty());
        assert_eq!(scene.warnings().len(), 1);
    }
    let scene = scene(json!({"items": items(&["a"]), "layer_state": {"version": 1.0, "nodes": [
        {"uuid": "a", "type": "item", "visible": false}
    ]}}));
    assert_eq!(hidden(&scene), ["a"]);
}

#[test]
fn damaged_nodes_are_left_out_with_a_warning() {
    let scene = with_layers(json!([
        7,
        {"type": "item"},
        {"uuid": "a", "type": "folder"},
        {"uuid": "b", "type": "group", "children": {"c": 1}},
        {"uuid": "g", "type": "group", "link_metadata": {"offset_x": 1}},
        {"uuid": "h", "type": "group", "link_metadata": {"source_path": "a.json", "rotation_deg": "left"}},
        {"uuid": "c", "type": "item", "visible": false}
    ]));
    assert_eq!(hidden(&scene), ["c"]);
    assert_eq!(
        warnings(&scene),
        [
            "layer_state.nodes[0]: is the number 7, expected an object; the layer is ignored",
            "layer_state.nodes[1]: `uuid` is missing, expected a text; the layer is ignored",
            "layer_state.nodes[2]: `type` is the text \"folder\", expected \"group\" or \"item\"; the layer is ignored",
            "layer_state.nodes[3].children: is an object, expected a list; it is ignored",
            "layer_state.nodes[4].link_metadata: `source_path` is missing or not a text; the link is ignored",
            "layer_state.nodes[5].link_metadata: `rotation_deg` is the text \"left\", expected a finite number; the link is ignored",
        ]
    );
    assert_eq!(with_layers(json!(7)).warnings().len(), 1);
    assert_eq!(self::scene(json!({"layer_state": []})).warnings().len(), 1);
    assert!(self::scene(json!({"layer_state": {}})).warnings().is_empty());
}

#[test]
fn links_are_typed() {
    let scene = with_layers(json!([{"uuid": "g", "type": "group", "link_metadata": {
        "source_path": "@assembly/part.json", "offset_x": 1.5, "rotation_deg": 90
    }}]));
    let link = scene.layers().get("g").unwrap().node.link.clone().unwrap();
    assert_eq!(link.source_path, "@assembly/part.json");
    assert_eq!((link.offset_x, link.offset_y, link.rotation_deg), (1.5, 0.0, 90.0));
}

#[test]
fn groups_of_older_files_are_nested() {
    let scene = scene(json!({
        "items": items(&["a", "b"]),
        "groups": [
            {"group_uuid": "child 1", "parent_group_uuid": "top", "item_uuids": ["b"]},
            {"group_uuid": "top", "name": "Top", "item_uuids": ["a"], "collapsed": true},
            {"group_uuid": "child 2", "parent_group_uuid": "top"},
            {"group_uuid": "grandchild", "parent_group_uuid": "child 1"},
            {"group_uuid": "orphan", "parent_group_uuid": "nobody"},
            {"name": "nameless"}
        ]
    }));
    let order: Vec<(String, usize)> =
        scene.layers().walk().map(|layer| (layer.node.uuid.clone(), layer.depth)).collect();
    let expected = [("top", 0), ("child 1", 1), ("grandchild", 2), ("b", 2), ("child 2", 1), ("a", 1), ("orphan", 0)];
    assert_eq!(order, expected.map(|(uuid, depth)| (uuid.to_owned(), depth)));
    assert_eq!(warnings(&scene), ["groups[5]: `group_uuid` is missing or not a text; the group is ignored"]);
}

#[test]
fn groups_inside_themselves_become_outermost_ones() {
    let scene = scene(json!({"groups": [
        {"group_uuid": "a", "parent_group_uuid": "b"},
        {"group_uuid": "b", "parent_group_uuid": "a"},
        {"group_uuid": "c", "parent_group_uuid": "c"}
    ]}));
    let tree = scene.layers();
    assert!(tree.walk().all(|layer| layer.depth == 0));
    assert_eq!(tree.walk().count(), 3);
    assert_eq!(scene.warnings().len(), 3);
}

#[test]
fn groups_of_older_files_nest_to_a_limit() {
    let chain = |length: usize| -> Scene {
        let group = |index: usize| match index {
            0 => json!({"group_uuid": "0"}),
            _ => {
                json!({"group_uuid": index.to_string(), "parent_group_uuid": (index - 1).to_string()})
            }
        };
        scene(json!({"groups": (0..length).map(group).collect::<Value>()}))
    };
    let deepest = |scene: &Scene| scene.layers().walk().map(|layer| layer.depth).max();
    let at_limit = chain(MAX_NESTING);
    assert_eq!(deepest(&at_limit), Some(MAX_NESTING - 1));
    assert!(at_limit.warnings().is_empty());
    let beyond = chain(MAX_NESTING + 1);
    assert_eq!(beyond.layers().walk().count(), MAX_NESTING + 1);
    assert_eq!(deepest(&beyond), Some(MAX_NESTING - 1));
    assert_eq!(beyond.warnings().len(), 1);
}

#[test]
fn layers_follow_edits_of_the_document() {
    let mut scene = with_layers(json!([]));
    let changed = json!({"version": 1, "nodes": [{"uuid": "b", "type": "item", "visible": false}]});
    let inverse = scene.apply(&Edit::SetDocument { changes: vec![PropertyChange::set("layer_state", changed)] });
    assert_eq!(scene.hidden_items(), HashSet::from([ItemId::from("b")]));
    scene.apply(&inverse.unwrap()).unwrap();
    assert!(scene.hidden_items().is_empty());
}
