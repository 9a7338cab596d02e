//! Tracing again only what an edit can have changed.

use std::sync::{Arc, Mutex};

use optiverse_core::trace;

use crate::border;
use crate::edit::Edit;
use crate::handle::{self, lock, object};
use crate::options::{self, TraceOptions};
use crate::partial_trace::RayId;
use crate::paths::Paths;
use crate::result::{Failure, ResultCode};
use crate::scene::Scene;
use crate::system::System;
use crate::trace::Control;

/// A scene with the paths of its light, which follow its edits: for programs in which elements are dragged.
///
/// An edit traces only the rays whose light it can have changed. The result is the same, bit for bit, as that of tracing the
/// edited scene, compiled leniently.
pub struct Tracer {
    tracer: Mutex<trace::Tracer>,
}

object!(Tracer, "optiverse_tracer", 9);

/// What an edit, or another scene, has changed in the paths of a tracer.
///
/// A picture follows in two steps: remove what is drawn of the rays named here (of all rays if the update is whole), and draw
/// the paths of `optiverse_update_paths`.
pub struct Update {
    update: trace::Update,
    rays: Vec<RayId>,
}

object!(Update, "optiverse_update", 10);

impl From<trace::Update> for Update {
    fn from(update: trace::Update) -> Update {
        Update { rays: RayId::list(update.rays()), update }
    }
}

/// What an update says. Its arrays are good until the update is freed.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct UpdateInfo {
    /// 1 if all is to be drawn anew: the paths of the update are then all paths. Otherwise 0.
    pub is_whole: u8,
    /// The first of the rays of which any path is not what it was, to the last bit, or is there no more; in order.
    pub rays: *const RayId,
    /// Their number.
    pub ray_count: usize,
    /// For each path of the update, its place among all paths of the tracer.
    pub indices: *const usize,
    /// Their number.
    pub path_count: usize,
    /// How many source rays were traced to find out.
    pub traced_rays: u64,
}

fn with<T>(tracer: *const Tracer, call: impl FnOnce(&mut trace::Tracer) -> Result<T, Failure>) -> Result<T, Failure> {
    call(&mut *lock(&handle::get(tracer, "tracer")?.tracer)?)
}

/// Compiles, leniently, and traces a scene, of which the tracer keeps a copy.
///
/// `options` may be null for the defaults, and `control` if nobody stops the trace or asks how far it is.
///
/// Codes: `INVALID_OPTION`, `CANCELLED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_tracer_new(
    scene: *const Scene,
    options: *const TraceOptions,
    control: *const Control,
    tracer: *mut *mut Tracer,
) -> ResultCode {
    border::call(|| {
        let out = border::output(tracer, "tracer")?;
        let options = options::read(options)?;
        let scene = handle::get(scene, "scene")?.with(|scene| Ok(scene.clone()))?;
        let control = Control::given_or_own(control)?;
        let tracer = trace::Tracer::with_control(scene, options, control.control())?;
        border::give(out, Tracer { tracer: Mutex::new(tracer) })
    })
}

/// Frees a tracer. Results and updates that came from it are not touched.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_tracer_free(tracer: *mut Tracer) -> ResultCode {
    border::call(|| handle::free(tracer, "tracer"))
}

/// Applies an edit to the tracer's scene and traces what it can have changed. `control` may be null; if `update` is, nobody
/// wants to know.
///
/// Codes: those of `optiverse_scene_apply`, `CANCELLED`. Scene and paths are as they were then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_tracer_update(
    tracer: *mut Tracer,
    edit: *const Edit,
    control: *const Control,
    update: *mut *mut Update,
) -> ResultCode {
    border::call(|| {
        let out = border::optional_handle(update, "update")?;
        let tracer = handle::get(tracer, "tracer")?;
        let edit = handle::get(edit, "edit")?;
        let control = Control::given_or_own(control)?;
        let update = edit.with(|edit| Ok(lock(&tracer.tracer)?.update_with_control(edit, control.control())?))?;
        border::give_if_wanted(out, || Update::from(update));
        Ok(())
    })
}

/// Takes a copy of another scene in place of the tracer's, compiles it, leniently, and traces what the two do not have in
/// common, by the ids of items: for programs that know no edits. `control` may be null; if `update` is, nobody wants to
/// know.
///
/// Codes: `CANCELLED`. Scene and paths are as they were then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_tracer_replace(
    tracer: *mut Tracer,
    scene: *const Scene,
    control: *const Control,
    update: *mut *mut Update,
) -> ResultCode {
    border::call(|| {
        let out = border::optional_handle(update, "update")?;
        let tracer = handle::get(tracer, "tracer")?;
        let scene = handle::get(scene, "scene")?.with(|scene| Ok(scene.clone()))?;
        let control = Control::given_or_own(control)?;
        let update = lock(&tracer.tracer)?.replace(scene, control.control())?;
        border::give_if_wanted(out, || Update::from(update));
        Ok(())
    })
}

/// Gives all paths as they are now, as a result of its own, the caller's to free. After an update that copies every vertex,
/// once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_tracer_paths(tracer: *const Tracer, paths: *mut *mut Paths) -> ResultCode {
    border::call(|| {
        let out = border::output(paths, "paths")?;
        let paths = with(tracer, |tracer| Ok(tracer.paths()))?;
        border::give(out, Paths::new(paths))
    })
}

