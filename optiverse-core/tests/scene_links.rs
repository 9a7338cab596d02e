//! Linked assemblies: where their items lie, what they are called, and what happens when a file is missing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "in the helpers of a test a failure ends the test, as it should")]

use std::cell::RefCell;
use std::collections::HashMap;

use optiverse_core::scene::{
    AssemblyFiles, Edit, EditError, FileError, LinkError, MAX_LINK_DEPTH, PropertyChange, Scene, property,
};
use serde_json::{Value, json};

/// Files in memory, which count how often they are read.
#[derive(Default)]
struct Files {
    texts: HashMap<String, String>,
    read: RefCell<Vec<String>>,
}

impl Files {
    fn new(files: &[(&str, Value)]) -> Files {
        let texts = files.iter().map(|(path, value)| ((*path).to_owned(), value.to_string())).collect();
        Files { texts, read: RefCell::default() }
    }
}

impl AssemblyFiles for Files {
    fn read(&self, path: &str) -> Result<String, FileError> {
        self.read.borrow_mut().push(path.to_owned());
        self.texts.get(path).cloned().ok_or_else(|| FileError::new("no such file"))
    }
}

fn scene(document: &Value) -> Scene {
    Scene::from_json(&document.to_string()).unwrap()
}

fn group(uuid: &str, path: &str) -> Value {
    json!({"uuid": uuid, "type": "group", "link_metadata": {"source_path": path}})
}

fn placed_group(uuid: &str, path: &str, (x, y): (f64, f64), rotation_deg: f64) -> Value {
    let link = json!({"source_path": path, "offset_x": x, "offset_y": y, "rotation_deg": rotation_deg});
    json!({"uuid": uuid, "type": "group", "link_metadata": link})
}

fn assembly(items: Value, nodes: Value) -> Value {
    json!({"version": "2.0", "items": items, "layer_state": {"version": 1, "nodes": nodes}})
}

fn linked_to(path: &str) -> Scene {
    scene(&assembly(json!([]), json!([group("g", path)])))
}

fn resolved(scene: &mut Scene, files: &Files) -> Vec<String> {
    let warnings = scene.resolve_links(files, Some("/lab/main.json")).unwrap();
    warnings.iter().map(ToString::to_string).collect()
}

/// The names of the linked items, which unlike their ids are written in the tests.
fn names(scene: &Scene) -> Vec<&str> {
    scene.linked_items().filter_map(|item| item.get("name")).filter_map(Value::as_str).collect()
}

fn named(name: &str) -> Value {
    json!([{"_type": "component", "item_uuid": name, "name": name}])
}

fn numbers(scene: &Scene, name: &str, keys: &[&str]) -> Vec<f64> {
    let item = scene.linked_items().find(|item| item.get("name") == Some(&json!(name))).unwrap();
    keys.iter().map(|key| property::to_f64(item.get(key).unwrap()).unwrap()).collect()
}

#[track_caller]
fn assert_near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    let near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-9);
    assert!(near, "{found:?} is not {expected:?}");
}

/// One item of each kind, to be placed by a link.
fn part() -> Value {
    json!({
        "items": [
            {"_type": "component", "item_uuid": "lens", "name": "lens", "x_mm": 10.0, "y_mm": 0.0, "angle_deg": 30.0},
            {"_type": "source", "item_uuid": "source", "name": "source"}
        ],
        "rulers": [
            {"item_uuid": "ruler", "name": "ruler", "points": [[1.0, 0.0], [0.0, 1.0, "end"]]},
            {"item_uuid": "older", "name": "older", "p1": [1.0, 0.0], "p2": [0.0, 1.0]}
        ],
        "texts": [{"item_uuid": "label", "name": "label", "text": "f", "x": 1.0, "y": 2.0, "owner_uuid": "lens",
                   "owner_offset_x": 3.0, "owner_offset_y": 0.0}],
        "rectangles": [{"item_uuid": "box", "name": "box", "x": 0.0, "y": 5.0, "angle_deg": 10.0}],
        "path_measures": [{"item_uuid": "measure", "name": "measure"}]
    })
}

