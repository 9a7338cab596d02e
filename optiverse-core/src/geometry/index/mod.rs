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
pub(crate) mod lanes;
mod piece;
#[cfg(test)]
mod tests;

use std::hint::select_unpredictable;

use glam::DVec2;

use self::block::{Block, Link, Near};
use self::grid::{Grid, Walk};
use self::lanes::{Job, Lanes};

pub use self::build::TooManySurfaces;

/// A ray that asks for surfaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    /// Where it starts.
    pub(crate) origin: DVec2,
    /// Unit vector.
    pub(crate) direction: DVec2,
    /// 1/direction by component.
    inverse: DVec2,
    /// Surfaces this much further than the nearest one are asked for too, in mm.
    slack: f64,
}

impl Query {
    /// The ray from `origin` along `direction`, of length 1.
    #[must_use]
    #[inline(always)]
    pub(crate) fn new(origin: DVec2, direction: DVec2) -> Self {
        let size = origin.abs();
        let slack = SLACK * (1.0 + size.x + size.y);
        Query { origin, direction, inverse: direction.recip(), slack }
    }
}

/// A share of the coordinates and of the distance within which hits may be one to a rule.
const SLACK: f64 = 2e-9;

/// The number of no surface, for [`Index::nearest`].
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

/// What a ray meets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Nearest {
    /// The surface.
    pub(crate) surface: u32,
    /// How far away it is, in mm.
    pub(crate) distance: f64,
    /// Whether another one is as near, to rounding.
    pub(crate) several: bool,
}

/// Names a grid of an index, as a place to begin a search at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GridNumber(u32);

impl GridNumber {
    /// The grid over everything.
    pub(crate) const ROOT: GridNumber = GridNumber(0);
}

/// Knows at which distance a ray meets a surface, by its number; ∞ where it does not. A trait, and not a closure alone, since the body of a closure cannot
/// be made to stand in line.
pub(crate) trait Distance {
    /// The distance in mm.
    fn to(&mut self, surface: u32) -> f64;
}

impl<F: FnMut(u32) -> f64> Distance for F {
    #[inline]
    fn to(&mut self, surface: u32) -> f64 {
        self(surface)
    }
}

/// A search under way.
struct Search<'a, D, L> {
    lanes: L,
    query: &'a Query,
    skip: u32,
    distance: D,
    /// The nearest surface so far.
    best: Nearest,
    /// Nothing from here on matters.
    enough: f64,
    /// The finest grid in which the search came to its end.
    grid: GridNumber,
}

impl Index {
    /// The most surfaces of an index.
    pub const MAX_SURFACES: usize = 1 << 28;

    /// The surface with the smallest `(distance, number)` for which `distance` gives a finite value.
    ///
    /// `distance` is asked for at least every surface that the ray meets before or within rounding of the nearest hit; it may be asked for a surface more than
    /// once. The number breaks ties, so that the answer does not depend on the shape of the index. `skip` is left out
    /// in the cell where the ray starts, and need not be elsewhere; [`NO_SURFACE`] where none is to be. `begin` is the grid to look through first,
    /// where the ray starts in it; which one that is makes no difference to the answer. With it comes where a ray that goes on from there best begins.
    #[inline(always)]
    pub(crate) fn nearest(
        &self,
        lanes: impl Lanes,
        query: &Query,
        skip: u32,
        begin: GridNumber,
        distance: impl Distance,
    ) -> Option<(Nearest, GridNumber)> {
        let root = self.grids.first()?;
        let best = Nearest { surface: u32::MAX, distance: f64::INFINITY, several: false };
        let mut search = Search { lanes, query, skip, distance, best, enough: f64::INFINITY, grid: GridNumber::ROOT };
        let is_over = begin != GridNumber::ROOT
            && self.grids[begin.0 as usize].holds(query.origin)
            && self.walk_finer(begin, 0.0, &mut search);
        if !is_over {
            self.walk(root, 0.0, &mut search);
        }
        (search.best.surface != u32::MAX).then_some((search.best, search.grid))
    }

