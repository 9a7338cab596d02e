//! A grid of equal cells.

use glam::DVec2;

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

/// What a step in x or y changes.
#[derive(Clone, Copy, Debug)]
struct Steps {
    /// The distance at which the ray leaves the present column or row, and the length of its way through one.
    leave: f64,
    width: f64,
    /// Columns or rows still to come.
    left: u32,
    /// Change of the cell's number, and of the ray's place relative to its centre.
    cell: u32,
    offset: f64,
    start: f64,
}

/// A ray on its way through the cells of a grid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    x: Steps,
    y: Steps,
    /// Number of the cell.
    pub(super) cell: u32,
    offset: f64,
    start: f64,
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
        let within = o.cmpge(self.aabb.min).all() && o.cmple(self.aabb.max).all();
        let from =
            if within || from > 0.0 { from } else { self.outer.entry(query.origin, query.inverse, f64::INFINITY)? };
        let (column, row) = self.cell_at(o + d * from);
        let cell = self.aabb.min + self.size * DVec2::new(f64::from(column), f64::from(row));
        let place = o - (cell + 0.5 * self.size);
        let (x_up, y_up) = (d.x > 0.0, d.y > 0.0);
        let edge = cell + self.size * DVec2::new(f64::from(u8::from(x_up)), f64::from(u8::from(y_up)));
        let leave = (edge - o) * query.inverse;
        let width = self.size * query.inverse.abs();
        let start = -(self.size * d.abs());
        let x = Steps {
            leave: if d.x == 0.0 { f64::INFINITY } else { leave.x },
            width: width.x,
            left: if x_up { self.columns - 1 - column } else { column },
            cell: if x_up { 1 } else { 1_u32.wrapping_neg() },
            offset: d.y * if x_up { self.size.x } else { -self.size.x },
            start: start.x,
        };
        let y = Steps {
            leave: if d.y == 0.0 { f64::INFINITY } else { leave.y },
            width: width.y,
            left: if y_up { self.rows - 1 - row } else { row },
            cell: if y_up { self.columns } else { self.columns.wrapping_neg() },
            offset: -d.x * if y_up { self.size.y } else { -self.size.y },
            start: start.y,
        };
        Some(Walk {
            x,
            y,
            cell: self.first + row * self.columns + column,
            offset: d.perp_dot(place),
            start: d.dot(place),
            dx: d.x as f32,
            dy: d.y as f32,
        })
    }
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
        CellRay { dx: self.dx, dy: self.dy, offset: self.offset as f32, start: self.start as f32 }
    }

    /// A distance from the ray's start as one from its place nearest the centre of the present cell.
    #[inline(always)]
    pub(super) fn distance_from_centre(&self, distance: f64) -> f64 {
        distance + self.start
    }

    /// The distance at which the ray leaves the present cell.
    #[inline(always)]
    pub(super) fn leave(&self) -> f64 {
        if self.x.leave < self.y.leave { self.x.leave } else { self.y.leave }
    }

    /// Goes to the next cell; `false` where there is none.
    #[inline(always)]
    pub(super) fn step(&mut self) -> bool {
        let sideways = self.x.leave < self.y.leave;
        let pick = |a: f64, b: f64| if sideways { a } else { b };
        let left = if sideways { self.x.left } else { self.y.left };
        if left == 0 {
            return false;
        }
        self.cell = self.cell.wrapping_add(if sideways { self.x.cell } else { self.y.cell });
        self.offset += pick(self.x.offset, self.y.offset);
        self.start += pick(self.x.start, self.y.start);
        self.x.leave += pick(self.x.width, 0.0);
        self.y.leave += pick(0.0, self.y.width);
        self.x.left -= u32::from(sideways);
        self.y.left -= u32::from(!sideways);
        true
    }
}
