//! What a trace is asked to do.

use optiverse_core::trace::{self, TraceOptions as CoreOptions};

use crate::border;
use crate::result::{Failure, ResultCode};

/// How an ideal thin lens of focal length f bends a ray that meets it at height y from its axis.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum LensLaw {
    /// tan θ_out = tan θ_in − y/f.
    Tangent = 0,
    /// θ_out = θ_in − atan2(y, f), the rule of Optiverse 0.3.4.
    AngleDifference = 1,
    /// θ_out = θ_in − y/f, the rule of Optiverse 0.2.7.
    ParaxialAngle = 2,
}

/// How light divides at a refractive interface.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum FresnelLaw {
    /// Fresnel's amplitudes act on the Jones vector.
    Polarised = 0,
    /// The reflectance is the mean of s and p whatever the polarisation (Optiverse 0.3.4).
    Unpolarised = 1,
}

/// Which side of a curved interface is n1.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum ArcSide {
    /// The side that would be n1 if the interface were flat, whatever the sign of the radius.
    SignedRadius = 0,
    /// n1 is outside the circle, whatever the sign of the radius (Optiverse 0.3.4).
    Outside = 1,
}

/// The ABCD matrices of the Gaussian beam.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum BeamMatrices {
    /// Tangential matrices with signed radii and the indices of both media.
    Signed = 0,
    /// The matrices of Optiverse 0.3.4.
    Unsigned = 1,
}

/// How a ray avoids meeting the surface it has just left.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum SelfHits {
    /// By geometry: surfaces that touch are all met.
    Geometric = 0,
    /// By a step of 0.001 mm, and by skipping the surface just left (Optiverse 0.3.4).
    StepAndSkip = 1,
}

/// Which children of an interaction are followed.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum WeakRays {
    /// Those with at least `min_intensity`.
    MinIntensity = 0,
    /// Those with more than 0.02, whatever the option says (Optiverse 0.3.4).
    FixedShare = 1,
}

/// What happens with items that a layer hides.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum HiddenItems {
    /// They are not there.
    Skipped = 0,
    /// They are traced all the same (Optiverse 0.3.4).
    Traced = 1,
}

/// The rays of a fan of size 0.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum PointFan {
    /// As many as asked for, from −spread to +spread.
    Fan = 0,
    /// One ray, at −spread (Optiverse 0.3.4).
    FirstRay = 1,
}

/// What the clear aperture of a lens stops.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum ClearAperture {
    /// Rays that meet the mount, and the part of a Gaussian beam outside.
    StopsRays = 0,
    /// Only the part of a Gaussian beam outside (Optiverse 0.3.4).
    ClipsBeamsOnly = 1,
}

/// The length of the Jones vector that a source starts with.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum JonesLength {
    /// One: the intensity alone says how much power there is.
    Normalised = 0,
    /// As the file has it (Optiverse 0.3.4).
    AsGiven = 1,
}

/// What a reflection that is not a polarising beam splitter's does to the Jones vector.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum MirrorJones {
    /// −1 for both components.
    BothTurn = 0,
    /// −1 for the horizontal component alone (Optiverse 0.2.7).
    HorizontalTurns = 1,
}

/// What a waveplate does to light that comes back.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum WaveplateReturn {
    /// The same as to light of the other direction.
    SamePhase = 0,
    /// The opposite phase for light that does not travel towards +x (Optiverse 0.2.7).
    OppositePhase = 1,
}

/// What the length of a source's rays is spent on.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum LengthBudget {
    /// The whole path.
    Path = 0,
    /// The way to the first element; from each element on there are 1000 mm (Optiverse 0.2.7).
    FirstStretch = 1,
}

/// What a Gaussian source sends out.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum GaussianSources {
    /// One beam.
    Beam = 0,
    /// The fan of rays it would send as a source of rays (Optiverse 0.2.7).
    Rays = 1,
}

/// A set of laws with a name.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum Preset {
    /// The laws of physics, for ideal elements.
    Exact = 0,
    /// The rules of the PyQt6 app Optiverse 0.3.4, so that a program can show the same picture as the app.
    Optiverse034 = 1,
    /// The rules of the PyQt6 app Optiverse 0.2.7.
    Optiverse027 = 2,
}

/// The laws a trace follows. Each can be chosen on its own; `optiverse_physics_init` sets all of them.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Physics {
    /// An `optiverse_lens_law`.
    pub lens_law: u32,
    /// An `optiverse_fresnel_law`.
    pub fresnel: u32,
    /// An `optiverse_arc_side`.
    pub arc_side: u32,
    /// An `optiverse_beam_matrices`.
    pub beam_matrices: u32,
    /// An `optiverse_self_hits`.
    pub self_hits: u32,
    /// An `optiverse_weak_rays`.
    pub weak_rays: u32,
    /// An `optiverse_hidden_items`.
    pub hidden_items: u32,
    /// An `optiverse_point_fan`.
    pub point_fan: u32,
    /// An `optiverse_clear_aperture`.
    pub clear_aperture: u32,
    /// An `optiverse_jones_length`.
    pub jones_length: u32,
    /// An `optiverse_mirror_jones`.
    pub mirror_jones: u32,
    /// An `optiverse_waveplate_return`.
    pub waveplate_return: u32,
    /// An `optiverse_length_budget`.
    pub length_budget: u32,
    /// An `optiverse_gaussian_sources`.
    pub gaussian_sources: u32,
}

