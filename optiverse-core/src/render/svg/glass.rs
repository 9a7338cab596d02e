//! The glass between the refractive interfaces of one item.

use glam::DVec2;

use super::curve::Curve;
use super::frame::Frame;
use super::markup::PathData;
use crate::optics::element::{Element, Medium, RefractiveInterface};
use crate::optics::{Shape, Surface};

/// End points nearer than this share of the surfaces' length are one corner.
const SAME_CORNER: f64 = 1e-3;
/// Consecutive interfaces whose ends lie further apart than this many of their lengths enclose nothing that is filled.
const FARTHEST: f64 = 4.0;
/// An index from which a medium is drawn: gases are below it.
const THINNEST_INDEX: f64 = 1.01;

/// What lies between the refractive interfaces among `surfaces`, which all belong to one item.
///
/// A closed outline of three interfaces or more (a prism, a cube, a rhomb) is filled as one. Otherwise each two consecutive interfaces
/// with the same medium on the sides that face each other (a lens, the parts of a doublet) are joined at their ends.
pub(super) fn bodies(surfaces: &[Surface], frame: &Frame) -> Vec<PathData> {
    let faces: Vec<Face<'_>> = surfaces
        .iter()
        .filter(|surface| !surface.is_hidden())
        .filter_map(|surface| match surface.element() {
            Element::RefractiveInterface(interface) => {
                Some(Face { surface, interface, curve: Curve::new(surface.shape(), frame) })
            }
            _ => None,
        })
        .collect();
    if let Some(outline) = closed_outline(&faces) {
        return vec![outline];
    }
    faces.windows(2).filter_map(|pair| between(&pair[0], &pair[1])).collect()
}

struct Face<'a> {
    surface: &'a Surface,
    interface: &'a RefractiveInterface,
    curve: Curve,
}

impl Face<'_> {
    fn length(&self) -> f64 {
        2.0 * self.surface.shape().half_length()
    }

    fn ends(&self) -> [DVec2; 2] {
        let chord = self.surface.shape().chord();
        [chord.p1(), chord.p2()]
    }

    /// The middle of the surface; not of its chord, which two arcs may have in common.
    fn vertex(&self) -> DVec2 {
        match self.surface.shape() {
            Shape::Segment(segment) => segment.middle(),
            Shape::Arc(arc) => arc.vertex(),
        }
    }

    /// The medium on the side of `point`.
    fn facing(&self, point: DVec2) -> &Medium {
        let normal = self.surface.shape().chord().normal();
        if (point - self.vertex()).dot(normal) > 0.0 { self.interface.first() } else { self.interface.second() }
    }
}

/// Whether a medium is glass enough to be filled and named.
pub(super) fn is_drawn_medium(medium: &Medium) -> bool {
    medium.material().is_some() || medium.plain_index() > THINNEST_INDEX
}

/// All faces end to end, back to where the first begins.
fn closed_outline(faces: &[Face<'_>]) -> Option<PathData> {
    let (first, others) = faces.split_first()?;
    if others.len() < 2 {
        return None;
    }
    let mut left: Vec<&Face<'_>> = others.iter().collect();
    let [start, mut corner] = first.ends();
    let mut path = first.curve.path(0.0, 1.0);
    while !left.is_empty() {
        let (place, backwards) = left.iter().enumerate().find_map(|(place, face)| {
            let near = |end: DVec2| end.distance(corner) <= SAME_CORNER * face.length().max(first.length());
            let [p1, p2] = face.ends();
            if near(p1) { Some((place, false)) } else { near(p2).then_some((place, true)) }
        })?;
        let face = left.remove(place);
        let [p1, p2] = face.ends();
        (path, corner) = if backwards {
            (face.curve.continue_path(path, 1.0, 0.0), p1)
        } else {
            (face.curve.continue_path(path, 0.0, 1.0), p2)
        };
    }
    let middle = faces.iter().map(Face::vertex).sum::<DVec2>() / faces.len() as f64;
    let closed = corner.distance(start) <= SAME_CORNER * first.length();
    (closed && is_drawn_medium(first.facing(middle))).then(|| path.close())
}

/// The body between two faces.
fn between(a: &Face<'_>, b: &Face<'_>) -> Option<PathData> {
    let facing = a.facing(b.vertex());
    if !is_drawn_medium(facing) || facing != b.facing(a.vertex()) {
        return None;
    }
    let ([a1, a2], [b1, b2]) = (a.ends(), b.ends());
    let straight = a2.distance(b2) + b1.distance(a1);
    let crossed = a2.distance(b1) + b2.distance(a1);
    if straight.min(crossed) > 2.0 * FARTHEST * a.length().max(b.length()) {
        return None;
    }
    let path = a.curve.path(0.0, 1.0);
    let (from, to) = if straight <= crossed { (1.0, 0.0) } else { (0.0, 1.0) };
    Some(b.curve.continue_path(path.line_to(b.curve.at(from)), from, to).close())
}
