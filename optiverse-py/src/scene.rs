//! The class `Scene`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use optiverse_core::optics::{Compiled, OpticalSystem, Severity, Strictness};
use optiverse_core::render::{self, SvgOptions};
use optiverse_core::scene::{self, Edit, EditError, ItemId};
use optiverse_core::trace::{
    PartialTrace as CorePartialTrace, TraceControl, TraceOptions, trace_with_control, trace_within,
};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFrozenSet, PyIterator, PyList};

use crate::edit;
use crate::error;
use crate::item::Item;
use crate::journal::Journal;
use crate::layer::Layer;
use crate::partial_trace::PartialTrace;
use crate::picture;
use crate::ray_paths::RayPaths;
use crate::report::Report;
use crate::snapshot::Snapshot;
use crate::surface::Surface;
use crate::trace;
use crate::value;
use crate::views;

/// Least and greatest corner.
type Extent = ((f64, f64), (f64, f64));

/// A layout: items by id, read and written without loss.
///
/// It is a mapping from ids to items, the items of linked assemblies included; `add`, `remove`, `update` and `move` change
/// it. Unknown keys, the order of keys and the text of numbers are kept. `Scene()` is an empty assembly of version "2.0".
///
/// Scenes may be used from several threads. A trace goes on with the scene as it was when it was started.
///
/// The scene of a session (`sync.Engine.scene`) follows that session and is edited through it alone; `copy()` gives a free one.
#[pyclass(module = "optiverse_engine", frozen)]
pub(crate) struct Scene {
    current: Current,
    /// Whether it follows a session.
    follows: bool,
    warnings: Vec<String>,
}

/// Where the present state of a scene is kept. Locked only for moments in which no Python code runs.
#[derive(Clone)]
pub(crate) struct Current(Arc<Mutex<State>>);

/// The scene as it is, and who is told of its edits.
struct State {
    snapshot: Arc<Snapshot>,
    followers: Vec<Weak<Journal>>,
}

impl Current {
    pub(crate) fn new(snapshot: Arc<Snapshot>) -> Self {
        Current(Arc::new(Mutex::new(State { snapshot, followers: Vec::new() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.state().snapshot)
    }

    /// Applies an edit, tells those who follow, and returns its inverse.
    pub(crate) fn apply(&self, edit: &Edit) -> Result<Edit, EditError> {
        let mut state = self.state();
        let inverse = Arc::make_mut(&mut state.snapshot).apply(edit)?;
        state.followers.iter().filter_map(Weak::upgrade).for_each(|journal| journal.note(edit));
        Ok(inverse)
    }

    /// The scene as it is now; every edit from now on is noted in the journal, as long as that lives.
    fn follow(&self, journal: &Arc<Journal>) -> Arc<Snapshot> {
        let mut state = self.state();
        state.followers.retain(|follower| follower.strong_count() > 0);
        if !state.followers.iter().any(|follower| follower.as_ptr() == Arc::as_ptr(journal)) {
            state.followers.push(Arc::downgrade(journal));
        }
        journal.begin();
        Arc::clone(&state.snapshot)
    }
}

impl Scene {
    fn from_core(scene: scene::Scene, warnings: Vec<String>) -> Self {
        Scene { current: Current::new(Arc::new(Snapshot::new(scene))), follows: false, warnings }
    }

    /// A scene that is changed from elsewhere alone.
    pub(crate) fn following(current: Current) -> Self {
        Scene { current, follows: true, warnings: Vec::new() }
    }

    /// A scene that was read, with its warnings said.
    fn read(py: Python<'_>, (scene, warnings): (scene::Scene, Vec<scene::SceneWarning>)) -> PyResult<Self> {
        let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        for warning in &warnings {
            error::warn(py, warning)?;
        }
        Ok(Scene::from_core(scene, warnings))
    }

    /// The scene as it is now.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.current.snapshot()
    }

    /// The scene as it is now; every edit from now on is noted in the journal, as long as that lives.
    pub(crate) fn follow(&self, journal: &Arc<Journal>) -> Arc<Snapshot> {
        self.current.follow(journal)
    }

    fn edit(&self, py: Python<'_>, edit: &Edit) -> PyResult<Edit> {
        if self.follows {
            return Err(error::follows_a_session());
        }
        self.current.apply(edit).map_err(|error| error::edit_error(py, &error))
    }

    /// The system without the items that cannot be traced.
    fn compiled(&self, py: Python<'_>) -> PyResult<Arc<Compiled>> {
        compile(py, &self.snapshot())
    }
}

#[pymethods]
impl Scene {
    #[new]
    fn new() -> Self {
        Scene::from_core(scene::Scene::new(), Vec::new())
    }

    /// Reads an assembly, an older file with separate lists, or a flat scene.
    ///
    /// Linked assemblies are read too; their paths are relative to the file. What is odd but readable is said by
    /// `warnings.warn(…, OptiverseWarning)` and listed by `warnings`.
    ///
    /// Raises:
    ///     SceneFileError: the file cannot be read (SceneFileNotFoundError: it is not there).
    ///     SceneError: it is not a scene; with line and column, or the part at fault.
    ///     LinkError: links form a cycle, or exceed the limits.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let loaded = py.detach(|| scene::Scene::load(&path));
        Scene::read(py, loaded.map_err(|error| error::load_error(py, &error, &path))?)
    }

    /// Reads a scene from text.
    ///
    /// Args:
    ///     text: JSON; bare `NaN`, `Infinity` and `-Infinity` are read as the numbers they name.
    ///     path: the file the text comes from, at whose folder linked assemblies are looked for. Without it no file is
    ///         read: links then show the copies that the text holds.
    ///
    /// Raises:
    ///     SceneError: it is not a scene; with line and column, or the part at fault.
    ///     LinkError: links form a cycle, or exceed the limits.
    #[staticmethod]
    #[pyo3(signature = (text, *, path = None))]
    fn from_json(py: Python<'_>, text: &str, path: Option<PathBuf>) -> PyResult<Self> {
        let parsed = py.detach(|| scene::Scene::from_json_with_links(text, path.as_deref()));
        Scene::read(
            py,
            parsed.map_err(|error| error::load_error(py, &error, path.as_deref().unwrap_or(Path::new(""))))?,
        )
    }

    /// Writes the scene to a file, whole or not at all: a crash leaves either the old file or the new one.
    ///
    /// Items of linked assemblies are not part of it.
    ///
    /// Raises:
    ///     SceneFileError: the file cannot be written.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let snapshot = self.snapshot();
        let written = py.detach(|| snapshot.scene().save(&path));
        written.map_err(|error| error::file_error(py, &error, &path))
    }

