//! Finds the nearest of many surfaces on the way of a ray.
//!
//! A uniform grid whose crowded cells hold finer grids (D. Jevans, B. Wyvill, "Adaptive voxel subdivision for ray tracing", Graphics
//! Interface 1989), walked cell by cell (J. Amanatides, A. Woo, "A fast voxel traversal algorithm for ray tracing", Eurographics 1987). A
//! cell holds the parts of surfaces that lie in it as straight pieces of known thickness, in blocks of eight that are tested at once in
//! single precision; what a block lets through is asked for its distance in double precision by the caller's rule. A ray so
//! asks for hardly more surfaces than the one it meets. The resolution of each grid follows from a model of the cost of a query (`cost`); a handful of
//! surfaces is a single cell.

mod block;
mod build;
mod cost;
mod grid;
pub(crate) mod lanes;
mod piece;
mod search;
#[cfg(test)]
mod tests;
mod walks;

use glam::DVec2;

use self::block::Block;
use self::grid::Grid;

pub use self::build::TooManySurfaces;
pub(crate) use self::search::{Distance, Nearest, Searches};

/// A ray that asks for surfaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    /// Where it starts.
    origin: DVec2,
    /// Unit vector.
    direction: DVec2,
    /// What of [`Query::rounding`] does not grow with the distance.
    slack: f64,
    /// A surface to leave out in the cell where the ray starts.
    skip: u32,
}

impl Query {
    /// No ray.
    const NONE: Query = Query { origin: DVec2::ZERO, direction: DVec2::ZERO, slack: 0.0, skip: NO_SURFACE };

    /// The ray from `origin` along `direction`, of length 1. The surface `skip` is left out in the cell where the ray starts, and need not be
    /// elsewhere; [`NO_SURFACE`] where none is to be.
    #[must_use]
    #[inline(always)]
    pub(crate) fn new(origin: DVec2, direction: DVec2, skip: u32) -> Self {
        let size = origin.abs();
        let slack = SLACK * (1.0 + size.x + size.y);
        Query { origin, direction, slack, skip }
    }

    /// How much further than a surface at this distance another one may seem to lie that is as near, in mm.
    #[must_use]
    #[inline(always)]
    pub(crate) fn rounding(&self, distance: f64) -> f64 {
        distance * SLACK + self.slack
    }
}

/// A share of the coordinates and of the distance within which hits may be one to a rule.
const SLACK: f64 = 2e-9;

/// The number of no surface.
pub(crate) const NO_SURFACE: u32 = block::NONE;

/// An index over surfaces that are known by their number.
#[derive(Clone, Debug, Default)]
pub struct Index {
    blocks: Vec<Block>,
    /// The first one covers everything; the others each cover a cell of another one.
    grids: Vec<Grid>,
    surfaces: u32,
    /// The largest coordinate in mm of what sends rays, surfaces aside.
    reach_mm: f64,
    /// The reach of the hit rules in mm.
    tolerance: f64,
    /// Blocks when it was built.
    blocks_built: usize,
}

/// Names a grid of an index, as a place to begin a search at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GridNumber(u32);

impl GridNumber {
    /// The grid over everything.
    pub(crate) const ROOT: GridNumber = GridNumber(0);
}

impl Index {
    /// The most surfaces of an index.
    pub const MAX_SURFACES: usize = 1 << 28;
}
