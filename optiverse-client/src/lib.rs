//! What a program needs around the engine's own [`Session`](optiverse_core::sync::Session) to take part in one: the time,
//! randomness, and a scene of the program's own that follows.

mod observed;
mod system;

pub use observed::{ObservedSession, Observer};
pub use system::{now_ms, random_config};