    /// Looks through a grid from the distance `from` on; whether the search is over.
    #[inline(always)]
    fn walk<D: Distance, L: Lanes>(&self, grid: &Grid, from: f64, search: &mut Search<'_, D, L>) -> bool {
        let Some(mut walk) = grid.enter(search.query, from) else { return false };
        let mut entered = from;
        let mut block = &self.blocks[walk.cell as usize];
        let mut near = block.near_ahead(search.lanes, walk.ray(), search.skip);
        loop {
            if !near.is_nothing() {
                if let Some(lane) = near.single() {
                    search.ask(block.surface(lane));
                } else if self.look_closer(block, near, &walk, entered, search) {
                    return true;
                }
            }
            let enough = search.enough;
            // A loop of its own, so that what a walk consists of stays in registers.
            loop {
                entered = walk.leave();
                if enough < entered {
                    return true;
                }
                if !walk.step() {
                    return false;
                }
                block = &self.blocks[walk.cell as usize];
                near = block.near(search.lanes, walk.ray());
                if !near.is_nothing() {
                    break;
                }
            }
        }
    }

    /// Looks at a cell with several pieces near the ray, or one that goes on; whether the search is over.
    #[inline(always)]
    fn look_closer<'a, D: Distance, L: Lanes>(
        &'a self,
        mut block: &'a Block,
        mut near: Near,
        walk: &Walk,
        entered: f64,
        search: &mut Search<'_, D, L>,
    ) -> bool {
        loop {
            search.ask_in_order(block, near.lanes(), walk);
            match block.link() {
                None => return false,
                Some(Link::Grid(finer)) => return self.walk_finer(GridNumber(finer), entered, search),
                Some(Link::Block(next)) => block = &self.blocks[next as usize],
            }
            near = block.near_ahead(search.lanes, walk.ray(), search.skip);
        }
    }

    /// Out of line: most cells are not crowded.
    #[inline(never)]
    fn walk_finer<D: Distance, L: Lanes>(&self, number: GridNumber, from: f64, search: &mut Search<'_, D, L>) -> bool {
        search.lanes.run(WalkFiner { index: self, number, from, search })
    }
}

/// A walk through a finer grid.
struct WalkFiner<'i, 's, 'q, D, L> {
    index: &'i Index,
    number: GridNumber,
    from: f64,
    search: &'s mut Search<'q, D, L>,
}

impl<D: Distance, L: Lanes> Job<L> for WalkFiner<'_, '_, '_, D, L> {
    type Output = bool;

    #[inline(always)]
    fn run(self, _: L) -> bool {
        let is_over = self.index.walk(&self.index.grids[self.number.0 as usize], self.from, self.search);
        if is_over && self.search.grid == GridNumber::ROOT {
            self.search.grid = self.number;
        }
        is_over
    }
}

impl<D: Distance, L: Lanes> Search<'_, D, L> {
    /// Asks for the distances of the surfaces in these lanes, from the one that begins first along the ray to those that begin behind
    /// the nearest hit, which need not be asked.
    #[inline(always)]
    fn ask_in_order(&mut self, block: &Block, mut lanes: u32, walk: &Walk) {
        if lanes == 0 {
            return;
        }
        let begins = block.begins(walk.ray());
        while lanes != 0 {
            let mut first = lanes.trailing_zeros();
            let mut others = lanes & (lanes - 1);
            while others != 0 {
                let lane = others.trailing_zeros();
                first = select_unpredictable(begins[lane as usize] < begins[first as usize], lane, first);
                others &= others - 1;
            }
            if f64::from(begins[first as usize]) > walk.distance_from_centre(self.enough) {
                return;
            }
            self.ask(block.surface(first));
            lanes &= !(1 << first);
        }
    }

    /// Asks for the distance of a surface.
    #[inline(always)]
    fn ask(&mut self, surface: u32) {
        // Pieces of one surface stand in several cells.
        if surface == self.best.surface {
            return;
        }
        let distance = self.distance.to(surface);
        if distance.is_nan() || distance == f64::INFINITY {
            return;
        }
        let rounding = distance * SLACK + self.query.slack;
        let several = (distance - self.best.distance).abs() <= rounding;
        if distance < self.best.distance || (distance == self.best.distance && surface < self.best.surface) {
            self.best = Nearest { surface, distance, several };
            self.enough = distance + rounding;
        } else {
            self.best.several |= several;
        }
    }
}
