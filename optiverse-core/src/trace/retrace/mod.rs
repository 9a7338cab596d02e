//! Traces again only what an edit can have changed.

mod difference;
mod flatten;
mod index;
mod probe;
mod step;
mod store;
mod update;

use std::collections::HashSet;
use std::sync::Arc;

pub(super) use store::in_order;
pub use update::{RayId, Update, UpdateError};

use self::difference::Difference;
use self::step::{Changes, Step};
use self::store::{Batch, Numbering, Store};
use super::emit::Emission;
use super::options::{TraceControl, TraceError, TraceOptions};
use super::parallel::{Rays, Traced, trace_rays};
use super::paths::RayPaths;
use crate::optics::{Change, Compiled, LiveSystem, OpticalSystem};
use crate::scene::{Edit, ItemId, Scene};

/// A scene with the paths of its light, which follow the scene's edits.
///
/// An edit traces only the rays whose light it can have changed: those that come near a surface as it was before or as it is now, and those of
/// sources that are not as they were. The result is the same, bit for bit, as that of [`trace`](super::trace) on the edited scene,
/// compiled with [`Strictness::Lenient`](crate::optics::Strictness::Lenient).
///
/// ```
/// use optiverse_core::scene::{Edit, Scene};
/// use optiverse_core::trace::{TraceOptions, Tracer};
///
/// let scene = Scene::from_json(
///     r#"{"version": "2.0", "items": [
///         {"_type": "source", "item_uuid": "laser", "x_mm": -100, "y_mm": 0, "n_rays": 5, "size_mm": 20},
///         {"_type": "component", "item_uuid": "M1", "x_mm": 0, "y_mm": 0, "angle_deg": 0, "interfaces": [
///             {"element_type": "mirror", "x1_mm": 0, "y1_mm": 6, "x2_mm": 0, "y2_mm": -6}]}]}"#,
/// )?;
/// let mut tracer = Tracer::new(scene, TraceOptions::default())?;
/// assert_eq!(tracer.paths().len(), 5);
///
/// // Three rays met the mirror; where it is put, one of them still does, and the one above does now.
/// let update = tracer.update(&Edit::Move { id: "M1".into(), x_mm: 0.0, y_mm: 8.0 })?;
/// let rays: Vec<u64> = update.rays().iter().map(|id| id.ray).collect();
/// assert_eq!(rays, [1, 2, 4]);
/// assert_eq!(update.paths().len(), 3);
///
/// let undo = update.inverse().expect("it was an edit");
/// assert_eq!(tracer.update(undo)?.rays(), update.rays());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tracer {
    live: LiveSystem,
    options: TraceOptions,
    held: Held,
}

/// What was traced last.
#[derive(Clone, Debug)]
enum Held {
    /// The whole result, ray by ray.
    Rays(Store),
    /// A result that the limit on vertices has cut: which rays are in it depends on all others.
    Cut(Arc<RayPaths>),
}

impl Tracer {
    /// Compiles and traces a scene.
    ///
    /// # Errors
    /// Where an option cannot be used.
    pub fn new(scene: Scene, options: TraceOptions) -> Result<Self, TraceError> {
        Self::with_control(scene, options, &TraceControl::new())
    }

    /// Compiles and traces a scene; `control` stops it or tells how far it is, from another thread.
    ///
    /// # Errors
    /// Where an option cannot be used, and where it was cancelled.
    pub fn with_control(scene: Scene, options: TraceOptions, control: &TraceControl) -> Result<Self, TraceError> {
        options.validate()?;
        let live = LiveSystem::new(scene);
        let system = &live.compiled().system;
        let emission = Emission::new(system, &options);
        control.begin(emission.len());
        let traced = trace_rays(system, &options, control, &emission, Rays::All)?;
        let held = hold(traced, Arc::new(Numbering::of(system)));
        Ok(Tracer { live, options, held })
    }

    /// The scene as it is now.
    #[must_use]
    pub fn scene(&self) -> &Scene {
        self.live.scene()
    }

    /// Its system, and what was said when it was compiled.
    #[must_use]
    pub fn compiled(&self) -> &Arc<Compiled> {
        self.live.compiled()
    }

    /// What a trace is asked to do.
    #[must_use]
    pub fn options(&self) -> &TraceOptions {
        &self.options
    }

    /// All paths, the same as those of [`trace`](super::trace).
    ///
    /// After an update the flat arrays are put together here, once: that copies every vertex. A host that draws only what has changed does not
    /// need them.
    pub fn paths(&mut self) -> Arc<RayPaths> {
        match &mut self.held {
            Held::Rays(store) => Arc::clone(store.flat()),
            Held::Cut(paths) => Arc::clone(paths),
        }
    }

    /// Applies an edit to the scene and traces what it can have changed.
    ///
    /// # Errors
    /// Where the scene refuses the edit.
    pub fn update(&mut self, edit: &Edit) -> Result<Update, UpdateError> {
        self.update_with_control(edit, &TraceControl::new())
    }

    /// Applies an edit to the scene and traces what it can have changed; `control` stops it or tells how far it is, from another thread.
    ///
    /// # Errors
    /// Where the scene refuses the edit, and where it was cancelled; scene and paths are as they were then.
    pub fn update_with_control(&mut self, edit: &Edit, control: &TraceControl) -> Result<Update, UpdateError> {
        self.update_if(edit, control, |_| true)
    }

