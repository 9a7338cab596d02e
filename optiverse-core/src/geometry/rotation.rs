//! A rotation of the plane.

use glam::DVec2;

/// A rotation, exact for multiples of 90°.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rotation {
    cos: f64,
    sin: f64,
}

impl Rotation {
    /// Counter-clockwise by `degrees`.
    #[must_use]
    pub fn from_degrees(degrees: f64) -> Self {
        // A quarter turn written in degrees is exact; its radians are not, and would tilt a mirror by 1e-16.
        let (cos, sin) = match degrees.rem_euclid(360.0) {
            0.0 => (1.0, 0.0),
            90.0 => (0.0, 1.0),
            180.0 => (-1.0, 0.0),
            270.0 => (0.0, -1.0),
            _ => {
                let (sin, cos) = degrees.to_radians().sin_cos();
                (cos, sin)
            }
        };
        Rotation { cos, sin }
    }

    /// The vector turned.
    #[must_use]
    pub fn apply(self, v: DVec2) -> DVec2 {
        DVec2::new(self.cos * v.x - self.sin * v.y, self.sin * v.x + self.cos * v.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarter_turns_are_exact() {
        let v = DVec2::new(3.0, 1.0);
        assert_eq!(Rotation::from_degrees(90.0).apply(v), DVec2::new(-1.0, 3.0));
        assert_eq!(Rotation::from_degrees(-90.0).apply(v), DVec2::new(1.0, -3.0));
        assert_eq!(Rotation::from_degrees(540.0).apply(v), DVec2::new(-3.0, -1.0));
    }

    #[test]
    fn positive_degrees_turn_counter_clockwise() {
        let turned = Rotation::from_degrees(30.0).apply(DVec2::X);
        assert!((turned - DVec2::new(3.0_f64.sqrt() / 2.0, 0.5)).length() < 1e-15);
    }
}