    /// The scene as text, as `save` writes it.
    fn to_json(&self, py: Python<'_>) -> String {
        let snapshot = self.snapshot();
        py.detach(|| snapshot.scene().to_json())
    }

    /// A scene of its own with the same content; nothing is copied before one of the two is changed.
    fn copy(&self) -> Scene {
        Scene { current: Current::new(self.snapshot()), follows: false, warnings: self.warnings.clone() }
    }

    fn __copy__(&self) -> Scene {
        self.copy()
    }

    #[pyo3(signature = (memo, /))]
    fn __deepcopy__(&self, memo: &Bound<'_, PyAny>) -> Scene {
        // It holds no Python objects that could be shared.
        let _ = memo;
        self.copy()
    }

    pub(crate) fn __len__(&self) -> usize {
        let snapshot = self.snapshot();
        snapshot.scene().len() + snapshot.scene().linked_items().count()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        let snapshot = self.snapshot();
        let items = snapshot.scene().items().chain(snapshot.scene().linked_items());
        let ids: Vec<&str> = items.map(|item| item.id().as_str()).collect();
        PyList::new(py, ids)?.try_iter()
    }

    fn __contains__(&self, id: &Bound<'_, PyAny>) -> bool {
        id.extract::<String>().is_ok_and(|id| self.snapshot().scene().contains(&id))
    }

    fn __getitem__(slf: &Bound<'_, Self>, id: &str) -> PyResult<Item> {
        let snapshot = slf.get().snapshot();
        let item = snapshot.scene().get(id).ok_or_else(|| error::unknown_item(slf.py(), id))?;
        Ok(Item::new(slf, item.id().clone()))
    }

