//! The result of a trace, as the arrays that the tracer wrote.

use std::mem::offset_of;
use std::sync::{Arc, OnceLock};

use glam::DVec2;
use optiverse_core::scene::ItemId;
use optiverse_core::trace::{self, RayPaths};

use crate::border;
use crate::handle::{self, object};
use crate::result::ResultCode;
use crate::text::{Str, Text, Texts};

/// How a path ended.
#[repr(u8)]
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    /// Nothing more was in its way.
    Left = 0,
    /// An element let nothing through and sent nothing back.
    Absorbed = 1,
    /// It met a beam block, or the mount of a lens.
    Blocked = 2,
    /// Its intensity fell below the least that is followed.
    TooWeak = 3,
    /// It had as many interactions as are followed.
    TooManyEvents = 4,
    /// Its length was used up before the next surface.
    TooLong = 5,
    /// The limit on vertices was reached on it.
    Limit = 6,
}

const _: () = {
    assert!(Ending::Left as u8 == trace::Ending::Left as u8);
    assert!(Ending::Absorbed as u8 == trace::Ending::Absorbed as u8);
    assert!(Ending::Blocked as u8 == trace::Ending::Blocked as u8);
    assert!(Ending::TooWeak as u8 == trace::Ending::TooWeak as u8);
    assert!(Ending::TooManyEvents as u8 == trace::Ending::TooManyEvents as u8);
    assert!(Ending::TooLong as u8 == trace::Ending::TooLong as u8);
    assert!(Ending::Limit as u8 == trace::Ending::Limit as u8);
    assert!(trace::Ending::ALL.len() == 7);
};

/// A point in mm, y up.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Up.
    pub y: f64,
}

/// A Jones vector: the complex amplitudes of the field, h horizontal (in the plane of the layout, p) and v vertical (out of
/// it, s).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Jones {
    /// Real part of h.
    pub h_re: f64,
    /// Imaginary part of h.
    pub h_im: f64,
    /// Real part of v.
    pub v_re: f64,
    /// Imaginary part of v.
    pub v_im: f64,
}

/// Red, green, blue and opacity, each from 0 to 255.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Rgba {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
    /// Opacity, from the last intensity.
    pub alpha: u8,
}

// What C sees is the memory of the core: the layouts must be the same.
const _: () = {
    assert!(size_of::<Point>() == size_of::<DVec2>() && align_of::<Point>() == align_of::<DVec2>());
    assert!(offset_of!(Point, x) == offset_of!(DVec2, x) && offset_of!(Point, y) == offset_of!(DVec2, y));
    // `Complex` is `repr(C)`, real part first; an array has no gaps.
    assert!(size_of::<Jones>() == size_of::<trace::Jones>() && align_of::<Jones>() == align_of::<trace::Jones>());
    assert!(size_of::<Rgba>() == size_of::<[u8; 4]>() && align_of::<Rgba>() == align_of::<[u8; 4]>());
    // `repr(u8)`.
    assert!(size_of::<trace::Ending>() == 1);
};

/// The paths of all rays, as flat arrays without gaps, each aligned for its type.
///
/// Path `i` owns the vertices `offsets[i]` to `offsets[i + 1] − 1`, from its source to its end: where light divides, the way
/// up to there stands in each path. `parents[i]` is then the path it divided from, and `branch_vertices[i]` the vertex
/// (counted in path `i`) at which they divided. A vertex at a surface holds the state just after the interaction; where
/// nothing came out, the state just before.
///
/// No pointer is null. An array without entries has an address that must not be read.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Arrays {
    /// The number of paths.
    pub path_count: usize,
    /// The number of vertices in all paths.
    pub vertex_count: usize,

    /// Vertices: positions in mm.
    pub points: *const Point,
    /// Vertices: power as a share of the ray that left the source.
    pub intensities: *const f64,
    /// Vertices: Jones vectors.
    pub jones: *const Jones,
    /// Vertices: optical path lengths in mm from the source.
    pub optical_paths_mm: *const f64,
    /// Vertices: 1/e² radii of the Gaussian beam in mm; NaN for rays.
    pub beam_radii_mm: *const f64,
    /// Vertices: the item whose surface was met, as an index into `optiverse_paths_items`; −1 where the vertex is at none.
    pub hit_items: *const i32,
    /// Vertices: the interface of that item, in the order of its `interfaces`; −1 where the vertex is at none.
    pub hit_interfaces: *const i32,

    /// Where each path begins in the arrays of vertices, and where the last one ends: `path_count + 1` entries.
    pub offsets: *const i64,
    /// Paths: colours.
    pub rgba: *const Rgba,
    /// Paths: vacuum wavelengths in nm.
    pub wavelengths_nm: *const f64,
    /// Paths: the source, as an index into `optiverse_paths_sources`.
    pub source_indices: *const i64,
    /// Paths: the ray of that source, counted from −size/2 to +size/2.
    pub ray_indices: *const i64,
    /// Paths: the path this one divided from; −1 for one that comes straight from its source.
    pub parents: *const i64,
    /// Paths: the vertex, counted within the path, at which it divided from its parent; 0 where there is no parent.
    pub branch_vertices: *const i64,
    /// Paths: how each ended, an `optiverse_ending`.
    pub endings: *const u8,
}

