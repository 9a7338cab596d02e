//! When a ray meets a surface: one rule for each choice of [`SelfHits`](super::SelfHits).

use std::f64::consts::{PI, TAU};
use std::hint::select_unpredictable;

use glam::DVec2;

use super::nearest_hit::Hit;
use crate::geometry::index::{GridNumber, NO_SURFACE};
use crate::geometry::{Arc, Segment};
use crate::optics::Shape;

/// The surfaces a ray has met at the point it starts from, and how it came there.
///
/// Rounding hides on which side of a surface the point lies, but not from which side the ray came, nor whether it has passed the
/// surface since.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contact {
    /// The direction in which it arrived at the point, and the length of the way.
    arrival: DVec2,
    way: f64,
    latest: u32,
    /// Whether that one is straight, and so not met again from where the ray is.
    is_straight: bool,
    /// The grid of the index where the search best begins.
    grid: GridNumber,
    /// How far from the point, by rounding, a surface through it may seem to lie: the most of the surfaces met.
    pad: f64,
    /// Each surface met, and a direction that crosses it from where the ray is now.
    met: [(u32, DVec2); Contact::CAPACITY],
    len: u8,
}

impl Contact {
    /// Surfaces remembered at one point. Where more share a point, the first is forgotten, and counts as not yet met: light goes round in them until its events
    /// are used up.
    const CAPACITY: usize = 16;

    /// No surface has been met.
    pub(super) const NONE: Contact = Contact {
        arrival: DVec2::ZERO,
        way: 0.0,
        latest: NO_SURFACE,
        is_straight: true,
        grid: GridNumber::ROOT,
        pad: 0.0,
        met: [(NO_SURFACE, DVec2::ZERO); Self::CAPACITY],
        len: 0,
    };

    /// No surface has been met any more.
    #[inline]
    pub(super) fn clear(&mut self) {
        // All but what counts only up to `len`.
        let Contact { met, .. } = *self;
        *self = Contact { met, ..Self::NONE };
    }

    /// A ray arrives along `direction` at what it meets, of this form; at the point where it was where the way is no longer than rounding.
    #[inline(always)]
    pub(super) fn meet(&mut self, direction: DVec2, hit: &Hit<'_>, shape: &Shape) {
        let pad = pad(shape, hit.point);
        (self.latest, self.grid) = (hit.number, hit.grid);
        self.is_straight = matches!(shape, Shape::Segment(_));
        if hit.distance > self.pad {
            (self.arrival, self.way, self.pad) = (direction, hit.distance, pad);
            (self.met[0], self.len) = ((hit.number, direction), 1);
        } else {
            self.meet_together(direction, hit, pad);
        }
    }

    /// As [`meet`](Self::meet), where the ray was.
    #[inline(never)]
    fn meet_together(&mut self, direction: DVec2, hit: &Hit<'_>, pad: f64) {
        let surface = hit.number;
        if self.len == 0 {
            (self.arrival, self.way) = (direction, hit.distance);
        }
        self.pad = self.pad.max(pad);
        match usize::from(self.len) {
            0 => self.met[0] = (surface, direction),
            len if self.met[..len].iter().any(|met| met.0 == surface) => return,
            Self::CAPACITY => {
                self.met.rotate_left(1);
                self.met[Self::CAPACITY - 1] = (surface, direction);
                return;
            }
            len => self.met[len] = (surface, direction),
        }
        self.len += 1;
    }

    /// The latest surface was passed.
    pub(super) fn pass(&mut self) {
        let latest = self.latest;
        if let Some(met) = self.met[..usize::from(self.len)].iter_mut().find(|met| met.0 == latest) {
            met.1 = -met.1;
        }
    }

    /// The surface met last; [`NO_SURFACE`] where none was.
    pub(super) fn latest(&self) -> u32 {
        self.latest
    }

    /// Whether the surface met last is straight.
    pub(super) fn is_straight(&self) -> bool {
        self.is_straight
    }

    /// The larger one of how far, by rounding, a surface may seem to lie.
    #[inline(always)]
    fn widen(&self, pad: f64) -> f64 {
        if self.pad > pad { self.pad } else { pad }
    }

    /// The grid of the index where the search best begins.
    pub(super) fn grid(&self) -> GridNumber {
        self.grid
    }

    fn met(&self) -> &[(u32, DVec2)] {
        &self.met[..usize::from(self.len)]
    }

    /// Whether going on along `direction` crosses a surface of normal `normal` through the point.
    fn crosses(&self, surface: u32, normal: DVec2, direction: DVec2) -> bool {
        if self.len == 0 {
            return false;
        }
        let now = direction.dot(normal);
        if let Some((_, crossing)) = self.met().iter().find(|met| met.0 == surface) {
            return now * crossing.dot(normal) > 0.0;
        }
        let before = self.arrival.dot(normal);
        // A ray that came all its way along the surface, nearer than rounding, may have been on either side: better it meets the
        // surface than that it slips through.
        before.abs() * self.way <= 4.0 * self.pad || before * now > 0.0
    }
}

/// Rounding of positions computed from coordinates of this size.
fn rounding(size: f64) -> f64 {
    32.0 * f64::EPSILON * size
}

