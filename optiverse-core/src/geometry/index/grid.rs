//! A grid of equal cells.

use std::hint::select_unpredictable;

use glam::DVec2;
use wide::f64x2;

use super::block::{CellRay, Piece};
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

/// A ray on its way through the cells of a grid.
///
/// A pair holds what belongs to columns and to rows. A sum is kept as a pair too, of which a step changes one number: so a step takes no
/// branch, which could not be predicted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    /// The distances at which the ray leaves the present column and row, and the lengths of its way through one.
    leave: f64x2,
    width: f64x2,
    /// Sum: how far the ray passes from the centre of the present cell; and what a step adds.
    offset: f64x2,
    offset_step: f64x2,
    /// Sum: where the ray begins, along itself, from its place nearest the centre; and what a step adds.
    start: f64x2,
    start_step: f64x2,
    /// Columns still to come in the lower half, rows in the upper half.
    left: u64,
    /// Number of the cell, and its change with a column and a row.
    pub(super) cell: u32,
    column_step: u32,
    row_step: u32,
    dx: f32,
    dy: f32,
}

impl Grid {
    /// A grid of `columns` by `rows` cells over a box; `tolerance` is the reach of the hit rules in mm.
    pub(super) fn new(aabb: Aabb, (columns, rows): (u32, u32), first: u32, tolerance: f64) -> Self {
        let size = (aabb.max - aabb.min) / DVec2::new(f64::from(columns), f64::from(rows));
        // Single precision rounds the coordinates in a cell and what is computed from them by less than this.
        let margin = tolerance + 1e-6 * size.max_element();
        Grid { aabb, size, per_mm: size.recip(), columns, rows, first, margin, outer: aabb.grown(margin) }
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
        let at = (point - self.aabb.min) * self.per_mm;
        (number(at.x, self.columns), number(at.y, self.rows))
    }

    /// The way of a ray from the first cell it meets at or after `from`, where it meets the grid at all. Of a finer grid, `from` is where the
    /// ray enters it.
    #[inline(always)]
    pub(super) fn enter(&self, query: &Query, from: f64) -> Option<Walk> {
        let (o, d) = (query.origin, query.direction);
        let within = self.holds(o);
        let from =
            if within || from > 0.0 { from } else { self.outer.entry(query.origin, query.inverse, f64::INFINITY)? };
        let (column, row) = self.cell_at(o + d * from);
        let size = pair(self.size);
        let (o, direction, inverse) = (pair(o), pair(d), pair(query.inverse));
        let centre = pair(self.aabb.min) + size * (f64x2::new([f64::from(column), f64::from(row)]) + 0.5);
        let place = o - centre;
        // Half a cell further along than the centre; along an axis it is never left.
        let (width, along) = (size * inverse.abs(), place * inverse);
        let leave = direction.simd_eq(f64x2::ZERO).bitselect(f64x2::splat(f64::INFINITY), width * 0.5 - along);
        let across = f64x2::new([d.y, -d.x]);
        // A step moves the centre by the size of a cell, the way the ray goes.
        let forward = size | (direction & f64x2::splat(-0.0));
        let (right, up) = (d.x > 0.0, d.y > 0.0);
        let columns_left = select_unpredictable(right, self.columns - 1 - column, column);
        let rows_left = select_unpredictable(up, self.rows - 1 - row, row);
        Some(Walk {
            leave,
            width,
            offset: -(across * place),
            offset_step: across * forward,
            start: direction * place,
            start_step: -(direction * forward),
            left: u64::from(columns_left) | u64::from(rows_left) << 32,
            cell: self.first + row * self.columns + column,
            column_step: select_unpredictable(right, 1, 1_u32.wrapping_neg()),
            row_step: select_unpredictable(up, self.columns, self.columns.wrapping_neg()),
            dx: d.x as f32,
            dy: d.y as f32,
        })
    }
}

#[inline(always)]
fn pair(v: DVec2) -> f64x2 {
    f64x2::new([v.x, v.y])
}

/// The number, below `count`, of the column or row at a place counted in cells; either of the two at an edge.
#[inline(always)]
fn number(place: f64, count: u32) -> u32 {
    // Halves, plus a number whose last bit is worth 1: the sum is rounded to a whole number, which stands in its last bits. A cast takes eight times
    // as long for the sake of numbers that do not fit.
    const ONES: f64 = 6_755_399_441_055_744.0; // 1.5·2⁵²
    let last = f64::from(count - 1);
    let place = if place > 0.0 { place } else { 0.0 };
    let place = if place < last + 0.75 { place } else { last + 0.75 };
    // The cast keeps the last bits.
    let rounded = ((place - 0.5) + ONES).to_bits() as u32;
    if rounded < count { rounded } else { 0 }
}

impl Walk {
    /// The ray in the frame of the present cell.
    #[inline(always)]
    pub(super) fn ray(&self) -> CellRay {
        let (offset, start) = (self.offset.to_array(), self.start.to_array());
        CellRay {
            dx: self.dx,
            dy: self.dy,
            offset: (offset[0] + offset[1]) as f32,
            start: (start[0] + start[1]) as f32,
        }
    }

    /// A distance from the ray's start as one from its place nearest the centre of the present cell.
    #[inline(always)]
    pub(super) fn distance_from_centre(&self, distance: f64) -> f64 {
        let start = self.start.to_array();
        distance + (start[0] + start[1])
    }

    /// The distance at which the ray leaves the present cell.
    #[inline(always)]
    pub(super) fn leave(&self) -> f64 {
        let [x, y] = self.leave.to_array();
        if x < y { x } else { y }
    }

    /// Goes to the next cell; `false` where there is none.
    #[inline(always)]
    pub(super) fn step(&mut self) -> bool {
        const PAST_AN_EDGE: u64 = 1 << 31 | 1 << 63;
        let [x, y] = self.leave.to_array();
        // Sideways where x < y, otherwise up or down: one lane is set.
        let lane = f64x2::splat(x).simd_lt(f64x2::splat(y)) ^ f64x2::new([0.0, f64::from_bits(u64::MAX)]);
        self.leave += self.width & lane;
        self.offset += self.offset_step & lane;
        self.start += self.start_step & lane;
        let sideways = x < y;
        self.cell = self.cell.wrapping_add(select_unpredictable(sideways, self.column_step, self.row_step));
        self.left = self.left.wrapping_sub(select_unpredictable(sideways, 1, 1 << 32));
        self.left & PAST_AN_EDGE == 0
    }
}