/// Where the power of the sources went, in units of one source ray.
///
/// `emitted` equals the sum of all others, by exact physics to rounding.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PowerBalance {
    /// Sent out by the sources.
    pub emitted: f64,
    /// At the end of paths that left.
    pub left: f64,
    /// In elements.
    pub absorbed: f64,
    /// In beam blocks and lens mounts.
    pub blocked: f64,
    /// Cut off from Gaussian beams at apertures.
    pub clipped: f64,
    /// In light too weak to be followed.
    pub too_weak: f64,
    /// In paths with too many events.
    pub too_many_events: f64,
    /// In paths whose length was used up before the next surface.
    pub too_long: f64,
    /// In paths that the limit on vertices cut or left out.
    pub limit: f64,
}

/// The result of a trace.
pub struct Paths {
    paths: Arc<RayPaths>,
    // Made when they are first asked for: most programs draw arrays.
    items: OnceLock<Texts>,
    sources: OnceLock<Texts>,
}

object!(Paths, "optiverse_paths", 7);

impl Paths {
    pub(crate) fn new(paths: Arc<RayPaths>) -> Paths {
        Paths { paths, items: OnceLock::new(), sources: OnceLock::new() }
    }

    pub(crate) fn paths(&self) -> &RayPaths {
        &self.paths
    }

    /// The texts of ids, made when they are first asked for.
    fn ids<'t>(texts: &'t OnceLock<Texts>, ids: &[ItemId]) -> &'t [Str] {
        texts.get_or_init(|| Texts::new(ids.iter().map(|id| Text::from(id.as_str())))).views()
    }

    fn arrays(&self) -> Arrays {
        let paths = &self.paths;
        Arrays {
            path_count: paths.len(),
            vertex_count: paths.vertex_count(),
            points: paths.points().as_ptr().cast(),
            intensities: paths.intensities().as_ptr(),
            jones: paths.jones().as_ptr().cast(),
            optical_paths_mm: paths.optical_paths_mm().as_ptr(),
            beam_radii_mm: paths.beam_radii_mm().as_ptr(),
            hit_items: paths.hit_items().as_ptr(),
            hit_interfaces: paths.hit_interfaces().as_ptr(),
            offsets: paths.offsets().as_ptr(),
            rgba: paths.rgba().as_ptr().cast(),
            wavelengths_nm: paths.wavelengths_nm().as_ptr(),
            source_indices: paths.source_indices().as_ptr(),
            ray_indices: paths.ray_indices().as_ptr(),
            parents: paths.parents().as_ptr(),
            branch_vertices: paths.branch_vertices().as_ptr(),
            endings: paths.endings().as_ptr().cast(),
        }
    }
}

/// Frees a result, and with it all its arrays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_paths_free(paths: *mut Paths) -> ResultCode {
    border::call(|| handle::free(paths, "paths"))
}

/// Looks at the arrays of a result. They are the memory that the tracer wrote, not a copy, never change, and are good until
/// the result is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_paths_arrays(paths: *const Paths, arrays: *mut Arrays) -> ResultCode {
    border::call(|| {
        let arrays = border::output(arrays, "arrays")?;
        border::write(arrays, handle::get(paths, "paths")?.arrays());
        Ok(())
    })
}

