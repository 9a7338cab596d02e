//! The class `Edit`.

use optiverse_core::scene::{self, ItemError, ItemId, MAX_BATCH_NESTING, PropertyChange, Section, Value};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error;
use crate::value;

/// A change of a scene, as a value: `Scene.apply` makes it and returns the edit that takes it back.
///
/// Edits are made by the static methods. Nothing is checked against a scene before one of them is applied.
///
/// Attributes:
///     kind: "add", "remove", "set" (values given or removed), "move", "document", or "batch".
///     items: the ids of the items that it names, each once, in the order of their first mention.
#[pyclass(module = "optiverse_engine", frozen, eq)]
#[derive(Clone, PartialEq)]
pub(crate) struct Edit {
    inner: scene::Edit,
}

impl From<scene::Edit> for Edit {
    fn from(inner: scene::Edit) -> Self {
        Edit { inner }
    }
}

impl Edit {
    pub(crate) fn inner(&self) -> &scene::Edit {
        &self.inner
    }
}

#[pymethods]
impl Edit {
    /// Adds an item to a list of the document.
    ///
    /// Args:
    ///     properties: a mapping, as in the file format: `_type` is "source" or "component" in the list `items`.
    ///     section: the key of the list.
    ///     position: its place in the list, counted from 0; None is the end.
    ///     **more: further properties; they win over those of the mapping.
    ///
    /// Where there is no `item_uuid` (in `components` and `sources` also: no `id`), a random UUID is given, at once.
    ///
    /// Raises:
    ///     EditError: the id is not a text, or the section is not known.
    ///     PropertyTypeError: a value is of a type that JSON does not have.
    #[staticmethod]
    #[pyo3(signature = (properties = None, /, *, section = "items", position = None, **more))]
    fn add(
        py: Python<'_>,
        properties: Option<&Bound<'_, PyAny>>,
        section: &str,
        position: Option<usize>,
        more: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        Ok(Edit::from(scene::Edit::Add { item: new_item(py, properties, section, more)?, position }))
    }

    /// Removes an item.
    #[staticmethod]
    #[pyo3(signature = (id, /))]
    fn remove(id: &str) -> Self {
        Edit::from(scene::Edit::Remove { id: ItemId::from(id) })
    }

    /// Gives properties of an item new values.
    ///
    /// Raises:
    ///     PropertyTypeError: a value is of a type that JSON does not have.
    #[staticmethod]
    #[pyo3(signature = (id, changes = None, /, **more))]
    fn update(id: &str, changes: Option<&Bound<'_, PyAny>>, more: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        setting(id, changes, more).map(Edit::from)
    }

    /// Removes properties of an item; a key that it does not have is left alone.
    #[staticmethod]
    #[pyo3(signature = (id, /, *keys))]
    fn unset(id: &str, keys: Vec<String>) -> Self {
        Edit::from(unsetting(id, keys))
    }

    /// Puts an item at a position in mm, y up; a ruler is shifted so that its first point comes to lie there.
    #[staticmethod]
    #[pyo3(name = "move", signature = (id, /, x_mm, y_mm))]
    fn move_to(id: &str, x_mm: f64, y_mm: f64) -> Self {
        Edit::from(scene::Edit::Move { id: ItemId::from(id), x_mm, y_mm })
    }

    /// Gives top-level values of the document, such as `layer_state`, new values. Sessions do not share them.
    ///
    /// Raises:
    ///     PropertyTypeError: a value is of a type that JSON does not have.
    #[staticmethod]
    #[pyo3(signature = (changes = None, /, **more))]
    fn update_document(changes: Option<&Bound<'_, PyAny>>, more: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Ok(Edit::from(scene::Edit::SetDocument { changes: values(changes, more)? }))
    }

    /// Removes top-level values of the document.
    #[staticmethod]
    #[pyo3(signature = (*keys))]
    fn unset_document(keys: Vec<String>) -> Self {
        Edit::from(scene::Edit::SetDocument { changes: removals(keys) })
    }

