//! Builds an index, and keeps it up to date when surfaces move.

use std::collections::BTreeMap;

use super::block::{Block, Link, Piece};
use super::grid::Grid;
use super::{Index, cost};
use crate::geometry::{Aabb, Shape};

/// Grids within grids.
const MOST_DEPTH: u32 = 4;

/// Pieces into which grids may divide a surface, on average of those in one place: long surfaces that lie on each other are in every cell
/// together, and a finer grid would take memory and separate nothing.
const MOST_SPREAD: f64 = 128.0;

/// Surfaces from which on building on several threads pays.
const MANY: usize = 4_096;

/// More surfaces than an index holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{surfaces} surfaces, more than {}", Index::MAX_SURFACES)]
pub struct TooManySurfaces {
    /// How many.
    pub surfaces: usize,
}

/// Where surfaces are by number.
trait Shapes<'a>: Fn(u32) -> &'a Shape + Sync {}

impl<'a, T: Fn(u32) -> &'a Shape + Sync> Shapes<'a> for T {}

impl Index {
    /// The index over surfaces whose form `shape` knows by number; `reach_mm` is the largest coordinate of anything that sends rays besides
    /// them.
    ///
    /// # Panics
    /// With more than [`MAX_SURFACES`](Self::MAX_SURFACES), which would need 60 GB: [`check_count`](Self::check_count) tells before.
    #[must_use]
    pub fn build<'a>(surfaces: usize, reach_mm: f64, shape: impl Fn(u32) -> &'a Shape + Sync) -> Self {
        assert!(surfaces <= Self::MAX_SURFACES, "more surfaces than an index holds");
        let mut index = Index { surfaces: surfaces as u32, reach_mm, ..Index::default() };
        index.rebuild(shape);
        index
    }

    /// Builds the index anew over the same number of surfaces, with room for one that has left the box to go further.
    pub fn rebuild<'a>(&mut self, shape: impl Fn(u32) -> &'a Shape + Sync) {
        let (surfaces, reach_mm) = (self.surfaces, self.reach_mm);
        if surfaces == 0 {
            return;
        }
        let aabb = (0..surfaces).fold(Aabb::EMPTY, |sum, surface| sum.union(shape(surface).reached()));
        // What is dragged out of everything would otherwise leave the box again with each step.
        let room = if self.grids.is_empty() { 0.0 } else { (aabb.max - aabb.min).max_element() / 8.0 };
        let aabb = aabb.grown(room);
        let reach = reach_mm.max(aabb.min.abs().max(aabb.max.abs()).max_element());
        // The hit rules find surfaces up to 1e-7 mm off their ends, and rounding adds to it.
        let tolerance = 1e-6 + 1e-12 * reach;
        let all: Vec<u32> = (0..surfaces).collect();
        let index = build_root(aabb.grown(4.0 * tolerance), &all, tolerance, &shape);
        *self = Index { surfaces, reach_mm, tolerance, blocks_built: index.blocks.len(), ..index };
    }

    /// Whether an index holds so many surfaces.
    ///
    /// # Errors
    /// More than [`MAX_SURFACES`](Self::MAX_SURFACES).
    pub fn check_count(surfaces: usize) -> Result<(), TooManySurfaces> {
        if surfaces <= Self::MAX_SURFACES { Ok(()) } else { Err(TooManySurfaces { surfaces }) }
    }

    /// Moves a surface; `false` where that cannot be done in place, or has made the index so much worse that building it anew is
    /// better. The index is of no use then.
    #[must_use]
    pub fn update(&mut self, surface: u32, old: &Shape, new: &Shape) -> bool {
        let Some(root) = self.grids.first() else { return false };
        let (aabb, inner) = (new.reached(), root.aabb.grown(-4.0 * self.tolerance));
        if aabb.min.cmplt(inner.min).any() || aabb.max.cmpgt(inner.max).any() {
            return false;
        }
        self.remove(0, surface, old);
        self.insert(0, surface, new);
        // Moves leave blocks half full; a quarter more of them is taken for the point at which building anew is worth it.
        self.blocks.len() <= self.blocks_built + self.blocks_built / 4 + 4
    }

    /// Bytes of memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of_val(self.blocks.as_slice()) + size_of_val(self.grids.as_slice())
    }

    /// Puts a surface into the cells of a grid that it reaches.
    fn insert(&mut self, grid: u32, surface: u32, shape: &Shape) {
        self.each_cell(grid, shape, |index, cell, piece| index.put(cell, surface, piece), &mut |index, finer| {
            index.insert(finer, surface, shape);
        });
    }

    /// Takes a surface out of the cells of a grid that it reaches.
    fn remove(&mut self, grid: u32, surface: u32, shape: &Shape) {
        let clear = |index: &mut Index, mut cell: u32, _: &Piece| {
            loop {
                let block = &mut index.blocks[cell as usize];
                block.remove(surface);
                let Some(Link::Block(next)) = block.link() else { return };
                cell = next;
            }
        };
        self.each_cell(grid, shape, clear, &mut |index, finer| index.remove(finer, surface, shape));
    }

    /// Calls `visit` with each cell of a grid that a surface reaches and its piece there, and `descend` once with each finer grid.
    fn each_cell(
        &mut self,
        grid: u32,
        shape: &Shape,
        visit: impl Fn(&mut Index, u32, &Piece),
        descend: &mut dyn FnMut(&mut Index, u32),
    ) {
        let grid = self.grids[grid as usize].clone();
        let mut finer = Vec::new();
        grid.cells(shape, |column, row, piece| {
            let cell = grid.first + row * grid.columns + column;
            match self.blocks[cell as usize].link() {
                Some(Link::Grid(at)) if finer.contains(&at) => {}
                Some(Link::Grid(at)) => finer.push(at),
                _ => visit(self, cell, piece),
            }
        });
        for at in finer {
            descend(self, at);
        }
    }

    /// Puts a piece into a cell that has no finer grid.
    fn put(&mut self, cell: u32, surface: u32, piece: &Piece) {
        Blocks { cells: &mut [], rest: &mut self.blocks }.put(cell, surface, piece);
    }
}

