//! A circular surface.

use glam::DVec2;

use super::{Aabb, Segment};

/// A circular surface through two points: the shorter arc of the circle of a signed radius.
///
/// Centre = middle of the chord + sign(R)·√(R² − (L/2)²)·u, with u the unit vector from `p1` to `p2` turned 90°
/// counter-clockwise. For light that travels against the chord's normal, R > 0 has its centre downstream, as in the sign
/// convention of lens design.
///
/// All is computed from the chord, the curvature and the angle, so that an arc of huge radius is as exact as a segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arc {
    chord: Segment,
    radius: f64,
    /// 1/|R|.
    curvature: f64,
    /// Cosine of half the angle at the centre.
    cos_half_angle: f64,
    /// From the centre to the middle of the arc, unit length.
    axis: DVec2,
}

/// Why there is no such arc.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ArcError {
    /// The radius is shorter than half the chord, zero or not finite.
    #[error("the radius is {radius} mm, shorter than half the chord of {chord} mm, or not finite")]
    Radius {
        /// Signed radius in mm.
        radius: f64,
        /// Length of the chord in mm.
        chord: f64,
    },
}

impl Arc {
    /// The arc over `chord` with signed radius `radius` in mm.
    ///
    /// # Errors
    /// Where |radius| is below half the chord (by more than rounding), or not finite.
    pub fn new(chord: Segment, radius: f64) -> Result<Self, ArcError> {
        let half = chord.half_length();
        if !radius.is_finite() || radius.abs() < half * (1.0 - 1e-12) {
            return Err(ArcError::Radius { radius, chord: 2.0 * half });
        }
        let curvature = radius.abs().recip();
        let sin_half_angle = half * curvature;
        // Half a circle whose end points went through a rotation must stay one: the root of their rounding is no rounding.
        let cos_half_angle = if sin_half_angle > 1.0 - 8.0 * f64::EPSILON {
            0.0
        } else {
            ((1.0 - sin_half_angle) * (1.0 + sin_half_angle)).sqrt()
        };
        Ok(Arc { chord, radius, curvature, cos_half_angle, axis: chord.normal() * radius.signum() })
    }

    /// The chord.
    #[must_use]
    pub fn chord(&self) -> &Segment {
        &self.chord
    }

    /// Signed radius in mm.
    #[must_use]
    pub fn signed_radius(&self) -> f64 {
        self.radius
    }

    /// Radius in mm without its sign.
    #[must_use]
    pub fn radius(&self) -> f64 {
        self.radius.abs()
    }

    /// 1/|R| in 1/mm.
    #[must_use]
    pub fn curvature(&self) -> f64 {
        self.curvature
    }

    /// Cosine of half the angle at the centre, 0 for half a circle.
    #[must_use]
    pub fn cos_half_angle(&self) -> f64 {
        self.cos_half_angle
    }

    /// Centre of the circle.
    #[must_use]
    pub fn centre(&self) -> DVec2 {
        self.chord.middle() - self.axis * (self.cos_half_angle * self.radius())
    }

    /// Unit vector from the centre to the middle of the arc.
    #[must_use]
    pub fn axis(&self) -> DVec2 {
        self.axis
    }

    /// Height of the arc over its chord in mm.
    #[must_use]
    pub fn sagitta(&self) -> f64 {
        let half = self.chord.half_length();
        half * half * self.curvature / (1.0 + self.cos_half_angle)
    }

    /// The middle of the arc, its vertex.
    #[must_use]
    pub fn vertex(&self) -> DVec2 {
        self.chord.middle() + self.axis * self.sagitta()
    }

    /// Length along the arc in mm: |R| times the angle at the centre.
    #[must_use]
    pub fn arc_length(&self) -> f64 {
        let sin_half_angle = (self.chord.half_length() * self.curvature).min(1.0);
        2.0 * sin_half_angle.asin() / self.curvature
    }

    /// How far a point lies on the arc's side of the chord, in mm; not negative for points of the arc.
    #[inline]
    #[must_use]
    pub fn height_over_chord(&self, point: DVec2) -> f64 {
        (point - self.chord.middle()).dot(self.axis)
    }

    /// Whether a line from a point of the arc along `direction`, of length 1, may meet the arc once more: not outwards, nor by more than the length of
    /// the arc's own chord, the longest of all.
    #[inline]
    pub(crate) fn may_be_met_again(&self, point: DVec2, direction: DVec2) -> bool {
        let inwards = -direction.dot(self.gradient(point));
        let most = self.curvature * self.chord.half_length();
        // With room for rounding, as it is only a reason to look.
        (-1e-9 * most..=(1.0 + 1e-6) * most).contains(&inwards)
    }

    /// Unit vector away from the centre, at a point near the circle.
    #[inline]
    #[must_use]
    pub fn outward_normal(&self, point: DVec2) -> DVec2 {
        let gradient = self.gradient(point);
        let excess = gradient.length_squared() - 1.0;
        if excess.abs() < 1e-5 {
            // On the circle, but for rounding: 1/√(1 + x) as a series, of which the next term is less than 1e-15.
            return gradient * (1.0 - excess * (0.5 - 0.375 * excess));
        }
        gradient.normalize_or(self.axis)
    }

