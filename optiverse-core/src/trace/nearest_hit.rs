//! The next surface in a ray's way.
//!
//! Everything that speeds up the search stands behind [`NearestHit::find`].

use glam::DVec2;

use super::hit_rules::{self, Contact};
use super::interact::{self, Light};
use super::{HiddenItems, Physics, SelfHits};
use crate::geometry::index::lanes::{Baseline, Lanes};
use crate::geometry::index::{Distance, GridNumber, NO_SURFACE, Nearest, Query};
use crate::optics::{OpticalSystem, Shape, Surface};

/// Where a ray meets a surface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit<'a> {
    /// The surface, and its number in the system.
    pub(super) surface: &'a Surface,
    pub(super) number: u32,
    /// From the ray's start, in mm.
    pub(super) distance: f64,
    pub(super) point: DVec2,
    /// The grid of the index where a ray that goes on from there best begins to search.
    pub(super) grid: GridNumber,
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

    /// The nearest surface in the way of light that has met what `contact` says where it is.
    #[inline(always)]
    pub(super) fn find(&mut self, lanes: impl Lanes, light: &Light, contact: &Contact) -> Option<Hit<'a>> {
        match self.physics.self_hits {
            SelfHits::Geometric => {
                let (nearest, grid) = self.geometric(lanes, light, contact, |_, _| ())?;
                let Nearest { surface: mut number, distance, several } = nearest;
                let mut surface = self.surface(number);
                let point = on_surface(surface.shape(), light.position, light.direction, distance);
                if several {
                    number = self.first_of_several(number, light, point, contact);
                    surface = self.surface(number);
                }
                Some(Hit { surface, number, distance, point, grid })
            }
            SelfHits::StepAndSkip => self.step_and_skip(lanes, light, contact),
        }
    }

    #[inline(always)]
    fn surface(&self, number: u32) -> &'a Surface {
        &self.system.surfaces()[number as usize]
    }

    /// The nearest surface by the geometric rule; `met` is told each surface that the search finds on the ray's way.
    #[inline(always)]
    fn geometric(
        &self,
        lanes: impl Lanes,
        light: &Light,
        contact: &Contact,
        met: impl FnMut(u32, &Shape),
    ) -> Option<(Nearest, GridNumber)> {
        // The surface that the ray leaves; an arc may be met again.
        let leaves = |i: u32| match self.surface(i).shape() {
            Shape::Segment(_) => true,
            Shape::Arc(arc) => !arc.may_be_met_again(light.position, light.direction),
        };
        let latest = contact.latest();
        let skip = if contact.is_straight() || leaves(latest) { latest } else { NO_SURFACE };
        let query = Query::new(light.position, light.direction);
        self.system.index().nearest(
            lanes,
            &query,
            skip,
            contact.grid(),
            Geometric { nearest: self, light, contact, met },
        )
    }

    /// The nearest surface by the rules of the app.
    #[inline(always)]
    fn step_and_skip(&self, lanes: impl Lanes, light: &Light, contact: &Contact) -> Option<Hit<'a>> {
        let (origin, direction) = (light.position, light.direction);
        let (skip, begin) = (contact.latest(), contact.grid());
        let (nearest, grid) = self.system.index().nearest(lanes, &Query::new(origin, direction), skip, begin, |i| {
            match self.seen(i) {
                // The index leaves it out where the ray starts; an arc may be ahead again in another cell.
                Some(shape) if i != skip => hit_rules::step_and_skip(shape, origin, direction, self.smallest_hit_mm),
                _ => f64::INFINITY,
            }
        })?;
        let Nearest { surface: number, distance, .. } = nearest;
        Some(Hit { surface: self.surface(number), number, distance, point: origin + distance * direction, grid })
    }

    /// Where a surface is, unless its item is hidden and such are left out.
    #[inline(always)]
    fn seen(&self, surface: u32) -> Option<&'a Shape> {
        let surface = self.surface(surface);
        let is_skipped = surface.is_hidden() && self.physics.hidden_items == HiddenItems::Skipped;
        (!is_skipped).then_some(surface.shape())
    }

    /// Of several surfaces met at `point`, the one that acts first.
    #[inline(never)]
    fn first_of_several(&mut self, nearest: u32, light: &Light, point: DVec2, contact: &Contact) -> u32 {
        let mut together = std::mem::take(&mut self.together);
        together.clear();
        self.geometric(Baseline, light, contact, |i, shape| {
            if hit_rules::touches(shape, point, contact) {
                together.push(i);
            }
        });
        self.together = together;
        self.first_of_together(nearest, &Light { position: point, ..*light })
    }

    /// Which of the surfaces that light meets in one point acts first.
    ///
    /// Rounding cannot tell, so a rule must, and it must turn round with the light: the order of the file for light against the normal of the
    /// surface that comes first there, and the reverse for light along it. A refractive interface that no other one leads to, or
    /// failing that one of the medium the light is in, goes before an interface that would come second: faces in contact
    /// are met in the order of their media.
    fn first_of_together(&mut self, nearest: u32, light: &Light) -> u32 {
        let surfaces = self.system.surfaces();
        self.together.sort_unstable();
        self.together.dedup();
        let Some(&reference) = self.together.first() else { return nearest };
        if surfaces[reference as usize].shape().normal_at(light.position).dot(light.direction) > 0.0 {
            self.together.reverse();
        }
        let first = self.together[0];
        let media = |i: u32| {
            let surface = &surfaces[i as usize];
            interact::media(surface, light, self.physics)
        };
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

/// The geometric rule for one ray.
struct Geometric<'a, M> {
    nearest: &'a NearestHit<'a>,
    light: &'a Light,
    contact: &'a Contact,
    met: M,
}

impl<M: FnMut(u32, &Shape)> Distance for Geometric<'_, M> {
    #[inline(always)]
    fn to(&mut self, surface: u32) -> f64 {
        let Some(shape) = self.nearest.seen(surface) else { return f64::INFINITY };
        let distance = hit_rules::geometric(shape, surface, self.light.position, self.light.direction, self.contact);
        if distance < f64::INFINITY {
            (self.met)(surface, shape);
        }
        distance
    }
}

/// The point at `distance`, moved onto the surface: the rounding of a far origin must not reach the next stretch.
#[inline(always)]
fn on_surface(shape: &Shape, origin: DVec2, direction: DVec2, distance: f64) -> DVec2 {
    if distance == 0.0 {
        return origin;
    }
    let point = origin + distance * direction;
    match shape {
        Shape::Segment(segment) => {
            let half = segment.half_length();
            let place = (point - segment.middle()).dot(segment.tangent());
            if place.abs() < half {
                return segment.middle() + place * segment.tangent();
            }
            // An end point shared with another surface is the same point for both.
            if place > 0.0 { segment.p1() } else { segment.p2() }
        }
        Shape::Arc(arc) => arc.project(point),
    }
}
