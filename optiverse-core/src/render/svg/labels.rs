//! Labels beside symbols. One that would cover another is left out.

use glam::DVec2;

use super::frame::Frame;
use super::markup::{push_escaped, push_number};
use super::palette::Palette;
use crate::geometry::Aabb;

pub(super) const FONT_PX: f64 = 13.0;
/// Width of a character, on average and generously.
const CHARACTER_PX: f64 = 0.6 * FONT_PX;

/// The labels that have found a place.
pub(super) struct Labels<'a> {
    frame: &'a Frame,
    taken: Vec<Aabb>,
    placed: Vec<(DVec2, &'static str, String)>,
}

impl<'a> Labels<'a> {
    pub(super) fn new(frame: &'a Frame) -> Self {
        Labels { frame, taken: Vec::new(), placed: Vec::new() }
    }

    /// Keeps labels away from a square around `centre`.
    pub(super) fn keep_free(&mut self, centre: DVec2, half_side: f64) {
        self.taken.push(Aabb { min: centre, max: centre }.grown(half_side));
    }

    /// Places `text` beyond `point` in direction `outwards`, where there is room.
    pub(super) fn place(&mut self, text: String, point: DVec2, outwards: DVec2) {
        let width = text.chars().count() as f64 * CHARACTER_PX;
        let size = DVec2::new(width, FONT_PX);
        let (anchor, lean) = if outwards.x > 0.5 {
            ("start", 0.0)
        } else if outwards.x < -0.5 {
            ("end", -1.0)
        } else {
            ("middle", -0.5)
        };
        let centre = point + outwards * 6.0 + DVec2::new(0.0, outwards.y * 0.5 * size.y);
        let min = centre + DVec2::new(lean * width, -0.5 * size.y);
        let space = Aabb { min, max: min + size };
        let overlaps = |other: &Aabb| space.min.cmplt(other.max).all() && other.min.cmplt(space.max).all();
        let is_inside = space.min.cmpge(DVec2::ZERO).all() && space.max.cmple(self.frame.canvas).all();
        if is_inside && !self.taken.iter().any(overlaps) {
            self.taken.push(space);
            // From the middle of a line of text to its baseline.
            self.placed.push((centre + DVec2::new(0.0, 0.35 * FONT_PX), anchor, text));
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
