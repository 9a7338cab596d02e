//! The relay of shared optical layouts: keeps the state of sessions, decides about edits, and passes them on.
//!
//! `docs/relay.md` describes what it offers and its limits. [`server::Relay`] starts one within a program; the command
//! `optiverse-relay` does nothing else.
//!
//! Each session has one task that alone drives its [`Authority`](optiverse_core::sync::authority::Authority); each
//! connection has one that passes frames on both ways. A session never waits for a connection: what a connection does not
//! take piles up in its outbox, and one whose outbox is full is closed and may come back. Nobody is told of an operation
//! before it is stored.

mod access;
mod clock;
pub mod close;
pub mod config;
mod http;
mod limit;
mod metrics;
mod outbox;
mod raytrace;
mod registry;
pub mod server;
mod session;
mod socket;
pub mod store;
