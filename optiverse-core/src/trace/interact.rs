//! What a surface makes of the light that meets it.

use std::hint::select_unpredictable;

use glam::DVec2;
use num_complex::Complex64;

use super::{
    ArcSide, BeamMatrices, ClearAperture, FresnelLaw, JonesLength, LensLaw, MirrorJones, Physics, WaveplateReturn,
    hit_rules,
};
use crate::optics::element::{Element, Medium, Mirror, RefractiveInterface, ThinLens};
use crate::optics::gaussian::{self, RayMatrix};
use crate::optics::jones::{JonesVector, power, scaled};
use crate::optics::{Shape, Surface, fresnel};

/// Light on its way, or as it meets a surface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Light {
    pub(super) position: DVec2,
    pub(super) direction: DVec2,
    pub(super) intensity: f64,
    pub(super) jones: JonesVector,
    pub(super) wavelength_nm: f64,
    /// Index of the medium it comes through, as far as it is known.
    pub(super) index: f64,
    /// Beam parameter of a Gaussian beam where it is.
    pub(super) q: Option<Complex64>,
}

/// What leaves a surface one way: its power and polarisation. Where it goes is computed for what is followed ([`leave`]).
#[derive(Clone, Copy, Debug)]
pub(super) struct Child {
    /// Share of the incident power.
    pub(super) share: f64,
    jones: JonesVector,
    /// The square of the length of that, which is made 1 for what is followed.
    jones_power: f64,
    way: Way,
}

/// Which way light leaves a surface.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// As it came.
    Straight,
    /// As from a mirror.
    Back,
    /// Into the medium on the far side, at an angle of this cosine; with the ratio n/n′ of the indices.
    Refracted { cos: f64, ratio: f64 },
    /// As a thin lens bends it.
    Bent { direction: DVec2 },
}

impl Child {
    #[inline(always)]
    fn new(share: f64, jones: JonesVector, way: Way) -> Self {
        Child { share, jones, jones_power: 1.0, way }
    }

    /// Whether it goes through the surface.
    #[inline(always)]
    pub(super) fn passes(&self) -> bool {
        !matches!(self.way, Way::Back)
    }
}

/// What becomes of the light.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// Stopped by a beam block or a mount.
    Blocked,
    /// Nothing is left of it.
    Absorbed,
    /// Goes on, one way.
    One(Child),
    /// Divides; each child is followed only where it is strong enough.
    Two { transmitted: Child, reflected: Child },
}

/// The surface's directions at the point where light meets it, and the media there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// On the side of n1.
    normal: DVec2,
    /// Of the light's direction along the normal.
    along: f64,
    /// The indices on the near and the far side.
    pub(super) near: f64,
    far: f64,
}

impl Frame {
    /// cos θ ≥ 0 of the angle of incidence.
    #[inline(always)]
    fn cos(&self) -> f64 {
        self.along.abs().min(1.0)
    }

    /// The normal on the side the light comes from.
    #[inline(always)]
    fn facing(&self) -> DVec2 {
        // As likely as not: no branch, which could not be predicted.
        self.normal * select_unpredictable(self.along < 0.0, 1.0, -1.0)
    }
}

/// The normal at a point and what follows from it.
#[inline(always)]
pub(super) fn frame(surface: &Surface, point: DVec2, incident: &Light, physics: Physics) -> Frame {
    let normal = match (surface.shape(), physics.arc_side) {
        (Shape::Arc(arc), ArcSide::Outside) => (point - arc.centre()) / arc.radius(),
        (shape, _) => shape.normal_at(point),
    };
    let along = incident.direction.dot(normal);
    let is_against = along < 0.0;
    // A refractive interface knows the medium the light comes through better than the way so far does, as a source may stand in glass.
    let (near, far) = match surface.element() {
        Element::RefractiveInterface(interface) => {
            let (first, second) = indices(interface, incident.wavelength_nm, physics);
            (select_unpredictable(is_against, first, second), select_unpredictable(is_against, second, first))
        }
        _ => (incident.index, incident.index),
    };
    Frame { normal, along, near, far }
}

