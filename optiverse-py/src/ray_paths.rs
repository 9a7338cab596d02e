//! The class `RayPaths`.

use std::sync::Arc;

use bytemuck::cast_slice;
use num_complex::Complex64;
use numpy::{PyArray1, PyArray2};
use optiverse_core::optics::Compiled;
use optiverse_core::render::{self, SvgOptions};
use optiverse_core::trace::{Ending, RayPaths as CorePaths};
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyIterator, PyList, PyRange, PySlice};

use crate::array::{ending_codes, shared_1d, shared_2d};
use crate::picture;
use crate::power_balance::PowerBalance;
use crate::ray_path::RayPath;
use crate::report::Report;
use crate::surface::Surface;

/// The paths of all rays of a trace: flat arrays of n vertices and m paths, and a sequence of `RayPath`.
///
/// Path i owns the vertices `offsets[i]:offsets[i + 1]`, from its source to its end. Where light divides, the way up to there
/// stands in each path: `parents[i]` is the path it divided from, and `branch_vertices[i]` the vertex, counted in path i, at
/// which they divided. A vertex at a surface holds the state just after the interaction; where nothing came out, just
/// before. Paths stand in the order of sources, of rays in a source, and of their ends.
///
/// The arrays share the memory of the engine and are read-only; each keeps the result alive. `items`, `sources`, `endings` and
/// `surfaces` are made anew at each access.
#[pyclass(module = "optiverse_engine", frozen, sequence)]
pub(crate) struct RayPaths {
    paths: Arc<CorePaths>,
    compiled: Arc<Compiled>,
}

impl RayPaths {
    pub(crate) fn new(paths: Arc<CorePaths>, compiled: Arc<Compiled>) -> Self {
        RayPaths { paths, compiled }
    }

    pub(crate) fn core(&self) -> &CorePaths {
        &self.paths
    }
}

