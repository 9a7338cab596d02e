//! Scene, polarised ray tracer and synchronisation for 2-D optical layouts.
#![forbid(unsafe_code)]

pub mod geometry;
pub mod optics;
pub mod scene;
pub mod sync;
pub mod trace;