/// The larger coordinate; one instruction less than `max_element`, which passes over a NaN.
#[inline(always)]
fn size(v: DVec2) -> f64 {
    let v = v.abs();
    if v.x > v.y { v.x } else { v.y }
}

/// The distance at which a ray meets a surface, ∞ where it does not.
///
/// No step and no smallest distance: a straight surface is not met by the ray that leaves it, an arc only at the far end of the chord of
/// its circle, and a surface through the starting point is met at distance 0 where the ray crosses it.
#[inline(always)]
pub(super) fn geometric(shape: &Shape, surface: u32, origin: DVec2, direction: DVec2, contact: &Contact) -> f64 {
    match shape {
        Shape::Segment(segment) => geometric_segment((shape, segment), surface, origin, direction, contact),
        Shape::Arc(arc) => geometric_arc((shape, arc), surface, origin, direction, contact),
    }
}

/// How far from a surface, by rounding, a point of it may seem to lie.
#[inline(always)]
fn pad(shape: &Shape, point: DVec2) -> f64 {
    let chord = shape.chord();
    rounding(size(point) + size(chord.middle()) + chord.half_length())
}

/// Whether a point lies on a surface, to rounding: that of the surface itself, or more where others met there have more.
pub(super) fn touches(shape: &Shape, point: DVec2, contact: &Contact) -> bool {
    let pad = contact.widen(pad(shape, point));
    match shape {
        Shape::Segment(segment) => touches_segment(segment, point, pad),
        Shape::Arc(arc) => touches_arc(arc, point, pad),
    }
}

#[inline(always)]
fn touches_arc(arc: &Arc, point: DVec2, pad: f64) -> bool {
    arc.distance_outside(point).abs() <= pad
        && arc.height_over_chord(point) >= -pad
        // Beyond the end of a flat arc, its height over the chord is as good as none.
        && (point - arc.chord().middle()).dot(arc.chord().tangent()).abs() <= arc.chord().half_length() + pad
}

#[inline(always)]
fn touches_segment(segment: &Segment, point: DVec2, pad: f64) -> bool {
    let from_middle = point - segment.middle();
    from_middle.dot(segment.normal()).abs() <= pad
        && from_middle.dot(segment.tangent()).abs() <= segment.half_length() + pad
}

#[inline(always)]
fn geometric_segment(
    (shape, segment): (&Shape, &Segment),
    surface: u32,
    origin: DVec2,
    direction: DVec2,
    contact: &Contact,
) -> f64 {
    let pad = pad(shape, origin);
    // On which sides of the ray the end points lie. Surfaces that share an end point get the same answer for it, so that no ray
    // slips through between them (S. Woop, C. Benthin, I. Wald, "Watertight Ray/Triangle Intersection", JCGT 2 (2013) 65).
    let side1 = direction.perp_dot(segment.p1() - origin);
    let side2 = direction.perp_dot(segment.p2() - origin);
    let (right, left) = if side1 < side2 { (side1, side2) } else { (side2, side1) };
    // One condition: either is as likely as the other, and neither could be predicted.
    if (right > pad) | (left < -pad) {
        return f64::INFINITY;
    }
    let normal = segment.normal();
    let height = (segment.middle() - origin).dot(normal);
    let near = contact.widen(pad);
    if height.abs() <= near && touches_segment(segment, origin, near) {
        let crosses = contact.latest() != surface && contact.crosses(surface, normal, direction);
        return if crosses { 0.0 } else { f64::INFINITY };
    }
    let towards = direction.dot(normal);
    if towards.abs() * segment.half_length() <= pad {
        return f64::INFINITY; // along the surface
    }
    let distance = height / towards;
    if distance > 0.0 { distance } else { f64::INFINITY }
}

