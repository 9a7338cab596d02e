//! A circular surface.

use glam::DVec2;

use super::{Aabb, Segment};

/// A circular surface through two points: the shorter arc of the circle of a signed radius.
///
/// Centre = middle of the chord + sign(R)·√(R² − (L/2)²)·u, with u the unit vector from `p1` to `p2` turned 90°
/// counter-clockwise. For light that travels against the chord's normal, R > 0 has its centre downstream, as in the sign
/// convention of lens design.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arc {
    chord: Segment,
    radius: f64,
    centre: DVec2,
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
        // A half circle whose end points went through a rotation must stay one.
        if !radius.is_finite() || radius.abs() < half * (1.0 - 1e-12) {
            return Err(ArcError::Radius { radius, chord: 2.0 * half });
        }
        let sagittal = (radius * radius - half * half).max(0.0).sqrt();
        let axis = chord.normal() * radius.signum();
        Ok(Arc { chord, radius, centre: chord.middle() - axis * sagittal, axis })
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

    /// Centre of the circle.
    #[must_use]
    pub fn centre(&self) -> DVec2 {
        self.centre
    }

    /// Unit vector from the centre to the middle of the arc.
    #[must_use]
    pub fn axis(&self) -> DVec2 {
        self.axis
    }

    /// The middle of the arc, its vertex.
    #[must_use]
    pub fn vertex(&self) -> DVec2 {
        self.centre + self.axis * self.radius()
    }

    /// Length along the arc in mm: |R| times the angle at the centre.
    #[must_use]
    pub fn arc_length(&self) -> f64 {
        let half_angle = (self.chord.half_length() / self.radius()).min(1.0).asin();
        2.0 * half_angle * self.radius()
    }

    /// How far a point lies on the arc's side of the chord, in mm; not negative for points of the arc.
    #[inline]
    #[must_use]
    pub fn height_over_chord(&self, point: DVec2) -> f64 {
        (point - self.chord.middle()).dot(self.axis)
    }

    /// A box around it.
    #[must_use]
    pub fn aabb(&self) -> Aabb {
        // The extremes of the circle along the axes that lie on the arc's side; a hair below the chord counts, so that
        // an arc of half a circle keeps the ones at its ends.
        let slack = -1e-9 * self.radius();
        let extremes = [DVec2::X, DVec2::NEG_X, DVec2::Y, DVec2::NEG_Y]
            .into_iter()
            .map(|direction| self.centre + direction * self.radius())
            .filter(|point| self.height_over_chord(*point) >= slack);
        Aabb::from_points(extremes.chain([self.chord.p1(), self.chord.p2()]))
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
    fn box_reaches_the_vertex() {
        let aabb = vertical(6.0, 10.0).unwrap().aabb();
        assert!((aabb.min - DVec2::new(-2.0, -6.0)).length() < 1e-14);
        assert!((aabb.max - DVec2::new(0.0, 6.0)).length() < 1e-14);
    }
}
