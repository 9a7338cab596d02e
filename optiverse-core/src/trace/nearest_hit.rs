//! The next surface in a ray's way.
//!
//! Everything that speeds up the search stands behind [`NearestHit::find`].

use glam::DVec2;

use super::hit_rules::{self, Contact};
use super::{HiddenItems, Physics, SelfHits};
use crate::geometry::bvh::{Query, Scratch};
use crate::optics::{OpticalSystem, Shape};

/// Where a ray meets a surface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    /// Number of the surface in the system.
    pub(super) surface: u32,
    /// From the ray's start, in mm.
    pub(super) distance: f64,
    pub(super) point: DVec2,
}

/// Finds the next surface; keeps its memory from one ray to the next.
pub(super) struct NearestHit<'a> {
    system: &'a OpticalSystem,
    self_hits: SelfHits,
    skip_hidden: bool,
    scratch: Scratch,
}

impl<'a> NearestHit<'a> {
    pub(super) fn new(system: &'a OpticalSystem, physics: Physics) -> Self {
        let skip_hidden = physics.hidden_items == HiddenItems::Skipped;
        NearestHit { system, self_hits: physics.self_hits, skip_hidden, scratch: Scratch::default() }
    }

    /// The nearest surface that a ray meets; of two at the same distance, the earlier in the file.
    pub(super) fn find(&mut self, origin: DVec2, direction: DVec2, contact: Option<&Contact>) -> Option<Hit> {
        let surfaces = self.system.surfaces();
        let query = Query::new(origin, direction);
        let skip_hidden = self.skip_hidden;
        let shape_of = |i: u32| {
            let surface = &surfaces[i as usize];
            (!(skip_hidden && surface.is_hidden())).then_some(surface.shape())
        };
        let found = match self.self_hits {
            SelfHits::Geometric => self.system.index().nearest(&query, &mut self.scratch, |i| {
                shape_of(i).map_or(f64::INFINITY, |shape| hit_rules::geometric(shape, i, origin, direction, contact))
            }),
            SelfHits::StepAndSkip => {
                let skipped = contact.map(Contact::latest);
                self.system.index().nearest(&query, &mut self.scratch, |i| match shape_of(i) {
                    Some(shape) if skipped != Some(i) => hit_rules::step_and_skip(shape, origin, direction),
                    _ => f64::INFINITY,
                })
            }
        };
        let (surface, distance) = found?;
        let point = match self.self_hits {
            SelfHits::Geometric => on_surface(surfaces[surface as usize].shape(), origin, direction, distance),
            SelfHits::StepAndSkip => origin + distance * direction,
        };
        Some(Hit { surface, distance, point })
    }
}

/// The point at `distance`, moved onto the surface: the rounding of a far origin must not reach the next stretch.
fn on_surface(shape: &Shape, origin: DVec2, direction: DVec2, distance: f64) -> DVec2 {
    if distance == 0.0 {
        return origin;
    }
    let point = origin + distance * direction;
    match shape {
        Shape::Segment(segment) => {
            let half = segment.half_length();
            let place = (point - segment.middle()).dot(segment.tangent()).clamp(-half, half);
            // An end point shared with another surface is the same point for both.
            if place == half {
                segment.p1()
            } else if place == -half {
                segment.p2()
            } else {
                segment.middle() + place * segment.tangent()
            }
        }
        Shape::Arc(arc) => {
            let from_centre = point - arc.centre();
            arc.centre() + from_centre * (arc.radius() / from_centre.length())
        }
    }
}