/// The indices n1 and n2 of an interface.
#[inline(always)]
fn indices(interface: &RefractiveInterface, wavelength_nm: f64, physics: Physics) -> (f64, f64) {
    let index = |medium: &Medium| match physics.fresnel {
        // A system holds no material without an index at its sources' wavelengths.
        FresnelLaw::Polarised => medium.index(wavelength_nm).unwrap_or_else(|_| medium.plain_index()),
        FresnelLaw::Unpolarised => medium.plain_index(),
    };
    (index(interface.first()), index(interface.second()))
}

/// The indices on the near and the far side of a surface, where it is the boundary of media.
pub(super) fn media(surface: &Surface, incident: &Light, physics: Physics) -> Option<(f64, f64)> {
    let is_boundary = matches!(surface.element(), Element::RefractiveInterface(_));
    is_boundary.then(|| frame(surface, incident.position, incident, physics)).map(|frame| (frame.near, frame.far))
}

/// The share of a Gaussian beam of radius `radius_mm` that passes a surface's aperture, and the aperture's radius in mm.
pub(super) fn aperture(surface: &Surface, frame: &Frame, radius_mm: f64, physics: Physics) -> (f64, f64) {
    let half_length = match physics.beam_matrices {
        BeamMatrices::Signed => surface.shape().half_length(),
        BeamMatrices::Unsigned => hit_rules::app_half_length(surface.shape()),
    };
    let mut half = match surface.element() {
        Element::ThinLens(lens) => lens.half_aperture_mm(half_length),
        _ => half_length,
    };
    if physics.beam_matrices == BeamMatrices::Signed {
        // As the beam sees it: what a ray beside the end of the surface misses, the edge of a beam misses too.
        half *= frame.cos();
    }
    (gaussian::aperture_transmission(radius_mm, half), half)
}

/// What a mirror sends back. The caller may ask for that itself, as most light meets mirrors.
#[inline(always)]
pub(super) fn mirrored(mirror: &Mirror, incident: &Light, physics: Physics) -> Child {
    reflected(mirror.reflectance(), incident, physics)
}

/// What `surface` makes of the light.
#[inline(never)]
pub(super) fn interact(surface: &Surface, frame: &Frame, incident: &Light, physics: Physics) -> Outcome {
    let straight = |share: f64, jones: JonesVector| Child::new(share, jones, Way::Straight);
    match surface.element() {
        Element::BeamBlock => Outcome::Blocked,
        Element::ThinLens(lens) => bend(lens, surface.shape(), frame, incident, physics),
        Element::Mirror(mirror) => Outcome::One(mirrored(mirror, incident, physics)),
        Element::Waveplate(plate) => {
            let opposite =
                physics.waveplate_return == WaveplateReturn::OppositePhase && !travels_right(incident.direction);
            let jones =
                if opposite { plate.apply_opposite(incident.jones) } else { plate.matrix().apply(incident.jones) };
            Outcome::One(straight(1.0, jones))
        }
        Element::FaradayRotator(rotator) => Outcome::One(straight(1.0, rotator.matrix().apply(incident.jones))),
        Element::LinearPolariser(polariser) => {
            let (share, jones) = normalised(polariser.transmit(incident.jones), physics);
            let shines = match physics.jones_length {
                JonesLength::Normalised => share > 0.0,
                JonesLength::AsGiven => share * incident.intensity >= 1e-12,
            };
            if shines { Outcome::One(straight(share, jones)) } else { Outcome::Absorbed }
        }
        Element::BeamSplitter(splitter) => Outcome::Two {
            transmitted: straight(splitter.transmittance(), incident.jones),
            reflected: reflected(splitter.reflectance(), incident, physics),
        },
        Element::Dichroic(dichroic) => {
            let reflectance = dichroic.reflectance(incident.wavelength_nm);
            Outcome::Two {
                transmitted: straight(1.0 - reflectance, incident.jones),
                reflected: reflected(reflectance, incident, physics),
            }
        }
        Element::PolarisingBeamSplitter(splitter) => {
            let (along, across) = splitter.axis().split(incident.jones);
            let (transmittance, along) = normalised(along, physics);
            let (reflectance, across) = normalised(scaled(across, -1.0), physics);
            Outcome::Two {
                transmitted: straight(transmittance, along),
                reflected: Child::new(reflectance, across, Way::Back),
            }
        }
        Element::RefractiveInterface(_) => refract(frame, incident, physics),
    }
}

