//! The classes `Tracer` and `Update`.

use std::sync::{Arc, Mutex, PoisonError};

use numpy::{PyArray1, PyArray2};
use optiverse_core::optics::{Compiled, Report as CoreReport};
use optiverse_core::trace::{self, TraceControl, TraceOptions, UpdateError};
use pyo3::prelude::*;

use crate::array::ray_ids;
use crate::error;
use crate::journal::Journal;
use crate::ray_paths::RayPaths;
use crate::report::Report;
use crate::scene::Scene;
use crate::trace::{options, run, warn_if_truncated};

/// The paths of a scene's light, which follow the scene's edits.
///
/// Edit the scene by its own methods, then call `update`: only the rays are traced whose light the edits can have changed. The
/// result is the same, bit for bit, as that of `Scene.trace`.
///
/// ```python
/// tracer = Tracer(scene)
/// draw_all(tracer.paths)
/// scene.move("lens", x_mm=12.0, y_mm=0.0)
/// update = tracer.update()
/// remove_drawings_of(update.rays)
/// draw_all(update.paths)
/// ```
///
/// It keeps a copy of the scene for itself, beside the paths. It may be used from several threads.
///
/// Args:
///     scene: the scene to follow.
///     physics: "exact", the laws of physics, or "optiverse-0.3.4", the rules of that version of the app.
///     max_events: interactions after which a path ends; 0 or more.
///     min_intensity: share of the source ray below which light is not followed; 0 follows all.
///     threads: number of threads, 1 or more (256 at most are started); None takes one for each core.
///     max_vertices: vertices at which tracing stops; the paths are then `truncated`, with a warning, and each update traces all.
///     length_mm: the length in mm after which a path ends; None takes each source's own `ray_length_mm`.
///     smallest_hit_mm: under the rules of the app, surfaces nearer than this are not seen; exact physics knows no such distance.
///
/// An item that cannot be traced is left out; `warnings.warn(…, OptiverseWarning)` says so, and `reports`.
///
/// Raises:
///     OptionError: an option cannot be used.
#[pyclass(module = "optiverse_engine", frozen)]
pub(crate) struct Tracer {
    scene: Py<Scene>,
    journal: Arc<Journal>,
    core: Arc<Mutex<trace::Tracer>>,
}

