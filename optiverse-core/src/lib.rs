//! Scene, polarised ray tracer and synchronisation for 2-D optical layouts.
#![forbid(unsafe_code)]

pub mod scene;