/// The light leaves `surface` as this child.
#[inline(always)]
pub(super) fn leave(light: &mut Light, child: &Child, surface: &Surface, frame: &Frame, physics: Physics) {
    if let Some(q) = light.q {
        light.q = Some(beam(q, *child, surface, *frame, light, physics));
    }
    match child.way {
        Way::Straight => {}
        Way::Back => {
            light.direction = of_length_1(light.direction - 2.0 * light.direction.dot(frame.normal) * frame.normal);
        }
        Way::Refracted { cos, ratio } => {
            light.direction = of_length_1(ratio * light.direction + (ratio * frame.cos() - cos) * frame.facing());
            light.index = frame.far;
        }
        Way::Bent { direction } => light.direction = direction,
    }
    light.intensity *= child.share;
    // What rounding alone has left may have no length at all.
    light.jones = if child.jones_power == 1.0 || child.jones_power == 0.0 {
        child.jones
    } else {
        scaled(child.jones, child.jones_power.sqrt().recip())
    };
}

/// A vector of length 1 but for rounding, of which one step of Newton's method for 1/√x leaves nothing.
#[inline(always)]
fn of_length_1(direction: DVec2) -> DVec2 {
    direction * (1.5 - 0.5 * direction.length_squared())
}

/// The parameter of a Gaussian beam as this child.
#[inline(never)]
pub(super) fn beam(
    q: Complex64,
    child: Child,
    surface: &Surface,
    frame: Frame,
    incident: &Light,
    physics: Physics,
) -> Complex64 {
    match (child.way, surface.element()) {
        (Way::Bent { direction }, Element::ThinLens(lens)) => {
            bent_beam(q, direction, lens, surface.shape(), &frame, incident, physics)
        }
        (Way::Straight | Way::Bent { .. }, _) => q,
        (Way::Back | Way::Refracted { .. }, Element::RefractiveInterface(_))
            if physics.beam_matrices == BeamMatrices::Unsigned =>
        {
            app_refraction(surface.shape(), frame.near, frame.far, frame.cos()).apply(q)
        }
        (Way::Back, _) => reflected_beam(q, surface, &frame, incident, physics),
        (Way::Refracted { cos, .. }, _) => {
            let curvature = match surface.shape() {
                Shape::Segment(_) => 0.0,
                Shape::Arc(arc) => {
                    let downstream = arc.outward_normal(incident.position).dot(frame.facing());
                    arc.curvature().copysign(downstream)
                }
            };
            gaussian::refraction(frame.near, frame.far, frame.cos(), cos, curvature).apply(q)
        }
    }
}

/// Power and direction of a Jones vector; no power where it is nothing but rounding.
fn normalised(jones: JonesVector, physics: Physics) -> (f64, JonesVector) {
    let share = power(jones);
    if share > rounding(physics) { (share, scaled(jones, 1.0 / share.sqrt())) } else { (0.0, [Complex64::ZERO; 2]) }
}

/// Less power than this is nothing but rounding.
fn rounding(physics: Physics) -> f64 {
    match physics.jones_length {
        JonesLength::Normalised => 1e-30,
        JonesLength::AsGiven => 1e-12,
    }
}

