//! The search for what a ray meets, cell by cell.
//!
//! A search goes on in three moves, again and again: it looks at what is near the ray in its cell ([`Index::look`]), steps to the next cell
//! ([`Searches::step`]), and tests the pieces there ([`Index::test`]). Many searches make each move before any makes the next one: so there is work at hand
//! while one waits for memory, and which of them have found something is a set of bits instead of branches that could not be predicted.

use std::hint::select_unpredictable;

use super::block::{Block, CellRay, Link, NONE, Near};
use super::lanes::{Job, Lanes};
use super::walks::Walks;
use super::{GridNumber, Index, Query};

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

/// What a search has found so far.
#[derive(Clone, Copy, Debug)]
struct Found {
    best: Nearest,
    /// The finest grid in which the search came to its end.
    grid: GridNumber,
}

/// Searches under way, by number.
#[derive(Clone, Debug)]
pub(crate) struct Searches<const N: usize> {
    walks: Walks<N>,
    /// Nothing from this distance on matters.
    enough: [f64; N],
    query: [Query; N],
    /// The grid that is walked.
    grid: [GridNumber; N],
    /// What of the present cell is near the ray.
    near: [Near; N],
    found: [Found; N],
}

impl<const N: usize> Searches<N> {
    /// None.
    pub(crate) const NONE: Searches<N> = Searches {
        query: [Query::NONE; N],
        walks: Walks::NONE,
        grid: [GridNumber::ROOT; N],
        near: [Near::NOTHING; N],
        found: [Found::NOTHING; N],
        enough: [f64::INFINITY; N],
    };

    /// Whether there is something to look at in the cell of a search.
    #[inline(always)]
    pub(crate) fn is_near(&self, at: usize) -> bool {
        !self.near[at].is_nothing()
    }

    /// Takes each search to its next cell, which is to be tested then; a bit for each that is over, or has come to the edge of its grid.
    #[inline(always)]
    pub(crate) fn step(&mut self) -> u32 {
        self.walks.step(&self.enough)
    }

    /// What a search has found for which [`Index::begin_again`] has said that there is nothing else to look through, and the grid where a ray that goes on
    /// from there best begins.
    #[inline(always)]
    pub(crate) fn nearest(&self, at: usize) -> Option<(Nearest, GridNumber)> {
        let Found { best, grid } = self.found[at];
        (best.surface != Found::NOTHING.best.surface).then_some((best, grid))
    }

    /// Whether nothing that is still to come matters.
    #[inline(always)]
    fn is_over(&self, at: usize) -> bool {
        self.enough[at] < self.walks.entered(at)
    }
}

impl Index {
    /// The surface with the smallest `(distance, number)` for which `distance` gives a finite value.
    ///
    /// `distance` is asked for at least every surface that the ray meets before or within rounding of the nearest hit; it may be asked for a surface more than
    /// once. The number breaks ties, so that the answer does not depend on the shape of the index. `begin` is the grid to look through first,
    /// where the ray starts in it; which one that is makes no difference to the answer. With it comes where a ray that goes on from there best begins.
    pub(crate) fn nearest(
        &self,
        lanes: impl Lanes,
        query: Query,
        begin: GridNumber,
        mut distance: impl Distance,
    ) -> Option<(Nearest, GridNumber)> {
        let mut search = Searches::<1>::NONE;
        let mut is_under_way = self.begin(lanes, &mut search, 0, query, begin);
        while is_under_way {
            self.finish(lanes, &mut search, &mut distance);
            is_under_way = self.begin_again(lanes, &mut search, 0);
        }
        search.nearest(0)
    }

    /// Begins a search, in this grid where the ray starts in it, otherwise in the one over everything; `false` where the ray misses that.
    #[inline(always)]
    pub(crate) fn begin<const N: usize>(
        &self,
        lanes: impl Lanes,
        searches: &mut Searches<N>,
        at: usize,
        query: Query,
        grid: GridNumber,
    ) -> bool {
        searches.query[at] = query;
        searches.found[at] = Found::NOTHING;
        searches.enough[at] = f64::INFINITY;
        let holds = grid != GridNumber::ROOT && self.grids[grid.0 as usize].holds(query.origin);
        self.enter(lanes, searches, at, if holds { grid } else { GridNumber::ROOT }, 0.0)
    }

    /// Where a search that has stepped to its end goes on: one that has left a finer grid, in the one over everything. `false` where it does not.
    #[inline(always)]
    pub(crate) fn begin_again<const N: usize>(&self, lanes: impl Lanes, searches: &mut Searches<N>, at: usize) -> bool {
        if searches.is_over(at) {
            searches.found[at].ended_in(searches.grid[at]);
            return false;
        }
        searches.grid[at] != GridNumber::ROOT && self.enter(lanes, searches, at, GridNumber::ROOT, 0.0)
    }

    /// Enters a grid at or behind the distance `from`, and tests the first cell; `false` where the ray misses it.
    #[inline(always)]
    fn enter<const N: usize>(
        &self,
        lanes: impl Lanes,
        searches: &mut Searches<N>,
        at: usize,
        grid: GridNumber,
        from: f64,
    ) -> bool {
        let query = searches.query[at];
        searches.grid[at] = grid;
        searches.walks.enter_at(at, from);
        let Some(walk) = self.grids.get(grid.0 as usize).and_then(|grid| grid.enter(&query, from)) else {
            return false;
        };
        let ray = CellRay::new(walk.place.into(), query.direction);
        searches.near[at] = self.blocks[walk.cell as usize].near_ahead(lanes, ray, query.skip);
        searches.walks.begin(at, &walk);
        true
    }

