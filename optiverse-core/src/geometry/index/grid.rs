//! A grid of equal cells.

use std::hint::select_unpredictable;

use glam::DVec2;
use wide::f64x2;

use super::block::Piece;
use super::{Query, piece};
use crate::geometry::{Aabb, Shape};

/// A grid of equal cells over a box.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    pub(super) aabb: Aabb,
    /// Size of a cell in mm.
    size: DVec2,
    /// Cells to a mm.
    per_mm: DVec2,
    /// The numbers of the last column and row, and a quarter.
    last: DVec2,
    /// Cells to a row, and rows.
    pub(super) columns: u32,
    pub(super) rows: u32,
    /// The block of the first cell; the others follow row by row.
    pub(super) first: u32,
    /// How far from a cell a surface still counts as within it, in mm.
    margin: f64,
    /// The box of the grid and its margin: a ray along the very edge is within.
    outer: Aabb,
}

/// Where a ray begins its way through the cells of a grid. A pair holds what belongs to columns and to rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    /// The distances at which the ray leaves the cell's column and row, and the lengths of its way through one.
    pub(super) leave: [f64; 2],
    pub(super) width: [f64; 2],
    /// Where the ray starts, from the centre of the cell, and by how much a step moves that.
    pub(super) place: [f64; 2],
    pub(super) forward: [f64; 2],
    /// Columns still to come in the lower half, rows in the upper half.
    pub(super) left: u64,
    /// Number of the cell, and its change with a column and a row.
    pub(super) cell: u32,
    pub(super) forth: [u64; 2],
}

impl Grid {
    /// A grid of `columns` by `rows` cells over a box; `tolerance` is the reach of the hit rules in mm.
    pub(super) fn new(aabb: Aabb, (columns, rows): (u32, u32), first: u32, tolerance: f64) -> Self {
        let size = (aabb.max - aabb.min) / DVec2::new(f64::from(columns), f64::from(rows));
        // Single precision rounds the coordinates in a cell and what is computed from them by less than this.
        let margin = tolerance + 1e-6 * size.max_element();
        let last = DVec2::new(f64::from(columns - 1), f64::from(rows - 1)) + 0.25;
        Grid { aabb, size, per_mm: size.recip(), last, columns, rows, first, margin, outer: aabb.grown(margin) }
    }

    /// The same grid with its cells so many blocks further.
    pub(super) fn moved(self, blocks: u32) -> Self {
        Grid { first: self.first.wrapping_add(blocks), ..self }
    }

    /// Number of cells.
    pub(super) fn len(&self) -> u32 {
        self.columns * self.rows
    }

    /// Whether a point lies in it.
    #[inline(always)]
    pub(super) fn holds(&self, point: DVec2) -> bool {
        let Aabb { min, max } = self.aabb;
        // One condition: which of the four fails could not be predicted.
        (point.x >= min.x) & (point.y >= min.y) & (point.x <= max.x) & (point.y <= max.y)
    }

    /// The box of a cell.
    pub(super) fn cell_box(&self, column: u32, row: u32) -> Aabb {
        let min = self.aabb.min + self.size * DVec2::new(f64::from(column), f64::from(row));
        Aabb { min, max: min + self.size }
    }

    /// Calls `visit` with each cell that a surface reaches and the part of it there, relative to the centre of the cell. A cell comes more
    /// than once where the surface is an arc of several pieces.
    pub(super) fn cells(&self, shape: &Shape, mut visit: impl FnMut(u32, u32, &Piece)) {
        piece::pieces(shape, self.size.min_element() / 16.0, |piece| {
            let reach = piece.reach + self.margin;
            let Some((from, to)) = self.columns_and_rows(&piece.aabb().grown(reach)) else { return };
            for column in from.0..=to.0 {
                // The rows it reaches within the column.
                let strip = Aabb {
                    min: DVec2::new(self.aabb.min.x + self.size.x * f64::from(column) - reach, f64::NEG_INFINITY),
                    max: DVec2::new(self.aabb.min.x + self.size.x * f64::from(column + 1) + reach, f64::INFINITY),
                };
                let Some(part) = piece.clipped(&strip) else { continue };
                let Some((low, high)) = self.columns_and_rows(&part.aabb().grown(reach)) else { continue };
                for row in low.1..=high.1 {
                    let cell = self.cell_box(column, row);
                    if let Some(part) = part.clipped(&cell.grown(reach)) {
                        let centre = cell.centre();
                        visit(column, row, &Piece { a: part.a - centre, b: part.b - centre, reach });
                    }
                }
            }
        });
    }

