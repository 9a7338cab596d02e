//! What a query costs in a grid of a given resolution, and the resolution that costs least.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

use super::block::LANES;
use super::grid::Grid;
use crate::geometry::Aabb;

// In units of one block of pieces tested, which is about 30 instructions. Others were tried on the scenes of `benches/scenes`, where these need the fewest
// instructions and mispredicted branches together, 60 instructions to a branch.
const BLOCK: f64 = 1.0;
/// One more block of a cell: whether there is one cannot be predicted.
const NEXT_BLOCK: f64 = 3.0;
const STEP: f64 = 0.6;
/// A piece near the ray that is not the one it meets.
const NEAR: f64 = 3.0;
const ENTER: f64 = 4.0;

/// Pieces in a cell from which a finer grid over it is considered.
pub(super) const CROWDED: u32 = 12;

/// Cells for each surface that are considered.
const DENSITIES: [f64; 5] = [0.06, 0.15, 0.33, 0.6, 1.0];

/// Surfaces of large systems, of which no more than [`DENSE`] cells are made for each: memory counts then, and finer cells gain a few percent.
const MANY: usize = 1 << 18;
const DENSE: f64 = 0.33;

/// Where few surfaces are counted, cells that are not square are considered too: width to height.
const ASPECTS: [f64; 5] = [1.0, 0.25, 0.0625, 4.0, 16.0];

/// Up to so many surfaces, counting is cheap.
const FEW: usize = 4_096;

/// Surfaces that are counted to choose a resolution: every so manieth of more.
pub(super) const SAMPLE: usize = 65_536;

/// Resolutions worth a look for so many surfaces in a box: columns and rows.
pub(super) fn resolutions(aabb: &Aabb, surfaces: usize) -> Vec<(u32, u32)> {
    let size = aabb.max - aabb.min;
    let aspects = if surfaces <= FEW { &ASPECTS[..] } else { &ASPECTS[..1] };
    let mut found = vec![(1, 1)];
    let most = if surfaces < MANY { f64::INFINITY } else { DENSE };
    for density in DENSITIES.into_iter().filter(|&density| density <= most) {
        for aspect in aspects {
            let cells = (surfaces as f64 * density).max(1.0);
            // Cells of this aspect, but no more columns or rows than cells.
            let columns = (cells * size.x / (size.y * aspect)).sqrt().clamp(1.0, cells).round();
            let rows = (cells / columns).max(1.0).round();
            // The casts are of whole numbers up to the number of surfaces.
            let resolution = (columns as u32, rows as u32);
            if !found.contains(&resolution) {
                found.push(resolution);
            }
        }
    }
    found
}

/// What a query costs, for rays of any direction and surfaces of `length_mm` in all, of which `counts` have pieces in each cell.
pub(super) fn query(grid: &Grid, counts: &[u32], length_mm: f64) -> f64 {
    let size = grid.aabb.max - grid.aabb.min;
    let area = size.x * size.y;
    let (through, between) = ways(&grid.aabb, length_mm);
    let way = 1.0 / (1.0 / through + 1.0 / between);
    let edges = FRAC_2_PI * (f64::from(grid.columns - 1) / size.x + f64::from(grid.rows - 1) / size.y);
    let content: f64 = counts.iter().map(|&count| content(count)).sum::<f64>() / counts.len() as f64;
    // Of what a cell holds, a ray is near as much as it would meet on a way through all of it.
    let cell = FRAC_PI_2 * area / (f64::from(grid.columns) * size.y + f64::from(grid.rows) * size.x);
    (1.0 + edges * way) * (STEP + content) + NEAR * cell / between
}

/// Cauchy–Crofton: the mean way of a line through a box, and between surfaces of `length_mm` in all that are strewn over it.
fn ways(aabb: &Aabb, length_mm: f64) -> (f64, f64) {
    let size = aabb.max - aabb.min;
    let area = size.x * size.y;
    (FRAC_PI_2 * area / (size.x + size.y), FRAC_PI_2 * area / length_mm)
}

/// What a cell of so many pieces costs.
fn content(count: u32) -> f64 {
    if count < CROWDED {
        chain(count)
    } else {
        chain(count).min(ENTER + (1.0 + f64::from(count).sqrt() / 2.0) * (STEP + BLOCK))
    }
}

/// What the blocks of so many pieces cost.
fn chain(count: u32) -> f64 {
    BLOCK + NEXT_BLOCK * (blocks(count) - 1.0)
}

/// Whether a finer grid at this cost of a query is better than a cell of so many pieces, of `length_mm` in all.
pub(super) fn worth_a_grid(query: f64, cell: &Aabb, count: u32, length_mm: f64) -> bool {
    let (through, between) = ways(cell, length_mm);
    ENTER + query < chain(count) + NEAR * through / between
}

/// Blocks in a cell: one lane of all but the last is a link.
fn blocks(count: u32) -> f64 {
    let lanes = LANES as u32;
    if count <= lanes { 1.0 } else { f64::from((count - 1).div_ceil(lanes - 1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_a_cell() {
        assert_eq!([0, 1, 8, 9, 15, 16, 22, 23].map(blocks), [1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0]);
    }
}
