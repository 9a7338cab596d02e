//! The result of a trace: flat arrays of vertices and paths.

use glam::DVec2;
use num_complex::Complex64;

use super::PowerBalance;
use crate::scene::ItemId;

/// How a path ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Ending {
    /// Nothing more was in its way; the last vertex lies where its length was used up.
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

impl Ending {
    /// All endings, in the order of their codes.
    pub const ALL: [Ending; 7] = [
        Ending::Left,
        Ending::Absorbed,
        Ending::Blocked,
        Ending::TooWeak,
        Ending::TooManyEvents,
        Ending::TooLong,
        Ending::Limit,
    ];

    /// The name in files and in Python.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Ending::Left => "left",
            Ending::Absorbed => "absorbed",
            Ending::Blocked => "blocked",
            Ending::TooWeak => "too weak",
            Ending::TooManyEvents => "too many events",
            Ending::TooLong => "too long",
            Ending::Limit => "limit",
        }
    }
}

/// A Jones vector [E_h, E_v]: h horizontal (in the plane of the layout, p), v vertical (out of it, s).
pub type Jones = [Complex64; 2];

/// The paths of all rays, as flat arrays.
///
/// Path `i` owns the vertices `offsets[i]..offsets[i + 1]`, from its source to its end: where light divides, the way up
/// to there stands in each path. `parents[i]` is then the path it divided from, and `branch_vertices[i]` the vertex (counted
/// in path `i`) at which they divided: the way up to it is common, and can be drawn or summed once.
///
/// A vertex at a surface holds the state just after the interaction; where nothing came out, the state just before.
/// Paths stand in the order of sources, of rays in a source, and within one source ray in the order in which they ended:
/// reflected light before transmitted light.
#[derive(Clone, Debug, Default)]
pub struct RayPaths {
    // Per vertex.
    pub(super) points: Vec<DVec2>,
    pub(super) intensities: Vec<f64>,
    pub(super) jones: Vec<Jones>,
    pub(super) optical_paths_mm: Vec<f64>,
    pub(super) beam_radii_mm: Vec<f64>,
    pub(super) hit_items: Vec<i32>,
    pub(super) hit_interfaces: Vec<i32>,
    // Per path; `offsets` has one more.
    pub(super) offsets: Vec<i64>,
    pub(super) rgba: Vec<[u8; 4]>,
    pub(super) wavelengths_nm: Vec<f64>,
    pub(super) source_indices: Vec<i64>,
    pub(super) ray_indices: Vec<i64>,
    pub(super) parents: Vec<i64>,
    pub(super) branch_vertices: Vec<i64>,
    pub(super) endings: Vec<Ending>,
    // Tables.
    pub(super) items: Vec<ItemId>,
    pub(super) source_items: Vec<ItemId>,
    pub(super) balance: PowerBalance,
    pub(super) truncated: bool,
}

impl RayPaths {
    /// Memory of a vertex in bytes, all columns together.
    pub const BYTES_PER_VERTEX: usize =
        size_of::<DVec2>() + 3 * size_of::<f64>() + size_of::<Jones>() + 2 * size_of::<i32>();

    /// Number of paths.
    #[must_use]
    pub fn len(&self) -> usize {
        self.endings.len()
    }