#[test]
fn items_are_rotated_counter_clockwise_and_then_moved() {
    let mut scene = scene(&assembly(json!([]), json!([placed_group("g", "@assembly/part.json", (100.0, 20.0), 90.0)])));
    let warnings = resolved(&mut scene, &Files::new(&[("/lab/part.json", part())]));
    assert_eq!(warnings, ["/lab/part.json: its path measures (1) are left out; they lie on rays of their own file"]);
    // (10, 0) turned by 90° is (0, 10); the clockwise angle 30° becomes −60°.
    assert_near(&numbers(&scene, "lens", &["x_mm", "y_mm", "angle_deg"]), &[100.0, 30.0, -60.0]);
    // A source without a position is at (−400, 0).
    assert_near(&numbers(&scene, "source", &["x_mm", "y_mm", "angle_deg"]), &[100.0, -380.0, -90.0]);
    assert_near(&numbers(&scene, "box", &["x", "y", "angle_deg"]), &[95.0, 20.0, 100.0]);
    let label = ["x", "y", "angle_deg", "owner_offset_x", "owner_offset_y"];
    assert_near(&numbers(&scene, "label", &label), &[98.0, 21.0, 90.0, 0.0, 3.0]);
    let points = |name: &str, keys: &[&str]| -> Vec<f64> {
        let item = scene.linked_items().find(|item| item.get("name") == Some(&json!(name))).unwrap();
        let values = keys.iter().flat_map(|key| item.get(key).unwrap().as_array().unwrap());
        values
            .flat_map(|value| value.as_array().cloned().unwrap_or(vec![value.clone()]))
            .filter_map(|value| property::to_f64(&value))
            .collect()
    };
    assert_near(&points("ruler", &["points"]), &[100.0, 21.0, 99.0, 20.0]);
    assert_near(&points("older", &["p1", "p2"]), &[100.0, 21.0, 99.0, 20.0]);
    let ruler = scene.linked_items().find(|item| item.get("name") == Some(&json!("ruler"))).unwrap();
    assert_eq!(ruler.get("points").unwrap()[1][2], json!("end"), "what stands beside the numbers is kept");
}

/// The numbers were found by running the app, version 0.3.4, on these items and this link.
#[test]
fn items_lie_where_the_app_puts_them() {
    let part = json!({
        "items": [
            {"item_uuid": "lens", "_type": "component", "x_mm": 10.0, "y_mm": 4.0, "angle_deg": 30.0},
            {"item_uuid": "source", "_type": "source"}
        ],
        "rulers": [{"item_uuid": "ruler", "points": [[1.0, 0.0], [0.0, 1.0]]}],
        "texts": [{"item_uuid": "label", "x": 1.0, "y": 2.0}],
        "rectangles": [{"item_uuid": "box", "x": 0.0, "y": 5.0, "angle_deg": 10.0}]
    });
    let nodes = json!([placed_group("table", "@assembly/part.json", (100.0, 20.0), 30.0)]);
    let mut scene = scene(&assembly(json!([]), nodes));
    assert!(resolved(&mut scene, &Files::new(&[("/lab/part.json", part)])).is_empty());
    let at = |id: &str, keys: &[&str]| -> Vec<f64> {
        let item = scene.get(id).unwrap();
        keys.iter().map(|key| property::to_f64(item.get(key).unwrap()).unwrap()).collect()
    };
    let user_angle = ["x_mm", "y_mm", "angle_deg"];
    assert_near(
        &at("473c5c47-fae7-55f6-b398-181b1e79e850", &user_angle),
        &[106.660_254_037_844_38, 28.464_101_615_137_753, 0.0],
    );
    // The app gives the angle as 330°.
    assert_near(
        &at("7acda057-e156-531f-b5b3-bc729f92055d", &user_angle),
        &[-246.410_161_513_775_5, -179.999_999_999_999_97, -30.0],
    );
    assert_near(
        &at("0f613f12-148d-5150-8d53-a5c275ff5549", &["x", "y"]),
        &[99.866_025_403_784_43, 22.232_050_807_568_88],
    );
    assert_near(
        &at("d77db8f3-9035-5154-8637-f2c5aa30d21d", &["x", "y", "angle_deg"]),
        &[97.5, 24.330_127_018_922_195, 40.0],
    );
    let points = scene.get("ee2f38c4-8801-565b-86ab-e6e7106931a8").unwrap().get("points").unwrap();
    assert_eq!(points.to_string(), "[[100.86602540378443,20.5],[99.5,20.866025403784437]]");
}

#[test]
fn a_link_at_the_origin_changes_no_number() {
    let mut scene = linked_to("part.json");
    let text = r#"{"items": [{"item_uuid": "a", "x_mm": 1.50, "y_mm": "odd"}]}"#;
    let mut files = Files::default();
    files.texts.insert("/lab/part.json".to_owned(), text.to_owned());
    resolved(&mut scene, &files);
    let item = scene.linked_items().next().unwrap();
    assert_eq!(item.get("x_mm").unwrap().to_string(), "1.50");
    assert_eq!(item.get("y_mm"), Some(&json!("odd")));
}

