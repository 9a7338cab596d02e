//! A box with sides along the axes.

use glam::DVec2;

/// An axis-aligned box; `EMPTY` holds nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aabb {
    /// Lower left corner.
    pub min: DVec2,
    /// Upper right corner.
    pub max: DVec2,
}

impl Aabb {
    /// The box that holds nothing.
    pub const EMPTY: Aabb = Aabb { min: DVec2::INFINITY, max: DVec2::NEG_INFINITY };

    /// The smallest box around these points.
    #[must_use]
    pub fn from_points(points: impl IntoIterator<Item = DVec2>) -> Aabb {
        points.into_iter().fold(Aabb::EMPTY, |aabb, p| Aabb { min: aabb.min.min(p), max: aabb.max.max(p) })
    }

    /// The smallest box around both.
    #[must_use]
    pub fn union(self, other: Aabb) -> Aabb {
        Aabb { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    /// The box with every side moved outwards by `margin`.
    #[must_use]
    pub fn grown(self, margin: f64) -> Aabb {
        Aabb { min: self.min - DVec2::splat(margin), max: self.max + DVec2::splat(margin) }
    }

    /// The middle of the box.
    #[must_use]
    pub fn centre(self) -> DVec2 {
        0.5 * (self.min + self.max)
    }

    /// Half the circumference, which in the plane is what a random line meets in proportion; 0 for an empty box.
    #[must_use]
    pub fn half_perimeter(self) -> f64 {
        let size = (self.max - self.min).max(DVec2::ZERO);
        size.x + size.y
    }

    /// The distance at which a ray enters, where it does so before `limit`.
    ///
    /// `inverse` is 1/direction by component; a component of ±∞ is a ray along an axis. A ray along the very edge may be taken
    /// to miss: a box is to be made a little larger than what it holds.
    #[inline]
    #[must_use]
    pub fn entry(&self, origin: DVec2, inverse: DVec2, limit: f64) -> Option<f64> {
        let a = (self.min - origin) * inverse;
        let b = (self.max - origin) * inverse;
        let enter = greater(greater(lesser(a.x, b.x), lesser(a.y, b.y)), 0.0);
        let leave = lesser(lesser(greater(a.x, b.x), greater(a.y, b.y)), limit);
        (enter <= leave).then_some(enter)
    }
}

// One instruction each, where f64::min and max take five to pass over a NaN.

#[inline]
fn lesser(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

#[inline]
fn greater(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: Aabb = Aabb { min: DVec2::ZERO, max: DVec2::ONE };

    fn entry(origin: DVec2, direction: DVec2, limit: f64) -> Option<f64> {
        UNIT.entry(origin, direction.recip(), limit)
    }

    #[test]
    fn a_ray_enters_at_its_distance() {
        assert_eq!(entry(DVec2::new(-2.0, 0.5), DVec2::X, 10.0), Some(2.0));
        assert_eq!(entry(DVec2::new(0.5, 0.5), DVec2::X, 10.0), Some(0.0));
        assert_eq!(entry(DVec2::new(-2.0, 0.5), DVec2::X, 1.9), None);
        assert_eq!(entry(DVec2::new(-2.0, 1.5), DVec2::X, 10.0), None);
        assert_eq!(entry(DVec2::new(2.0, 0.5), DVec2::X, 10.0), None);
    }

    #[test]
    fn a_ray_along_an_axis_enters() {
        assert_eq!(entry(DVec2::new(0.5, 5.0), DVec2::NEG_Y, 10.0), Some(4.0));
        assert_eq!(entry(DVec2::new(1.5, 5.0), DVec2::NEG_Y, 10.0), None);
    }

    #[test]
    fn an_empty_box_has_no_size() {
        assert_eq!(Aabb::EMPTY.half_perimeter(), 0.0);
        assert_eq!(Aabb::EMPTY.union(UNIT), UNIT);
    }
}