    /// Whether there is no path.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.endings.is_empty()
    }

    /// Number of vertices in all paths.
    #[must_use]
    pub fn vertex_count(&self) -> usize {
        self.points.len()
    }

    /// Where each path begins in the arrays of vertices, and where the last one ends; one more than paths.
    #[must_use]
    pub fn offsets(&self) -> &[i64] {
        &self.offsets
    }

    /// Positions in mm, y up.
    #[must_use]
    pub fn points(&self) -> &[DVec2] {
        &self.points
    }

    /// Power as a share of the ray that left the source.
    #[must_use]
    pub fn intensities(&self) -> &[f64] {
        &self.intensities
    }

    /// Jones vectors [E_h, E_v].
    #[must_use]
    pub fn jones(&self) -> &[Jones] {
        &self.jones
    }

    /// Optical path lengths in mm from the source: geometric lengths times indices.
    #[must_use]
    pub fn optical_paths_mm(&self) -> &[f64] {
        &self.optical_paths_mm
    }

    /// 1/e² radii of the Gaussian beam in mm; NaN for rays.
    #[must_use]
    pub fn beam_radii_mm(&self) -> &[f64] {
        &self.beam_radii_mm
    }

    /// The item whose surface was met, as an index into [`items`](Self::items); −1 where the vertex is at none.
    #[must_use]
    pub fn hit_items(&self) -> &[i32] {
        &self.hit_items
    }

    /// The interface of that item, in the order of its `interfaces`; −1 where the vertex is at none.
    #[must_use]
    pub fn hit_interfaces(&self) -> &[i32] {
        &self.hit_interfaces
    }

    /// Colours: the source's, with alpha from the last intensity.
    #[must_use]
    pub fn rgba(&self) -> &[[u8; 4]] {
        &self.rgba
    }

    /// Vacuum wavelengths in nm.
    #[must_use]
    pub fn wavelengths_nm(&self) -> &[f64] {
        &self.wavelengths_nm
    }

    /// The source, counted over all sources in the order of the file.
    #[must_use]
    pub fn source_indices(&self) -> &[i64] {
        &self.source_indices
    }

    /// The ray of that source, counted from −size/2 to +size/2.
    #[must_use]
    pub fn ray_indices(&self) -> &[i64] {
        &self.ray_indices
    }

    /// The path this one divided from; −1 for one that comes straight from its source.
    #[must_use]
    pub fn parents(&self) -> &[i64] {
        &self.parents
    }

    /// The vertex, counted within the path, at which it divided from its parent; 0 where there is no parent.
    #[must_use]
    pub fn branch_vertices(&self) -> &[i64] {
        &self.branch_vertices
    }

    /// How each path ended.
    #[must_use]
    pub fn endings(&self) -> &[Ending] {
        &self.endings
    }

    /// The ids that [`hit_items`](Self::hit_items) points to.
    #[must_use]
    pub fn items(&self) -> &[ItemId] {
        &self.items
    }

    /// The ids of the sources that [`source_indices`](Self::source_indices) points to.
    #[must_use]
    pub fn source_items(&self) -> &[ItemId] {
        &self.source_items
    }

    /// Where the power went.
    #[must_use]
    pub fn power_balance(&self) -> &PowerBalance {
        &self.balance
    }

    /// Whether tracing stopped at [`max_vertices`](super::TraceOptions::max_vertices): paths are missing then.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Path `index`, or `None` past the last.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<RayPath<'_>> {
        (index < self.len()).then_some(RayPath { paths: self, index })
    }

    /// All paths in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RayPath<'_>> {
        (0..self.len()).map(|index| RayPath { paths: self, index })
    }
}

/// One path of a [`RayPaths`].
#[derive(Clone, Copy, Debug)]
pub struct RayPath<'a> {
    paths: &'a RayPaths,
    index: usize,
}

impl<'a> RayPath<'a> {
    /// Its place in the result.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Its vertices in the flat arrays.
    #[must_use]
    pub fn vertices(&self) -> std::ops::Range<usize> {
        let at = |index: usize| usize::try_from(self.paths.offsets[index]).unwrap_or(0);
        at(self.index)..at(self.index + 1)
    }

    /// Positions in mm.
    #[must_use]
    pub fn points(&self) -> &'a [DVec2] {
        &self.paths.points[self.vertices()]
    }

    /// Power at each vertex.
    #[must_use]
    pub fn intensities(&self) -> &'a [f64] {
        &self.paths.intensities[self.vertices()]
    }

    /// Jones vector at each vertex.
    #[must_use]
    pub fn jones(&self) -> &'a [Jones] {
        &self.paths.jones[self.vertices()]
    }

    /// Optical path length in mm at each vertex.
    #[must_use]
    pub fn optical_paths_mm(&self) -> &'a [f64] {
        &self.paths.optical_paths_mm[self.vertices()]
    }

    /// Gaussian radius in mm at each vertex; NaN for rays.
    #[must_use]
    pub fn beam_radii_mm(&self) -> &'a [f64] {
        &self.paths.beam_radii_mm[self.vertices()]
    }

    /// Whether this is a Gaussian beam.
    #[must_use]
    pub fn is_gaussian(&self) -> bool {
        self.beam_radii_mm().first().is_some_and(|radius| !radius.is_nan())
    }

    /// The item and interface met at vertex `vertex` of this path.
    #[must_use]
    pub fn hit(&self, vertex: usize) -> Option<(&'a ItemId, usize)> {
        let at = self.vertices().start + vertex;
        let item = usize::try_from(*self.paths.hit_items.get(at)?).ok()?;
        let interface = usize::try_from(self.paths.hit_interfaces[at]).ok()?;
        Some((self.paths.items.get(item)?, interface))
    }

    /// Colour with alpha.
    #[must_use]
    pub fn rgba(&self) -> [u8; 4] {
        self.paths.rgba[self.index]
    }

    /// Vacuum wavelength in nm.
    #[must_use]
    pub fn wavelength_nm(&self) -> f64 {
        self.paths.wavelengths_nm[self.index]
    }

    /// The source in the order of the file.
    #[must_use]
    pub fn source_index(&self) -> usize {
        usize::try_from(self.paths.source_indices[self.index]).unwrap_or(0)
    }

    /// The path it divided from.
    #[must_use]
    pub fn parent(&self) -> Option<usize> {
        usize::try_from(self.paths.parents[self.index]).ok()
    }

    /// The vertex of this path at which it divided from its parent; 0 where there is none.
    #[must_use]
    pub fn branch_vertex(&self) -> usize {
        usize::try_from(self.paths.branch_vertices[self.index]).unwrap_or(0)
    }

    /// How it ended.
    #[must_use]
    pub fn ending(&self) -> Ending {
        self.paths.endings[self.index]
    }
}