    /// The item of this id, or `default` where there is none.
    #[pyo3(signature = (id, default = None, /))]
    fn get<'py>(
        slf: &Bound<'py, Self>,
        id: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let snapshot = slf.get().snapshot();
        match snapshot.scene().get(id) {
            Some(item) => Ok(Some(Bound::new(slf.py(), Item::new(slf, item.id().clone()))?.into_any())),
            None => Ok(default),
        }
    }

    /// A view of the ids, in the order of the file, then those of linked items.
    fn keys<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        views::view_of(slf, "KeysView")
    }

    /// A view of the items.
    fn values<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        views::view_of(slf, "ValuesView")
    }

    /// A view of the pairs of id and item.
    fn items<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        views::view_of(slf, "ItemsView")
    }

    /// Adds an item at the end of a list of the document and returns its id.
    ///
    /// Args:
    ///     properties: a mapping, as in the file format: `_type` is "source" or "component" in the list `items`.
    ///     section: the key of the list.
    ///     **more: further properties; they win over those of the mapping.
    ///
    /// Where there is no `item_uuid` (in `components` and `sources` also: no `id`), a random UUID is given.
    ///
    /// Raises:
    ///     EditError: there is an item of that id already, the id is not a text, or the section is not known.
    ///     PropertyTypeError: a value is of a type that JSON does not have.
    #[pyo3(signature = (properties = None, /, *, section = "items", **more))]
    fn add(
        &self,
        py: Python<'_>,
        properties: Option<&Bound<'_, PyAny>>,
        section: &str,
        more: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<String> {
        let item = edit::new_item(py, properties, section, more)?;
        let id = item.id().to_string();
        self.edit(py, &Edit::Add { item, position: None })?;
        Ok(id)
    }

    /// Removes an item.
    ///
    /// Raises:
    ///     UnknownItemError: there is no item of that id.
    ///     EditError: it belongs to a linked assembly.
    #[pyo3(signature = (id, /))]
    fn remove(&self, py: Python<'_>, id: &str) -> PyResult<()> {
        self.edit(py, &Edit::Remove { id: ItemId::from(id) }).map(drop)
    }

    /// Gives properties of an item new values, all of them or, where one is refused, none.
    ///
    /// Args:
    ///     id: the item.
    ///     changes: a mapping from keys to values.
    ///     **more: further changes; they win over those of the mapping.
    ///
    /// Raises:
    ///     UnknownItemError: there is no item of that id.
    ///     EditError: it belongs to a linked assembly, or a key is its id.
    ///     PropertyTypeError: a value is of a type that JSON does not have.
    #[pyo3(signature = (id, changes = None, /, **more))]
    fn update(
        &self,
        py: Python<'_>,
        id: &str,
        changes: Option<&Bound<'_, PyAny>>,
        more: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        self.edit(py, &edit::setting(id, changes, more)?).map(drop)
    }

    /// Removes properties of an item; a key that it does not have is left alone.
    ///
    /// Raises:
    ///     UnknownItemError: there is no item of that id.
    ///     EditError: it belongs to a linked assembly, or a key is its id.
    #[pyo3(signature = (id, /, *keys))]
    fn unset(&self, py: Python<'_>, id: &str, keys: Vec<String>) -> PyResult<()> {
        self.edit(py, &edit::unsetting(id, keys)).map(drop)
    }

    /// Puts an item at a position in mm, y up; a ruler is shifted so that its first point comes to lie there.
    ///
    /// Raises:
    ///     UnknownItemError: there is no item of that id.
    ///     EditError: it belongs to a linked assembly, or has no position.
    #[pyo3(name = "move", signature = (id, /, x_mm, y_mm))]
    fn move_to(&self, py: Python<'_>, id: &str, x_mm: f64, y_mm: f64) -> PyResult<()> {
        self.edit(py, &Edit::Move { id: ItemId::from(id), x_mm, y_mm }).map(drop)
    }

    /// Makes an edit and returns its inverse, which takes it back to the byte if it is the next edit.
    ///
    /// Raises:
    ///     EditError: the edit cannot be made as a whole; the scene is as it was.
    #[pyo3(signature = (edit, /))]
    fn apply(&self, py: Python<'_>, edit: &edit::Edit) -> PyResult<edit::Edit> {
        self.edit(py, edit.inner()).map(edit::Edit::from)
    }

    /// A copy of the top-level values of the document that are not lists of items, such as `version` and `layer_state`.
    #[getter]
    fn document<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let snapshot = self.snapshot();
        let dict = PyDict::new(py);
        for (key, property) in snapshot.scene().document_properties() {
            dict.set_item(key, value::to_python(py, property)?)?;
        }
        Ok(dict)
    }

    /// The ids of the items that are hidden, by their own layer or by any group above it.
    #[getter]
    fn hidden<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyFrozenSet>> {
        PyFrozenSet::new(py, self.snapshot().hidden().iter().map(ItemId::as_str))
    }

    /// The layer tree, each group before what it holds, topmost layer first.
    #[getter]
    fn layers(&self) -> Vec<Layer> {
        self.snapshot().scene().layers().walk().map(|layer| Layer::new(&layer)).collect()
    }

    /// Every value that cannot be used as it stands; empty for a clean scene.
    #[getter]
    fn reports(&self, py: Python<'_>) -> PyResult<Vec<Report>> {
        Ok(Report::all(&self.compiled(py)?.reports))
    }

    /// The surfaces as the tracer sees them.
    #[getter]
    fn surfaces(&self, py: Python<'_>) -> PyResult<Vec<Surface>> {
        Ok(Surface::all(&self.compiled(py)?.system))
    }

    /// The corners ((x, y) least, (x, y) greatest) in mm of a box around all sources and surfaces; None where there are none.
    #[getter]
    fn extent(&self, py: Python<'_>) -> PyResult<Option<Extent>> {
        let system = &self.compiled(py)?.system;
        let surfaces = system.surfaces().iter().map(|surface| surface.shape().aabb()).map(|aabb| (aabb.min, aabb.max));
        let sources = system.sources().iter().map(|source| (source.position(), source.position()));
        let around = surfaces.chain(sources).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        Ok(around.map(|(least, greatest)| (least.into(), greatest.into())))
    }

    /// What was odd about the text that the scene was read from, and about its links.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    /// Traces the light of all sources.
    ///
    /// The GIL is released, and Ctrl-C stops the trace, unless it is over in about a quarter of a second anyway. The result is the same, bit
    /// for bit, for any number of threads.
    /// An item that cannot be traced is left out; `warnings.warn(…, OptiverseWarning)` says so, and `reports` of the result.
    ///
    /// Args:
    ///     physics: "exact", the laws of physics, or "optiverse-0.3.4" or "optiverse-0.2.7", the rules of that version of the app.
    ///     max_events: interactions after which a path ends; 0 or more.
    ///     min_intensity: share of the source ray below which light is not followed; 0 follows all.
    ///     threads: number of threads, 1 or more (256 at most are started); None takes one for each core.
    ///     max_vertices: vertices at which tracing stops; the result is then `truncated`, with a warning.
    ///     progress: called on this thread, a few times a second and at the end, with the numbers of source rays done and in
    ///         all; what it raises stops the trace. True shows a bar on standard error.
    ///     length_mm: the length in mm after which a path ends; None takes each source's own `ray_length_mm`.
    ///     strict: refuse a scene with an item that cannot be traced.
    ///     smallest_hit_mm: under the rules of the app, surfaces nearer than this are not seen; exact physics knows no such distance.
    ///
    /// Raises:
    ///     OptionError: an option cannot be used.
    ///     InvalidSceneError: in a strict trace, an item cannot be traced; its `reports` say which.
    #[pyo3(signature = (
        physics = "exact", *, max_events = 80, min_intensity = 0.02, threads = None,
        max_vertices = TraceOptions::DEFAULT_MAX_VERTICES as i64, progress = None, length_mm = None, strict = false,
        smallest_hit_mm = 1e-3
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn trace(
        &self,
        py: Python<'_>,
        physics: &str,
        max_events: i64,
        min_intensity: f64,
        threads: Option<i64>,
        max_vertices: i64,
        progress: Option<&Bound<'_, PyAny>>,
        length_mm: Option<f64>,
        strict: bool,
        smallest_hit_mm: f64,
    ) -> PyResult<RayPaths> {
        let options = TraceOptions {
            smallest_hit_mm,
            ..trace::options(py, physics, max_events, min_intensity, threads, max_vertices, length_mm)?
        };
        let progress = trace::progress_callback(progress)?;
        let snapshot = self.snapshot();
        let compiled = compile(py, &snapshot)?;
        if strict && compiled.reports.iter().any(|report| report.severity == Severity::Error) {
            let refusal = py.detach(|| OpticalSystem::compile(snapshot.scene(), Strictness::Strict).err());
            if let Some(refusal) = refusal {
                return Err(error::invalid_scene(py, &refusal));
            }
        }
        for report in &compiled.reports {
            error::warn(py, &report.to_string())?;
        }
        let work = {
            let (compiled, options) = (Arc::clone(&compiled), options.clone());
            move |control: &TraceControl| trace_with_control(&compiled.system, &options, control)
        };
        let traced = trace::run_on(py, &compiled.system, &options, progress.as_ref(), work)?;
        let paths = traced.map_err(|error| error::trace_error(py, &error))?;
        trace::warn_if_truncated(py, &paths, &options)?;
        Ok(RayPaths::new(Arc::new(paths), compiled))
    }

    /// Traces as much as a time allows: every k-th ray of each source first, then the rays midway between these, and so on.
    ///
    /// Three fifths of the time are for tracing, compiling the scene included, the rest for putting the paths in order, which may take less, or more where rays are many and short; rays
    /// that have been begun, up to sixteen on each thread, are traced to their end. The
    /// GIL is released, and Ctrl-C stops it, as in `trace`, whose the other arguments are; `progress` too counts the rays of all sources, of which there
    /// may be no time for some.
    ///
    /// Args:
    ///     seconds: the time, 0 or more; `math.inf` for as much as it takes.
    ///
    /// Raises:
    ///     OptionError: an option cannot be used.
    #[pyo3(signature = (
        seconds, physics = "exact", *, max_events = 80, min_intensity = 0.02, threads = None,
        max_vertices = TraceOptions::DEFAULT_MAX_VERTICES as i64, progress = None, length_mm = None,
        smallest_hit_mm = 1e-3
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn trace_within(
        &self,
        py: Python<'_>,
        seconds: f64,
        physics: &str,
        max_events: i64,
        min_intensity: f64,
        threads: Option<i64>,
        max_vertices: i64,
        progress: Option<&Bound<'_, PyAny>>,
        length_mm: Option<f64>,
        smallest_hit_mm: f64,
    ) -> PyResult<PartialTrace> {
        let start = Instant::now();
        let options = TraceOptions {
            smallest_hit_mm,
            ..trace::options(py, physics, max_events, min_intensity, threads, max_vertices, length_mm)?
        };
        if seconds.is_nan() || seconds < 0.0 {
            return Err(error::option_error(py, "seconds", &seconds.to_string(), "a number, 0 or more"));
        }
        let progress = trace::progress_callback(progress)?;
        let compiled = self.compiled(py)?;
        for report in &compiled.reports {
            error::warn(py, &report.to_string())?;
        }
        let work = {
            let (compiled, options) = (Arc::clone(&compiled), options.clone());
            // What is left is for putting the paths in order.
            let is_over = move || start.elapsed().as_secs_f64() >= seconds * CorePartialTrace::TRACING_SHARE;
            move |control: &TraceControl| trace_within(&compiled.system, &options, control, &is_over)
        };
        let traced = trace::run_on(py, &compiled.system, &options, progress.as_ref(), work)?;
        let partial = traced.map_err(|error| error::trace_error(py, &error))?;
        trace::warn_if_truncated(py, partial.paths(), &options)?;
        PartialTrace::new(py, partial, compiled)
    }

    /// A picture of the elements and sources, without light.
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
        let compiled = self.compiled(py)?;
        Ok(py.detach(|| render::svg(&compiled.system, None, &options)))
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
        picture::png(py, &self._repr_svg_(py)?, width_px)
    }

    /// Draws the elements into axes of matplotlib (new ones without `ax`) and returns the axes.
    ///
    /// Raises:
    ///     MissingDependencyError: matplotlib is not installed.
    #[pyo3(signature = (ax = None))]
    fn plot<'py>(slf: &Bound<'py, Self>, ax: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("optiverse_engine._plot")?.call_method1("plot_scene", (slf, ax))
    }

    fn _repr_svg_(&self, py: Python<'_>) -> PyResult<String> {
        let compiled = self.compiled(py)?;
        Ok(py.detach(|| render::svg(&compiled.system, None, &SvgOptions::default())))
    }

    fn __repr__(&self) -> String {
        let snapshot = self.snapshot();
        let linked = snapshot.scene().linked_items().count();
        let linked = if linked == 0 { String::new() } else { format!(", {linked} linked") };
        format!("<Scene: {} items{linked}>", snapshot.scene().len())
    }
}

fn compile(py: Python<'_>, snapshot: &Snapshot) -> PyResult<Arc<Compiled>> {
    let compiled = py.detach(|| snapshot.compiled().map(Arc::clone).map_err(Clone::clone));
    compiled.map_err(|error| error::invalid_scene(py, &error))
}