/// Blocks while they are filled: those of the cells of a grid, which stand where they will stay, and those behind them.
struct Blocks<'b> {
    cells: &'b mut [Block],
    rest: &'b mut Vec<Block>,
}

impl Blocks<'_> {
    fn at(&mut self, number: u32) -> &mut Block {
        let number = number as usize;
        if number < self.cells.len() { &mut self.cells[number] } else { &mut self.rest[number - self.cells.len()] }
    }

    /// Adds a block; its number.
    fn push(&mut self, block: Block) -> u32 {
        self.rest.push(block);
        // Of at most eight pieces to a cell and less than 2³⁰ in all.
        (self.cells.len() + self.rest.len() - 1) as u32
    }

    /// Puts a piece into a cell that has no finer grid.
    fn put(&mut self, mut cell: u32, surface: u32, piece: &Piece) {
        while !self.at(cell).insert(surface, piece) {
            cell = match self.at(cell).link() {
                Some(Link::Block(next)) => next,
                _ => {
                    let next = self.push(Block::EMPTY);
                    *self.at(next) = self.at(cell).set_link(Link::Block(next));
                    next
                }
            };
        }
    }

    /// The surfaces of a cell that has no finer grid.
    fn content(&mut self, mut cell: u32) -> Vec<u32> {
        let mut found = Vec::new();
        loop {
            let block = self.at(cell);
            found.extend(block.surfaces());
            let Some(Link::Block(next)) = block.link() else { return found };
            cell = next;
        }
    }
}