/// Whether Optiverse 0.2.7 takes light to travel forwards through a waveplate: against (−sin 90°, cos 90°), as rounding has it.
fn travels_right(direction: DVec2) -> bool {
    let (sin, cos) = std::f64::consts::FRAC_PI_2.sin_cos();
    direction.dot(DVec2::new(-sin, cos)) < 0.0
}

/// The reflection of an ideal mirror.
#[inline(always)]
fn reflected(share: f64, incident: &Light, physics: Physics) -> Child {
    let jones = match physics.mirror_jones {
        MirrorJones::BothTurn => scaled(incident.jones, -1.0),
        MirrorJones::HorizontalTurns => [-incident.jones[0], incident.jones[1]],
    };
    Child::new(share, jones, Way::Back)
}

/// The beam parameter behind a reflection.
fn reflected_beam(q: Complex64, surface: &Surface, frame: &Frame, incident: &Light, physics: Physics) -> Complex64 {
    match (physics.beam_matrices, surface.shape(), surface.element()) {
        (BeamMatrices::Unsigned, Shape::Arc(arc), Element::Mirror(_)) => {
            let c = -2.0 / (arc.radius() * frame.cos().max(1e-12));
            RayMatrix { c, ..RayMatrix::IDENTITY }.apply(q)
        }
        (BeamMatrices::Unsigned, ..) | (_, Shape::Segment(_), _) => q,
        (BeamMatrices::Signed, Shape::Arc(arc), _) => {
            // Concave to the light where the centre lies on the side it comes from.
            let towards_centre = -arc.outward_normal(incident.position).dot(frame.facing());
            let curvature = arc.curvature().copysign(towards_centre);
            gaussian::reflection(incident.index, frame.cos(), curvature).apply(q)
        }
    }
}

/// An ideal thin lens.
fn bend(lens: &ThinLens, shape: &Shape, frame: &Frame, incident: &Light, physics: Physics) -> Outcome {
    let chord = shape.chord();
    let from_middle = incident.position - chord.middle();
    if physics.clear_aperture == ClearAperture::StopsRays {
        let height = from_middle.dot(chord.tangent()).abs();
        // A ray through the very end of the surface meets the lens; rounding must not make it meet the mount.
        if height > lens.half_aperture_mm(chord.half_length()) * (1.0 + 1e-12) {
            return Outcome::Blocked;
        }
    }
    let f = lens.focal_length_mm();
    let bent = match physics.lens_law {
        LensLaw::Tangent => {
            // On an arc the lens is the ideal one of its chord: that is where its principal plane lies.
            let (tangent, normal) = (chord.tangent(), chord.normal());
            let forward = incident.direction.dot(normal);
            let cos_in = forward.abs();
            let y = from_middle.dot(tangent);
            normal * forward + tangent * (incident.direction.dot(tangent) - cos_in * y / f)
        }
        LensLaw::AngleDifference | LensLaw::ParaxialAngle => {
            let (outwards, tangent) = (-frame.facing(), app_tangent(shape, frame));
            let y = from_middle.dot(tangent);
            let angle_in = incident.direction.dot(tangent).atan2(incident.direction.dot(outwards));
            let bend = if physics.lens_law == LensLaw::ParaxialAngle { y / f } else { y.atan2(f) };
            let (sin, cos) = (angle_in - bend).sin_cos();
            cos * outwards + sin * tangent
        }
    };
    let direction = bent.normalize_or(incident.direction);
    Outcome::One(Child::new(1.0, incident.jones, Way::Bent { direction }))
}