impl Tracer {
    /// Does something with the tracer when no update is under way, with the GIL released.
    fn with<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut trace::Tracer) -> T + Send) -> T {
        py.detach(|| work(&mut self.core.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[pymethods]
impl Tracer {
    #[new]
    #[pyo3(signature = (
        scene, physics = "exact", *, max_events = 80, min_intensity = 0.02, threads = None,
        max_vertices = TraceOptions::DEFAULT_MAX_VERTICES as i64, length_mm = None, smallest_hit_mm = 1e-3
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn new(
        py: Python<'_>,
        scene: Py<Scene>,
        physics: &str,
        max_events: i64,
        min_intensity: f64,
        threads: Option<i64>,
        max_vertices: i64,
        length_mm: Option<f64>,
        smallest_hit_mm: f64,
    ) -> PyResult<Self> {
        let options = TraceOptions {
            smallest_hit_mm,
            ..options(py, physics, max_events, min_intensity, threads, max_vertices, length_mm)?
        };
        let journal = Arc::new(Journal::default());
        let core = first_trace(py, &scene, &journal, options)?;
        Ok(Tracer { scene, journal, core: Arc::new(Mutex::new(core)) })
    }

    /// The scene that is followed.
    #[getter]
    fn scene(&self, py: Python<'_>) -> Py<Scene> {
        self.scene.clone_ref(py)
    }

    /// All paths, as of the last update.
    ///
    /// The arrays are put together when they are first asked for after an update, which copies every vertex; `Update.paths` costs
    /// what has changed.
    #[getter]
    fn paths(&self, py: Python<'_>) -> RayPaths {
        let (paths, compiled) = self.with(py, |core| (core.paths(), Arc::clone(core.compiled())));
        RayPaths::new(paths, compiled)
    }

    /// What could not be used as it stands in the scene, as of the last update.
    #[getter]
    fn reports(&self, py: Python<'_>) -> Vec<Report> {
        self.with(py, |core| Report::all(&core.compiled().reports))
    }

    /// Traces what the edits since the last update can have changed, and says what they have.
    ///
    /// The GIL is released, and Ctrl-C stops it; the paths are then those of before, and the next update makes up for it. What can be used no
    /// longer is said by `warnings.warn(…, OptiverseWarning)`.
    fn update(&self, py: Python<'_>) -> PyResult<Update> {
        let (core, journal, scene) = (Arc::clone(&self.core), Arc::clone(&self.journal), self.scene.clone_ref(py));
        let work = move |control: &TraceControl| {
            let mut core = core.lock().unwrap_or_else(PoisonError::into_inner);
            let before = Arc::clone(core.compiled());
            follow(&mut core, &journal, &scene, control).map(|update| Followed {
                before,
                after: Arc::clone(core.compiled()),
                options: core.options().clone(),
                update,
            })
        };
        let Followed { before, after, options, update } =
            run(py, None, work)?.map_err(|error| error::trace_error(py, &error))?;
        warn_of_new(py, &before.reports, &after.reports)?;
        warn_if_truncated(py, update.paths(), &options)?;
        Update::new(py, &update, after)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("<Tracer: {}>", self.with(py, |core| format!("{} items", core.scene().len())))
    }
}

/// What comes of following a scene.
struct Followed {
    before: Arc<Compiled>,
    after: Arc<Compiled>,
    options: TraceOptions,
    update: trace::Update,
}

fn first_trace(
    py: Python<'_>,
    scene: &Py<Scene>,
    journal: &Arc<Journal>,
    options: TraceOptions,
) -> PyResult<trace::Tracer> {
    let snapshot = scene.get().follow(journal);
    let work = {
        let options = options.clone();
        move |control: &TraceControl| trace::Tracer::with_control(snapshot.scene().clone(), options, control)
    };
    let mut core = run(py, None, work)?.map_err(|error| error::trace_error(py, &error))?;
    warn_of_new(py, &[], &core.compiled().reports)?;
    warn_if_truncated(py, &core.paths(), &options)?;
    Ok(core)
}

/// Brings a tracer to where the scene is.
fn follow(
    core: &mut trace::Tracer,
    journal: &Arc<Journal>,
    scene: &Py<Scene>,
    control: &TraceControl,
) -> Result<trace::Update, trace::TraceError> {
    if let Some(edits) = journal.take() {
        match core.update_with_control(&edits, control) {
            Ok(update) => return Ok(update),
            Err(UpdateError::Edit(_)) => {
                // Not reached: the scene took each of these edits in the same state. If it were, the whole scene is looked at.
            }
            Err(_) => {
                journal.put_back(edits);
                return Err(trace::TraceError::Cancelled);
            }
        }
    }
    let snapshot = scene.get().follow(journal);
    core.replace(snapshot.scene().clone(), control)
}

/// Says what could still be used before.
fn warn_of_new(py: Python<'_>, before: &[CoreReport], after: &[CoreReport]) -> PyResult<()> {
    after.iter().filter(|report| !before.contains(report)).try_for_each(|report| error::warn(py, &report.to_string()))
}

/// What the edits since the update before have changed.
///
/// A picture follows in two steps: remove what is drawn of `rays` (of all rays where `whole` is true), and draw `paths`.
///
/// Attributes:
///     whole: whether all is to be drawn anew: sources have other numbers than before, or `max_vertices` has cut the result, now or
///         before. `paths` then holds all paths.
///     rays: the rays of which any path is not what it was, to the last bit, or is there no more; in order: shape (r, 2), int64,
///         each a source, counted over all sources in the order of the file, and a ray of it.
///     paths: the paths of these rays as they are now, with the power of these rays alone.
///     indices: the place of each of these paths among all of `Tracer.paths`: shape (m,), int64.
///     traced_rays: how many source rays were traced to find out.
#[pyclass(module = "optiverse_engine", frozen, get_all)]
pub(crate) struct Update {
    whole: bool,
    rays: Py<PyArray2<i64>>,
    paths: Py<RayPaths>,
    indices: Py<PyArray1<i64>>,
    traced_rays: u64,
}

impl Update {
    fn new(py: Python<'_>, update: &trace::Update, compiled: Arc<Compiled>) -> PyResult<Self> {
        let indices = PyArray1::from_iter(py, update.indices().iter().map(|&index| index as i64));
        Ok(Update {
            whole: update.is_whole(),
            rays: ray_ids(py, update.rays())?,
            paths: Py::new(py, RayPaths::new(Arc::clone(update.paths()), compiled))?,
            indices: indices.unbind(),
            traced_rays: update.traced_rays(),
        })
    }
}

#[pymethods]
impl Update {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (rays, paths) = (self.rays.bind(py).len()?, self.paths.get().core().len());
        let whole = if self.whole { ", all to be drawn anew" } else { "" };
        Ok(format!("<Update: {rays} rays changed, now {paths} paths; {} rays traced{whole}>", self.traced_rays))
    }
}