/// The grid over everything, its rows shared out among threads, each of which fills the cells of a band where they will stay.
fn build_root<'a>(aabb: Aabb, all: &[u32], tolerance: f64, shape: &impl Shapes<'a>) -> Index {
    let Choice { grid, spread, .. } = choose(aabb, all, tolerance, 1.0, shape);
    let (columns, bands) = (grid.columns, workers(all.len(), grid.rows));
    let level = Level { depth: 0, spread };
    let cells = grid.len() as usize;
    // With room for what comes behind, which is written to only where it is needed: to grow later is to have all of it in memory twice.
    let mut blocks = Vec::with_capacity(cells + cells / 4);
    blocks.resize(cells, Block::EMPTY);
    let band = |k: u32, cells: &mut [Block]| {
        let (from, to) = (grid.rows * k / bands, grid.rows * (k + 1) / bands);
        let aabb = Aabb { min: grid.cell_box(0, from).min, max: grid.cell_box(columns - 1, to - 1).max };
        fill(&Grid::new(aabb, (columns, to - from), 0, tolerance), all, tolerance, level, shape, cells)
    };
    let parts: Vec<Part> = std::thread::scope(|scope| {
        let mut rest = blocks.as_mut_slice();
        let mut cells_of = |k: u32| {
            let rows = grid.rows * (k + 1) / bands - grid.rows * k / bands;
            rest.split_off_mut(..(rows * columns) as usize).unwrap_or_default()
        };
        let first = cells_of(0);
        let started: Vec<_> = (1..bands)
            .map(|k| {
                let cells = cells_of(k);
                scope.spawn(move || band(k, cells))
            })
            .collect();
        let own = band(0, first);
        let others = started.into_iter().map(|part| match part.join() {
            Ok(part) => part,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        std::iter::once(own).chain(others).collect()
    });
    // What the bands' cells are linked to comes to stand behind the cells of all; a band counted it from behind its own cells.
    let mut grids = vec![grid];
    let mut from = 0;
    for part in parts {
        let own = part.cells;
        let (shift, first) = ((blocks.len() as u32).wrapping_sub(own), grids.len() as u32);
        for block in &mut blocks[from..from + own as usize] {
            block.relink(shift, first);
        }
        from += own as usize;
        grids.extend(part.grids.into_iter().map(|grid| grid.moved(shift)));
        blocks.extend(part.rest.into_iter().map(|mut block| {
            block.relink(shift, first);
            block
        }));
    }
    Index { blocks, grids, tolerance, ..Index::default() }
}

/// What a grid over a part of everything has besides the blocks of its cells.
struct Part {
    /// Number of cells.
    cells: u32,
    /// The blocks behind those of the cells, from that number on.
    rest: Vec<Block>,
    /// Finer grids.
    grids: Vec<Grid>,
}

/// Threads to build with: as many as there are cores, where there is work for them.
fn workers(surfaces: usize, rows: u32) -> u32 {
    if !cfg!(feature = "parallel") || surfaces < MANY {
        return 1;
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(cores.min(16)).unwrap_or(1).min(rows)
}

/// A grid over a box.
struct Choice {
    grid: Grid,
    /// What a query in it costs.
    cost: f64,
    /// Pieces of a surface that its cells have on average, in all grids down to this one.
    spread: f64,
    /// Of the surfaces in the box, in all.
    length_mm: f64,
}

/// How far down a grid is.
#[derive(Clone, Copy)]
struct Level {
    depth: u32,
    /// As in [`Choice`].
    spread: f64,
}

/// The grid over a box whose queries cost least, of those that do not divide surfaces into more than [`MOST_SPREAD`] pieces. `spread` is into
/// how many they are divided without it.
fn choose<'a>(aabb: Aabb, surfaces: &[u32], tolerance: f64, spread: f64, shape: &impl Shapes<'a>) -> Choice {
    let every = surfaces.len().div_ceil(cost::SAMPLE);
    let length_mm: f64 = {
        let sample = surfaces.iter().step_by(every);
        let length = |&s: &u32| {
            let chord = shape(s).chord();
            let piece = Piece { a: chord.p1(), b: chord.p2(), reach: 0.0 };
            piece.clipped(&aabb).map_or(0.0, |part| part.a.distance(part.b))
        };
        every as f64 * sample.map(length).sum::<f64>()
    };
    let mut best = Choice { grid: Grid::new(aabb, (1, 1), 0, tolerance), cost: f64::INFINITY, spread, length_mm };
    let mut counts = Vec::new();
    // A sample of the surfaces in a grid that is coarser by as much shows the same picture.
    let sample: Vec<u32> = surfaces.iter().copied().step_by(every).collect();
    for (columns, rows) in cost::resolutions(&aabb, surfaces.len()) {
        let grid = Grid::new(aabb, (columns, rows), 0, tolerance);
        counts.clear();
        counts.resize(grid.len() as usize, 0_u32);
        let (mut pieces, most) = (0, MOST_SPREAD / spread * sample.len() as f64);
        for &surface in &sample {
            grid.cells(shape(surface), |column, row, _| {
                counts[(row * columns + column) as usize] += every as u32;
                pieces += 1;
            });
            // Not counted to the end, which could take as long as all the rest.
            if f64::from(pieces) > most && grid.len() > 1 {
                break;
            }
        }
        let spread = spread * f64::from(pieces) / sample.len() as f64;
        let cost = cost::query(&grid, &counts, length_mm);
        if cost < best.cost && (spread <= MOST_SPREAD || grid.len() == 1) {
            best = Choice { grid, cost, spread, length_mm };
        }
    }
    best
}

/// Fills the cells of a grid, which are empty, with these surfaces, and makes finer grids where it is crowded.
fn fill<'a>(
    grid: &Grid,
    surfaces: &[u32],
    tolerance: f64,
    level: Level,
    shape: &impl Shapes<'a>,
    cells: &mut [Block],
) -> Part {
    let columns = grid.columns;
    let mut part = Part { cells: grid.len(), rest: Vec::new(), grids: Vec::new() };
    let mut blocks = Blocks { cells, rest: &mut part.rest };
    let mut counts = vec![0_u32; grid.len() as usize];
    let mut crowded: BTreeMap<u32, Vec<(u32, Piece)>> = BTreeMap::new();
    for &surface in surfaces {
        grid.cells(shape(surface), |column, row, piece| {
            let cell = row * columns + column;
            counts[cell as usize] += 1;
            if level.depth < MOST_DEPTH && counts[cell as usize] > cost::CROWDED {
                crowded.entry(cell).or_default().push((surface, *piece));
            } else {
                blocks.put(cell, surface, piece);
            }
        });
    }
    for (cell, late) in crowded {
        let mut inside = blocks.content(cell);
        inside.extend(late.iter().map(|(surface, _)| *surface));
        inside.sort_unstable();
        inside.dedup();
        let aabb = grid.cell_box(cell % columns, cell / columns);
        let finer = choose(aabb, &inside, tolerance, level.spread, shape);
        if finer.grid.len() > 1 && cost::worth_a_grid(finer.cost, &aabb, counts[cell as usize], finer.length_mm) {
            let level = Level { depth: level.depth + 1, spread: finer.spread };
            let mut own = vec![Block::EMPTY; finer.grid.len() as usize];
            let inner = fill(&finer.grid, &inside, tolerance, level, shape, &mut own);
            // Its cells follow what is here, and what it has behind them follows them.
            let (shift, first) = ((blocks.cells.len() + blocks.rest.len()) as u32, part.grids.len() as u32 + 1);
            for mut block in own.into_iter().chain(inner.rest) {
                block.relink(shift, first);
                blocks.rest.push(block);
            }
            *blocks.at(cell) = Block::EMPTY;
            blocks.at(cell).set_link(Link::Grid(first - 1));
            part.grids.push(finer.grid.moved(shift));
            part.grids.extend(inner.grids.into_iter().map(|grid| grid.moved(shift)));
        } else {
            for (surface, piece) in &late {
                blocks.put(cell, *surface, piece);
            }
        }
    }
    part
}
