//! Sessions: the bare state machine, and what it and the client have in common.

mod arguments;
mod client;
mod engine;
mod events;
mod followed;

pub(crate) use client::Client;
pub(crate) use engine::Engine;
