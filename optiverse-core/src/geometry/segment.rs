//! A straight surface.

use glam::DVec2;

use super::Aabb;

/// A straight surface between two points.
///
/// The tangent points from `p2` to `p1`, the normal is the tangent turned 90° counter-clockwise: light that travels against
/// the normal meets the side of n1 first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    p1: DVec2,
    p2: DVec2,
    tangent: DVec2,
    half_length: f64,
}

/// Why two points make no segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the end points are less than 1e-9 mm apart, or not finite")]
pub struct SegmentError;

impl Segment {
    /// Shortest length in mm.
    pub const MIN_LENGTH: f64 = 1e-9;

    /// The segment from `p1` to `p2`.
    ///
    /// # Errors
    /// Where the points are nearer than [`MIN_LENGTH`](Self::MIN_LENGTH) or not finite.
    pub fn new(p1: DVec2, p2: DVec2) -> Result<Self, SegmentError> {
        let difference = p1 - p2;
        let length = difference.x.hypot(difference.y);
        if !(length >= Self::MIN_LENGTH && length.is_finite()) {
            return Err(SegmentError);
        }
        Ok(Segment { p1, p2, tangent: difference / length, half_length: 0.5 * length })
    }

    /// First end point.
    #[must_use]
    pub fn p1(&self) -> DVec2 {
        self.p1
    }

    /// Second end point.
    #[must_use]
    pub fn p2(&self) -> DVec2 {
        self.p2
    }

    /// The middle.
    #[must_use]
    pub fn middle(&self) -> DVec2 {
        0.5 * (self.p1 + self.p2)
    }

    /// Unit vector from `p2` to `p1`.
    #[must_use]
    pub fn tangent(&self) -> DVec2 {
        self.tangent
    }

    /// The tangent turned 90° counter-clockwise.
    #[must_use]
    pub fn normal(&self) -> DVec2 {
        self.tangent.perp()
    }

    /// Half the length in mm.
    #[must_use]
    pub fn half_length(&self) -> f64 {
        self.half_length
    }

    /// The smallest box around it.
    #[must_use]
    pub fn aabb(&self) -> Aabb {
        Aabb::from_points([self.p1, self.p2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_along_x_meets_n1_first_where_p1_is_above() {
        let segment = Segment::new(DVec2::new(0.0, 5.0), DVec2::new(0.0, -5.0)).unwrap();
        assert_eq!(segment.normal(), DVec2::NEG_X);
    }

    #[test]
    fn shortest_length() {
        assert!(Segment::new(DVec2::ZERO, DVec2::new(Segment::MIN_LENGTH, 0.0)).is_ok());
        assert_eq!(Segment::new(DVec2::ZERO, DVec2::new(0.99 * Segment::MIN_LENGTH, 0.0)), Err(SegmentError));
        assert_eq!(Segment::new(DVec2::ZERO, DVec2::new(f64::NAN, 0.0)), Err(SegmentError));
        assert_eq!(Segment::new(DVec2::ZERO, DVec2::new(f64::INFINITY, 0.0)), Err(SegmentError));
    }
}