/// The beam parameter behind a thin lens that bends the beam into this direction.
fn bent_beam(
    q: Complex64,
    direction: DVec2,
    lens: &ThinLens,
    shape: &Shape,
    frame: &Frame,
    incident: &Light,
    physics: Physics,
) -> Complex64 {
    let f = lens.focal_length_mm();
    if physics.lens_law == LensLaw::Tangent {
        let normal = shape.chord().normal();
        let forward = incident.direction.dot(normal);
        let cos_out = direction.dot(normal * 1.0_f64.copysign(forward));
        return gaussian::lens(incident.index, f, forward.abs(), cos_out).apply_thin(q);
    }
    let outwards = -frame.facing();
    // The focal length that the change of the angle with y amounts to.
    let local = if physics.lens_law == LensLaw::ParaxialAngle {
        f
    } else {
        let y = (incident.position - shape.chord().middle()).dot(app_tangent(shape, frame));
        f * (1.0 + (y / f) * (y / f))
    };
    let cos_in = incident.direction.dot(outwards).max(1e-12);
    let cos_out = direction.dot(outwards).abs().max(1e-12);
    RayMatrix { a: cos_out / cos_in, b: 0.0, c: -1.0 / (local * cos_in), d: 1.0 }.apply(q)
}

/// The direction along a lens by which the app measures height.
fn app_tangent(shape: &Shape, frame: &Frame) -> DVec2 {
    match shape {
        Shape::Segment(segment) => segment.tangent(),
        Shape::Arc(_) => frame.normal.perp(),
    }
}

/// What the boundary of two media makes of the light. The caller may ask for that itself, as much light meets glass.
#[inline(always)]
pub(super) fn refract(frame: &Frame, incident: &Light, physics: Physics) -> Outcome {
    let (n1, n2) = (frame.near, frame.far);
    match physics.fresnel {
        FresnelLaw::Polarised => {
            let [p, s] = incident.jones;
            let Some(a) = fresnel::amplitudes(n1, n2, frame.cos()) else {
                let (r_p, r_s) = fresnel::total_reflection(n1, n2, frame.cos());
                let jones = [p * r_p, s * r_s];
                // All of it, to the last bit: the share is 1 but for the rounding of the vector's length.
                return Outcome::One(Child { share: 1.0, jones, jones_power: power(jones), way: Way::Back });
            };
            let jones = [p * a.r_p, s * a.r_s];
            let reflectance = power(jones);
            let share = if reflectance > rounding(physics) { reflectance } else { 0.0 };
            let reflected = Child { share, jones, jones_power: reflectance, way: Way::Back };
            // But for a factor: what is transmitted is what is not reflected, and its vector is made as long as 1.
            let jones = [p * a.t_p, s * a.t_s];
            let way = Way::Refracted { cos: a.cos, ratio: n1 / n2 };
            let transmitted = Child { share: 1.0 - share, jones, jones_power: power(jones), way };
            Outcome::Two { transmitted, reflected }
        }
        FresnelLaw::Unpolarised => {
            let ratio = n1 / n2;
            let sin_squared = ratio * ratio * (1.0 - frame.cos() * frame.cos());
            if sin_squared > 1.0 {
                return Outcome::One(reflected(1.0, incident, physics));
            }
            let share = fresnel::mean_reflectance(n1, n2, frame.cos());
            let way = Way::Refracted { cos: (1.0 - sin_squared).sqrt(), ratio };
            let transmitted = Child::new(1.0 - share, incident.jones, way);
            Outcome::Two { transmitted, reflected: reflected(share, incident, physics) }
        }
    }
}

/// The matrix of Optiverse 0.3.4: the radius without its sign, and C without 1/n₂.
fn app_refraction(shape: &Shape, n1: f64, n2: f64, cos1: f64) -> RayMatrix {
    let cos1 = cos1.max(1e-12);
    let sin2 = n1 / n2 * (1.0 - cos1 * cos1).max(0.0).sqrt();
    if sin2 >= 1.0 - 1e-14 {
        return RayMatrix::IDENTITY;
    }
    let cos2 = (1.0 - sin2 * sin2).max(0.0).sqrt().max(1e-12);
    let c = match shape {
        Shape::Segment(_) => 0.0,
        Shape::Arc(arc) => -(n2 * cos2 - n1 * cos1) / (arc.radius() * cos1 * cos2),
    };
    RayMatrix { a: cos2 / cos1, b: 0.0, c, d: n1 * cos1 / (n2 * cos2) }
}
