//! The laws a trace follows, as named choices with three presets.
//!
//! `docs/physics.md` states every law with its source and every difference between the presets.

/// How an ideal thin lens of focal length f bends a ray that meets it at height y from its axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LensLaw {
    /// tan θ_out = tan θ_in − y/f: images every point sharply, for f of either sign.
    Tangent,
    /// θ_out = θ_in − atan2(y, f), the rule of Optiverse 0.3.4: sharp for a collimated beam along the axis only, and
    /// a lens of negative f sends rays backwards.
    AngleDifference,
    /// θ_out = θ_in − y/f, the rule of Optiverse 0.2.7: the paraxial law taken at every height, with y/f as an angle.
    ParaxialAngle,
}

/// What a mirror, and any reflection that is not a polarising beam splitter's, does to the Jones vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MirrorJones {
    /// −1 for both components.
    BothTurn,
    /// −1 for the horizontal component alone (Optiverse 0.2.7): light that comes back through a quarter-wave plate has the polarisation it
    /// came with.
    HorizontalTurns,
}

/// What a waveplate does to light that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaveplateReturn {
    /// The same as to light of the other direction: its matrix is symmetric.
    SamePhase,
    /// The opposite phase for light that does not travel towards +x, however the plate stands (Optiverse 0.2.7).
    OppositePhase,
}

/// What the length of a source's rays is spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LengthBudget {
    /// The whole path.
    Path,
    /// The way to the first element; what leaves an element has 1000 mm from there to the next (Optiverse 0.2.7).
    FirstStretch,
}

/// What a Gaussian source sends out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GaussianSources {
    /// One beam.
    Beam,
    /// The fan of rays it would send as a source of rays (Optiverse 0.2.7, which knows no beams).
    Rays,
}

/// How light divides at a refractive interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FresnelLaw {
    /// Fresnel's amplitudes act on the Jones vector: s (vertical, out of the plane) and p (horizontal, in the plane),
    /// with the phases of total reflection.
    Polarised,
    /// The reflectance is the mean of s and p whatever the polarisation, which stays as it is (Optiverse 0.3.4).
    Unpolarised,
}

/// Which side of a curved interface is n1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArcSide {
    /// The side that would be n1 if the interface were flat, whatever the sign of the radius.
    SignedRadius,
    /// n1 is outside the circle, whatever the sign of the radius (Optiverse 0.3.4).
    Outside,
}

/// The ABCD matrices of the Gaussian beam.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BeamMatrices {
    /// Tangential matrices with signed radii and the indices of both media; each child has its own; w is continuous at
    /// a flat interface.
    Signed,
    /// The matrices of Optiverse 0.3.4: radii without sign, no 1/n₂, one result for both children.
    Unsigned,
}

/// How a ray avoids meeting the surface it has just left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SelfHits {
    /// By geometry: no step, no smallest distance; surfaces that touch are all met.
    Geometric,
    /// As Optiverse 0.3.4: a step of 10⁻³ mm along the new direction, hits nearer than that are not seen, and the
    /// surface just left is skipped whole.
    StepAndSkip,
}

/// Which children of an interaction are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WeakRays {
    /// Those with at least the intensity of [`TraceOptions::min_intensity`](super::TraceOptions::min_intensity).
    MinIntensity,
    /// Those with more than 0.02, whatever the option says (Optiverse 0.3.4).
    FixedShare,
}

/// What happens with items that a layer hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HiddenItems {
    /// They are not there.
    Skipped,
    /// They are traced all the same (Optiverse 0.3.4).
    Traced,
}

/// The rays of a fan of size 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PointFan {
    /// `n_rays` rays from −spread to +spread; one ray along the axis where the spread is 0 too.
    Fan,
    /// One ray, at −spread (Optiverse 0.3.4).
    FirstRay,
}

/// What the clear aperture of a lens stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClearAperture {
    /// Rays that meet the mount, and the part of a Gaussian beam outside.
    StopsRays,
    /// Only the part of a Gaussian beam outside; rays pass (Optiverse 0.3.4).
    ClipsBeamsOnly,
}

