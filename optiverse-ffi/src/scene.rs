//! Scenes: reading, writing, and looking at single values.

use std::ffi::c_char;
use std::path::Path;
use std::sync::Mutex;

use optiverse_core::scene::{self, SceneWarning, Value, property};

use crate::border;
use crate::edit::Edit;
use crate::handle::{self, lock, object};
use crate::result::{Failure, ResultCode};
use crate::text::Text;

/// A layout: items by id, read and written without loss.
pub struct Scene {
    state: Mutex<State>,
}

struct State {
    scene: scene::Scene,
    warnings: Vec<String>,
}

object!(Scene, "optiverse_scene", 2);

impl Scene {
    pub(crate) fn new(scene: scene::Scene, warnings: &[SceneWarning]) -> Scene {
        let warnings = warnings.iter().map(ToString::to_string).collect();
        Scene { state: Mutex::new(State { scene, warnings }) }
    }

    pub(crate) fn with<T>(&self, read: impl FnOnce(&scene::Scene) -> Result<T, Failure>) -> Result<T, Failure> {
        read(&lock(&self.state)?.scene)
    }
}

/// Makes an empty scene: an assembly of version "2.0" without items.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_scene_new(scene: *mut *mut Scene) -> ResultCode {
    border::call(|| {
        let out = border::output(scene, "scene")?;
        border::give(out, Scene::new(scene::Scene::new(), &[]))
    })
}

/// Reads a scene from JSON text: an assembly, an older file with separate lists, or a flat scene.
///
/// `path` is the file the text comes from, in whose folder linked assemblies are looked for. If it is null no file is
/// read, and links show the copies that the text holds. `text` is UTF-8 and needs no NUL at its end.
///
/// Codes: `JSON_SYNTAX`, `SCENE_FORM`, `NESTING`, `LINK_CYCLE`, `LINK_LIMIT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_scene_parse(
    text: *const c_char,
    length: usize,
    path: *const c_char,
    scene: *mut *mut Scene,
) -> ResultCode {
    border::call(|| {
        let out = border::output(scene, "scene")?;
        let text = border::text(text, length, "text")?;
        let path = if path.is_null() { None } else { Some(Path::new(border::c_text(path, "path")?)) };
        let (scene, warnings) = scene::Scene::from_json_with_links(text, path)?;
        border::give(out, Scene::new(scene, &warnings))
    })
}

/// Reads a scene from a file, and the assemblies it links to.
///
/// Codes: those of `optiverse_scene_parse`, `FILE_NOT_FOUND`, `FILE_ERROR`, `INVALID_UTF8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_scene_load(path: *const c_char, scene: *mut *mut Scene) -> ResultCode {
    border::call(|| {
        let out = border::output(scene, "scene")?;
        let path = border::c_text(path, "path")?;
        let loaded = scene::Scene::load(Path::new(path));
        let (scene, warnings) = loaded.map_err(|error| Failure::from(error).within(path))?;
        border::give(out, Scene::new(scene, &warnings))
    })
}

/// Writes a scene to a file, whole or not at all: a crash leaves either the old file or the new one. Items of linked
/// assemblies are not part of it.
///
/// Codes: `FILE_NOT_FOUND` (there is no such folder), `FILE_ERROR`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_scene_save(scene: *const Scene, path: *const c_char) -> ResultCode {
    border::call(|| {
        let scene = handle::get(scene, "scene")?;
        let path = border::c_text(path, "path")?;
        scene.with(|scene| scene.save(Path::new(path)).map_err(|error| Failure::from(error).within(path)))
    })
}

/// Gives the scene as JSON text, as `optiverse_scene_save` writes it. The text is the caller's to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_scene_to_json(scene: *const Scene, json: *mut *mut Text) -> ResultCode {
    border::call(|| {
        let out = border::output(json, "json")?;
        let text = handle::get(scene, "scene")?.with(|scene| Ok(scene.to_json()))?;
        border::give(out, Text::from(text))
    })
}

/// Makes a scene of its own with the same content, linked items included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_scene_copy(scene: *const Scene, copy: *mut *mut Scene) -> ResultCode {
    border::call(|| {
        let out = border::output(copy, "copy")?;
        let original = handle::get(scene, "scene")?;
        let state = lock(&original.state)?;
        let state = State { scene: state.scene.clone(), warnings: state.warnings.clone() };
        border::give(out, Scene { state: Mutex::new(state) })
    })
}

/// Frees a scene. Systems that were compiled from it are not touched.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_scene_free(scene: *mut Scene) -> ResultCode {
    border::call(|| handle::free(scene, "scene"))
}

/// Gives what was odd about the text that the scene was read from, and about its links: one warning a line, empty where there
/// is none. The text is the caller's to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_scene_warnings(scene: *const Scene, warnings: *mut *mut Text) -> ResultCode {
    border::call(|| {
        let out = border::output(warnings, "warnings")?;
        let scene = handle::get(scene, "scene")?;
        let lines: String = lock(&scene.state)?.warnings.iter().map(|line| format!("{line}\n")).collect();
        border::give(out, Text::from(lines))
    })
}

