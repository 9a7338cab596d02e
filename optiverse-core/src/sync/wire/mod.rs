//! Frames: what is sent and received, as text.

pub(crate) mod app;
pub(crate) mod component;
pub(crate) mod envelope;
mod error;
pub(crate) mod forward;
pub(crate) mod message;
pub(crate) mod scanner;

pub use error::FrameError;
pub use message::{PROTOCOL, RefusalReason};