#[test]
fn a_position_that_is_no_number_is_left_for_the_reader_to_report() {
    let mut scene = scene(&assembly(json!([]), json!([placed_group("g", "part.json", (5.0, 5.0), 0.0)])));
    let items = json!([{"item_uuid": "a", "name": "a", "x_mm": 1.0, "y_mm": "odd"}]);
    resolved(&mut scene, &Files::new(&[("/lab/part.json", assembly(items, json!([])))]));
    let item = scene.linked_items().next().unwrap();
    assert_eq!((item.get("x_mm"), item.get("y_mm")), (Some(&json!(1.0)), Some(&json!("odd"))));
}

#[test]
fn instances_are_called_as_the_app_calls_them() {
    // Python: uuid.uuid5(UUID("a3f1d8e0-7c2b-4f1a-b9d3-6e8f0a1c2d3e"), "table:laser")
    let mut scene = scene(&assembly(json!([]), json!([group("table", "part.json")])));
    resolved(&mut scene, &Files::new(&[("/lab/part.json", assembly(named("laser"), json!([])))]));
    let item = scene.get("d7c7df37-0123-5d69-9823-97af3d42c9bd").unwrap();
    assert_eq!(item.get("item_uuid"), Some(&json!("d7c7df37-0123-5d69-9823-97af3d42c9bd")));
    assert_eq!(item.get("name"), Some(&json!("laser")));
}

#[test]
fn a_label_follows_its_owner() {
    let mut scene = linked_to("part.json");
    resolved(&mut scene, &Files::new(&[("/lab/part.json", part())]));
    let by_name = |name: &str| scene.linked_items().find(|item| item.get("name") == Some(&json!(name))).unwrap();
    assert_eq!(by_name("label").get("owner_uuid"), Some(&json!(by_name("lens").id().as_str())));
}

#[test]
fn linked_items_are_found_but_neither_counted_nor_saved_nor_edited() {
    let mut scene = linked_to("part.json");
    let before = scene.to_json();
    resolved(&mut scene, &Files::new(&[("/lab/part.json", assembly(named("a"), json!([])))]));
    let id = scene.linked_items().next().unwrap().id().clone();
    assert!(scene.contains(&id) && scene.get(&id).is_some());
    assert_eq!((scene.len(), scene.items().count()), (0, 0));
    assert_eq!(scene.to_json(), before);
    let own = scene.get(&id).unwrap().clone();
    let edits = [
        Edit::Remove { id: id.clone() },
        Edit::Move { id: id.clone(), x_mm: 0.0, y_mm: 0.0 },
        Edit::Set { id: id.clone(), changes: vec![PropertyChange::set("name", "b")] },
    ];
    for edit in edits {
        assert_eq!(scene.apply(&edit), Err(EditError::LinkedItem { item: id.clone() }));
    }
    let again = Edit::Add { item: own, position: None };
    assert_eq!(scene.apply(&again), Err(EditError::RepeatedId { item: id }));
}

#[test]
fn two_links_to_one_file_are_two_instances_of_one_reading() {
    let nodes =
        json!([placed_group("g", "part.json", (0.0, 0.0), 0.0), placed_group("h", "./part.json", (7.0, 0.0), 0.0)]);
    let mut scene = scene(&assembly(json!([]), nodes));
    let files = Files::new(&[("/lab/part.json", assembly(named("a"), json!([])))]);
    assert!(resolved(&mut scene, &files).is_empty());
    assert_eq!(names(&scene), ["a", "a"]);
    assert_eq!(*files.read.borrow(), ["/lab/part.json"]);
}

#[test]
fn resolving_again_replaces_what_was_there() {
    let mut scene = linked_to("part.json");
    resolved(&mut scene, &Files::new(&[("/lab/part.json", assembly(named("before"), json!([])))]));
    resolved(&mut scene, &Files::new(&[("/lab/part.json", assembly(named("after"), json!([])))]));
    assert_eq!(names(&scene), ["after"]);
}

#[test]
fn a_taken_id_of_an_instance_is_reported() {
    let own = json!([{"item_uuid": "d7c7df37-0123-5d69-9823-97af3d42c9bd"}]);
    let mut scene = scene(&assembly(own, json!([group("table", "part.json")])));
    let warnings = resolved(&mut scene, &Files::new(&[("/lab/part.json", assembly(named("laser"), json!([])))]));
    assert_eq!(warnings.len(), 1);
    assert!(scene.contains("d7c7df37-0123-5d69-9823-97af3d42c9bd#2"));
}

