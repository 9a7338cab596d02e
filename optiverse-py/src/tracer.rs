//! The classes `Tracer` and `Update`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use numpy::{PyArray1, PyArray2};
use optiverse_core::optics::{Compiled, OpticalSystem, Report as CoreReport};
use optiverse_core::trace::{self, TraceControl, TraceError, TraceOptions, UpdateError};
use pyo3::prelude::*;

use crate::array::ray_ids;
use crate::error;
use crate::journal::Journal;
use crate::ray_paths::RayPaths;
use crate::report::Report;
use crate::scene::Scene;
use crate::trace::{is_brief, options, progress_callback, run, warn_if_truncated};

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
///     physics: "exact", the laws of physics, or "optiverse-0.3.4" or "optiverse-0.2.7", the rules of that version of the app.
///     max_events: interactions after which a path ends; 0 or more.
///     min_intensity: share of the source ray below which light is not followed; 0 follows all.
///     threads: number of threads, 1 or more (256 at most are started); None takes one for each core.
///     max_vertices: vertices at which tracing stops; the paths are then `truncated`, with a warning, and each update traces all.
///     progress: of the first trace: called on this thread, a few times a second and at the end, with the numbers of source rays done
///         and in all; what it raises stops the trace. True shows a bar on standard error.
///     length_mm: the length in mm after which a path ends; None takes each source's own `ray_length_mm`.
///     smallest_hit_mm: under the rules of the app, surfaces nearer than this are not seen; exact physics knows no such distance.
///
/// An item that cannot be traced is left out; `warnings.warn(…, OptiverseWarning)` says so, and `reports`.
///
/// Raises:
///     OptionError: an option cannot be used.
#[pyclass(module = "optiverse_engine", frozen)]
pub(crate) struct Tracer(Arc<Following>);

/// A scene and what follows it, for whichever thread does the work.
struct Following {
    scene: Py<Scene>,
    journal: Arc<Journal>,
    /// Not to be waited for with the GIL: another thread may be at a long update.
    core: Mutex<trace::Tracer>,
    /// Whether an update was made that nobody has been told of.
    is_untold: AtomicBool,
}

