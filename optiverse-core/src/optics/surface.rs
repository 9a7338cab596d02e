//! A surface of a system: where it is, what it does, whose it is.

use glam::DVec2;

use super::Source;
use super::element::Element;
use crate::geometry::{Aabb, Arc, Segment};

/// Where a surface is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Straight.
    Segment(Segment),
    /// Circular.
    Arc(Arc),
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

    /// Unit normal at a point of the surface, on the side from which n1 is met first.
    #[must_use]
    pub fn normal_at(&self, point: DVec2) -> DVec2 {
        match self {
            Shape::Segment(segment) => segment.normal(),
            Shape::Arc(arc) => arc.outward_normal(point) * arc.signed_radius().signum(),
        }
    }
}

/// A surface with what it does to light.
#[derive(Clone, Debug, PartialEq)]
pub struct Surface {
    pub(crate) shape: Shape,
    pub(crate) element: Element,
    pub(crate) item: u32,
    pub(crate) interface: u32,
    pub(crate) hidden: bool,
}

impl Surface {
    /// A visible surface, interface number `interface` of item number `item`.
    #[must_use]
    pub fn new(shape: Shape, element: Element, item: u32, interface: u32) -> Self {
        Surface { shape, element, item, interface, hidden: false }
    }

    /// Where it is.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// What it does.
    #[must_use]
    pub fn element(&self) -> &Element {
        &self.element
    }

    /// The item it belongs to, as an index into [`OpticalSystem::items`](super::OpticalSystem::items).
    #[must_use]
    pub fn item(&self) -> usize {
        self.item as usize
    }

    /// Its place among the item's interfaces.
    #[must_use]
    pub fn interface(&self) -> usize {
        self.interface as usize
    }

    /// Whether a layer hides its item.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// Whether its materials have an index at the wavelengths of all these sources.
    pub(super) fn serves(&self, sources: &[Source]) -> bool {
        match &self.element {
            Element::RefractiveInterface(interface) => {
                [interface.first(), interface.second()].iter().all(|medium| medium.serves(sources).is_ok())
            }
            _ => true,
        }
    }
}
