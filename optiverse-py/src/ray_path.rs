//! The classes `RayPath` and `Hit`.

use bytemuck::cast_slice;
use num_complex::Complex64;
use numpy::{PyArray1, PyArray2};
use optiverse_core::trace;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;

use crate::array::{shared_1d, shared_2d};
use crate::ray_paths::RayPaths;

/// One path of a result: a view of k vertices, from its source to its end.
///
/// The arrays share the memory of the result, are read-only, and keep it alive.
#[pyclass(module = "optiverse_engine", frozen)]
pub(crate) struct RayPath {
    paths: Py<RayPaths>,
    index: usize,
}

impl RayPath {
    /// Path `index`, which must be one of the result's.
    pub(crate) fn new(paths: &Bound<'_, RayPaths>, index: usize) -> Self {
        RayPath { paths: paths.clone().unbind(), index }
    }

    fn core(&self) -> PyResult<trace::RayPath<'_>> {
        let path = self.paths.get().core().get(self.index);
        // Not reached: views are made of paths that are there, and results do not change.
        path.ok_or_else(|| PyIndexError::new_err(self.index))
    }
}

#[pymethods]
impl RayPath {
    /// Its place in the result.
    #[getter]
    fn index(&self) -> usize {
        self.index
    }

    /// Positions in mm, y up: shape (k, 2), float64.
    #[getter]
    fn points<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let vertices = self.core()?.vertices();
        shared_2d(self.paths.bind(py), 2, |paths| cast_slice(&paths.points()[vertices]))
    }

    /// Power as a share of the ray that left the source: shape (k,), float64.
    #[getter]
    fn intensities<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let vertices = self.core()?.vertices();
        shared_1d(self.paths.bind(py), |paths| &paths.intensities()[vertices])
    }

    /// Jones vectors [E_h, E_v]: shape (k, 2), complex128.
    #[getter]
    fn jones<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<Complex64>>> {
        let vertices = self.core()?.vertices();
        shared_2d(self.paths.bind(py), 2, |paths| paths.jones()[vertices].as_flattened())
    }

    /// Optical path lengths from the source in mm: shape (k,), float64.
    #[getter]
    fn optical_path_mm<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let vertices = self.core()?.vertices();
        shared_1d(self.paths.bind(py), |paths| &paths.optical_paths_mm()[vertices])
    }

    /// 1/e² radii of the Gaussian beam in mm, NaN for rays: shape (k,), float64.
    #[getter]
    fn beam_radii_mm<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let vertices = self.core()?.vertices();
        shared_1d(self.paths.bind(py), |paths| &paths.beam_radii_mm()[vertices])
    }

    /// Colour: red, green, blue and alpha, 0 to 255.
    #[getter]
    fn rgba(&self) -> PyResult<(u8, u8, u8, u8)> {
        let [red, green, blue, alpha] = self.core()?.rgba();
        Ok((red, green, blue, alpha))
    }

    /// Vacuum wavelength in nm.
    #[getter]
    fn wavelength_nm(&self) -> PyResult<f64> {
        Ok(self.core()?.wavelength_nm())
    }

    /// The id of its source.
    #[getter]
    fn source(&self) -> PyResult<String> {
        let sources = self.paths.get().core().source_items();
        Ok(sources.get(self.core()?.source_index()).map_or_else(String::new, ToString::to_string))
    }

    /// Its source, counted over all sources in the order of the file.
    #[getter]
    fn source_index(&self) -> PyResult<usize> {
        Ok(self.core()?.source_index())
    }

    /// The ray of that source, counted from −size/2 to +size/2.
    #[getter]
    fn ray_index(&self) -> i64 {
        self.paths.get().core().ray_indices()[self.index]
    }

    /// How it ended: one of `optiverse_engine.ENDINGS`.
    #[getter]
    fn ending(&self) -> PyResult<&'static str> {
        Ok(self.core()?.ending().name())
    }

    /// The path it divided from; None for one that comes straight from its source.
    #[getter]
    fn parent(&self) -> PyResult<Option<usize>> {
        Ok(self.core()?.parent())
    }

    /// Its vertex at which it divided from its parent; 0 where there is none.
    #[getter]
    fn branch_vertex(&self) -> PyResult<usize> {
        Ok(self.core()?.branch_vertex())
    }

    /// The surfaces it met, in order.
    #[getter]
    fn hits(&self) -> PyResult<Vec<Hit>> {
        let path = self.core()?;
        let hit = |vertex| {
            let (item, interface) = path.hit(vertex)?;
            Some(Hit { vertex, item: item.to_string(), interface })
        };
        Ok((0..path.points().len()).filter_map(hit).collect())
    }

    /// The number of its vertices.
    fn __len__(&self) -> PyResult<usize> {
        Ok(self.core()?.vertices().len())
    }

    fn __repr__(&self) -> PyResult<String> {
        let path = self.core()?;
        let (vertices, ending) = (path.vertices().len(), path.ending().name());
        let intensity = path.intensities().last().copied().unwrap_or(f64::NAN);
        Ok(format!("<RayPath {}: {vertices} vertices, intensity {intensity:.4}, {ending}>", self.index))
    }
}

/// A surface met by a path.
///
/// Attributes:
///     vertex: the vertex of the path, counted from 0.
///     item: the id of the item.
///     interface: the interface of that item, in the order of its `interfaces`.
#[pyclass(module = "optiverse_engine", frozen, get_all, eq, hash)]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Hit {
    vertex: usize,
    item: String,
    interface: usize,
}

#[pymethods]
impl Hit {
    fn __repr__(&self) -> String {
        format!("Hit(vertex={}, item={:?}, interface={})", self.vertex, self.item, self.interface)
    }
}