/// What a trace is asked to do. Fill it by `optiverse_trace_options_init`, then change what is to be different.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TraceOptions {
    /// The size of this structure; tells one that was not initialised.
    pub size: usize,
    /// The laws to follow.
    pub physics: Physics,
    /// Interactions after which a path ends. Default: 80.
    pub max_events: u32,
    /// Worker threads; 0 takes one for each core, and at most 256 are started. The result is the same, bit for bit. Default: 0.
    pub threads: u32,
    /// A path ends where its intensity, as a share of the ray that left the source, falls below this; 0 follows all
    /// light. Default: 0.02.
    pub min_intensity: f64,
    /// The length in mm after which a path ends, up to 1e9; 0 takes each source's own `ray_length_mm`. Default: 0.
    pub length_mm: f64,
    /// Vertices in the result at which tracing stops; the result then says so. Default: 10,000,000, about 1 GB.
    pub max_vertices: usize,
    /// Under the rules of the app, hits nearer than this in mm are not seen. Default: 0.001.
    pub smallest_hit_mm: f64,
}

/// The choices of each law: this crate's numbers are the places in these lists.
macro_rules! laws {
    ($($field:ident, $core:ident: $expected:literal $(, $choice:ident)*;)*) => {
        impl From<trace::Physics> for Physics {
            fn from(physics: trace::Physics) -> Physics {
                Physics { $($field: match physics.$field {
                    $(trace::$core::$choice => $core::$choice,)*
                } as u32),* }
            }
        }

        impl Physics {
            fn to_core(self) -> Result<trace::Physics, Failure> {
                Ok(trace::Physics { $($field: match self.$field {
                    $(choice if choice == $core::$choice as u32 => trace::$core::$choice,)*
                    other => return Err(Failure::option(stringify!($field), other.to_string(), $expected)),
                }),* })
            }
        }
    };
}

laws! {
    lens_law, LensLaw: "0, 1 or 2", Tangent, AngleDifference, ParaxialAngle;
    fresnel, FresnelLaw: "0 or 1", Polarised, Unpolarised;
    arc_side, ArcSide: "0 or 1", SignedRadius, Outside;
    beam_matrices, BeamMatrices: "0 or 1", Signed, Unsigned;
    self_hits, SelfHits: "0 or 1", Geometric, StepAndSkip;
    weak_rays, WeakRays: "0 or 1", MinIntensity, FixedShare;
    hidden_items, HiddenItems: "0 or 1", Skipped, Traced;
    point_fan, PointFan: "0 or 1", Fan, FirstRay;
    clear_aperture, ClearAperture: "0 or 1", StopsRays, ClipsBeamsOnly;
    jones_length, JonesLength: "0 or 1", Normalised, AsGiven;
    mirror_jones, MirrorJones: "0 or 1", BothTurn, HorizontalTurns;
    waveplate_return, WaveplateReturn: "0 or 1", SamePhase, OppositePhase;
    length_budget, LengthBudget: "0 or 1", Path, FirstStretch;
    gaussian_sources, GaussianSources: "0 or 1", Beam, Rays;
}

impl TraceOptions {
    /// The defaults of the core.
    fn new() -> TraceOptions {
        let CoreOptions { physics, max_events, min_intensity, max_vertices, smallest_hit_mm, .. } =
            CoreOptions::default();
        TraceOptions {
            size: size_of::<TraceOptions>(),
            physics: physics.into(),
            max_events,
            threads: 0,
            min_intensity,
            length_mm: 0.0,
            max_vertices,
            smallest_hit_mm,
        }
    }

    fn to_core(self) -> Result<CoreOptions, Failure> {
        Ok(CoreOptions {
            physics: self.physics.to_core()?,
            max_events: self.max_events,
            min_intensity: self.min_intensity,
            length_mm: (self.length_mm != 0.0).then_some(self.length_mm),
            threads: usize::try_from(self.threads).ok().filter(|threads| *threads > 0),
            max_vertices: self.max_vertices,
            smallest_hit_mm: self.smallest_hit_mm,
        })
    }
}

/// The options that C gives, or the defaults for a null pointer.
///
/// # Safety
/// As for [`border::read_sized`].
pub(crate) unsafe fn read(options: *const TraceOptions) -> Result<CoreOptions, Failure> {
    if options.is_null() {
        return Ok(CoreOptions::default());
    }
    border::read_sized(options, "options", "optiverse_trace_options_init")?.to_core()
}

/// Fills in the defaults, with the laws of physics.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_trace_options_init(options: *mut TraceOptions) -> ResultCode {
    border::call(|| {
        let options = border::output(options, "options")?;
        border::write(options, TraceOptions::new());
        Ok(())
    })
}

/// Fills in the laws of a preset: an `optiverse_preset`.
///
/// Codes: `INVALID_ARGUMENT` for a preset that is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_physics_init(physics: *mut Physics, preset: u32) -> ResultCode {
    border::call(|| {
        let physics = border::output(physics, "physics")?;
        let laws = match preset {
            0 => trace::Physics::EXACT,
            1 => trace::Physics::OPTIVERSE_034,
            2 => trace::Physics::OPTIVERSE_027,
            other => {
                let expected = "OPTIVERSE_PRESET_EXACT, OPTIVERSE_PRESET_OPTIVERSE034 or OPTIVERSE_PRESET_OPTIVERSE027";
                return Err(Failure::argument("preset", other.to_string(), expected));
            }
        };
        border::write(physics, laws.into());
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_and_options_survive_the_way_through_c() {
        for (_, physics) in trace::Physics::PRESETS {
            assert_eq!(Physics::from(physics).to_core().unwrap(), physics);
        }
        assert_eq!(TraceOptions::new().to_core().unwrap(), CoreOptions::default());
    }

    #[test]
    fn a_law_that_is_none_is_named() {
        let physics = Physics { weak_rays: 2, ..trace::Physics::EXACT.into() };
        assert_eq!(physics.to_core().unwrap_err().code(), ResultCode::InvalidOption);
    }
}