/// Gives the system as it is now, for reports and pictures, the caller's to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_tracer_system(tracer: *const Tracer, system: *mut *mut System) -> ResultCode {
    border::call(|| {
        let out = border::output(system, "system")?;
        let compiled = with(tracer, |tracer| Ok(Arc::clone(tracer.compiled())))?;
        border::give(out, System::new(compiled))
    })
}

/// Gives a copy of the scene as it is now, the caller's to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_tracer_scene(tracer: *const Tracer, scene: *mut *mut Scene) -> ResultCode {
    border::call(|| {
        let out = border::output(scene, "scene")?;
        let scene = with(tracer, |tracer| Ok(tracer.scene().clone()))?;
        border::give(out, Scene::new(scene, &[]))
    })
}

/// Frees an update.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_update_free(update: *mut Update) -> ResultCode {
    border::call(|| handle::free(update, "update"))
}

/// Looks at an update.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_update_view(update: *const Update, info: *mut UpdateInfo) -> ResultCode {
    border::call(|| {
        let out = border::output(info, "info")?;
        let held = handle::get(update, "update")?;
        let Update { update, rays } = &*held;
        let info = UpdateInfo {
            is_whole: u8::from(update.is_whole()),
            rays: rays.as_ptr(),
            ray_count: rays.len(),
            indices: update.indices().as_ptr(),
            path_count: update.indices().len(),
            traced_rays: update.traced_rays(),
        };
        border::write(out, info);
        Ok(())
    })
}

/// Gives the paths of the rays of an update as they are now, with the power of these rays alone, as a result of its own, the
/// caller's to free. Nothing is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_update_paths(update: *const Update, paths: *mut *mut Paths) -> ResultCode {
    border::call(|| {
        let out = border::output(paths, "paths")?;
        let update = handle::get(update, "update")?;
        border::give(out, Paths::new(Arc::clone(update.update.paths())))
    })
}

/// Gives the edit that takes the one of this update back, the caller's to free.
///
/// Codes: `INVALID_ARGUMENT` for an update of `optiverse_tracer_replace`, which has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_update_inverse(update: *const Update, inverse: *mut *mut Edit) -> ResultCode {
    border::call(|| {
        let out = border::output(inverse, "inverse")?;
        let update = handle::get(update, "update")?;
        let none = || Failure::argument("update", "without an edit", "one of optiverse_tracer_update");
        let edit = update.update.inverse().cloned().ok_or_else(none)?;
        border::give(out, Edit::from(edit))
    })
}

#[cfg(test)]
mod tests {
    use std::ptr::{null, null_mut};

    use optiverse_core::scene;

    use super::*;
    use crate::handle::tests::leave;

    #[test]
    fn an_edit_for_whose_update_there_is_no_handle_is_not_made() {
        let text = r#"{"items": [{"_type": "source", "item_uuid": "laser", "x_mm": 0.0}]}"#;
        let scene = scene::Scene::from_json(text).unwrap();
        let traced = trace::Tracer::with_control(scene, Default::default(), &trace::TraceControl::new()).unwrap();
        let tracer = handle::insert(Tracer { tracer: Mutex::new(traced) }).unwrap();
        let edit = scene::Edit::Move { id: "laser".into(), x_mm: 7.0, y_mm: 0.0 };
        let edit = handle::insert(Edit::from(edit)).unwrap();
        let x_mm = || with(tracer, |tracer| Ok(tracer.paths().points()[0].x)).unwrap();
        let update = |update: *mut *mut Update| {
            // SAFETY: a place of the right type, or none.
            unsafe { optiverse_tracer_update(tracer, edit, null(), update) }
        };
        let mut made = null_mut();

        let other = text.replace("0.0", "3.0");
        let other = handle::insert(Scene::new(scene::Scene::from_json(&other).unwrap(), &[])).unwrap();

        leave(0);
        assert_eq!(update(&mut made), ResultCode::TooManyHandles);
        // SAFETY: a place of the right type.
        let replaced = unsafe { optiverse_tracer_replace(tracer, other, null(), &mut made) };
        assert_eq!(replaced, ResultCode::TooManyHandles);
        assert_eq!((x_mm(), made), (0.0, null_mut()));
        // Without one no handle is needed.
        assert_eq!(update(null_mut()), ResultCode::Ok);
        assert_eq!(x_mm(), 7.0);
        // The last one.
        leave(1);
        assert_eq!(update(&mut made), ResultCode::Ok);
        // What C sees of it is its own memory.
        let mut info = std::mem::MaybeUninit::uninit();
        // SAFETY: a place of the right type.
        assert_eq!(unsafe { optiverse_update_view(made, info.as_mut_ptr()) }, ResultCode::Ok);
        // SAFETY: written with OK.
        let UpdateInfo { rays, indices, .. } = unsafe { info.assume_init() };
        let held = handle::get(made, "update").unwrap();
        assert_eq!(indices.addr(), held.update.indices().as_ptr().addr());
        assert_eq!(rays.addr(), held.rays.as_ptr().addr());
        handle::free(made, "update").unwrap();
        handle::free(edit, "edit").unwrap();
        handle::free(other, "scene").unwrap();
        handle::free(tracer, "tracer").unwrap();
    }
}