    /// Signed distance of a point from the circle in mm, positive outside; to first order, for points near it.
    #[inline]
    #[must_use]
    pub fn distance_outside(&self, point: DVec2) -> f64 {
        let from_middle = point - self.chord.middle();
        let half = self.chord.half_length();
        0.5 * self.curvature * (from_middle.length_squared() - half * half)
            + self.cos_half_angle * from_middle.dot(self.axis)
    }

    /// The point of the circle nearest to a point near it.
    #[must_use]
    pub fn project(&self, point: DVec2) -> DVec2 {
        let gradient = self.gradient(point);
        point - gradient * (self.distance_outside(point) / gradient.length_squared())
    }

    /// Gradient of [`distance_outside`](Self::distance_outside): of length 1 on the circle.
    #[inline]
    fn gradient(&self, point: DVec2) -> DVec2 {
        self.curvature * (point - self.chord.middle()) + self.cos_half_angle * self.axis
    }

    /// A box around it: that of the rectangle over its chord as high as the arc.
    #[must_use]
    pub fn aabb(&self) -> Aabb {
        let (p1, p2, up) = (self.chord.p1(), self.chord.p2(), self.axis * self.sagitta());
        Aabb::from_points([p1, p2, p1 + up, p2 + up])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vertical(half: f64, radius: f64) -> Result<Arc, ArcError> {
        Arc::new(Segment::new(DVec2::new(0.0, half), DVec2::new(0.0, -half)).unwrap(), radius)
    }

    #[test]
    fn positive_radius_has_its_centre_downstream() {
        let arc = vertical(6.0, 10.0).unwrap();
        assert!((arc.centre() - DVec2::new(8.0, 0.0)).length() < 1e-14);
        assert!((arc.vertex() - DVec2::new(-2.0, 0.0)).length() < 1e-14);
        let other = vertical(6.0, -10.0).unwrap();
        assert!((other.centre() - DVec2::new(-8.0, 0.0)).length() < 1e-14);
    }

    #[test]
    fn radius_of_half_the_chord_is_the_shortest() {
        let half_circle = vertical(6.0, 6.0).unwrap();
        assert!((half_circle.arc_length() - 6.0 * std::f64::consts::PI).abs() < 1e-12);
        assert!(vertical(6.0, 5.999_999).is_err());
        assert!(vertical(6.0, -5.999_999).is_err());
        assert!(vertical(6.0, 0.0).is_err());
        assert!(vertical(6.0, f64::INFINITY).is_err());
        assert!(vertical(6.0, f64::NAN).is_err());
    }

    #[test]
    fn half_a_circle_stays_one_when_it_is_turned() {
        for degrees in 0..360 {
            let end = 50.0 * DVec2::from_angle(f64::from(degrees).to_radians());
            let arc = Arc::new(Segment::new(end, -end).unwrap(), 50.0).unwrap();
            assert!(arc.centre().length() < 1e-13, "{degrees}");
        }
    }

    #[test]
    fn an_arc_of_huge_radius_is_a_segment() {
        for radius in [1e12, 1e100, 1e300] {
            let arc = vertical(6.0, radius).unwrap();
            assert!(arc.vertex().length() < 20.0 / radius);
            assert!((arc.outward_normal(DVec2::new(0.0, 5.0)) - DVec2::NEG_X).length() < 1e-11);
            assert!((arc.arc_length() - 12.0).abs() < 1e-14);
            assert!(arc.centre().is_finite());
        }
    }

    #[test]
    fn distance_and_projection_agree_with_the_circle() {
        let arc = vertical(6.0, 10.0).unwrap();
        let point = arc.centre() + 10.0 * DVec2::from_angle(2.9);
        assert!(arc.distance_outside(point).abs() < 1e-14);
        let near = arc.centre() + 10.001 * DVec2::from_angle(2.9);
        assert!((arc.distance_outside(near) - 0.001).abs() < 1e-7);
        assert!((arc.project(near) - point).length() < 1e-6);
        assert!((arc.outward_normal(point) - DVec2::from_angle(2.9)).length() < 1e-15);
    }

    #[test]
    fn normals_have_length_1_near_the_circle_and_far_from_it() {
        let arc = vertical(6.0, 10.0).unwrap();
        for off in [0.0, 1e-12, 1e-7, 4.9e-6, 5.1e-6, 1e-3, 0.5].into_iter().flat_map(|off| [off, -off]) {
            let along = DVec2::from_angle(2.9);
            let normal = arc.outward_normal(arc.centre() + along * (10.0 * (1.0 + off)));
            assert!((normal.length() - 1.0).abs() < 1e-15, "{off}: {:e}", normal.length() - 1.0);
            assert!((normal - along).length() < 2e-15, "{off}");
        }
    }

    #[test]
    fn box_reaches_the_vertex() {
        let aabb = vertical(6.0, 10.0).unwrap().aabb();
        assert!((aabb.min - DVec2::new(-2.0, -6.0)).length() < 1e-14);
        assert!((aabb.max - DVec2::new(0.0, 6.0)).length() < 1e-14);
    }
}