/// Makes the changes of an edit, in order: all of them, or, if one is refused, none.
///
/// If `inverse` is not null, it gets a new edit, the caller's to free: applied next, it restores the scene to the byte.
///
/// Codes: `UNKNOWN_ITEM`, `REPEATED_ID`, `LINKED_ITEM`, `FIXED_KEY`, `POSITION`, `NOT_MOVABLE`, `NESTING`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_scene_apply(
    scene: *mut Scene,
    edit: *const Edit,
    inverse: *mut *mut Edit,
) -> ResultCode {
    border::call(|| {
        let out = border::optional_handle(inverse, "inverse")?;
        let scene = handle::get(scene, "scene")?;
        let edit = handle::get(edit, "edit")?;
        let applied = edit.with(|edit| Ok(lock(&scene.state)?.scene.apply(edit)?))?;
        border::give_if_wanted(out, || Edit::from(applied));
        Ok(())
    })
}

/// Gives the properties of an item, its own or a linked one's, as a JSON object. The text is the caller's to free.
///
/// Codes: `UNKNOWN_ITEM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_scene_item(
    scene: *const Scene,
    id: *const c_char,
    json: *mut *mut Text,
) -> ResultCode {
    border::call(|| {
        let out = border::output(json, "json")?;
        let id = border::c_text(id, "id")?;
        let text = handle::get(scene, "scene")?.with(|scene| Ok(property::to_json(item(scene, id)?.properties())))?;
        border::give(out, Text::from(text))
    })
}

/// Gives one property as JSON text: of an item, or, if `id` is null, of the document. The text is the caller's to free.
///
/// Codes: `UNKNOWN_ITEM`, `NO_PROPERTY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_scene_property(
    scene: *const Scene,
    id: *const c_char,
    key: *const c_char,
    json: *mut *mut Text,
) -> ResultCode {
    border::call(|| {
        let out = border::output(json, "json")?;
        let key = border::c_text(key, "key")?;
        let id = if id.is_null() { None } else { Some(border::c_text(id, "id")?) };
        let text = handle::get(scene, "scene")?.with(|scene| match id {
            Some(id) => property_of(scene, id, key).map(property::to_json),
            None => match scene.document_property(key) {
                Some(value) => Ok(property::to_json(value)),
                None => {
                    let message = format!("the document has no property `{key}`");
                    Err(Failure::new(ResultCode::NoProperty, message).at_key(key))
                }
            },
        })?;
        border::give(out, Text::from(text))
    })
}

/// Gives a number of an item, such as its `x_mm`. It is not finite where the file says so.
///
/// Codes: `UNKNOWN_ITEM`, `NO_PROPERTY` (also if it is not a number).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_scene_number(
    scene: *const Scene,
    id: *const c_char,
    key: *const c_char,
    number: *mut f64,
) -> ResultCode {
    border::call(|| {
        let out = border::output(number, "number")?;
        let id = border::c_text(id, "id")?;
        let key = border::c_text(key, "key")?;
        let number = handle::get(scene, "scene")?.with(|scene| {
            let value = property_of(scene, id, key)?;
            property::to_f64(value).ok_or_else(|| {
                let found = shortened(property::to_json(value));
                let message = format!("`{key}` of item {id} is {found}, expected a number");
                Failure::new(ResultCode::NoProperty, message).of_item(id).about(key, found)
            })
        })?;
        border::write(out, number);
        Ok(())
    })
}

fn item<'s>(scene: &'s scene::Scene, id: &str) -> Result<&'s scene::Item, Failure> {
    let unknown = || Failure::new(ResultCode::UnknownItem, format!("there is no item {id}")).of_item(id);
    scene.get(id).ok_or_else(unknown)
}

fn property_of<'s>(scene: &'s scene::Scene, id: &str, key: &str) -> Result<&'s Value, Failure> {
    item(scene, id)?.get(key).ok_or_else(|| {
        let message = format!("item {id} has no property `{key}`");
        Failure::new(ResultCode::NoProperty, message).of_item(id).at_key(key)
    })
}

/// At most 60 characters, so that a message stays readable.
fn shortened(text: String) -> String {
    match text.char_indices().nth(60) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use super::*;
    use crate::handle::tests::leave;

    #[test]
    fn an_edit_for_whose_inverse_there_is_no_handle_is_not_made() {
        let text = r#"{"items": [{"_type": "source", "item_uuid": "laser", "x_mm": 0.0}]}"#;
        let scene = handle::insert(Scene::new(scene::Scene::from_json(text).unwrap(), &[])).unwrap();
        let edit = scene::Edit::Move { id: "laser".into(), x_mm: 7.0, y_mm: 0.0 };
        let edit = handle::insert(Edit::from(edit)).unwrap();
        let x_mm = || {
            let mut x_mm = f64::NAN;
            // SAFETY: texts that end with a NUL, and a place of the right type.
            let code = unsafe { optiverse_scene_number(scene, c"laser".as_ptr(), c"x_mm".as_ptr(), &mut x_mm) };
            assert_eq!(code, ResultCode::Ok);
            x_mm
        };
        let apply = |inverse: *mut *mut Edit| {
            // SAFETY: a place of the right type, or none.
            unsafe { optiverse_scene_apply(scene, edit, inverse) }
        };
        let mut inverse = null_mut();

        leave(0);
        assert_eq!(apply(&mut inverse), ResultCode::TooManyHandles);
        assert_eq!((x_mm(), inverse), (0.0, null_mut()));
        // Without one no handle is needed.
        assert_eq!(apply(null_mut()), ResultCode::Ok);
        assert_eq!(x_mm(), 7.0);
        // The last one.
        leave(1);
        assert_eq!(apply(&mut inverse), ResultCode::Ok);
        assert!(!inverse.is_null());
        for edit in [edit, inverse] {
            handle::free(edit, "edit").unwrap();
        }
        handle::free(scene, "scene").unwrap();
    }
}
