//! The relay of shared optical layouts: keeps the state of sessions, decides about edits, and passes them on.
//!
//! `docs/relay.md` describes what it offers and its limits. [`Relay`] runs within any program that has a `tokio` runtime;
//! [`command::run`] is the whole command `optiverse-relay`.
//!
//! ```
//! use optiverse_relay::{Config, Relay};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), optiverse_relay::StartError> {
//! // Port 0 is any that is free.
//! let config = Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() };
//! let relay = Relay::start(&config).await?;
//! println!("join at ws://{}/ws/my-session/my-name", relay.address());
//!
//! let (leave, left) = tokio::sync::oneshot::channel::<()>();
//! let running = tokio::spawn(relay.run_until(async { left.await.unwrap_or_default() }));
//! // … until it is to end: everything is stored, and all connections are closed.
//! drop(leave);
//! running.await.expect("the relay ends in order");
//! # Ok(())
//! # }
//! ```
//!
//! Each session has one task that alone drives its [`Authority`](optiverse_core::sync::authority::Authority), and writes to
//! its connections; each connection has one that reads it. A session never waits for a connection: what a connection does
//! not take at once piles up in its outbox, from which its own task sends it, and one whose outbox is full is closed and may
//! come back. Nobody is told of an operation before it is stored.

mod access;
mod clock;
pub mod close;
pub mod command;
pub mod config;
mod delivery;
mod http;
mod invitation;
mod limit;
mod metrics;
mod outbox;
mod raytrace;
mod registry;
pub mod server;
mod session;
mod signal;
mod socket;
pub mod store;
mod token;
mod websocket;

pub use config::Config;
pub use server::{Relay, StartError};
