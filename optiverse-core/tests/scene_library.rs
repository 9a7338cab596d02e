//! Component libraries: records, and items made from them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "in the helpers of a test a failure ends the test, as it should")]

use optiverse_core::scene::{ComponentRecord, Edit, ItemKind, Library, Scene, Section};
use serde_json::{Value, json};

const LENS: &str = r#"{
  "name": "Plano-convex 75 mm",
  "category": "lenses",
  "image_path": "images/lens.png",
  "object_height_mm": 30.50,
  "angle_deg": 90,
  "interfaces": [
    {
      "x1_mm": 0.0,
      "y1_mm": 15.25,
      "x2_mm": 0.0,
      "y2_mm": -15.25,
      "element_type": "lens",
      "efl_mm": 75
    }
  ],
  "vendor": {
    "part": "L-75"
  }
}"#;

fn record(properties: &Value) -> ComponentRecord {
    ComponentRecord::from_json("part", &properties.to_string()).unwrap()
}

#[test]
fn a_record_comes_back_byte_by_byte() {
    let record = ComponentRecord::from_json("lens_75", LENS).unwrap();
    assert_eq!(record.to_json(), LENS);
    assert_eq!(
        (record.slug(), record.name(), record.category()),
        ("lens_75", Some("Plano-convex 75 mm"), Some("lenses"))
    );
    assert!(record.warnings().is_empty() && !record.is_decoration());
}

