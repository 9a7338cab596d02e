//! What a surface makes of the light that meets it.

use glam::DVec2;
use num_complex::Complex64;

use super::{
    ArcSide, BeamMatrices, ClearAperture, FresnelLaw, JonesLength, LensLaw, MirrorJones, Physics, WaveplateReturn,
    hit_rules,
};
use crate::optics::element::{Element, Mirror, RefractiveInterface, ThinLens};
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

/// Light as it leaves a surface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Child {
    pub(super) direction: DVec2,
    /// Share of the incident power.
    pub(super) share: f64,
    pub(super) jones: JonesVector,
    pub(super) index: f64,
    pub(super) q: Option<Complex64>,
}

/// What becomes of the light.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// Stopped by a beam block or a mount.
    Blocked,
    /// Nothing is left of it.
    Absorbed,
    /// Goes on, one way: `passed` through the surface or reflected.
    One { child: Child, passed: bool },
    /// Divides; each child is followed only where it is strong enough.
    Two { transmitted: Child, reflected: Child },
}

/// The surface's directions at the point where light meets it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// On the side of n1.
    normal: DVec2,
    /// cos θ > 0 of the angle of incidence.
    cos: f64,
    /// The normal on the side the light comes from.
    facing: DVec2,
}

/// The normal and what follows from it.
#[inline(always)]
pub(super) fn frame(surface: &Surface, incident: &Light, physics: Physics) -> Frame {
    let normal = match (surface.shape(), physics.arc_side) {
        (Shape::Arc(arc), ArcSide::Outside) => (incident.position - arc.centre()) / arc.radius(),
        (shape, _) => shape.normal_at(incident.position),
    };
    let along = incident.direction.dot(normal);
    Frame { normal, cos: along.abs().min(1.0), facing: if along < 0.0 { normal } else { -normal } }
}

/// The indices on the near and the far side of a surface, where it tells: a refractive interface knows the medium the light comes through
/// better than the way so far does, as a source may stand in glass.
#[inline(always)]
pub(super) fn media(surface: &Surface, frame: &Frame, incident: &Light, physics: Physics) -> Option<(f64, f64)> {
    match surface.element() {
        Element::RefractiveInterface(interface) => Some(indices(interface, frame, incident, physics)),
        _ => None,
    }
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
        half *= frame.cos;
    }
    (gaussian::aperture_transmission(radius_mm, half), half)
}

/// What a mirror sends back. The caller may ask for that itself, as most light meets mirrors.
#[inline(always)]
pub(super) fn mirrored(mirror: &Mirror, surface: &Surface, frame: &Frame, incident: &Light, physics: Physics) -> Child {
    reflect(surface, frame, incident, physics, mirror.reflectance())
}

/// What `surface` makes of the light.
#[inline(never)]
pub(super) fn interact(surface: &Surface, frame: &Frame, incident: &Light, physics: Physics) -> Outcome {
    let pass = |share: f64, jones: JonesVector| Child {
        direction: incident.direction,
        share,
        jones,
        index: incident.index,
        q: incident.q,
    };
    match surface.element() {
        Element::BeamBlock => Outcome::Blocked,
        Element::ThinLens(lens) => bend(lens, surface.shape(), frame, incident, physics),
        Element::Mirror(mirror) => {
            Outcome::One { child: mirrored(mirror, surface, frame, incident, physics), passed: false }
        }
        Element::Waveplate(plate) => {
            let opposite =
                physics.waveplate_return == WaveplateReturn::OppositePhase && !travels_right(incident.direction);
            let jones =
                if opposite { plate.apply_opposite(incident.jones) } else { plate.matrix().apply(incident.jones) };
            Outcome::One { child: pass(1.0, jones), passed: true }
        }
        Element::FaradayRotator(rotator) => {
            Outcome::One { child: pass(1.0, rotator.matrix().apply(incident.jones)), passed: true }
        }
        Element::LinearPolariser(polariser) => {
            let (share, jones) = normalised(polariser.transmit(incident.jones), physics);
            let shines = match physics.jones_length {
                JonesLength::Normalised => share > 0.0,
                JonesLength::AsGiven => share * incident.intensity >= 1e-12,
            };
            if shines { Outcome::One { child: pass(share, jones), passed: true } } else { Outcome::Absorbed }
        }
        Element::BeamSplitter(splitter) => Outcome::Two {
            transmitted: pass(splitter.transmittance(), incident.jones),
            reflected: reflect(surface, frame, incident, physics, splitter.reflectance()),
        },
        Element::Dichroic(dichroic) => {
            let reflectance = dichroic.reflectance(incident.wavelength_nm);
            Outcome::Two {
                transmitted: pass(1.0 - reflectance, incident.jones),
                reflected: reflect(surface, frame, incident, physics, reflectance),
            }
        }
        Element::PolarisingBeamSplitter(splitter) => {
            let (along, across) = splitter.axis().split(incident.jones);
            let (transmitted, along) = normalised(along, physics);
            let (reflected, across) = normalised(scaled(across, -1.0), physics);
            let child = reflect(surface, frame, incident, physics, reflected);
            Outcome::Two { transmitted: pass(transmitted, along), reflected: Child { jones: across, ..child } }
        }
        Element::RefractiveInterface(interface) => refract(interface, surface, frame, incident, physics),
    }
}