/// Looks at the ids that `hit_items` points to: `first` gets the address of the first of `count`. They are good until the
/// result is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_paths_items(
    paths: *const Paths,
    first: *mut *const Str,
    count: *mut usize,
) -> ResultCode {
    border::show(first, count, paths, "paths", |paths| Paths::ids(&paths.items, paths.paths.items()))
}

/// Looks at the ids of the sources that `source_indices` points to, as `optiverse_paths_items` does at those of items.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_paths_sources(
    paths: *const Paths,
    first: *mut *const Str,
    count: *mut usize,
) -> ResultCode {
    border::show(first, count, paths, "paths", |paths| Paths::ids(&paths.sources, paths.paths.source_items()))
}

/// Tells where the power went, and whether the trace stopped at `max_vertices`: `is_truncated` gets 1 if so, and paths are
/// missing then, otherwise 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_paths_power(
    paths: *const Paths,
    balance: *mut PowerBalance,
    is_truncated: *mut u8,
) -> ResultCode {
    border::call(|| {
        let balance = border::output(balance, "balance")?;
        let is_truncated = border::output(is_truncated, "is_truncated")?;
        let paths = handle::get(paths, "paths")?;
        let &trace::PowerBalance {
            emitted,
            left,
            absorbed,
            blocked,
            clipped,
            too_weak,
            too_many_events,
            too_long,
            limit,
        } = paths.paths.power_balance();
        border::write(
            balance,
            PowerBalance { emitted, left, absorbed, blocked, clipped, too_weak, too_many_events, too_long, limit },
        );
        border::write(is_truncated, u8::from(paths.paths.is_truncated()));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use optiverse_core::optics::{OpticalSystem, Strictness};
    use optiverse_core::scene::Scene;

    #[test]
    fn what_c_sees_is_the_memory_of_the_result() {
        let text = r#"{"items": [{"_type": "source", "item_uuid": "laser", "n_rays": 3}]}"#;
        let system = OpticalSystem::compile(&Scene::from_json(text).unwrap(), Strictness::Strict).unwrap().system;
        let paths = Arc::new(trace::trace(&system, &trace::TraceOptions::default()).unwrap());
        let handle = handle::insert(Paths::new(Arc::clone(&paths))).unwrap();
        // All members by name: an array that is added is compared too.
        let Arrays {
            path_count,
            vertex_count,
            points,
            intensities,
            jones,
            optical_paths_mm,
            beam_radii_mm,
            hit_items,
            hit_interfaces,
            offsets,
            rgba,
            wavelengths_nm,
            source_indices,
            ray_indices,
            parents,
            branch_vertices,
            endings,
        } = handle::get(handle, "paths").unwrap().arrays();
        assert_eq!((path_count, vertex_count), (3, 6));
        let seen = [
            (points.addr(), paths.points().as_ptr().addr()),
            (intensities.addr(), paths.intensities().as_ptr().addr()),
            (jones.addr(), paths.jones().as_ptr().addr()),
            (optical_paths_mm.addr(), paths.optical_paths_mm().as_ptr().addr()),
            (beam_radii_mm.addr(), paths.beam_radii_mm().as_ptr().addr()),
            (hit_items.addr(), paths.hit_items().as_ptr().addr()),
            (hit_interfaces.addr(), paths.hit_interfaces().as_ptr().addr()),
            (offsets.addr(), paths.offsets().as_ptr().addr()),
            (rgba.addr(), paths.rgba().as_ptr().addr()),
            (wavelengths_nm.addr(), paths.wavelengths_nm().as_ptr().addr()),
            (source_indices.addr(), paths.source_indices().as_ptr().addr()),
            (ray_indices.addr(), paths.ray_indices().as_ptr().addr()),
            (parents.addr(), paths.parents().as_ptr().addr()),
            (branch_vertices.addr(), paths.branch_vertices().as_ptr().addr()),
            (endings.addr(), paths.endings().as_ptr().addr()),
        ];
        for (place, (in_c, in_rust)) in seen.into_iter().enumerate() {
            assert_eq!(in_c, in_rust, "array {place}");
        }
        // Each is another array.
        let addresses: std::collections::HashSet<usize> = seen.iter().map(|(in_c, _)| *in_c).collect();
        assert_eq!(addresses.len(), seen.len());
        handle::free(handle, "paths").unwrap();
    }
}
