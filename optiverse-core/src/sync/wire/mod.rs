//! Frames: what is sent and received, as text.

mod error;
pub(crate) mod scanner;

pub use error::FrameError;