/// Power and direction of a Jones vector; no power where it is nothing but rounding.
fn normalised(jones: JonesVector, physics: Physics) -> (f64, JonesVector) {
    let rounding = match physics.jones_length {
        JonesLength::Normalised => 1e-30,
        JonesLength::AsGiven => 1e-12,
    };
    let share = power(jones);
    if share > rounding { (share, scaled(jones, 1.0 / share.sqrt())) } else { (0.0, [Complex64::ZERO; 2]) }
}

/// Whether Optiverse 0.2.7 takes light to travel forwards through a waveplate: against (−sin 90°, cos 90°), as rounding has it.
fn travels_right(direction: DVec2) -> bool {
    let (sin, cos) = std::f64::consts::FRAC_PI_2.sin_cos();
    direction.dot(DVec2::new(-sin, cos)) < 0.0
}

/// The reflection of an ideal mirror.
#[inline(always)]
fn reflect(surface: &Surface, frame: &Frame, incident: &Light, physics: Physics, share: f64) -> Child {
    let direction = incident.direction - 2.0 * incident.direction.dot(frame.normal) * frame.normal;
    let q = incident.q.map(|q| reflected_beam(q, surface, frame, incident, physics));
    // Of length 1 but for rounding, of which one step of Newton's method for 1/√x leaves nothing.
    let direction = direction * (1.5 - 0.5 * direction.length_squared());
    let jones = match physics.mirror_jones {
        MirrorJones::BothTurn => scaled(incident.jones, -1.0),
        MirrorJones::HorizontalTurns => [-incident.jones[0], incident.jones[1]],
    };
    Child { direction, share, jones, index: incident.index, q }
}

/// The beam parameter behind a reflection.
#[inline(never)]
fn reflected_beam(q: Complex64, surface: &Surface, frame: &Frame, incident: &Light, physics: Physics) -> Complex64 {
    match (physics.beam_matrices, surface.shape(), surface.element()) {
        (BeamMatrices::Unsigned, Shape::Arc(arc), Element::Mirror(_)) => {
            let c = -2.0 / (arc.radius() * frame.cos.max(1e-12));
            RayMatrix { c, ..RayMatrix::IDENTITY }.apply(q)
        }
        (BeamMatrices::Unsigned, ..) | (_, Shape::Segment(_), _) => q,
        (BeamMatrices::Signed, Shape::Arc(arc), _) => {
            // Concave to the light where the centre lies on the side it comes from.
            let towards_centre = -arc.outward_normal(incident.position).dot(frame.facing);
            let curvature = arc.curvature().copysign(towards_centre);
            gaussian::reflection(incident.index, frame.cos, curvature).apply(q)
        }
    }
}

/// An ideal thin lens.
#[inline(never)]
fn bend(lens: &ThinLens, shape: &Shape, frame: &Frame, incident: &Light, physics: Physics) -> Outcome {
    let chord = shape.chord();
    let f = lens.focal_length_mm();
    let (direction, q) = match physics.lens_law {
        LensLaw::Tangent => {
            // On an arc the lens is the ideal one of its chord: that is where its principal plane lies.
            let (tangent, normal) = (chord.tangent(), chord.normal());
            let y = (incident.position - chord.middle()).dot(tangent);
            let forward = incident.direction.dot(normal);
            let outwards = normal * 1.0_f64.copysign(forward);
            let cos_in = forward.abs();
            let bent = outwards * cos_in + tangent * (incident.direction.dot(tangent) - cos_in * y / f);
            let direction = bent.normalize_or(incident.direction);
            let cos_out = direction.dot(outwards);
            (direction, incident.q.map(|q| gaussian::lens(incident.index, f, cos_in, cos_out).apply_thin(q)))
        }
        LensLaw::AngleDifference | LensLaw::ParaxialAngle => {
            let tangent = match shape {
                Shape::Segment(segment) => segment.tangent(),
                Shape::Arc(_) => frame.normal.perp(),
            };
            let outwards = -frame.facing;
            let y = (incident.position - chord.middle()).dot(tangent);
            let forward = incident.direction.dot(outwards);
            let angle_in = incident.direction.dot(tangent).atan2(forward);
            // The angle by which the ray is bent, and the focal length that its change with y amounts to.
            let (bend, local) = match physics.lens_law {
                LensLaw::ParaxialAngle => (y / f, f),
                _ => (y.atan2(f), f * (1.0 + (y / f) * (y / f))),
            };
            let (sin, cos) = (angle_in - bend).sin_cos();
            let direction = (cos * outwards + sin * tangent).normalize_or(incident.direction);
            let matrix = || {
                let cos_in = forward.max(1e-12);
                let cos_out = direction.dot(outwards).abs().max(1e-12);
                RayMatrix { a: cos_out / cos_in, b: 0.0, c: -1.0 / (local * cos_in), d: 1.0 }
            };
            (direction, incident.q.map(|q| matrix().apply(q)))
        }
    };
    if physics.clear_aperture == ClearAperture::StopsRays {
        let height = (incident.position - chord.middle()).dot(chord.tangent()).abs();
        // A ray through the very end of the surface meets the lens; rounding must not make it meet the mount.
        if height > lens.half_aperture_mm(chord.half_length()) * (1.0 + 1e-12) {
            return Outcome::Blocked;
        }
    }
    let child = Child { direction, share: 1.0, jones: incident.jones, index: incident.index, q };
    Outcome::One { child, passed: true }
}