    /// Tests the pieces in the cell that a search has stepped to.
    #[inline(always)]
    pub(crate) fn test<const N: usize>(&self, lanes: impl Lanes, searches: &mut Searches<N>, at: usize) {
        let ray = searches.walks.ray(at, searches.query[at].direction);
        searches.near[at] = self.blocks[searches.walks.cell(at)].near(lanes, ray);
    }

    /// Looks at what is near the ray in the cell of a search, where there is something.
    #[inline(always)]
    pub(crate) fn look<const N: usize, D: Distance, L: Lanes>(
        &self,
        lanes: L,
        searches: &mut Searches<N>,
        at: usize,
        distance: &mut D,
    ) {
        debug_assert!(searches.is_near(at));
        let mut block = &self.blocks[searches.walks.cell(at)];
        let mut near = searches.near[at];
        if let Some(lane) = near.single() {
            return searches.ask(at, block.surface(lane), distance);
        }
        let ray = searches.walks.ray(at, searches.query[at].direction);
        loop {
            searches.ask_in_order(at, block, near.lanes(), ray, distance);
            match block.link() {
                None => return,
                Some(Link::Grid(finer)) => return self.walk_finer(lanes, searches, at, GridNumber(finer), distance),
                Some(Link::Block(next)) => block = &self.blocks[next as usize],
            }
            near = block.near_ahead(lanes, ray, searches.query[at].skip);
        }
    }

    /// Looks through the finer grid over a cell. Out of line: most cells are not crowded.
    #[inline(never)]
    fn walk_finer<const N: usize, D: Distance, L: Lanes>(
        &self,
        lanes: L,
        searches: &mut Searches<N>,
        at: usize,
        grid: GridNumber,
        distance: &mut D,
    ) {
        let mut search = Searches::<1>::NONE;
        search.query[0] = searches.query[at];
        search.found[0] = searches.found[at];
        search.enough[0] = searches.enough[at];
        let from = searches.walks.entered(at);
        lanes.run(WalkFiner { index: self, search: &mut search, grid, from, distance });
        searches.found[at] = search.found[0];
        searches.enough[at] = search.enough[0];
    }

    /// Looks through all cells of the grid where a search is, until it is over or comes to the edge.
    #[inline(always)]
    fn finish(&self, lanes: impl Lanes, search: &mut Searches<1>, distance: &mut impl Distance) {
        loop {
            if search.is_near(0) {
                self.look(lanes, search, 0, distance);
            }
            if search.step() != 0 {
                return;
            }
            self.test(lanes, search, 0);
        }
    }
}

/// A walk through a finer grid.
struct WalkFiner<'i, 'f, D> {
    index: &'i Index,
    search: &'f mut Searches<1>,
    grid: GridNumber,
    from: f64,
    distance: &'f mut D,
}

impl<D: Distance, L: Lanes> Job<L> for WalkFiner<'_, '_, D> {
    type Output = ();

    #[inline(always)]
    fn run(self, lanes: L) {
        let WalkFiner { index, search, grid, from, distance } = self;
        if !index.enter(lanes, search, 0, grid, from) {
            return;
        }
        index.finish(lanes, search, distance);
        if search.is_over(0) {
            search.found[0].ended_in(grid);
            // So is the search that came here.
            search.enough[0] = f64::NEG_INFINITY;
        }
    }
}

impl<const N: usize> Searches<N> {
    /// Asks for the distances of the surfaces in these lanes, from the one that begins first along the ray to those that begin behind
    /// the nearest hit, which need not be asked.
    #[inline(always)]
    fn ask_in_order(&mut self, at: usize, block: &Block, mut lanes: u32, ray: CellRay, distance: &mut impl Distance) {
        if lanes == 0 {
            return;
        }
        let begins = block.begins(ray);
        let start = self.query[at].direction.dot(self.walks.place(at));
        while lanes != 0 {
            let mut first = lanes.trailing_zeros();
            let mut others = lanes & (lanes - 1);
            while others != 0 {
                let lane = others.trailing_zeros();
                first = select_unpredictable(begins[lane as usize] < begins[first as usize], lane, first);
                others &= others - 1;
            }
            // From the ray's place nearest the centre of the cell on.
            if f64::from(begins[first as usize]) > self.enough[at] + start {
                return;
            }
            self.ask(at, block.surface(first), distance);
            lanes &= !(1 << first);
        }
    }

    /// Asks for the distance of a surface.
    #[inline(always)]
    fn ask(&mut self, at: usize, surface: u32, distance: &mut impl Distance) {
        let best = &mut self.found[at].best;
        // Pieces of one surface stand in several cells.
        if surface == best.surface {
            return;
        }
        let distance = distance.to(surface);
        if distance.is_nan() || distance == f64::INFINITY {
            return;
        }
        // By the nearer one, whichever was asked first.
        let rounding = self.query[at].rounding(if distance < best.distance { distance } else { best.distance });
        let several = (distance - best.distance).abs() <= rounding;
        if distance < best.distance || (distance == best.distance && surface < best.surface) {
            *best = Nearest { surface, distance, several };
            self.enough[at] = distance + rounding;
        } else {
            best.several |= several;
        }
    }
}

impl Found {
    const NOTHING: Found =
        Found { best: Nearest { surface: u32::MAX, distance: f64::INFINITY, several: false }, grid: GridNumber::ROOT };

    /// The search has come to its end in a grid.
    #[inline(always)]
    fn ended_in(&mut self, grid: GridNumber) {
        if self.grid == GridNumber::ROOT {
            self.grid = grid;
        }
    }
}

const _: () = assert!(Found::NOTHING.best.surface > NONE);
