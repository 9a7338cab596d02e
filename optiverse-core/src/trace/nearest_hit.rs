//! The next surface in a ray's way.
//!
//! Everything that speeds up the search stands behind [`NearestHit`].

use glam::DVec2;

use super::hit_rules::{self, Contact};
use super::interact::{self, Light};
use super::{HiddenItems, Physics, SelfHits};
use crate::geometry::index::lanes::{Baseline, Lanes};
use crate::geometry::index::{Distance, GridNumber, NO_SURFACE, Nearest, Query, Searches};
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
    /// Where the ray is at that distance: off the surface by rounding. A normal is the same there, and need not wait for `point`.
    pub(super) reached: DVec2,
    /// The grid of the index where a ray that goes on from there best begins to search.
    pub(super) grid: GridNumber,
}

/// Light that goes on, and what it has met where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start<'w> {
    pub(super) light: &'w Light,
    pub(super) contact: &'w Contact,
}

/// Finds the next surface; keeps its memory from one ray to the next.
pub(super) struct NearestHit<'a> {
    system: &'a OpticalSystem,
    physics: Physics,
    /// Under the app's rules.
    smallest_hit_mm: f64,
    /// Surfaces that a ray meets in one point, and at which distances.
    together: Vec<(u32, f64)>,
}

impl<'a> NearestHit<'a> {
    pub(super) fn new(system: &'a OpticalSystem, physics: Physics, smallest_hit_mm: f64) -> Self {
        NearestHit { system, physics, smallest_hit_mm, together: Vec::new() }
    }

    /// Begins the search for the nearest surface in the way of light; `false` where there is nothing to look at.
    #[inline(always)]
    pub(super) fn begin<const N: usize>(
        &self,
        lanes: impl Lanes,
        searches: &mut Searches<N>,
        at: usize,
        start: Start<'_>,
    ) -> bool {
        self.system.index().begin(lanes, searches, at, self.query(start), start.contact.grid())
    }

    /// Looks at what is near the light in the search's cell.
    #[inline(always)]
    pub(super) fn look<const N: usize>(
        &self,
        lanes: impl Lanes,
        searches: &mut Searches<N>,
        at: usize,
        start: Start<'_>,
    ) {
        let index = self.system.index();
        match self.physics.self_hits {
            SelfHits::Geometric => {
                let met = |_: u32, _: f64, _: &Shape| ();
                index.look(lanes, searches, at, &mut Geometric { nearest: self, start, met });
            }
            SelfHits::StepAndSkip => index.look(lanes, searches, at, &mut StepAndSkip { nearest: self, start }),
        }
    }

    /// Tests the cell that a search has stepped to.
    #[inline(always)]
    pub(super) fn test<const N: usize>(&self, lanes: impl Lanes, searches: &mut Searches<N>, at: usize) {
        self.system.index().test(lanes, searches, at);
    }

    /// Where a search that has stepped to its end goes on; `false` where it does not.
    #[inline(always)]
    pub(super) fn begin_again<const N: usize>(&self, lanes: impl Lanes, searches: &mut Searches<N>, at: usize) -> bool {
        self.system.index().begin_again(lanes, searches, at)
    }

