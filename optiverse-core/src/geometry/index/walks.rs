//! Rays on their way through the cells of grids.

use glam::DVec2;

use super::block::CellRay;
use super::grid::Walk;

/// Several walks, number by number. Steps are made for all of them at once: in a step nothing depends on chance but which of two numbers is taken, so that a
/// compiler makes it of instructions for several lanes.
#[derive(Clone, Debug)]
// So that lanes of a register lie in one line of the cache.
#[repr(align(64))]
pub(super) struct Walks<const N: usize> {
    /// The distances at which a ray leaves the present column and row, and the lengths of its way through one.
    leave: [[f64; N]; 2],
    width: [[f64; N]; 2],
    /// Where the ray starts, from the centre of the present cell, and by how much a step moves that.
    place: [[f64; N]; 2],
    forward: [[f64; N]; 2],
    /// The distance at which the ray entered the present cell.
    entered: [f64; N],
    /// Columns still to come in the lower half, rows in the upper half.
    left: [u64; N],
    /// Number of the cell, and its change with a column and a row.
    cell: [u64; N],
    forth: [[u64; N]; 2],
}

impl<const N: usize> Walks<N> {
    /// No walks.
    pub(super) const NONE: Walks<N> = Walks {
        leave: [[0.0; N]; 2],
        width: [[0.0; N]; 2],
        place: [[0.0; N]; 2],
        forward: [[0.0; N]; 2],
        entered: [0.0; N],
        left: [0; N],
        cell: [0; N],
        forth: [[0; N]; 2],
    };

    /// A ray enters a grid at a distance.
    #[inline(always)]
    pub(super) fn enter_at(&mut self, at: usize, distance: f64) {
        self.entered[at] = distance;
    }

    /// Begins a walk in the cell where it entered the grid.
    #[inline(always)]
    pub(super) fn begin(&mut self, at: usize, walk: &Walk) {
        for axis in 0..2 {
            self.leave[axis][at] = walk.leave[axis];
            self.width[axis][at] = walk.width[axis];
            self.place[axis][at] = walk.place[axis];
            self.forward[axis][at] = walk.forward[axis];
            self.forth[axis][at] = walk.forth[axis];
        }
        self.left[at] = walk.left;
        self.cell[at] = u64::from(walk.cell);
    }

    /// The present cell.
    #[inline(always)]
    pub(super) fn cell(&self, at: usize) -> usize {
        self.cell[at] as usize // below 2³²
    }

    /// The distance at which the ray entered the present cell.
    #[inline(always)]
    pub(super) fn entered(&self, at: usize) -> f64 {
        self.entered[at]
    }

    /// Where the ray starts, from the centre of the present cell.
    #[inline(always)]
    pub(super) fn place(&self, at: usize) -> DVec2 {
        DVec2::new(self.place[0][at], self.place[1][at])
    }

    /// A ray of this direction in the frame of the present cell.
    #[inline(always)]
    pub(super) fn ray(&self, at: usize, direction: DVec2) -> CellRay {
        CellRay::new(self.place(at), direction)
    }

    /// Takes each walk to its next cell; a bit for each that has come to the edge of its grid, or past the distance that is enough for it.
    #[inline(always)]
    pub(super) fn step(&mut self, enough: &[f64; N]) -> u32 {
        let mut last = [0_u64; N];
        for at in 0..N {
            let (x, y) = (self.leave[0][at], self.leave[1][at]);
            // Sideways, or up or down.
            let (sideways, upright) = (mask(x < y), !mask(x < y));
            let leave = f64::from_bits(x.to_bits() & sideways | y.to_bits() & upright);
            self.entered[at] = leave;
            for (axis, goes) in [(0, sideways), (1, upright)] {
                self.leave[axis][at] += f64::from_bits(self.width[axis][at].to_bits() & goes);
                self.place[axis][at] -= f64::from_bits(self.forward[axis][at].to_bits() & goes);
            }
            let forth = self.forth[0][at] & sideways | self.forth[1][at] & upright;
            self.cell[at] = self.cell[at].wrapping_add(forth);
            let left = self.left[at].wrapping_sub(1 & sideways | 1 << 32 & upright);
            self.left[at] = left;
            // Its first bit is set, as is that of a number below 0.
            last[at] = mask(enough[at] < leave) | left | left << 32;
        }
        let mut ended = 0;
        for (at, last) in last.iter().enumerate() {
            ended |= ((last >> 63) as u32) << at;
        }
        ended
    }
}

/// All bits, or none.
#[inline(always)]
fn mask(is_set: bool) -> u64 {
    u64::from(is_set).wrapping_neg()
}
