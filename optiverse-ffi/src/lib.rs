//! The C interface of the engine: `optiverse.h` is generated from this crate.
//!
//! | module | holds |
//! |---|---|
//! | [`result`] | the codes that functions return, and the last error of a thread |
//! | [`handle`] | handles: numbers that are looked up, never followed |
//! | `border` | the only reads and writes of the caller's memory; panics end there |
//! | [`text`] | text that the library hands out |
//! | [`scene`], [`items`], [`edit`] | scenes, what is in them, and changes of them |
//! | [`system`], [`options`], [`trace`], [`paths`], [`render`] | compiling, tracing, results and pictures |
//! | [`partial_trace`] | as much of a trace as a time allows |
//! | [`tracer`] | tracing again only what an edit can have changed |
//! | [`session`], [`users`], [`event`] | a client's side of a shared session |
//! | `client` | the same with a thread and a socket of its own; the feature `client` |
//! | [`version`] | version and features |
#![allow(
    clippy::missing_safety_doc,
    reason = "what every function asks of its caller stands once, at the top of the header"
)]

mod border;

// In the order of the header.
pub mod version;

pub mod result;

pub mod handle;

pub mod text;

pub mod scene;

pub mod items;

pub mod edit;

pub mod system;

pub mod options;

pub mod trace;

pub mod paths;

pub mod partial_trace;

pub mod render;

pub mod tracer;

pub mod session;

pub mod users;

pub mod event;

#[cfg(feature = "client")]
pub mod client;