    /// What a search has found that does not go on.
    #[inline(always)]
    pub(super) fn found<const N: usize>(
        &mut self,
        searches: &Searches<N>,
        at: usize,
        start: Start<'_>,
    ) -> Option<Hit<'a>> {
        let light = start.light;
        let (Nearest { surface: mut number, distance, several }, grid) = searches.nearest(at)?;
        let mut surface = self.surface(number);
        let reached = light.position + distance * light.direction;
        let point = match self.physics.self_hits {
            SelfHits::Geometric => {
                let point = if distance == 0.0 { reached } else { on_surface(surface.shape(), reached) };
                if several {
                    number = self.first_of_several(number, start, point);
                    surface = self.surface(number);
                }
                point
            }
            SelfHits::StepAndSkip => reached,
        };
        Some(Hit { surface, number, distance, point, reached, grid })
    }

    #[inline(always)]
    fn surface(&self, number: u32) -> &'a Surface {
        &self.system.surfaces()[number as usize]
    }

    /// The light as a ray that asks; the surface that it leaves need not be looked at where it is, unless that may be met again from there.
    #[inline(always)]
    fn query(&self, Start { light, contact }: Start<'_>) -> Query {
        let latest = contact.latest();
        let leaves = contact.is_straight()
            || match (self.physics.self_hits, self.surface(latest).shape()) {
                (SelfHits::Geometric, Shape::Arc(arc)) => !arc.may_be_met_again(light.position, light.direction),
                _ => true,
            };
        Query::new(light.position, light.direction, if leaves { latest } else { NO_SURFACE })
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
    fn first_of_several(&mut self, nearest: u32, start: Start<'_>, point: DVec2) -> u32 {
        let mut together = std::mem::take(&mut self.together);
        together.clear();
        let met = |i, distance, shape: &Shape| {
            if hit_rules::touches(shape, point, start.contact) {
                together.push((i, distance));
            }
        };
        let (query, rule) = (self.query(start), Geometric { nearest: self, start, met });
        let found = self.system.index().nearest(Baseline, query, start.contact.grid(), rule);
        if let Some((Nearest { distance, .. }, _)) = found {
            // Whether others are asked for depends on the index.
            together.retain(|met| met.1 <= distance + query.rounding(distance));
        }
        self.together = together;
        self.first_of_together(nearest, &Light { position: point, ..*start.light })
    }

    /// Which of the surfaces that light meets in one point acts first.
    ///
    /// Rounding cannot tell, so a rule must, and it must turn round with the light: the order of the file for light against the normal of the
    /// surface that comes first there, and the reverse for light along it. A refractive interface that no other one leads to, or
    /// failing that one of the medium the light is in, goes before an interface that would come second: faces in contact
    /// are met in the order of their media.
    fn first_of_together(&mut self, nearest: u32, light: &Light) -> u32 {
        let surfaces = self.system.surfaces();
        self.together.sort_unstable_by_key(|met| met.0);
        self.together.dedup_by_key(|met| met.0);
        let Some(&(reference, _)) = self.together.first() else { return nearest };
        if surfaces[reference as usize].shape().normal_at(light.position).dot(light.direction) > 0.0 {
            self.together.reverse();
        }
        let first = self.together[0].0;
        let media = |i: u32| {
            let surface = &surfaces[i as usize];
            interact::media(surface, light, self.physics)
        };
        if media(first).is_none() {
            return first;
        }
        let faces: Vec<(u32, (f64, f64))> = self.together.iter().filter_map(|&(i, _)| Some((i, media(i)?))).collect();
        let leads_to = |near: f64, to: u32| faces.iter().any(|&(i, (_, far))| i != to && far == near);
        let outermost = faces.iter().find(|&&(i, (near, _))| !leads_to(near, i));
        let in_medium = || faces.iter().find(|&&(_, (near, _))| near == light.index);
        outermost.or_else(in_medium).map_or(first, |&(i, _)| i)
    }
}

/// The geometric rule for one ray.
struct Geometric<'a, M> {
    nearest: &'a NearestHit<'a>,
    start: Start<'a>,
    met: M,
}

impl<M: FnMut(u32, f64, &Shape)> Distance for Geometric<'_, M> {
    #[inline(always)]
    fn to(&mut self, surface: u32) -> f64 {
        let Some(shape) = self.nearest.seen(surface) else { return f64::INFINITY };
        let Start { light, contact } = self.start;
        let distance = hit_rules::geometric(shape, surface, light.position, light.direction, contact);
        if distance < f64::INFINITY {
            (self.met)(surface, distance, shape);
        }
        distance
    }
}

/// The rules of the app for one ray.
struct StepAndSkip<'a> {
    nearest: &'a NearestHit<'a>,
    start: Start<'a>,
}

impl Distance for StepAndSkip<'_> {
    #[inline(always)]
    fn to(&mut self, surface: u32) -> f64 {
        match self.nearest.seen(surface) {
            // The index leaves it out where the ray starts; an arc may be ahead again in another cell.
            Some(shape) if surface != self.start.contact.latest() => {
                let Light { position, direction, .. } = *self.start.light;
                hit_rules::step_and_skip(shape, position, direction, self.nearest.smallest_hit_mm)
            }
            _ => f64::INFINITY,
        }
    }
}

/// A point moved onto the surface: the rounding of a far origin must not reach the next stretch.
#[inline(always)]
fn on_surface(shape: &Shape, point: DVec2) -> DVec2 {
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