    /// Several edits in order, all or none of them.
    ///
    /// Raises:
    ///     EditError: batches are nested in batches more than 16 levels deep.
    #[staticmethod]
    #[pyo3(signature = (edits, /))]
    fn batch(py: Python<'_>, edits: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut parts = Vec::new();
        for edit in edits.try_iter()? {
            parts.push(edit?.cast::<Edit>()?.get().inner.clone());
        }
        let batch = scene::Edit::Batch(parts);
        // Said here and not when it is applied, so that no depth can exhaust the stack.
        if batch_depth(&batch) > MAX_BATCH_NESTING {
            return Err(error::edit_error(py, &scene::EditError::BatchNesting));
        }
        Ok(Edit::from(batch))
    }

    #[getter]
    fn kind(&self) -> &'static str {
        match &self.inner {
            scene::Edit::Add { .. } => "add",
            scene::Edit::Remove { .. } => "remove",
            scene::Edit::Set { .. } => "set",
            scene::Edit::Move { .. } => "move",
            scene::Edit::SetDocument { .. } => "document",
            scene::Edit::Batch(_) => "batch",
        }
    }

    #[getter]
    fn items(&self) -> Vec<&str> {
        let mut ids = Vec::new();
        collect_ids(&self.inner, &mut ids);
        let mut seen = std::collections::HashSet::new();
        ids.retain(|id| seen.insert(*id));
        ids
    }

    fn __repr__(&self) -> String {
        let ids = self.items();
        let named = if ids.len() > 3 { format!("{} items", ids.len()) } else { ids.join(", ") };
        format!("<Edit {}{}{named}>", self.kind(), if named.is_empty() { "" } else { ": " })
    }
}

fn batch_depth(edit: &scene::Edit) -> usize {
    match edit {
        scene::Edit::Batch(parts) => 1 + parts.iter().map(batch_depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn collect_ids<'e>(edit: &'e scene::Edit, into: &mut Vec<&'e str>) {
    match edit {
        scene::Edit::Add { item, .. } => into.push(item.id()),
        scene::Edit::Remove { id } | scene::Edit::Set { id, .. } | scene::Edit::Move { id, .. } => into.push(id),
        scene::Edit::SetDocument { .. } => {}
        scene::Edit::Batch(parts) => parts.iter().for_each(|part| collect_ids(part, into)),
    }
}

/// An item of these properties, with a random id where it has none.
pub(crate) fn new_item(
    py: Python<'_>,
    properties: Option<&Bound<'_, PyAny>>,
    section: &str,
    more: Option<&Bound<'_, PyDict>>,
) -> PyResult<scene::Item> {
    let Some(section) = Section::from_key(section) else {
        let known: Vec<&str> = Section::ALL.iter().map(|section| section.key()).collect();
        let message = format!("section is {section:?}, expected one of {}", known.join(", "));
        return Err(error::edit_refused(py, message, "section"));
    };
    let mut properties = value::properties(properties, more)?;
    let item = match scene::Item::new(section, properties.clone()) {
        Err(ItemError::NoId { key, .. }) => {
            let uuid: String = py.import("uuid")?.call_method0("uuid4")?.str()?.extract()?;
            properties.insert(key.to_owned(), Value::String(uuid));
            scene::Item::new(section, properties)
        }
        other => other,
    };
    item.map_err(|error| error::item_error(py, &error))
}

/// The edit that gives an item these values.
pub(crate) fn setting(
    id: &str,
    changes: Option<&Bound<'_, PyAny>>,
    more: Option<&Bound<'_, PyDict>>,
) -> PyResult<scene::Edit> {
    Ok(scene::Edit::Set { id: ItemId::from(id), changes: values(changes, more)? })
}

/// The edit that takes these properties from an item.
pub(crate) fn unsetting(id: &str, keys: Vec<String>) -> scene::Edit {
    scene::Edit::Set { id: ItemId::from(id), changes: removals(keys) }
}

fn values(changes: Option<&Bound<'_, PyAny>>, more: Option<&Bound<'_, PyDict>>) -> PyResult<Vec<PropertyChange>> {
    let properties = value::properties(changes, more)?;
    Ok(properties.into_iter().map(|(key, value)| PropertyChange::set(key, value)).collect())
}

fn removals(keys: Vec<String>) -> Vec<PropertyChange> {
    keys.into_iter().map(PropertyChange::remove).collect()
}
