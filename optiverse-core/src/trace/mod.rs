//! Traces light through an [`OpticalSystem`](crate::optics::OpticalSystem).

mod balance;
mod batch;
mod emit;
mod hit_rules;
mod interact;
mod nearest_hit;
mod options;
mod parallel;
mod paths;
mod physics;
mod retrace;
mod vertices;
mod walker;
mod within;

pub use balance::PowerBalance;
pub use options::{TraceControl, TraceError, TraceOptions};
pub use parallel::{trace, trace_into, trace_with_control};
pub use paths::{Ending, Jones, RayPath, RayPaths};
pub use physics::{
    ArcSide, BeamMatrices, ClearAperture, FresnelLaw, GaussianSources, HiddenItems, JonesLength, LengthBudget, LensLaw,
    MirrorJones, Physics, PointFan, SelfHits, WaveplateReturn, WeakRays,
};
pub use retrace::{RayId, Tracer, Update, UpdateError};
pub use within::{PartialTrace, trace_within};
