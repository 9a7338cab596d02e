//! Edits: changes of a scene as a value.

use std::ffi::c_char;
use std::sync::Mutex;

use optiverse_core::scene::{self, ItemId, PropertyChange, Section, Value, property};

use crate::border;
use crate::handle::{self, lock, object};
use crate::result::{Failure, ResultCode};

/// For `optiverse_edit_add`: the item goes to the end of its list. In C it is `SIZE_MAX`.
///
/// cbindgen:ignore
pub const AT_END: usize = usize::MAX;

/// Changes of a scene, in order. What is given to the functions that add to it is checked for its form at once; whether the
/// scene takes it is found out when it is applied.
pub struct Edit {
    edits: Mutex<scene::Edit>,
}

object!(Edit, "optiverse_edit", 4);

impl From<scene::Edit> for Edit {
    fn from(edit: scene::Edit) -> Edit {
        // Always a batch, to which more can be added.
        let batch = match edit {
            scene::Edit::Batch(edits) => scene::Edit::Batch(edits),
            single => scene::Edit::Batch(vec![single]),
        };
        Edit { edits: Mutex::new(batch) }
    }
}

impl Edit {
    pub(crate) fn with<T>(&self, read: impl FnOnce(&scene::Edit) -> Result<T, Failure>) -> Result<T, Failure> {
        read(&*lock(&self.edits)?)
    }

    fn change(&self, change: impl FnOnce(&mut Vec<scene::Edit>)) -> Result<(), Failure> {
        if let scene::Edit::Batch(edits) = &mut *lock(&self.edits)? {
            change(edits);
        }
        Ok(())
    }

    fn push(&self, edit: scene::Edit) -> Result<(), Failure> {
        self.change(|edits| edits.push(edit))
    }
}

/// Makes an edit without changes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_edit_new(edit: *mut *mut Edit) -> ResultCode {
    border::call(|| {
        let out = border::output(edit, "edit")?;
        border::give(out, Edit::from(scene::Edit::Batch(Vec::new())))
    })
}

/// Frees an edit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_edit_free(edit: *mut Edit) -> ResultCode {
    border::call(|| handle::free(edit, "edit"))
}

/// Takes all changes out of an edit, so that it can be used anew.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_edit_clear(edit: *mut Edit) -> ResultCode {
    border::call(|| handle::get(edit, "edit")?.change(Vec::clear))
}

/// Adds: an item is put at a position in mm, y up. A ruler is shifted as a whole so that its first point comes to lie there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_edit_move(edit: *mut Edit, id: *const c_char, x_mm: f64, y_mm: f64) -> ResultCode {
    border::call(|| {
        let edit = handle::get(edit, "edit")?;
        edit.push(scene::Edit::Move { id: item_id(id)?, x_mm, y_mm })
    })
}

/// Adds: a property gets a number. A key that is there keeps its place, a new one comes last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_edit_set_number(
    edit: *mut Edit,
    id: *const c_char,
    key: *const c_char,
    number: f64,
) -> ResultCode {
    border::call(|| {
        let edit = handle::get(edit, "edit")?;
        set(&edit, id, key, property::from_f64(number))
    })
}

/// Adds: a property gets a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_edit_set_text(
    edit: *mut Edit,
    id: *const c_char,
    key: *const c_char,
    text: *const c_char,
) -> ResultCode {
    border::call(|| {
        let edit = handle::get(edit, "edit")?;
        set(&edit, id, key, Value::from(border::c_text(text, "text")?))
    })
}

/// Adds: a property gets a value, given as JSON. If `id` is null it is a property of the document, such as `layer_state`.
///
/// Codes: `JSON_SYNTAX`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_edit_set_json(
    edit: *mut Edit,
    id: *const c_char,
    key: *const c_char,
    json: *const c_char,
) -> ResultCode {
    border::call(|| {
        let edit = handle::get(edit, "edit")?;
        set(&edit, id, key, property::from_json(border::c_text(json, "json")?)?)
    })
}

/// Adds: a property is removed; if `id` is null, one of the document. One that is not there is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_edit_unset(edit: *mut Edit, id: *const c_char, key: *const c_char) -> ResultCode {
    border::call(|| {
        let edit = handle::get(edit, "edit")?;
        change(&edit, id, PropertyChange::remove(border::c_text(key, "key")?))
    })
}

/// Adds: a new item, given as a JSON object with its `item_uuid` (in "components" and "sources", `id` will do).
///
/// `section` is the list it goes to, such as "items", and `position` its place there, counted from 0, or
/// `OPTIVERSE_AT_END`.
///
/// Codes: `JSON_SYNTAX`, `SCENE_FORM` (the JSON is no object), `ITEM_ID`, `INVALID_ARGUMENT` (there is no such list).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_edit_add(
    edit: *mut Edit,
    section: *const c_char,
    json: *const c_char,
    position: usize,
) -> ResultCode {
    border::call(|| {
        let edit = handle::get(edit, "edit")?;
        let name = border::c_text(section, "section")?;
        let section = Section::from_key(name).ok_or_else(|| {
            let known: Vec<&str> = Section::ALL.iter().map(|section| section.key()).collect();
            Failure::argument("section", format!("{name:?}"), &format!("one of {}", known.join(", ")))
        })?;
        let Value::Object(properties) = property::from_json(border::c_text(json, "json")?)? else {
            let message = "the properties of a new item are not a JSON object";
            return Err(Failure::new(ResultCode::SceneForm, message).at_key("json"));
        };
        let item = scene::Item::new(section, properties)?;
        edit.push(scene::Edit::Add { item, position: (position != AT_END).then_some(position) })
    })
}

/// Adds: an item is removed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_edit_remove(edit: *mut Edit, id: *const c_char) -> ResultCode {
    border::call(|| {
        let edit = handle::get(edit, "edit")?;
        edit.push(scene::Edit::Remove { id: item_id(id)? })
    })
}

unsafe fn item_id(id: *const c_char) -> Result<ItemId, Failure> {
    Ok(ItemId::from(border::c_text(id, "id")?))
}

unsafe fn set(edit: &Edit, id: *const c_char, key: *const c_char, value: Value) -> Result<(), Failure> {
    change(edit, id, PropertyChange::set(border::c_text(key, "key")?, value))
}

/// A change of an item's property, or, without an id, of the document's.
unsafe fn change(edit: &Edit, id: *const c_char, change: PropertyChange) -> Result<(), Failure> {
    let changes = vec![change];
    if id.is_null() {
        return edit.push(scene::Edit::SetDocument { changes });
    }
    edit.push(scene::Edit::Set { id: item_id(id)?, changes })
}