#[pymethods]
impl RayPaths {
    /// Positions in mm, y up: shape (n, 2), float64.
    #[getter]
    fn points<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        shared_2d(slf, 2, |paths| cast_slice(paths.points()))
    }

    /// Power as a share of the ray that left the source: shape (n,), float64.
    #[getter]
    fn intensities<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        shared_1d(slf, CorePaths::intensities)
    }

    /// Jones vectors [E_h, E_v], h in the plane of the layout, v out of it: shape (n, 2), complex128.
    #[getter]
    fn jones<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray2<Complex64>>> {
        shared_2d(slf, 2, |paths| paths.jones().as_flattened())
    }

    /// Optical path lengths from the source in mm, geometric lengths times indices: shape (n,), float64.
    #[getter]
    fn optical_path_mm<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        shared_1d(slf, CorePaths::optical_paths_mm)
    }

    /// 1/e² radii of Gaussian beams in mm, NaN for rays: shape (n,), float64.
    #[getter]
    fn beam_radii_mm<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        shared_1d(slf, CorePaths::beam_radii_mm)
    }

    /// The item whose surface was met, as an index into `items`, −1 where there is none: shape (n,), int32.
    #[getter]
    fn hit_item<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<i32>>> {
        shared_1d(slf, CorePaths::hit_items)
    }

    /// The interface of that item, in the order of its `interfaces`, −1 where there is none: shape (n,), int32.
    #[getter]
    fn hit_interface<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<i32>>> {
        shared_1d(slf, CorePaths::hit_interfaces)
    }

    /// Where each path begins in the arrays of vertices, and where the last one ends: shape (m + 1,), int64.
    #[getter]
    fn offsets<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        shared_1d(slf, CorePaths::offsets)
    }

    /// Colours: the source's, with alpha from the last intensity: shape (m, 4), uint8.
    #[getter]
    fn rgba<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray2<u8>>> {
        shared_2d(slf, 4, |paths| paths.rgba().as_flattened())
    }

    /// Vacuum wavelengths in nm: shape (m,), float64.
    #[getter]
    fn wavelengths_nm<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        shared_1d(slf, CorePaths::wavelengths_nm)
    }

    /// The source, counted over all sources in the order of the file; an index into `sources`: shape (m,), int64.
    #[getter]
    fn source_index<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        shared_1d(slf, CorePaths::source_indices)
    }

    /// The ray of that source, counted from −size/2 to +size/2: shape (m,), int64.
    #[getter]
    fn ray_index<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        shared_1d(slf, CorePaths::ray_indices)
    }

    /// The path this one divided from, −1 for one that comes straight from its source: shape (m,), int64.
    #[getter]
    fn parents<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        shared_1d(slf, CorePaths::parents)
    }

    /// The vertex, counted in the path, at which it divided from its parent, 0 where there is none: shape (m,), int64.
    #[getter]
    fn branch_vertices<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        shared_1d(slf, CorePaths::branch_vertices)
    }

    /// How each path ended, as an index into `optiverse_engine.ENDINGS`: shape (m,), uint8.
    #[getter]
    fn ending_codes<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<u8>>> {
        shared_1d(slf, |paths| ending_codes(paths.endings()))
    }

    /// How each path ended, by name: shape (m,), an array of str, so that `paths.endings == "left"` is a mask.
    #[getter]
    fn endings<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let names = py.import("numpy")?.call_method1("array", (Ending::ALL.map(Ending::name).to_vec(),))?;
        names.call_method1("take", (RayPaths::ending_codes(slf)?,))
    }

    /// The ids of the items that `hit_item` points to.
    #[getter]
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.paths.items().iter().map(|id| id.as_str()))
    }

    /// The ids of all sources in the order of the file, those left out included.
    #[getter]
    fn sources<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.paths.source_items().iter().map(|id| id.as_str()))
    }

    /// Where the power went.
    #[getter]
    fn power(&self) -> PowerBalance {
        PowerBalance::new(self.paths.power_balance())
    }

    /// What could not be used as it stands in the scene that was traced.
    #[getter]
    fn reports(&self) -> Vec<Report> {
        Report::all(&self.compiled.reports)
    }

    /// The surfaces that were traced.
    #[getter]
    fn surfaces(&self) -> Vec<Surface> {
        Surface::all(&self.compiled.system)
    }

    /// Whether tracing stopped at `max_vertices`: paths are missing then.
    #[getter]
    fn truncated(&self) -> bool {
        self.paths.is_truncated()
    }

    fn __len__(&self) -> usize {
        self.paths.len()
    }

    fn __getitem__<'py>(slf: &Bound<'py, Self>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let count = slf.get().paths.len();
        if let Ok(slice) = index.cast::<PySlice>() {
            let range = slice.indices(count as isize)?;
            let chosen = (0..range.slicelength).map(|step| range.start + step as isize * range.step);
            let paths: Vec<RayPath> = chosen.map(|index| RayPath::new(slf, index.unsigned_abs())).collect();
            return Ok(paths.into_pyobject(py)?.into_any());
        }
        let Ok(wanted) = index.extract::<isize>() else {
            // Too large to be any index, or no whole number.
            return Err(match index.cast::<PyInt>() {
                Ok(_) => PyIndexError::new_err(format!("path {index} of {count}")),
                Err(_) => {
                    let found = index.get_type().name()?;
                    PyTypeError::new_err(format!(
                        "a path is chosen by an int or a slice, not by a value of type {found}"
                    ))
                }
            });
        };
        let from_start = if wanted < 0 { wanted.saturating_add(count as isize) } else { wanted };
        match usize::try_from(from_start) {
            Ok(index) if index < count => Ok(Bound::new(py, RayPath::new(slf, index))?.into_any()),
            _ => Err(PyIndexError::new_err(format!("path {wanted} of {count}"))),
        }
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyIterator>> {
        let py = slf.py();
        let indices = PyRange::new(py, 0, slf.get().paths.len() as isize)?;
        py.import("builtins")?.call_method1("map", (slf.getattr("__getitem__")?, indices))?.try_iter()
    }

    /// A picture: elements with the field's symbols, rays with colour and intensity, a scale bar.
    ///
    /// Args:
    ///     width_px: its width, 1 to 16384.
    ///     background: what lies behind it, such as "#ffffff"; None is transparent.
    ///     labels: whether parameters such as focal lengths stand beside the symbols.
    ///     scale_bar: whether a scale bar stands under the picture.
    ///     crop: "setup" shows all elements and sources and cuts light that goes far beyond, "everything" shows all.
    ///
    /// Raises:
    ///     RenderError: an option cannot be used.
    #[pyo3(signature = (*, width_px = 960, background = "#ffffff", labels = true, scale_bar = true, crop = "setup"))]
    fn to_svg(
        &self,
        py: Python<'_>,
        width_px: i64,
        background: Option<&str>,
        labels: bool,
        scale_bar: bool,
        crop: &str,
    ) -> PyResult<String> {
        let options = picture::options(width_px, background, labels, scale_bar, crop)?;
        Ok(py.detach(|| render::svg(&self.compiled.system, Some(&self.paths), &options)))
    }

    /// The picture as a PNG file.
    ///
    /// Args:
    ///     width_px: its width, 1 to 16384.
    ///
    /// Raises:
    ///     RenderError: the width cannot be used.
    #[pyo3(signature = (width_px = 1200))]
    fn to_png<'py>(&self, py: Python<'py>, width_px: i64) -> PyResult<Bound<'py, PyBytes>> {
        picture::png(py, &self._repr_svg_(py), width_px)
    }

    /// A table of vertices, one a line, below a line of names, which say the unit.
    ///
    /// Numbers are the shortest that read back as the same double; pandas does so with `float_precision="round_trip"`.
    /// The columns from `source` on belong to the path and are the same in each of its lines; what is not there is empty.
    fn to_csv(&self, py: Python<'_>) -> String {
        py.detach(|| render::csv(&self.paths))
    }

    /// The arrays as one JSON object, under the names they have here; complex numbers are [re, im] in a row, NaN is null.
    fn to_json(&self, py: Python<'_>) -> String {
        py.detach(|| render::json(&self.paths))
    }

    /// Draws elements and rays into axes of matplotlib (new ones without `ax`) and returns the axes.
    ///
    /// Raises:
    ///     MissingDependencyError: matplotlib is not installed.
    #[pyo3(signature = (ax = None))]
    fn plot<'py>(slf: &Bound<'py, Self>, ax: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("optiverse_engine._plot")?.call_method1("plot_paths", (slf, ax))
    }

    fn _repr_svg_(&self, py: Python<'_>) -> String {
        py.detach(|| render::svg(&self.compiled.system, Some(&self.paths), &SvgOptions::default()))
    }

    fn __repr__(&self) -> String {
        let truncated = if self.paths.is_truncated() { ", truncated" } else { "" };
        format!("<RayPaths: {} paths, {} vertices{truncated}>", self.paths.len(), self.paths.vertex_count())
    }
}
