//! The class `Item`.

use optiverse_core::scene::{self, ItemId, ItemKind};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyMapping};

use crate::error;
use crate::scene::Scene;
use crate::value;
use crate::views;

/// One item of a scene: a read-only mapping of its properties, in the order of the file.
///
/// It is live: it shows what the scene has now, and raises `UnknownItemError` once the item is removed. Lists and dicts in
/// it are copies; to change something, give it to `Scene.update`. `dict(item)` is a copy of all properties.
///
/// Attributes:
///     id: the id: the item's own, or its place such as `items[3]` where it has none.
///     section: the list of the document in which it stands, such as "items".
///     kind: "source", "component", "lens", "mirror", "beam splitter", "dichroic", "waveplate", "slm", "ruler", "text",
///         "rectangle", "path measure", or "other".
///     hidden: whether its layer or any group above hides it.
///     linked: whether a linked assembly brings it in; it is not saved and cannot be edited then.
#[pyclass(module = "optiverse_engine", frozen)]
pub(crate) struct Item {
    scene: Py<Scene>,
    id: ItemId,
}

impl Item {
    pub(crate) fn new(scene: &Bound<'_, Scene>, id: ItemId) -> Self {
        Item { scene: scene.clone().unbind(), id }
    }

    /// What `read` makes of the item as it is now.
    fn read<T>(&self, py: Python<'_>, read: impl FnOnce(&scene::Item) -> PyResult<T>) -> PyResult<T> {
        let snapshot = self.scene.get().snapshot();
        match snapshot.scene().get(&self.id) {
            Some(item) => read(item),
            None => Err(error::unknown_item(py, &self.id)),
        }
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        self.read(py, |item| {
            item.properties().iter().try_for_each(|(key, property)| dict.set_item(key, value::to_python(py, property)?))
        })?;
        Ok(dict)
    }
}

#[pymethods]
impl Item {
    #[getter]
    fn id(&self) -> &str {
        &self.id
    }

    #[getter]
    fn section(&self, py: Python<'_>) -> PyResult<&'static str> {
        self.read(py, |item| Ok(item.section().key()))
    }

    #[getter]
    fn kind(&self, py: Python<'_>) -> PyResult<&'static str> {
        self.read(py, |item| {
            Ok(match item.kind() {
                ItemKind::Source => "source",
                ItemKind::Component => "component",
                ItemKind::Lens => "lens",
                ItemKind::Mirror => "mirror",
                ItemKind::BeamSplitter => "beam splitter",
                ItemKind::Dichroic => "dichroic",
                ItemKind::Waveplate => "waveplate",
                ItemKind::Slm => "slm",
                ItemKind::Ruler => "ruler",
                ItemKind::Text => "text",
                ItemKind::Rectangle => "rectangle",
                ItemKind::PathMeasure => "path measure",
                ItemKind::Other => "other",
            })
        })
    }

    #[getter]
    fn hidden(&self, py: Python<'_>) -> PyResult<bool> {
        self.read(py, |_| Ok(self.scene.get().snapshot().hidden().contains(&self.id)))
    }

    #[getter]
    fn linked(&self, py: Python<'_>) -> PyResult<bool> {
        self.read(py, |_| Ok(self.scene.get().snapshot().is_linked(&self.id)))
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.read(py, |item| Ok(item.properties().len()))
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.read(py, |item| PyList::new(py, item.properties().keys())?.try_iter())
    }

    fn __contains__(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Ok(name) = key.extract::<String>() else { return Ok(false) };
        self.read(key.py(), |item| Ok(item.get(&name).is_some()))
    }

    fn __getitem__<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Bound<'py, PyAny>> {
        let found = self.read(py, |item| item.get(key).map(|property| value::to_python(py, property)).transpose())?;
        found.ok_or_else(|| PyKeyError::new_err(key.to_owned()))
    }

    /// The property `key`, or `default` where the item has none.
    #[pyo3(signature = (key, default = None, /))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = self.read(py, |item| item.get(key).map(|property| value::to_python(py, property)).transpose())?;
        Ok(found.or(default))
    }

    /// A view of the keys.
    fn keys<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        views::view_of(slf, "KeysView")
    }

    /// A view of the values.
    fn values<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        views::view_of(slf, "ValuesView")
    }

    /// A view of the pairs of key and value.
    fn items<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        views::view_of(slf, "ItemsView")
    }

    /// Whether `other` is a mapping of the same properties.
    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Ok(other) = other.cast::<PyMapping>() else { return Ok(false) };
        let dict = PyDict::new(py);
        dict.update(other)?;
        self.to_dict(py)?.eq(dict)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<Item {:?}: {}>", self.id.as_str(), self.to_dict(py)?.repr()?))
    }
}
