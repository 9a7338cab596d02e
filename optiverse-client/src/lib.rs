//! A session of the Optiverse engine with a thread and a socket of its own, for programs without an event loop.
//!
//! [`optiverse_core::sync::Session`] is a state machine; [`Client`] drives it: it connects to a relay by `ws://` or
//! `wss://`, sends, receives, tries again, and tells by events. It is a crate of its own so that the core stays without input
//! and output, and so that programs which have a socket and an event loop pay for neither TLS nor threads.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use optiverse_client::{Address, Client, ClientOptions};
//! use optiverse_core::scene::{Edit, Scene};
//!
//! let address = Address::parse("ws://localhost:8765/ws/lab/ada")?;
//! let client = Client::connect(address, ClientOptions::default())?;
//! client.share(&Scene::from_json(&std::fs::read_to_string("layout.json")?)?)?;
//! while let Some(event) = client.wait_event(Duration::from_secs(60)) {
//!     println!("{event:?}");
//! }
//! let undecided = client.close(Duration::from_secs(5));
//! # assert_eq!(undecided, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//! - Looking up the host, connecting to each of its addresses, and the handshakes may take [`STEP_TIMEOUT`] each.
//! - A message may have 16 MiB.
//! - [`MAX_EVENTS`] may wait to be taken.
//!
//! Time and randomness for programs that drive a session themselves are here too: [`now_ms`], [`random_key`], and
//! [`ObservedSession`], a session whose scene can be followed edit by edit.

mod address;
mod client;
mod connecting;
mod event;
mod observed;
mod options;
mod shared;
mod stream;
mod system;
mod tls;
mod worker;

pub use address::{Address, AddressError, MAX_NAME_BYTES};
pub use client::{CLOSE_TIMEOUT, Client, ClientError};
pub use connecting::STEP_TIMEOUT;
pub use event::{Event, MAX_EVENTS};
pub use observed::{ObservedSession, Observer};
pub use options::{Bell, ClientOptions, StartError};
pub use system::{now_ms, random_key};
