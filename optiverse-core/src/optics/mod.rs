//! Surfaces and sources, typed and validated, compiled from a scene.
//!
//! [`OpticalSystem::compile`] is the only way from files to light: it reads the items of a [`Scene`](crate::scene::Scene),
//! reports every value that cannot be used by item and key, and builds the index that finds the nearest surface.

mod assemble;
mod colour;
mod compile;
pub mod element;
pub mod fresnel;
pub mod gaussian;
pub mod jones;
mod live;
pub mod material;
mod read;
mod report;
mod source;
mod surface;
mod system;

pub use compile::{CompileError, Compiled, Strictness};
pub(crate) use live::Change;
pub use live::LiveSystem;
pub use report::{InvalidValue, Report, Severity};
pub use source::{Beam, Source, SourceParameters};
pub use surface::{Shape, Surface};
pub use system::{OpticalSystem, SystemError};