#[inline(always)]
fn geometric_arc(
    (shape, arc): (&Shape, &Arc),
    surface: u32,
    origin: DVec2,
    direction: DVec2,
    contact: &Contact,
) -> f64 {
    let from_middle = origin - arc.chord().middle();
    let pad = pad(shape, origin);
    let rising = direction.dot(arc.axis());
    let height = arc.height_over_chord(origin);
    let half = arc.chord().half_length();
    // The ends are told as those of a straight surface, by their sides of the ray: by its height over the chord alone, a flat arc would seem to go on. A ray that
    // passes beside the chord meets the arc twice, above the chord and between its ends, or not at all.
    let is_beside = direction.perp_dot(from_middle).abs() > half * rising.abs() + pad;
    let on_arc = |distance: f64| {
        let over = height + rising * distance;
        if !is_beside {
            return over >= -pad;
        }
        let tangent = arc.chord().tangent();
        over >= 0.0 && (from_middle.dot(tangent) + direction.dot(tangent) * distance).abs() <= half
    };
    let latest = contact.latest() == surface;
    if latest || touches_arc(arc, origin, contact.widen(pad)) {
        let outward = arc.outward_normal(origin);
        if !latest && contact.crosses(surface, outward, direction) {
            return 0.0;
        }
        // From a point of the circle: one root is 0, the other the length of the chord.
        let chord = -2.0 * direction.dot(outward) * arc.radius();
        return if chord > 0.0 && on_arc(chord) { chord } else { f64::INFINITY };
    }
    // The circle is κ(u² − h²) + 2c·v = 0 for u from the middle of the chord, v along the axis, h half the chord and c the cosine of
    // half the angle: no number grows with the radius. The ray is taken from its point nearest the middle, so that none
    // grows with the distance of its start either.
    let start = -from_middle.dot(direction);
    let foot = from_middle + start * direction;
    let a = arc.curvature();
    let b = a * foot.dot(direction) + arc.cos_half_angle() * rising;
    let c = a * (foot.length_squared() - half * half) + 2.0 * arc.cos_half_angle() * foot.dot(arc.axis());
    let discriminant = b * b - a * c;
    if discriminant < 0.0 {
        return f64::INFINITY;
    }
    // The roots of a·t² + 2b·t + c without cancellation.
    let sum = -(b + discriminant.sqrt().copysign(b));
    let (first, second) = (start + c / sum, start + sum * arc.radius());
    let (near, far) = if first <= second { (first, second) } else { (second, first) };
    // Not finite where an arc of huge radius is as good as straight, and met once or not at all. Which of the two it is could not be predicted.
    let is_hit = |distance: f64| (distance > 0.0) & (distance < f64::INFINITY) & on_arc(distance);
    let nearest = select_unpredictable(is_hit(near), near, far);
    if is_hit(nearest) { nearest } else { f64::INFINITY }
}

/// The step in mm after an interaction of Optiverse 0.3.4.
pub(super) const STEP_MM: f64 = 1e-3;

/// The distance at which a ray meets a surface by the rules of Optiverse 0.3.4, ∞ where it does not, or not over `smallest` mm.
#[inline(always)]
pub(super) fn step_and_skip(shape: &Shape, origin: DVec2, direction: DVec2, smallest: f64) -> f64 {
    let distance = match shape {
        Shape::Segment(segment) => app_segment(segment, origin, direction),
        Shape::Arc(arc) => app_arc(arc, origin, direction),
    };
    if distance > smallest { distance } else { f64::INFINITY }
}

const APP_TOLERANCE: f64 = 1e-9;

#[inline(always)]
fn app_segment(segment: &Segment, origin: DVec2, direction: DVec2) -> f64 {
    let normal = segment.normal();
    let towards = direction.dot(normal);
    if towards.abs() < APP_TOLERANCE {
        return f64::INFINITY;
    }
    let distance = (segment.middle() - origin).dot(normal) / towards;
    if distance <= APP_TOLERANCE {
        return f64::INFINITY;
    }
    let place = (origin + distance * direction - segment.middle()).dot(segment.tangent());
    if place.abs() > segment.half_length() + 1e-7 { f64::INFINITY } else { distance }
}

fn app_arc(arc: &Arc, origin: DVec2, direction: DVec2) -> f64 {
    let from_centre = origin - arc.centre();
    let a = direction.length_squared();
    let b = 2.0 * direction.dot(from_centre);
    let c = from_centre.length_squared() - arc.radius() * arc.radius();
    let discriminant = b * b - 4.0 * a * c;
    if discriminant < 0.0 {
        return f64::INFINITY;
    }
    let root = discriminant.sqrt();
    [(-b - root) / (2.0 * a), (-b + root) / (2.0 * a)]
        .into_iter()
        .find(|&t| t > APP_TOLERANCE && app_arc_holds(arc, origin + t * direction))
        .unwrap_or(f64::INFINITY)
}

/// Whether a point of the circle lies on the arc, by angles: the ends belong to it where R > 0 and not where R < 0.
fn app_arc_holds(arc: &Arc, point: DVec2) -> bool {
    let angle_of = |p: DVec2| {
        let from_centre = p - arc.centre();
        let angle = from_centre.y.atan2(from_centre.x);
        let turned = if angle < 0.0 { angle + TAU } else { angle };
        if turned >= TAU { turned - TAU } else { turned }
    };
    let (from, to, at) = (angle_of(arc.chord().p1()), angle_of(arc.chord().p2()), angle_of(point));
    // A tolerance of more than 1 mm, of a radius over 1e9 mm, would have flat arcs met anywhere.
    let tolerance = APP_TOLERANCE.min(arc.curvature());
    let (span, inside) = if to >= from {
        (to - from, from - tolerance <= at && at <= to + tolerance)
    } else {
        ((TAU - from) + to, at >= from - tolerance || at <= to + tolerance)
    };
    if span > PI { !inside } else { inside }
}

/// Half the length of a surface as Optiverse 0.3.4 takes it for clipping: the arc's from the cosine of its angle.
pub(super) fn app_half_length(shape: &Shape) -> f64 {
    match shape {
        Shape::Segment(segment) => segment.half_length(),
        Shape::Arc(arc) => {
            let (v1, v2) = (arc.chord().p1() - arc.centre(), arc.chord().p2() - arc.centre());
            let radius = arc.radius();
            0.5 * radius * (v1.dot(v2) / (radius * radius)).clamp(-1.0, 1.0).acos()
        }
    }
}
