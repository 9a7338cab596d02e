//! Any bytes are refused or read; what is read comes back the same, and edits can be taken back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use optiverse_core::scene::{AssemblyFiles, Edit, FileError, Item, PropertyChange, Scene};

/// Items edited for one input; more would only slow the search.
const EDITED_ITEMS: usize = 6;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(mut scene) = Scene::from_json(text) else { return };
    let written = scene.to_json();
    let again = Scene::from_json(&written).expect("what was written can be read");
    assert!(scene.items().eq(again.items()), "the items are the same");
    assert!(scene.document_properties().eq(again.document_properties()), "the document is the same");
    assert_eq!(written, again.to_json());

    edit_and_undo(&mut scene, &written);
    resolve_links_to_itself(&mut scene, text, &written);
});

fn edit_and_undo(scene: &mut Scene, written: &str) {
    let mut undo = Vec::new();
    let items: Vec<Item> = scene.items().take(EDITED_ITEMS).cloned().collect();
    for item in &items {
        let id = || item.id().clone();
        let some_key = item.properties().keys().last().cloned().unwrap_or_default();
        let edits = [
            Edit::Move { id: id(), x_mm: 1.5, y_mm: f64::NAN },
            Edit::Set {
                id: id(),
                changes: vec![PropertyChange::remove(some_key), PropertyChange::set("name", "renamed")],
            },
            Edit::Remove { id: id() },
            Edit::Add { item: item.clone(), position: Some(0) },
        ];
        undo.extend(edits.iter().filter_map(|edit| scene.apply(edit).ok()));
        let before = scene.to_json();
        let twice = Edit::Remove { id: id() };
        scene.apply(&Edit::Batch(vec![twice.clone(), twice])).expect_err("an item can be removed once");
        assert_eq!(scene.to_json(), before, "a refused batch changes nothing");
    }
    let changes = scene.document_properties().map(|(key, _)| PropertyChange::remove(key)).collect();
    undo.extend(scene.apply(&Edit::SetDocument { changes }));
    for inverse in undo.iter().rev() {
        scene.apply(inverse).expect("an inverse applies");
    }
    assert_eq!(scene.to_json(), written, "inverses restore the text");
}

/// Every file a link can name is the input itself, under endless names.
struct Mirrors<'t>(&'t str);

impl AssemblyFiles for Mirrors<'_> {
    fn read(&self, path: &str) -> Result<String, FileError> {
        if path.len() % 5 == 0 {
            return Err(FileError::new("left out"));
        }
        Ok(self.0.to_owned())
    }
}

fn resolve_links_to_itself(scene: &mut Scene, text: &str, written: &str) {
    // Trees of links are cut off by the limits of the library; small ones keep the search fast.
    let links = scene.layers().walk().filter(|layer| layer.node.link.is_some()).count();
    if links > 3 {
        return;
    }
    let resolved = scene.resolve_links(&Mirrors(text), Some("folder/own.json"));
    for item in scene.linked_items() {
        assert_eq!(scene.get(item.id()), Some(item));
    }
    if resolved.is_err() {
        assert_eq!(scene.linked_items().count(), 0);
    }
    assert!(scene.hidden_items().iter().all(|id| scene.contains(id)));
    assert_eq!(scene.to_json(), written, "links are not written");
}