    /// Does as [`update_with_control`](Self::update_with_control) if the system as edited is one that the caller wants traced, such as one on a
    /// thread that has time for brief work alone.
    ///
    /// # Errors
    /// Where the scene refuses the edit, and, as cancelled, where the system is not wanted; scene and paths are as they were then.
    pub fn update_if(
        &mut self,
        edit: &Edit,
        control: &TraceControl,
        is_wanted: impl FnOnce(&OpticalSystem) -> bool,
    ) -> Result<Update, UpdateError> {
        let (inverse, change) = self.live.apply_and_tell(edit)?;
        let after = Arc::clone(self.live.compiled());
        let physics = self.options.physics;
        let followed = match &change {
            _ if !is_wanted(&after.system) => Err(TraceError::Cancelled),
            Change::Nothing => Ok(Changes::default()),
            Change::Surfaces(surfaces) => {
                self.follow(&after.system, |emission, _| Difference::of_surfaces(surfaces, emission, physics), control)
            }
            Change::System { before, items } => self.follow_system(&before.system, &after.system, Some(items), control),
        };
        match followed {
            Ok(changes) => Ok(self.tell(Some(inverse), changes)),
            Err(_) => {
                // An inverse, applied to the state it was made in, cannot be refused.
                let taken_back = self.live.apply(&inverse);
                debug_assert!(taken_back.is_ok(), "{taken_back:?}");
                Err(UpdateError::Cancelled)
            }
        }
    }

    /// Takes another scene in place of the present one and traces what they do not have in common, by the ids of items; `control` stops it
    /// or tells how far it is, from another thread.
    ///
    /// For hosts that know no edits. The whole scene is compiled.
    ///
    /// # Errors
    /// Where it was cancelled; scene and paths are as they were then.
    pub fn replace(&mut self, scene: Scene, control: &TraceControl) -> Result<Update, TraceError> {
        let next = LiveSystem::new(scene);
        let before = Arc::clone(self.live.compiled());
        let changes = self.follow_system(&before.system, &next.compiled().system, None, control)?;
        self.live = next;
        Ok(self.tell(None, changes))
    }

    /// Brings the paths from one system to another. Items that are not `touched` are the same in both.
    fn follow_system(
        &mut self,
        old: &OpticalSystem,
        new: &OpticalSystem,
        touched: Option<&HashSet<ItemId>>,
        control: &TraceControl,
    ) -> Result<Changes, TraceError> {
        let difference = |emission: &Emission<'_>, options: &TraceOptions| {
            let old_emission = Emission::new(old, options);
            Difference::between((old, &old_emission), (new, emission), options.physics, touched)
        };
        self.follow(new, difference, control)
    }

    /// Brings the paths to those of another system; they stay as they are where that is stopped.
    fn follow(
        &mut self,
        new: &OpticalSystem,
        difference: impl FnOnce(&Emission<'_>, &TraceOptions) -> Difference,
        control: &TraceControl,
    ) -> Result<Changes, TraceError> {
        let options = &self.options;
        let emission = Emission::new(new, options);
        if let Held::Rays(store) = &mut self.held {
            let difference = difference(&emission, options);
            let step = Step { store, new, difference, options, emission: &emission, control };
            if let Some(changes) = step.run()? {
                return Ok(changes);
            }
        }
        control.begin(emission.len());
        let traced = trace_rays(new, options, control, &emission, Rays::All)?;
        self.held = hold(traced, Arc::new(Numbering::of(new)));
        Ok(Changes { is_whole: true, traced_rays: emission.len(), ..Changes::default() })
    }

    /// The same update, the latest one, as one of everything: for a user who has not been told of the one before.
    #[must_use]
    pub fn as_whole(&mut self, update: Update) -> Update {
        let (rays, paths, indices) = self.everything();
        Update { is_whole: true, rays, paths, indices, ..update }
    }

    /// All rays that have paths, the paths, and their places.
    fn everything(&mut self) -> (Vec<RayId>, Arc<RayPaths>, Vec<usize>) {
        let paths = self.paths();
        let id = |(&source, &ray): (&i64, &i64)| RayId { source: source as usize, ray: ray as u64 };
        let mut rays: Vec<RayId> = paths.source_indices.iter().zip(&paths.ray_indices).map(id).collect();
        rays.dedup();
        let indices = (0..paths.len()).collect();
        (rays, paths, indices)
    }

    /// The update that the changes make for the user.
    fn tell(&mut self, inverse: Option<Edit>, changes: Changes) -> Update {
        let Changes { is_whole, rays, numbers, traced_rays } = changes;
        let (rays, paths, indices) = match &self.held {
            Held::Rays(store) if !is_whole => (rays, Arc::new(store.select(&numbers)), store.indices_of(&numbers)),
            // Nothing has happened to a result that was cut before.
            Held::Cut(_) if !is_whole => (rays, Arc::new(RayPaths::empty()), Vec::new()),
            _ => self.everything(),
        };
        Update { inverse, is_whole, rays, paths, indices, traced_rays }
    }
}

/// What is kept of a whole trace.
fn hold(mut traced: Traced, numbering: Arc<Numbering>) -> Held {
    if traced.paths.truncated {
        traced.paths.items.clone_from(&numbering.items);
        traced.paths.source_items.clone_from(&numbering.source_items);
        Held::Cut(Arc::new(traced.paths))
    } else {
        Held::Rays(Store::new(Batch::new(traced, numbering)))
    }
}
