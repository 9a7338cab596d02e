//! The protocols of `collections.abc`, so that our classes are seen as mappings.

use pyo3::PyTypeInfo;
use pyo3::prelude::*;
use pyo3::types::PyMapping;

/// Makes `isinstance(x, collections.abc.Mapping)` true.
pub(crate) fn register_mapping<T: PyTypeInfo>(py: Python<'_>) -> PyResult<()> {
    PyMapping::register::<T>(py)
}

/// A live view of a mapping: `KeysView`, `ValuesView` or `ItemsView`.
pub(crate) fn view_of<'py>(mapping: &Bound<'py, PyAny>, class: &str) -> PyResult<Bound<'py, PyAny>> {
    mapping.py().import("collections.abc")?.getattr(class)?.call1((mapping,))
}
