//! Finds the nearest of many surfaces on the way of a ray.
//!
//! A uniform grid whose crowded cells hold finer grids (D. Jevans, B. Wyvill, "Adaptive voxel subdivision for ray tracing", Graphics
//! Interface 1989), walked cell by cell (J. Amanatides, A. Woo, "A fast voxel traversal algorithm for ray tracing", Eurographics 1987). A
//! cell holds the parts of surfaces that lie in it as straight pieces of known thickness, in blocks of eight that are tested at once in
//! single precision; what a block lets through is asked for its distance in double precision by the caller's rule. A ray so
//! asks for hardly more surfaces than the one it meets. The resolution of each grid follows from a model of the cost of a query (`cost`); a system
//! of a few dozen surfaces is a single cell.

mod block;
mod build;
mod cost;
mod grid;
mod piece;
#[cfg(test)]
mod tests;

use glam::DVec2;

use self::block::{Block, Link};
use self::grid::{Grid, Walk};

pub use self::build::TooManySurfaces;

/// A ray that asks for surfaces.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// Where it starts.
    pub origin: DVec2,
    /// Unit vector.
    pub direction: DVec2,
    /// 1/direction by component.
    inverse: DVec2,
    /// Surfaces this much further than the nearest one are asked for too, in mm.
    slack: f64,
}

impl Query {
    /// The ray from `origin` along `direction`, of length 1.
    #[must_use]
    #[inline]
    pub fn new(origin: DVec2, direction: DVec2) -> Self {
        let size = origin.abs();
        let slack = SLACK * (1.0 + size.x + size.y);
        Query { origin, direction, inverse: direction.recip(), slack }
    }
}

/// A share of the coordinates and of the distance within which hits may be one to a rule.
const SLACK: f64 = 2e-9;

/// The number of no surface, for [`Index::nearest`].
pub const NO_SURFACE: u32 = block::NONE;

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

/// The nearest surface so far.
struct Best {
    surface: u32,
    distance: f64,
    /// Nothing from here on matters.
    enough: f64,
}

impl Index {
    /// The most surfaces of an index.
    pub const MAX_SURFACES: usize = 1 << 28;

    /// The surface with the smallest `(distance, number)` for which `distance` gives a finite value, and that distance.
    ///
    /// `distance` is asked for at least every surface that the ray meets before or within rounding of the nearest hit; it may be asked for a surface more than
    /// once. The number breaks ties, so that the answer does not depend on the shape of the index. `skip` is left out
    /// in the cell where the ray starts, and need not be elsewhere; [`NO_SURFACE`] where none is to be.
    #[inline]
    pub fn nearest(&self, query: &Query, skip: u32, mut distance: impl FnMut(u32) -> f64) -> Option<(u32, f64)> {
        let mut best = Best { surface: u32::MAX, distance: f64::INFINITY, enough: f64::INFINITY };
        let grid = self.grids.first()?;
        self.walk(grid, query, skip, 0.0, &mut best, &mut distance);
        (best.surface != u32::MAX).then_some((best.surface, best.distance))
    }

    /// Looks through a grid from the distance `from` on; whether the search is over.
    #[inline]
    fn walk(
        &self,
        grid: &Grid,
        query: &Query,
        skip: u32,
        from: f64,
        best: &mut Best,
        distance: &mut impl FnMut(u32) -> f64,
    ) -> bool {
        let Some(mut walk) = grid.enter(query, from) else { return false };
        let mut entered = from;
        let mut block = &self.blocks[walk.cell as usize];
        let mut lanes = block.near_ahead(walk.ray(), skip);
        loop {
            loop {
                if lanes & lanes.wrapping_sub(1) == 0 {
                    if lanes != 0 {
                        best.ask(block.surface(lanes.trailing_zeros()), query, distance);
                    }
                } else {
                    best.ask_in_order(block, lanes, &walk, query, distance);
                }
                match block.link() {
                    None => break,
                    Some(Link::Block(next)) => {
                        block = &self.blocks[next as usize];
                        lanes = block.near_ahead(walk.ray(), skip);
                    }
                    Some(Link::Grid(finer)) => {
                        if self.walk_finer(finer, query, skip, entered, best, distance) {
                            return true;
                        }
                        break;
                    }
                }
            }
            // On to the next cell with anything in it near the ray.
            loop {
                entered = walk.leave();
                if best.enough < entered {
                    return true;
                }
                if !walk.step() {
                    return false;
                }
                block = &self.blocks[walk.cell as usize];
                lanes = block.near(walk.ray());
                if lanes != 0 || block.is_linked() {
                    break;
                }
            }
        }
    }

    /// Out of line: most cells are not crowded.
    #[inline(never)]
    fn walk_finer(
        &self,
        grid: u32,
        query: &Query,
        skip: u32,
        from: f64,
        best: &mut Best,
        distance: &mut impl FnMut(u32) -> f64,
    ) -> bool {
        self.walk(&self.grids[grid as usize], query, skip, from, best, distance)
    }
}

impl Best {
    /// Asks for the distances of the surfaces in several lanes, from the one that begins first along the ray to those that begin behind
    /// the nearest hit, which need not be asked.
    #[inline]
    fn ask_in_order(
        &mut self,
        block: &Block,
        mut lanes: u32,
        walk: &Walk,
        query: &Query,
        distance: &mut impl FnMut(u32) -> f64,
    ) {
        let begins = block.begins(walk.ray());
        while lanes != 0 {
            let mut first = lanes.trailing_zeros();
            let mut others = lanes & (lanes - 1);
            while others != 0 {
                let lane = others.trailing_zeros();
                if begins[lane as usize] < begins[first as usize] {
                    first = lane;
                }
                others &= others - 1;
            }
            if f64::from(begins[first as usize]) > walk.distance_from_centre(self.enough) {
                return;
            }
            self.ask(block.surface(first), query, distance);
            lanes &= !(1 << first);
        }
    }

    /// Asks for the distance of a surface.
    #[inline(always)]
    fn ask(&mut self, surface: u32, query: &Query, distance: &mut impl FnMut(u32) -> f64) {
        // Pieces of one surface stand in several cells.
        if surface == self.surface {
            return;
        }
        let found = distance(surface);
        if found < self.distance || (found == self.distance && surface < self.surface && found.is_finite()) {
            *self = Best { surface, distance: found, enough: found + (found * SLACK + query.slack) };
        }
    }
}
