//! The class `PartialTrace`.

use std::sync::Arc;

use numpy::PyArray2;
use optiverse_core::optics::Compiled;
use optiverse_core::trace;
use pyo3::prelude::*;

use crate::array::ray_ids;
use crate::ray_paths::RayPaths;

/// As much of a trace as time allowed.
///
/// Attributes:
///     paths: the paths of the rays that were traced, in the order of a whole trace, with the power of these rays.
///     complete: whether every ray was traced, below `max_vertices`: `paths` is then the same, bit for bit, as what `Scene.trace` gives.
///     rays: the rays that were traced, in order: shape (r, 2), int64, each a source, counted over all sources in the order of the
///         file, and a ray of it.
///     ray_count: number of rays of all sources.
///     stride: of every source, each ray was traced whose number is a multiple of this; None where time was up in the first pass.
#[pyclass(module = "optiverse_engine", frozen, get_all)]
pub(crate) struct PartialTrace {
    paths: Py<RayPaths>,
    complete: bool,
    rays: Py<PyArray2<i64>>,
    ray_count: u64,
    stride: Option<u64>,
}

impl PartialTrace {
    pub(crate) fn new(py: Python<'_>, partial: trace::PartialTrace, compiled: Arc<Compiled>) -> PyResult<Self> {
        Ok(PartialTrace {
            complete: partial.is_complete(),
            rays: ray_ids(py, partial.rays())?,
            ray_count: partial.ray_count(),
            stride: partial.stride(),
            paths: Py::new(py, RayPaths::new(Arc::new(partial.into_paths()), compiled))?,
        })
    }
}

#[pymethods]
impl PartialTrace {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (rays, all) = (self.rays.bind(py).len()?, self.ray_count);
        let complete = if self.complete { ", complete" } else { "" };
        Ok(format!("<PartialTrace: {rays} of {all} rays, {} paths{complete}>", self.paths.get().core().len()))
    }
}