#[test]
fn links_in_linked_files_start_at_their_own_folder() {
    let inner = placed_group("inner", "../lens.json", (1.0, 0.0), 0.0);
    let files = Files::new(&[
        ("/lab/parts/arm.json", assembly(named("arm"), json!([inner]))),
        (
            "/lab/lens.json",
            assembly(json!([{"item_uuid": "lens", "name": "lens", "x_mm": 2.0, "y_mm": 0.0}]), json!([])),
        ),
    ]);
    let nodes = json!([placed_group("g", "parts/arm.json", (0.0, 10.0), 90.0)]);
    let mut scene = scene(&assembly(json!([]), nodes));
    assert!(resolved(&mut scene, &files).is_empty());
    assert_eq!(names(&scene), ["arm", "lens"]);
    // (2, 0) moves to (3, 0) in the arm, which turns to (0, 3) and moves to (0, 13).
    assert_near(&numbers(&scene, "lens", &["x_mm", "y_mm"]), &[0.0, 13.0]);
}

#[test]
fn what_is_hidden_in_a_file_stays_hidden_and_a_hidden_link_hides_all() {
    let nodes = json!([
        {"uuid": "a", "type": "item", "visible": false},
        {"uuid": "inner", "type": "group", "visible": false, "link_metadata": {"source_path": "inner.json"}}
    ]);
    let items = json!([{"item_uuid": "a", "name": "a"}, {"item_uuid": "b", "name": "b"}]);
    let files = Files::new(&[
        ("/lab/part.json", assembly(items, nodes)),
        ("/lab/inner.json", assembly(named("deep"), json!([]))),
    ]);
    let hidden = |scene: &Scene| -> Vec<String> {
        let ids = scene.hidden_items();
        let hidden = scene.linked_items().filter(|item| ids.contains(item.id()));
        hidden.map(|item| item.get("name").unwrap().as_str().unwrap().to_owned()).collect()
    };
    let mut scene = linked_to("part.json");
    resolved(&mut scene, &files);
    assert_eq!(names(&scene), ["a", "b", "deep"]);
    assert_eq!(hidden(&scene), ["a", "deep"]);

    let above = json!([{"uuid": "bench", "type": "group", "visible": false, "children": [group("g", "part.json")]}]);
    let layers = json!({"version": 1, "nodes": above});
    scene.apply(&Edit::SetDocument { changes: vec![PropertyChange::set("layer_state", layers)] }).unwrap();
    assert_eq!(hidden(&scene), ["a", "b", "deep"]);
}

#[test]
fn the_app_may_list_a_linked_item_in_the_layers() {
    let nodes = json!([{"uuid": "table", "type": "group", "link_metadata": {"source_path": "part.json"}, "children": [
        {"uuid": "d7c7df37-0123-5d69-9823-97af3d42c9bd", "type": "item", "visible": false}
    ]}]);
    let mut scene = scene(&assembly(json!([]), nodes));
    resolved(&mut scene, &Files::new(&[("/lab/part.json", assembly(named("laser"), json!([])))]));
    assert!(scene.hidden_items().contains("d7c7df37-0123-5d69-9823-97af3d42c9bd"));
}

#[test]
fn cycles_are_refused_with_the_files_they_pass() {
    let files = Files::new(&[
        ("/lab/a.json", assembly(json!([]), json!([group("h", "sub/../b.json")]))),
        ("/lab/b.json", assembly(json!([]), json!([group("i", "@assembly/main.json")]))),
        ("/lab/self.json", assembly(json!([]), json!([group("h", "self.json")]))),
    ]);
    let mut scene = linked_to("a.json");
    let error = scene.resolve_links(&files, Some("/lab/./main.json")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "linked assemblies form a cycle: /lab/main.json → /lab/a.json → /lab/b.json → /lab/main.json"
    );
    let mut scene = linked_to("self.json");
    let error = scene.resolve_links(&files, Some("/lab/main.json")).unwrap_err();
    let chain = ["/lab/main.json", "/lab/self.json", "/lab/self.json"].map(str::to_owned).to_vec();
    assert_eq!(error, LinkError::Cycle { chain });
}

#[test]
fn an_error_leaves_the_linked_items_as_they_were() {
    let mut scene = linked_to("part.json");
    resolved(&mut scene, &Files::new(&[("/lab/part.json", assembly(named("a"), json!([])))]));
    let files = Files::new(&[("/lab/part.json", assembly(named("b"), json!([group("h", "part.json")])))]);
    scene.resolve_links(&files, Some("/lab/main.json")).unwrap_err();
    assert_eq!(names(&scene), ["a"]);
}

