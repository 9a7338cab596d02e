//! The next surface in a ray's way.
//!
//! Everything that speeds up the search stands behind [`NearestHit::find`].

use glam::DVec2;

use super::hit_rules::{self, Contact};
use super::interact::{self, Incident};
use super::walker::Walker;
use super::{HiddenItems, Physics, SelfHits};
use crate::geometry::index::{NO_SURFACE, Query};
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
    physics: Physics,
    /// Under the app's rules.
    smallest_hit_mm: f64,
    /// Surfaces that a ray meets in one point.
    together: Vec<u32>,
}

impl<'a> NearestHit<'a> {
    pub(super) fn new(system: &'a OpticalSystem, physics: Physics, smallest_hit_mm: f64) -> Self {
        NearestHit { system, physics, smallest_hit_mm, together: Vec::new() }
    }

    /// The nearest surface in the way of a source ray's light.
    #[inline]
    pub(super) fn find(&mut self, light: &Walker) -> Option<Hit> {
        let (origin, direction) = light.position_and_direction();
        let contact = light.contact();
        let query = Query::new(origin, direction);
        let surfaces = self.system.surfaces();
        let skip_hidden = self.physics.hidden_items == HiddenItems::Skipped;
        let seen = |i: u32| {
            let surface = &surfaces[i as usize];
            (!(skip_hidden && surface.is_hidden())).then_some(surface.shape())
        };
        match self.physics.self_hits {
            SelfHits::Geometric => {
                // A straight surface is not met by the ray that leaves it; an arc may be.
                let straight = |&i: &u32| matches!(surfaces[i as usize].shape(), Shape::Segment(_));
                let skip = contact.map(Contact::latest).filter(straight).unwrap_or(NO_SURFACE);
                let rule = |i| {
                    seen(i).map_or(f64::INFINITY, |shape| hit_rules::geometric(shape, i, origin, direction, contact))
                };
                let mut closest = Closest::default();
                let (surface, distance) = self.system.index().nearest(&query, skip, |i| {
                    let found = rule(i);
                    closest.see(found, origin);
                    found
                })?;
                let point = on_surface(surfaces[surface as usize].shape(), origin, direction, distance);
                let first = if closest.several {
                    self.together.clear();
                    let together = &mut self.together;
                    self.system.index().nearest(&query, skip, |i| {
                        let found = rule(i);
                        if found.is_finite() && seen(i).is_some_and(|shape| hit_rules::touches(shape, point, contact)) {
                            together.push(i);
                        }
                        found
                    });
                    self.first_of_together(surface, &Incident { point, ..light.incident() })
                } else {
                    surface
                };
                Some(Hit { surface: first, distance, point })
            }
            SelfHits::StepAndSkip => {
                let smallest = self.smallest_hit_mm;
                let skip = contact.map_or(NO_SURFACE, Contact::latest);
                let (surface, distance) = self.system.index().nearest(&query, skip, |i| match seen(i) {
                    // The index leaves it out where the ray starts; an arc may be ahead again in another cell.
                    Some(shape) if i != skip => hit_rules::step_and_skip(shape, origin, direction, smallest),
                    _ => f64::INFINITY,
                })?;
                Some(Hit { surface, distance, point: origin + distance * direction })
            }
        }
    }

    /// Which of the surfaces that light meets in one point acts first.
    ///
    /// Rounding cannot tell, so a rule must, and it must turn round with the light: the order of the file for light against the normal of the
    /// surface that comes first there, and the reverse for light along it. A refractive interface that no other one leads to, or
    /// failing that one of the medium the light is in, goes before an interface that would come second: faces in contact
    /// are met in the order of their media.
    fn first_of_together(&mut self, nearest: u32, light: &Incident) -> u32 {
        let surfaces = self.system.surfaces();
        self.together.sort_unstable();
        self.together.dedup();
        let Some(&reference) = self.together.first() else { return nearest };
        if surfaces[reference as usize].shape().normal_at(light.point).dot(light.direction) > 0.0 {
            self.together.reverse();
        }
        let first = self.together[0];
        let media = |i: u32| interact::media(&surfaces[i as usize], light, self.physics);
        if media(first).is_none() {
            return first;
        }
        let faces: Vec<(u32, (f64, f64))> = self.together.iter().filter_map(|&i| Some((i, media(i)?))).collect();
        let leads_to = |near: f64, to: u32| faces.iter().any(|&(i, (_, far))| i != to && far == near);
        let outermost = faces.iter().find(|&&(i, (near, _))| !leads_to(near, i));
        let in_medium = || faces.iter().find(|&&(_, (near, _))| near == light.index);
        outermost.or_else(in_medium).map_or(first, |&(i, _)| i)
    }
}

/// Watches whether several surfaces lie at the nearest distance, to rounding.
struct Closest {
    least: f64,
    several: bool,
}

impl Default for Closest {
    fn default() -> Self {
        Closest { least: f64::INFINITY, several: false }
    }
}

impl Closest {
    #[inline]
    fn see(&mut self, distance: f64, origin: DVec2) {
        if distance == f64::INFINITY {
            return;
        }
        // Generous, since grazing light magnifies rounding: what looks like several is looked at again.
        let pad = 1e-9 * (1.0 + distance + hit_rules::size(origin));
        self.several = (distance - self.least).abs() <= pad || (self.several && distance > self.least);
        self.least = if distance < self.least { distance } else { self.least };
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
        Shape::Arc(arc) => arc.project(point),
    }
}
