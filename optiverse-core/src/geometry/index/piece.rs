//! Surfaces cut into straight pieces of a known thickness.

use glam::DVec2;

use super::block::Piece;
use crate::geometry::{Aabb, Arc, Shape};

/// Halvings of an arc: 64 pieces are near enough to any circle in any cell.
const MOST_HALVINGS: u32 = 6;

/// Calls `visit` with pieces that hold all of `shape`, and what a rule of hits may find beyond its ends; an arc is halved until no piece is higher than
/// `sagitta_mm`.
pub(super) fn pieces(shape: &Shape, sagitta_mm: f64, mut visit: impl FnMut(Piece)) {
    match shape {
        Shape::Segment(segment) => visit(Piece { a: segment.p1(), b: segment.p2(), reach: 0.0 }),
        Shape::Arc(arc) => {
            let (p1, p2, axis) = (arc.chord().p1(), arc.chord().p2(), arc.axis());
            let cut = Cut { arc, beyond: shape.overshoot_mm(), sagitta_mm };
            cut.halve((p1, p2, axis), 0, &mut visit);
            if shape.may_be_a_circle() {
                cut.halve((p2, p1, -axis), 0, &mut visit);
            }
        }
    }
}

/// How an arc is cut.
struct Cut<'a> {
    arc: &'a Arc,
    /// How much further than its ends it is to be held.
    beyond: f64,
    /// The most height of a piece.
    sagitta_mm: f64,
}

impl Cut<'_> {
    fn halve(&self, (a, b, axis): (DVec2, DVec2, DVec2), depth: u32, visit: &mut impl FnMut(Piece)) {
        let half = 0.5 * a.distance(b);
        let sin = (half * self.arc.curvature()).min(1.0);
        let sagitta = half * sin / (1.0 + ((1.0 - sin) * (1.0 + sin)).sqrt());
        if sagitta <= self.sagitta_mm || depth == MOST_HALVINGS {
            // The line half way up: the piece lies within half its height on either side, chord and top included. What goes on beyond it turns away by its
            // angle and as much again.
            let up = axis * (0.5 * sagitta);
            let further = (b - a).normalize_or_zero() * self.beyond;
            let reach = 0.5 * sagitta + 2.0 * self.beyond * sin;
            return visit(Piece { a: a + up - further, b: b + up + further, reach });
        }
        let top = 0.5 * (a + b) + axis * sagitta;
        let outwards = |from: DVec2, to: DVec2| {
            let across = (to - from).perp().normalize_or(axis);
            if across.dot(axis) < 0.0 { -across } else { across }
        };
        self.halve((a, top, outwards(a, top)), depth + 1, visit);
        self.halve((top, b, outwards(top, b)), depth + 1, visit);
    }
}

impl Piece {
    /// The part of the piece in a box, where there is any; its thickness stays out of account.
    pub(super) fn clipped(&self, aabb: &Aabb) -> Option<Piece> {
        let along = self.b - self.a;
        let (mut from, mut to) = (0.0_f64, 1.0_f64);
        for axis in 0..2 {
            let (a, d) = (self.a[axis], along[axis]);
            if d == 0.0 {
                if a < aabb.min[axis] || a > aabb.max[axis] {
                    return None;
                }
                continue;
            }
            let (p, q) = ((aabb.min[axis] - a) / d, (aabb.max[axis] - a) / d);
            from = from.max(p.min(q));
            to = to.min(p.max(q));
        }
        let at = |t: f64| if t == 1.0 { self.b } else { self.a + along * t };
        (from <= to).then(|| Piece { a: at(from), b: at(to), reach: self.reach })
    }

    /// The box around its line.
    pub(super) fn aabb(&self) -> Aabb {
        Aabb::from_points([self.a, self.b])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::Segment;

    proptest! {
        #[test]
        fn every_point_of_an_arc_lies_in_a_piece(
            angle in 0.0..std::f64::consts::TAU, half in 0.1..100.0_f64, bend in 1.0..50.0_f64, negative in any::<bool>(),
            fine in 1e-4..1.0_f64,
        ) {
            let end = DVec2::from_angle(angle) * half;
            let radius = half * bend * if negative { -1.0 } else { 1.0 };
            let arc = Arc::new(Segment::new(end, -end).unwrap(), radius).unwrap();
            let mut found = Vec::new();
            pieces(&arc.into(), fine * half, |piece| found.push(piece));
            prop_assert!(found.len() <= 64);
            let half_angle = (half / radius.abs()).min(1.0).asin();
            for step in 0..=100 {
                let turn = half_angle * (f64::from(step) / 50.0 - 1.0);
                let point = arc.centre() + DVec2::from_angle(turn).rotate(arc.axis()) * arc.radius();
                let near = |piece: &Piece| {
                    let along = piece.b - piece.a;
                    let t = ((point - piece.a).dot(along) / along.length_squared()).clamp(0.0, 1.0);
                    (piece.a + along * t).distance(point) - piece.reach
                };
                let off = found.iter().map(near).fold(f64::INFINITY, f64::min);
                prop_assert!(off < 1e-9 * arc.radius(), "{off} mm outside");
            }
        }
    }
}
