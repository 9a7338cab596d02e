//! A surface on the page: a line or an arc in pixels.

use glam::DVec2;

use super::frame::Frame;
use super::markup::PathData;
use crate::optics::Shape;

/// An arc whose middle lies nearer than this to its chord, in pixels, is drawn as a line: a renderer with single precision
/// would make more of a mess of the long radius.
const FLAT_PX: f64 = 0.02;

/// A surface on the page, run through from `p1` (0) to `p2` (1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Curve {
    start: DVec2,
    end: DVec2,
    arc: Option<ArcOnPage>,
}

#[derive(Clone, Copy, Debug)]
struct ArcOnPage {
    centre: DVec2,
    radius: f64,
    /// Angle of the start, and the angle run through, positive clockwise on the page.
    from: f64,
    turn: f64,
}

impl Curve {
    pub(super) fn new(shape: &Shape, frame: &Frame) -> Self {
        let chord = shape.chord();
        let (start, end) = (frame.project(chord.p1()), frame.project(chord.p2()));
        let arc = match shape {
            Shape::Segment(_) => None,
            Shape::Arc(arc) => {
                let radius = arc.radius() * frame.px_per_mm;
                let half = (chord.half_length() / arc.radius()).min(1.0).asin();
                let flat = radius * (1.0 - half.cos()) < FLAT_PX;
                // The centre of an arc of positive radius lies to the left of the way from p1 to p2.
                let turn = -2.0 * half * arc.signed_radius().signum();
                let centre = frame.project(arc.centre());
                (!flat).then(|| ArcOnPage { centre, radius, from: (start - centre).to_angle(), turn })
            }
        };
        Curve { start, end, arc }
    }

    pub(super) fn at(&self, t: f64) -> DVec2 {
        match self.arc {
            Some(_) if t == 0.0 => self.start,
            Some(_) if t == 1.0 => self.end,
            Some(arc) => arc.centre + DVec2::from_angle(arc.from + arc.turn * t) * arc.radius,
            None => self.start.lerp(self.end, t),
        }
    }

    /// Unit vector from p1 towards p2.
    pub(super) fn tangent(&self, t: f64) -> DVec2 {
        match self.arc {
            Some(arc) => DVec2::from_angle(arc.from + arc.turn * t).perp() * arc.turn.signum(),
            None => (self.end - self.start).normalize_or(DVec2::Y),
        }
    }

    /// Unit vector on the side from which n1 is met first.
    pub(super) fn normal(&self, t: f64) -> DVec2 {
        self.tangent(t).perp()
    }

    pub(super) fn length(&self) -> f64 {
        self.arc.map_or_else(|| self.start.distance(self.end), |arc| arc.radius * arc.turn.abs())
    }

    /// The part from `t0` to `t1`.
    pub(super) fn path(&self, t0: f64, t1: f64) -> PathData {
        self.continue_path(PathData::new().move_to(self.at(t0)), t0, t1)
    }

    /// Goes on with `path`, whose pen is at `t0`, to `t1`.
    pub(super) fn continue_path(&self, path: PathData, t0: f64, t1: f64) -> PathData {
        match self.arc {
            Some(arc) => path.arc_to(arc.radius, (arc.turn > 0.0) == (t1 > t0), self.at(t1)),
            None => path.line_to(self.at(t1)),
        }
    }

    /// The end that lies higher on the page (the right one of two at one height), with the unit vector out of the surface
    /// there.
    pub(super) fn upper_end(&self) -> (DVec2, DVec2) {
        let difference = self.end - self.start;
        let start_is_upper = difference.y > 0.01 || (difference.y.abs() <= 0.01 && difference.x < 0.0);
        if start_is_upper { self.first_end() } else { self.second_end() }
    }

    /// The other end.
    pub(super) fn lower_end(&self) -> (DVec2, DVec2) {
        if self.upper_end().0 == self.start { self.second_end() } else { self.first_end() }
    }

    fn first_end(&self) -> (DVec2, DVec2) {
        (self.start, -self.tangent(0.0))
    }

    fn second_end(&self) -> (DVec2, DVec2) {
        (self.end, self.tangent(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Arc, Segment};

    const FRAME: Frame =
        Frame { origin_mm: DVec2::new(-50.0, 50.0), px_per_mm: 2.0, canvas: DVec2::new(200.0, 200.0), height: 200.0 };

    fn curve(radius: f64) -> (Shape, Curve) {
        let chord = Segment::new(DVec2::new(3.0, 12.0), DVec2::new(-5.0, -4.0)).unwrap();
        let shape = if radius == 0.0 { Shape::Segment(chord) } else { Arc::new(chord, radius).unwrap().into() };
        let curve = Curve::new(&shape, &FRAME);
        (shape, curve)
    }

    #[test]
    fn ends_middle_and_normal_are_those_of_the_shape() {
        for radius in [0.0, 20.0, -20.0, 9.0, -9.0] {
            let (shape, curve) = curve(radius);
            let chord = shape.chord();
            assert_eq!(curve.at(0.0), FRAME.project(chord.p1()));
            assert_eq!(curve.at(1.0), FRAME.project(chord.p2()));
            let middle = match &shape {
                Shape::Segment(segment) => segment.middle(),
                Shape::Arc(arc) => arc.vertex(),
            };
            assert!(curve.at(0.5).distance(FRAME.project(middle)) < 1e-9, "{radius}");
            let normal = shape.normal_at(middle);
            assert!(curve.normal(0.5).distance(DVec2::new(normal.x, -normal.y)) < 1e-9, "{radius}");
            assert!((curve.length() - 4.0 * shape.half_length()).abs() < 1e-9);
        }
    }

    #[test]
    fn an_arc_that_looks_straight_is_a_line() {
        assert!(!curve(1e9).1.path(0.0, 1.0).as_str().contains('A'));
        assert!(curve(20.0).1.path(0.0, 1.0).as_str().contains('A'));
    }

    #[test]
    fn the_sweep_flag_follows_the_sign_of_the_radius() {
        // Walking from p1 to p2, a positive radius keeps its centre on the left: counter-clockwise, flag 0.
        assert!(curve(20.0).1.path(0.0, 1.0).as_str().contains(" 0 0 0 "));
        assert!(curve(-20.0).1.path(0.0, 1.0).as_str().contains(" 0 0 1 "));
        assert!(curve(20.0).1.path(1.0, 0.0).as_str().contains(" 0 0 1 "));
    }
}
