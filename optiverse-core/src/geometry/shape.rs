//! The form of a surface.

use glam::DVec2;

use super::{Aabb, Arc, Segment};

/// Where a surface is.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Straight.
    Segment(Segment),
    /// Circular. By reference, so that the surfaces of a large system, most of them straight, lie close together in memory.
    Arc(Box<Arc>),
}

impl From<Segment> for Shape {
    fn from(segment: Segment) -> Self {
        Shape::Segment(segment)
    }
}

impl From<Arc> for Shape {
    fn from(arc: Arc) -> Self {
        Shape::Arc(Box::new(arc))
    }
}

impl Shape {
    /// The line between the end points.
    #[must_use]
    pub fn chord(&self) -> &Segment {
        match self {
            Shape::Segment(segment) => segment,
            Shape::Arc(arc) => arc.chord(),
        }
    }

    /// A box around it.
    #[must_use]
    pub fn aabb(&self) -> Aabb {
        match self {
            Shape::Segment(segment) => segment.aabb(),
            Shape::Arc(arc) => arc.aabb(),
        }
    }

    /// Half the length of the surface in mm, along the arc where it is one.
    #[must_use]
    pub fn half_length(&self) -> f64 {
        match self {
            Shape::Segment(segment) => segment.half_length(),
            Shape::Arc(arc) => 0.5 * arc.arc_length(),
        }
    }

    /// How far beyond its ends the rules of Optiverse 0.3.4 may find it, in mm: an arc up to 1e-9 rad and 1 mm, and as much again for rounding. A straight one,
    /// and any by exact physics, is found no further than coordinates are rounded, or 1e-7 mm.
    pub(crate) fn overshoot_mm(&self) -> f64 {
        match self {
            Shape::Segment(_) => 0.0,
            Shape::Arc(arc) => 2.0 * (1e-9 * arc.radius()).min(1.0),
        }
    }

    /// Whether the rules of Optiverse 0.3.4 may find the other half of its circle as well: of half a circle, rounding decides which is meant.
    pub(crate) fn may_be_a_circle(&self) -> bool {
        matches!(self, Shape::Arc(arc) if arc.cos_half_angle() == 0.0)
    }

    /// The box in which rules of hits may find it.
    pub(crate) fn reached(&self) -> Aabb {
        let beyond = if self.may_be_a_circle() { self.chord().half_length() } else { self.overshoot_mm() };
        self.aabb().grown(beyond)
    }

    /// Unit normal at a point of the surface, on the side from which n1 is met first.
    #[must_use]
    pub fn normal_at(&self, point: DVec2) -> DVec2 {
        match self {
            Shape::Segment(segment) => segment.normal(),
            Shape::Arc(arc) => arc.outward_normal(point) * arc.signed_radius().signum(),
        }
    }
}