/// The indices before and behind an interface.
fn indices(interface: &RefractiveInterface, frame: &Frame, incident: &Light, physics: Physics) -> (f64, f64) {
    let index = |medium: &crate::optics::element::Medium| match physics.fresnel {
        // A system holds no material without an index at its sources' wavelengths.
        FresnelLaw::Polarised => medium.index(incident.wavelength_nm).unwrap_or_else(|_| medium.plain_index()),
        FresnelLaw::Unpolarised => medium.plain_index(),
    };
    let (first, second) = (index(interface.first()), index(interface.second()));
    if incident.direction.dot(frame.normal) < 0.0 { (first, second) } else { (second, first) }
}

#[inline(never)]
fn refract(
    interface: &RefractiveInterface,
    surface: &Surface,
    frame: &Frame,
    incident: &Light,
    physics: Physics,
) -> Outcome {
    let (n1, n2) = indices(interface, frame, incident, physics);
    let cos1 = frame.cos;
    let ratio = n1 / n2;
    let sin2_squared = ratio * ratio * (1.0 - cos1 * cos1);
    let cos2 = (1.0 - sin2_squared).max(0.0).sqrt();
    let direction =
        (ratio * incident.direction + (ratio * cos1 - cos2) * frame.facing).normalize_or(incident.direction);
    let mirrored = Child { index: n1, ..reflect(surface, frame, &Light { index: n1, ..*incident }, physics, 1.0) };

    let refracted_q = incident.q.map(|q| match physics.beam_matrices {
        BeamMatrices::Signed => {
            let curvature = match surface.shape() {
                Shape::Segment(_) => 0.0,
                Shape::Arc(arc) => {
                    let downstream = arc.outward_normal(incident.position).dot(frame.facing);
                    arc.curvature().copysign(downstream)
                }
            };
            gaussian::refraction(n1, n2, cos1, cos2, curvature).apply(q)
        }
        BeamMatrices::Unsigned => app_refraction(surface.shape(), n1, n2, cos1).apply(q),
    });
    let mirrored = match physics.beam_matrices {
        BeamMatrices::Signed => mirrored,
        BeamMatrices::Unsigned => Child { q: refracted_q, ..mirrored },
    };

    match physics.fresnel {
        FresnelLaw::Polarised => {
            let amplitudes = fresnel::amplitudes(n1, n2, cos1);
            let (share, jones) =
                normalised([incident.jones[0] * amplitudes.r_p, incident.jones[1] * amplitudes.r_s], physics);
            let reflected = Child { share, jones, ..mirrored };
            let Some(t) = amplitudes.transmitted else {
                // All of it, to the last bit: the share is 1 but for the rounding of the vector's length.
                return Outcome::One { child: Child { share: 1.0, ..reflected }, passed: false };
            };
            let (_, jones) = normalised([incident.jones[0] * t.t_p, incident.jones[1] * t.t_s], physics);
            let transmitted = Child { direction, share: 1.0 - share, jones, index: n2, q: refracted_q };
            Outcome::Two { transmitted, reflected }
        }
        FresnelLaw::Unpolarised => {
            if sin2_squared > 1.0 {
                return Outcome::One { child: mirrored, passed: false };
            }
            let share = fresnel::mean_reflectance(n1, n2, cos1);
            let transmitted = Child { direction, share: 1.0 - share, jones: incident.jones, index: n2, q: refracted_q };
            Outcome::Two { transmitted, reflected: Child { share, ..mirrored } }
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