/// The length of the Jones vector that a source starts with, and what a polariser takes for darkness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JonesLength {
    /// One: the intensity alone says how much power there is. What is left of crossed polarisers by rounding (10⁻³⁰) is dark.
    Normalised,
    /// As the file has it; a polariser then multiplies the intensity by its square, and less than 10⁻¹² is dark (Optiverse 0.3.4).
    AsGiven,
}

/// The set of laws a trace follows.
///
/// Each field can be chosen on its own; [`Physics::EXACT`], [`Physics::OPTIVERSE_034`] and [`Physics::OPTIVERSE_027`] are the presets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each field is documented by its type")]
pub struct Physics {
    pub lens_law: LensLaw,
    pub fresnel: FresnelLaw,
    pub arc_side: ArcSide,
    pub beam_matrices: BeamMatrices,
    pub self_hits: SelfHits,
    pub weak_rays: WeakRays,
    pub hidden_items: HiddenItems,
    pub point_fan: PointFan,
    pub clear_aperture: ClearAperture,
    pub jones_length: JonesLength,
    pub mirror_jones: MirrorJones,
    pub waveplate_return: WaveplateReturn,
    pub length_budget: LengthBudget,
    pub gaussian_sources: GaussianSources,
}

impl Physics {
    /// The laws of physics, for ideal elements.
    pub const EXACT: Physics = Physics {
        lens_law: LensLaw::Tangent,
        fresnel: FresnelLaw::Polarised,
        arc_side: ArcSide::SignedRadius,
        beam_matrices: BeamMatrices::Signed,
        self_hits: SelfHits::Geometric,
        weak_rays: WeakRays::MinIntensity,
        hidden_items: HiddenItems::Skipped,
        point_fan: PointFan::Fan,
        clear_aperture: ClearAperture::StopsRays,
        jones_length: JonesLength::Normalised,
        mirror_jones: MirrorJones::BothTurn,
        waveplate_return: WaveplateReturn::SamePhase,
        length_budget: LengthBudget::Path,
        gaussian_sources: GaussianSources::Beam,
    };

    /// The rules of the PyQt6 app Optiverse 0.3.4, so that a program can show the same picture as the app.
    pub const OPTIVERSE_034: Physics = Physics {
        lens_law: LensLaw::AngleDifference,
        fresnel: FresnelLaw::Unpolarised,
        arc_side: ArcSide::Outside,
        beam_matrices: BeamMatrices::Unsigned,
        self_hits: SelfHits::StepAndSkip,
        weak_rays: WeakRays::FixedShare,
        hidden_items: HiddenItems::Traced,
        point_fan: PointFan::FirstRay,
        clear_aperture: ClearAperture::ClipsBeamsOnly,
        jones_length: JonesLength::AsGiven,
        mirror_jones: MirrorJones::BothTurn,
        waveplate_return: WaveplateReturn::SamePhase,
        length_budget: LengthBudget::Path,
        gaussian_sources: GaussianSources::Beam,
    };

    /// The rules of the PyQt6 app Optiverse 0.2.7: those of 0.3.4 with another law of the lens, other phases and other lengths.
    pub const OPTIVERSE_027: Physics = Physics {
        lens_law: LensLaw::ParaxialAngle,
        mirror_jones: MirrorJones::HorizontalTurns,
        waveplate_return: WaveplateReturn::OppositePhase,
        length_budget: LengthBudget::FirstStretch,
        gaussian_sources: GaussianSources::Rays,
        ..Physics::OPTIVERSE_034
    };

    /// The preset of that name: `"exact"`, `"optiverse-0.3.4"` or `"optiverse-0.2.7"`.
    #[must_use]
    pub fn preset(name: &str) -> Option<Physics> {
        Self::PRESETS.iter().find(|(known, _)| *known == name).map(|(_, physics)| *physics)
    }

    /// The presets by name.
    pub const PRESETS: [(&'static str, Physics); 3] = [
        ("exact", Physics::EXACT),
        ("optiverse-0.3.4", Physics::OPTIVERSE_034),
        ("optiverse-0.2.7", Physics::OPTIVERSE_027),
    ];
}

impl Default for Physics {
    /// [`Physics::EXACT`].
    fn default() -> Self {
        Physics::EXACT
    }
}
