//! Sessions: the bare state machine, and what it and the client have in common.

mod arguments;
mod engine;
mod events;
mod followed;

pub(crate) use engine::Engine;
