//! Labels beside symbols. One that would cover a symbol or another label is left out.

use std::collections::HashSet;

use glam::DVec2;

use super::curve::Curve;
use super::frame::Frame;
use super::markup::{push_escaped, push_number};
use super::palette::Palette;
use crate::geometry::Aabb;

pub(super) const FONT_PX: f64 = 13.0;
/// Width of a character, on average and generously.
const CHARACTER_PX: f64 = 0.65 * FONT_PX;

/// Least distance of a label from the left and right edge.
const EDGE_PX: f64 = 4.0;
/// Side of the cells in which it is noted where there is room.
const CELL_PX: f64 = 4.0;

/// The labels that have found a place.
pub(super) struct Labels<'a> {
    frame: &'a Frame,
    taken: HashSet<(i64, i64)>,
    placed: Vec<(DVec2, &'static str, String)>,
}

impl<'a> Labels<'a> {
    pub(super) fn new(frame: &'a Frame) -> Self {
        Labels { frame, taken: HashSet::new(), placed: Vec::new() }
    }

    /// Keeps labels away from a square around `centre`.
    pub(super) fn keep_free(&mut self, centre: DVec2, half_side: f64) {
        self.taken.extend(cells(&Aabb { min: centre, max: centre }.grown(half_side)));
    }

    /// Keeps labels away from a surface.
    pub(super) fn keep_off(&mut self, curve: &Curve) {
        // Surfaces lie in the picture: these are a few thousand steps at most.
        let steps = (curve.length() / CELL_PX).ceil().clamp(1.0, 10_000.0) as u32;
        self.taken.extend((0..=steps).map(|step| cell(curve.at(f64::from(step) / f64::from(steps)))));
    }

    /// Places `text` at the first of `places` that has room; a place is a point and the unit vector away from it.
    pub(super) fn place(&mut self, text: String, places: &[(DVec2, DVec2)]) {
        for &(point, outwards) in places {
            let width = text.chars().count() as f64 * CHARACTER_PX;
            let (anchor, lean) = if outwards.x > 0.5 {
                ("start", 0.0)
            } else if outwards.x < -0.5 {
                ("end", -1.0)
            } else {
                ("middle", -0.5)
            };
            let mut centre = point + outwards * 6.0 + DVec2::new(0.0, outwards.y * 0.5 * FONT_PX);
            if anchor == "middle" {
                // Moved in from the edges; a picture narrower than the text has no place for it.
                centre.x = centre.x.min(self.frame.canvas.x - 0.5 * width - EDGE_PX).max(0.5 * width + EDGE_PX);
            }
            let min = centre + DVec2::new(lean * width, -0.5 * FONT_PX);
            let space = Aabb { min, max: min + DVec2::new(width, FONT_PX) };
            let is_inside = space.min.cmpge(DVec2::ZERO).all() && space.max.cmple(self.frame.canvas).all();
            if is_inside && !cells(&space).any(|cell| self.taken.contains(&cell)) {
                self.taken.extend(cells(&space));
                // From the middle of a line of text to its baseline.
                self.placed.push((centre + DVec2::new(0.0, 0.35 * FONT_PX), anchor, text));
                return;
            }
        }
    }

    pub(super) fn push(&self, out: &mut String, palette: &Palette) {
        if self.placed.is_empty() {
            return;
        }
        out.push_str("<g class=\"labels\" stroke-linejoin=\"round\" fill=\"");
        out.push_str(palette.ink);
        // A border in the colour of the background keeps text legible on rays.
        if let Some(paper) = &palette.paper {
            out.push_str(&format!("\" stroke=\"{paper}\" stroke-width=\"3\" paint-order=\"stroke"));
        }
        out.push_str("\">");
        for (point, anchor, text) in &self.placed {
            push_text(out, *point, anchor, text);
        }
        out.push_str("</g>");
    }
}

/// The cell of a point.
fn cell(point: DVec2) -> (i64, i64) {
    let cell = (point / CELL_PX).floor();
    // The casts saturate.
    (cell.x as i64, cell.y as i64)
}

/// The cells of a box. Half-open ranges: the flag of inclusive ones, optimised, is to memcheck a read of memory never written.
fn cells(space: &Aabb) -> impl Iterator<Item = (i64, i64)> + use<> {
    let (low, high) = (cell(space.min), cell(space.max));
    let (end_x, end_y) = (high.0.saturating_add(1), high.1.saturating_add(1));
    (low.0..end_x).flat_map(move |x| (low.1..end_y).map(move |y| (x, y)))
}

/// Appends a line of text.
pub(super) fn push_text(out: &mut String, point: DVec2, anchor: &str, text: &str) {
    out.push_str("<text x=\"");
    push_number(out, point.x);
    out.push_str("\" y=\"");
    push_number(out, point.y);
    out.push_str("\" text-anchor=\"");
    out.push_str(anchor);
    out.push_str("\">");
    push_escaped(out, text);
    out.push_str("</text>");
}