    /// The first and the last column and row of a box, where it reaches the grid.
    pub(super) fn columns_and_rows(&self, aabb: &Aabb) -> Option<((u32, u32), (u32, u32))> {
        let outside = aabb.min.cmpgt(self.aabb.max).any() || aabb.max.cmplt(self.aabb.min).any();
        (!outside).then(|| (self.cell_at(aabb.min), self.cell_at(aabb.max)))
    }

    /// Column and row of a point; of the nearest cell where it lies outside.
    fn cell_at(&self, point: DVec2) -> (u32, u32) {
        let numbers = self.numbers(point);
        (last_bits(numbers.x), last_bits(numbers.y))
    }

    /// The same, each in the last bits of a number.
    #[inline(always)]
    fn numbers(&self, point: DVec2) -> DVec2 {
        let at = (point - self.aabb.min) * self.per_mm - 0.5;
        DVec2::new(number(at.x, self.last.x), number(at.y, self.last.y)) + ONES
    }

    /// The way of a ray from the first cell it meets, where it meets the grid at all. Of a finer grid in which it does not start, `from` is where it
    /// enters it.
    #[inline(always)]
    pub(super) fn enter(&self, query: &Query, from: f64) -> Option<Walk> {
        let (o, d) = (query.origin, query.direction);
        let inverse = d.recip();
        let place = if self.holds(o) {
            o
        } else {
            o + d * if from > 0.0 { from } else { self.outer.entry(o, inverse, f64::INFINITY)? }
        };
        let cell = self.numbers(place);
        let (column, row) = (last_bits(cell.x), last_bits(cell.y));
        let size = pair(self.size);
        let (o, direction, inverse) = (pair(o), pair(d), pair(inverse));
        let centre = pair(self.aabb.min) + size * (pair(cell) - ONES + 0.5);
        let place = o - centre;
        // Half a cell further along than the centre; along an axis, or as good as along it, it is never left.
        let (width, along) = (size * inverse.abs(), place * inverse);
        let never = direction.abs().simd_lt(f64x2::splat(LEAST));
        let leave = never.bitselect(f64x2::splat(f64::INFINITY), width * 0.5 - along);
        // A step moves the centre by the size of a cell, the way the ray goes.
        let forward = size | (direction & f64x2::splat(-0.0));
        let (right, up) = (d.x > 0.0, d.y > 0.0);
        let columns_left = select_unpredictable(right, self.columns - 1 - column, column);
        let rows_left = select_unpredictable(up, self.rows - 1 - row, row);
        let columns = u64::from(self.columns);
        Some(Walk {
            leave: leave.to_array(),
            width: width.to_array(),
            place: place.to_array(),
            forward: forward.to_array(),
            left: u64::from(columns_left) | u64::from(rows_left) << 32,
            cell: self.first + row * self.columns + column,
            forth: [
                select_unpredictable(right, 1, 1_u64.wrapping_neg()),
                select_unpredictable(up, columns, columns.wrapping_neg()),
            ],
        })
    }
}

#[inline(always)]
fn pair(v: DVec2) -> f64x2 {
    f64x2::new([v.x, v.y])
}

/// Components of directions smaller than this are 0: what is divided by them may be no number.
const LEAST: f64 = 1e-290;

/// A number that is added to round to whole ones, which then stand in the last bits. A cast takes eight times as long for the sake of numbers that do not fit.
const ONES: f64 = 6_755_399_441_055_744.0; // 1.5·2⁵², whose last bit is worth 1

/// The whole number that was rounded by [`ONES`].
#[inline(always)]
fn last_bits(rounded: f64) -> u32 {
    rounded.to_bits() as u32
}

/// What rounds to the number of the column or row at a place half a cell further; either of the two at an edge. `last` rounds to the last one.
#[inline(always)]
fn number(place: f64, last: f64) -> f64 {
    let place = if place > -0.5 { place } else { -0.5 };
    if place < last { place } else { last }
}