#[test]
fn a_record_that_is_no_object_is_refused() {
    let refused = |text| ComponentRecord::from_json("part", text).unwrap_err().to_string();
    assert_eq!(refused("[]"), "the component is a list of 0, expected an object");
    assert!(refused("{").starts_with("the text is not valid JSON at line 1, column 2"));
    let repeated = ComponentRecord::from_json("part", r#"{"name": 1, "name": 2}"#).unwrap();
    assert_eq!(repeated.warnings().len(), 1);
}

#[test]
fn decorations_have_no_interfaces_or_are_background() {
    assert!(record(&json!({})).is_decoration());
    assert!(record(&json!({"interfaces": []})).is_decoration());
    assert!(record(&json!({"interfaces": null})).is_decoration());
    assert!(record(&json!({"interfaces": [{}], "category": "Background"})).is_decoration());
    assert!(!record(&json!({"interfaces": [{}]})).is_decoration());
    assert!(!record(&json!({"interfaces": "odd"})).is_decoration());
}

#[test]
fn a_placed_component_has_all_of_the_record() {
    let item = ComponentRecord::from_json("lens_75", LENS).unwrap().place(10.0, -5.5, 45.0, "l1").unwrap();
    assert_eq!((item.id().as_str(), item.kind(), item.section()), ("l1", ItemKind::Component, Section::Items));
    let text = serde_json::to_string(item.properties()).unwrap();
    assert_eq!(
        text,
        r#"{"name":"Plano-convex 75 mm","category":"lenses","image_path":"@component/lens_75/images/lens.png","object_height_mm":30.50,"angle_deg":45.0,"interfaces":[{"x1_mm":0.0,"y1_mm":15.25,"x2_mm":0.0,"y2_mm":-15.25,"element_type":"lens","efl_mm":75}],"vendor":{"part":"L-75"},"_type":"component","item_uuid":"l1","x_mm":10.0,"y_mm":-5.5,"mm_per_pixel":0.0305}"#
    );
    let mut scene = Scene::new();
    scene.apply(&Edit::Add { item, position: None }).unwrap();
    assert!(scene.contains("l1"));
}

#[test]
fn placing_states_what_scenes_take_otherwise() {
    let item = record(&json!({"interfaces": [{}]})).place(0.0, 0.0, 0.0, "a").unwrap();
    assert_eq!(item.get("object_height_mm"), Some(&json!(25.4)));
    assert_eq!(item.get("mm_per_pixel"), Some(&json!(0.0254)));
    let scaled = record(&json!({"mm_per_pixel": 2})).place(0.0, 0.0, 0.0, "a").unwrap();
    assert_eq!(scaled.get("mm_per_pixel"), Some(&json!(2)));
    let odd = record(&json!({"object_height_mm": "tall"})).place(0.0, 0.0, 0.0, "a").unwrap();
    assert_eq!((odd.get("object_height_mm"), odd.get("mm_per_pixel")), (Some(&json!("tall")), None));
    let background = record(&json!({"interfaces": [{}], "category": "background"})).place(0.0, 0.0, 0.0, "a").unwrap();
    assert_eq!(background.get("interfaces"), Some(&json!([])));
    assert!(record(&json!({})).place(0.0, 0.0, 0.0, "").is_err());
}

#[test]
fn only_pictures_of_the_own_folder_are_renamed() {
    for path in ["", "@library/user/a.png", "/pictures/a.png", "C:\\a.png", "\\\\server\\a.png"] {
        let item = record(&json!({"image_path": path})).place(0.0, 0.0, 0.0, "a").unwrap();
        assert_eq!(item.get("image_path"), Some(&json!(path)));
    }
}

#[test]
fn a_library_holds_one_record_for_each_slug() {
    let mut library = Library::new();
    assert!(library.is_empty());
    assert!(library.insert(record(&json!({"name": "old"}))).is_none());
    assert_eq!(library.insert(record(&json!({"name": "new"}))).unwrap().name(), Some("old"));
    assert_eq!((library.len(), library.get("part").unwrap().name()), (1, Some("new")));
    assert!(library.get("nothing").is_none());
    assert_eq!(library.records().len(), 1);
}

#[cfg(feature = "fs")]
mod on_disk {
    use std::fs;
    use std::path::PathBuf;

    use optiverse_core::scene::{Library, LocalFiles, Scene};

    use super::LENS;

    /// A folder of its own for one test, removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("optiverse-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Folder(path)
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn path(&self, path: &str) -> String {
            self.0.join(path).to_str().unwrap().to_owned()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_library_folder_is_read_in_order_and_problems_are_named() {
        let folder = Folder::new("library");
        folder.write("b_lens/component.json", LENS);
        folder.write("a_mirror/component.json", r#"{"name": "Mirror"}"#);
        folder.write("broken/component.json", "{");
        folder.write("not_a_component/readme.txt", "");
        folder.write("loose.json", "{}");
        let (library, problems) = Library::read_folder(&folder.0).unwrap();
        let slugs: Vec<&str> = library.records().map(|record| record.slug()).collect();
        assert_eq!(slugs, ["a_mirror", "b_lens"]);
        assert_eq!(problems.len(), 1);
        let problem = problems[0].to_string();
        assert!(
            problem.contains("broken") && problem.contains("is not a component: the text is not valid JSON"),
            "{problem}"
        );
        let missing = Library::read_folder(&folder.0.join("missing")).unwrap_err().to_string();
        assert!(missing.contains("missing cannot be read"), "{missing}");
    }

    #[test]
    fn linked_files_are_read_from_the_disk() {
        let folder = Folder::new("links");
        let link = |path: &str| {
            format!(
                r#"{{"layer_state": {{"version": 1, "nodes": [
                    {{"uuid": "g", "type": "group", "link_metadata": {{"source_path": "{path}"}}}}]}}}}"#
            )
        };
        folder.write("parts/part.json", r#"{"items": [{"item_uuid": "a"}]}"#);
        folder.write("main.json", &link("@assembly/parts/part.json"));
        let own_path = folder.path("main.json");
        let mut scene = Scene::from_json(&fs::read_to_string(&own_path).unwrap()).unwrap();
        assert!(scene.resolve_links(&LocalFiles, Some(&own_path)).unwrap().is_empty());
        assert_eq!(scene.linked_items().count(), 1);

        let mut scene = Scene::from_json(&link("gone.json")).unwrap();
        let warnings = scene.resolve_links(&LocalFiles, Some(&own_path)).unwrap();
        assert!(warnings[0].message().contains("gone.json cannot be read"), "{}", warnings[0]);
    }

    #[cfg(unix)]
    #[test]
    fn a_cycle_through_a_symbolic_link_is_found() {
        let folder = Folder::new("symbolic");
        folder.write(
            "main.json",
            r#"{"layer_state": {"version": 1, "nodes": [
                {"uuid": "g", "type": "group", "link_metadata": {"source_path": "other.json"}}]}}"#,
        );
        std::os::unix::fs::symlink(folder.0.join("main.json"), folder.0.join("other.json")).unwrap();
        let own_path = folder.path("main.json");
        let mut scene = Scene::from_json(&fs::read_to_string(&own_path).unwrap()).unwrap();
        let error = scene.resolve_links(&LocalFiles, Some(&own_path)).unwrap_err().to_string();
        assert!(error.starts_with("linked assemblies form a cycle"), "{error}");
    }
}
