//! Numpy arrays over memory of a result, without a copy.
#![allow(unsafe_code, reason = "numpy is handed pointers; the two functions of this file are the only ones that do so")]

use numpy::ndarray::{ArrayView, Dimension, Ix1, Ix2};
use numpy::{Element, PyArray, PyArray1, PyArray2, PyArrayMethods};
use optiverse_core::trace::{Ending, RayId, RayPaths as CorePaths};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::ray_paths::RayPaths;

/// A read-only array of shape (n,) over numbers of `owner`, which it keeps alive.
pub(crate) fn shared_1d<'py, T: Element>(
    owner: &Bound<'py, RayPaths>,
    numbers: impl for<'a> FnOnce(&'a CorePaths) -> &'a [T],
) -> PyResult<Bound<'py, PyArray<T, Ix1>>> {
    let numbers = numbers(owner.get().core());
    shared(owner, ArrayView::from(numbers))
}

/// A read-only array of shape (n, `columns`) over numbers of `owner`, which it keeps alive.
pub(crate) fn shared_2d<'py, T: Element>(
    owner: &Bound<'py, RayPaths>,
    columns: usize,
    numbers: impl for<'a> FnOnce(&'a CorePaths) -> &'a [T],
) -> PyResult<Bound<'py, PyArray<T, Ix2>>> {
    let numbers = numbers(owner.get().core());
    let rows = numbers.len() / columns;
    let view = ArrayView::from_shape((rows, columns), numbers);
    shared(owner, view.map_err(|error| PyRuntimeError::new_err(error.to_string()))?)
}

/// The view must be of memory of `owner`; the two functions above see to it by the lifetimes of their closures.
fn shared<'py, T: Element, D: Dimension>(
    owner: &Bound<'py, RayPaths>,
    view: ArrayView<'_, T, D>,
) -> PyResult<Bound<'py, PyArray<T, D>>> {
    // SAFETY: the memory belongs to `owner`, which is frozen: its vectors are neither changed nor moved while it lives,
    // and as the base of the array it lives as long as that.
    let array = unsafe { PyArray::borrow_from_array(&view, owner.clone().into_any()) };
    let writeable = array.try_readwrite().map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    drop(writeable.make_nonwriteable());
    Ok(array)
}

/// Rays as an array of shape (n, 2): source and ray.
pub(crate) fn ray_ids(py: Python<'_>, rays: &[RayId]) -> PyResult<Py<PyArray2<i64>>> {
    // Numbers of what lies in memory.
    let numbers = rays.iter().flat_map(|id| [id.source as i64, id.ray as i64]);
    Ok(PyArray1::from_iter(py, numbers).reshape([rays.len(), 2])?.unbind())
}

/// The endings as their codes.
pub(crate) fn ending_codes(endings: &[Ending]) -> &[u8] {
    // SAFETY: `Ending` is `repr(u8)`: same size, same alignment, every value a valid `u8`.
    unsafe { std::slice::from_raw_parts(endings.as_ptr().cast(), endings.len()) }
}