impl Tracer {
    /// Does something with the tracer when no update is under way, with the GIL released.
    fn with<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut trace::Tracer) -> T + Send) -> T {
        py.detach(|| work(&mut self.0.core.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[pymethods]
impl Tracer {
    #[new]
    #[pyo3(signature = (
        scene, physics = "exact", *, max_events = 80, min_intensity = 0.02, threads = None,
        max_vertices = TraceOptions::DEFAULT_MAX_VERTICES as i64, progress = None, length_mm = None,
        smallest_hit_mm = 1e-3
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
        progress: Option<&Bound<'_, PyAny>>,
        length_mm: Option<f64>,
        smallest_hit_mm: f64,
    ) -> PyResult<Self> {
        let options = TraceOptions {
            smallest_hit_mm,
            ..options(py, physics, max_events, min_intensity, threads, max_vertices, length_mm)?
        };
        let progress = progress_callback(progress)?;
        let journal = Arc::new(Journal::default());
        let core = Mutex::new(first_trace(py, &scene, &journal, options, progress.as_ref())?);
        Ok(Tracer(Arc::new(Following { scene, journal, core, is_untold: AtomicBool::new(false) })))
    }

    /// The scene that is followed.
    #[getter]
    fn scene(&self, py: Python<'_>) -> Py<Scene> {
        self.0.scene.clone_ref(py)
    }

    /// All paths, as of the last update.
    ///
    /// The arrays are put together when they are first asked for after an update, which copies every vertex; `Update.paths` costs
    /// what has changed. Who keeps an earlier result, of this or of `Update.paths`, pays for a copy of the surfaces at the next update.
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
    /// The GIL is released, and Ctrl-C stops it, unless a trace of the whole scene is over in about a quarter of a second anyway. The paths are
    /// then those of before, and the next update makes up for it; stopped when all was traced, they are those of now, and the next update is
    /// `whole`. What can be used no longer is said by `warnings.warn(…, OptiverseWarning)`.
    ///
    /// Args:
    ///     progress: called on this thread, a few times a second and at the end, with the numbers of source rays done and in all of those
    ///         that are traced again; what it raises stops the update. True shows a bar on standard error.
    ///
    /// Raises:
    ///     OptionError: `progress` cannot be used.
    #[pyo3(signature = (*, progress = None))]
    fn update(&self, py: Python<'_>, progress: Option<&Bound<'_, PyAny>>) -> PyResult<Update> {
        let progress = progress_callback(progress)?;
        let control = TraceControl::new();
        if let Some(followed) = py.detach(|| self.0.follow_if_brief(&control)) {
            if let Some(progress) = progress {
                progress.call1(control.progress())?;
            }
            return followed.tell(py);
        }
        let following = Arc::clone(&self.0);
        let followed = run(py, progress.as_ref(), move |control| following.follow(control))?;
        followed.map_err(|error| error::trace_error(py, &error))?.tell(py)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("<Tracer: {}>", self.with(py, |core| format!("{} items", core.scene().len())))
    }
}

/// What comes of following a scene. Unless it is told, the next update tells of everything.
struct Followed {
    /// What could still be used before.
    reports: Vec<CoreReport>,
    compiled: Arc<Compiled>,
    options: TraceOptions,
    update: trace::Update,
    following: Arc<Following>,
    is_told: bool,
}

impl Followed {
    fn tell(mut self, py: Python<'_>) -> PyResult<Update> {
        warn_of_new(py, &self.reports, &self.compiled.reports)?;
        warn_if_truncated(py, self.update.paths(), &self.options)?;
        let update = Update::new(py, &self.update, Arc::clone(&self.compiled))?;
        self.is_told = true;
        Ok(update)
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        if !self.is_told {
            self.following.is_untold.store(true, Ordering::Relaxed);
        }
    }
}

fn first_trace(
    py: Python<'_>,
    scene: &Py<Scene>,
    journal: &Arc<Journal>,
    options: TraceOptions,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<trace::Tracer> {
    let snapshot = scene.get().follow(journal);
    let work = {
        let options = options.clone();
        move |control: &TraceControl| trace::Tracer::with_control(snapshot.scene().clone(), options, control)
    };
    let mut core = run(py, progress, work)?.map_err(|error| error::trace_error(py, &error))?;
    warn_of_new(py, &[], &core.compiled().reports)?;
    warn_if_truncated(py, &core.paths(), &options)?;
    Ok(core)
}

impl Following {
    /// Brings the paths to where the scene is, after what other threads do with them.
    fn follow(self: &Arc<Self>, control: &TraceControl) -> Result<Followed, TraceError> {
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        let reports = core.compiled().reports.clone();
        let update = self.update(&mut core, control)?;
        Ok(self.followed(&mut core, reports, update))
    }

    /// Does so if that is over soon: no other thread is at it, and a trace of the whole scene was brief and is.
    fn follow_if_brief(self: &Arc<Self>, control: &TraceControl) -> Option<Followed> {
        let mut core = self.core.try_lock().ok()?;
        let options = core.options().clone();
        let is_brief = |system: &OpticalSystem| is_brief(system, &options);
        if !is_brief(&core.compiled().system) {
            return None;
        }
        let edits = self.journal.take()?;
        let reports = core.compiled().reports.clone();
        if let Ok(update) = core.update_if(&edits, control, is_brief) {
            return Some(self.followed(&mut core, reports, update));
        }
        self.journal.put_back(edits);
        None
    }

    fn update(&self, core: &mut trace::Tracer, control: &TraceControl) -> Result<trace::Update, TraceError> {
        if let Some(edits) = self.journal.take() {
            match core.update_with_control(&edits, control) {
                Ok(update) => return Ok(update),
                Err(UpdateError::Edit(_)) => {
                    // Not reached: the scene took each of these edits in the same state. If it were, the whole scene is looked at.
                }
                Err(_) => {
                    self.journal.put_back(edits);
                    return Err(TraceError::Cancelled);
                }
            }
        }
        let snapshot = self.scene.get().follow(&self.journal);
        core.replace(snapshot.scene().clone(), control)
    }

    fn followed(
        self: &Arc<Self>,
        core: &mut trace::Tracer,
        reports: Vec<CoreReport>,
        update: trace::Update,
    ) -> Followed {
        let is_untold = self.is_untold.swap(false, Ordering::Relaxed);
        let update = if is_untold { core.as_whole(update) } else { update };
        Followed {
            reports,
            compiled: Arc::clone(core.compiled()),
            options: core.options().clone(),
            update,
            following: Arc::clone(self),
            is_told: false,
        }
    }
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
///     whole: whether all is to be drawn anew: sources have other numbers than before, `max_vertices` has cut the result, now or
///         before, or the update before was stopped when all was traced. `paths` then holds all paths.
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