#[test]
fn links_nest_to_a_limit() {
    /// A chain of files 1, 2, …, the last of which holds an item.
    fn chain(links: usize) -> Files {
        let mut files = Files::default();
        for index in 1..=links {
            let nodes = if index < links { json!([group("g", &format!("{}.json", index + 1))]) } else { json!([]) };
            let text = assembly(named(&index.to_string()), nodes).to_string();
            files.texts.insert(format!("/lab/{index}.json"), text);
        }
        files
    }
    let mut scene = linked_to("1.json");
    assert!(resolved(&mut scene, &chain(MAX_LINK_DEPTH)).is_empty());
    assert_eq!(names(&scene), ["1", "2", "3", "4", "5"]);
    let error = linked_to("1.json").resolve_links(&chain(MAX_LINK_DEPTH + 1), Some("/lab/main.json")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "linked assemblies are nested more than 5 levels deep: \
         /lab/main.json → /lab/1.json → /lab/2.json → /lab/3.json → /lab/4.json → /lab/5.json → /lab/6.json"
    );
}

fn with_cache(path: &str, snapshot: &Value) -> Scene {
    let mut document = assembly(named("own"), json!([group("g", path)]));
    document["linked_assembly_cache"] = json!({"g": {"source_hash": "sha256:0", "snapshot": snapshot}});
    scene(&document)
}

#[test]
fn a_missing_file_falls_back_on_the_cached_copy() {
    let mut scene = with_cache("part.json", &assembly(named("cached"), json!([])));
    assert_eq!(
        resolved(&mut scene, &Files::default()),
        [
            "link g to part.json: the file /lab/part.json cannot be read (no such file); the cached copy is shown instead"
        ]
    );
    assert_eq!(names(&scene), ["cached"]);
}

#[test]
fn a_damaged_file_falls_back_on_the_cached_copy() {
    let mut scene = with_cache("part.json", &assembly(named("cached"), json!([])));
    let files = Files::new(&[("/lab/part.json", json!({"items": 7}))]);
    assert_eq!(
        resolved(&mut scene, &files),
        ["link g to part.json: the file /lab/part.json is not an assembly (items is the number 7, expected a list of \
          objects); the cached copy is shown instead"]
    );
    assert_eq!(names(&scene), ["cached"]);
}

#[test]
fn without_a_copy_the_rest_of_the_scene_is_there() {
    let mut scene = scene(&assembly(named("own"), json!([group("g", "part.json"), group("h", "other.json")])));
    let files = Files::new(&[("/lab/other.json", assembly(named("other"), json!([])))]);
    assert_eq!(
        resolved(&mut scene, &files),
        [
            "link g to part.json: the file /lab/part.json cannot be read (no such file); there is no cached copy, so its \
          items are missing"
        ]
    );
    assert_eq!((scene.len(), names(&scene)), (1, vec!["other"]));
    let mut scene = with_cache("part.json", &json!({"items": 7}));
    let warnings = resolved(&mut scene, &Files::default());
    assert!(warnings[0].ends_with(
        "the cached copy cannot be used (items is the number 7, expected a list of objects), so its items are missing"
    ));
    assert_eq!(names(&scene).len(), 0);
}

#[test]
fn warnings_of_linked_files_name_the_file() {
    let mut scene = linked_to("part.json");
    let files = Files::new(&[("/lab/part.json", json!({"items": [{"item_uuid": "a"}, {"item_uuid": "a"}]}))]);
    assert_eq!(
        resolved(&mut scene, &files),
        ["/lab/part.json: items[1]: the id a is taken by an earlier item; this one is called a#2"]
    );
    assert_eq!(scene.linked_items().count(), 2);
}

#[test]
fn a_scene_without_a_path_has_only_absolute_links() {
    let files = Files::new(&[("/lab/part.json", assembly(named("a"), json!([])))]);
    let mut scene = linked_to("/lab/part.json");
    assert!(scene.resolve_links(&files, None).unwrap().is_empty());
    assert_eq!(names(&scene), ["a"]);
    for path in ["part.json", "@assembly/part.json"] {
        let warnings = linked_to(path).resolve_links(&files, None).unwrap();
        assert!(warnings[0].message().contains("cannot be followed, since the file it stands in has no path"));
    }
}

#[test]
fn only_groups_are_links() {
    let node = json!({"uuid": "i", "type": "item", "link_metadata": {"source_path": "part.json"}});
    let mut scene = scene(&assembly(json!([]), json!([node])));
    let files = Files::new(&[("/lab/part.json", assembly(named("a"), json!([])))]);
    assert!(resolved(&mut scene, &files).is_empty());
    assert!(files.read.borrow().is_empty());
}
