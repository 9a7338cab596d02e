//! Scene and polarised ray tracer for 2-D optical layouts.
//!
//! Data takes one way through the crate:
//!
//! ```text
//! file ─▶ scene::Scene ──compile──▶ optics::OpticalSystem ──trace──▶ trace::RayPaths ─▶ render
//! ```
//!
//! - [`scene`]: what is saved and edited, without loss and without light.
//! - [`geometry`]: segments, arcs, and the hierarchy of boxes over them.
//! - [`optics`]: surfaces and sources, typed and checked.
//! - [`trace`]: the tracer and its flat result.
//! - [`render`]: the result as a picture (SVG), a table (CSV) and JSON.
//!
//! The crate does no input or output, reads no clock and draws no random numbers. Threads run only inside [`trace`](mod@trace), with the
//! feature `parallel` (on by default).
//!
//! ```
//! use optiverse_core::optics::{OpticalSystem, Strictness};
//! use optiverse_core::scene::Scene;
//! use optiverse_core::trace::{Ending, TraceOptions, trace};
//!
//! let scene = Scene::from_json(
//!     r#"{"version": "2.0", "items": [
//!         {"_type": "source", "item_uuid": "laser", "x_mm": -100, "y_mm": 0, "n_rays": 1},
//!         {"_type": "component", "item_uuid": "M1", "x_mm": 0, "y_mm": 0, "angle_deg": 45, "interfaces": [
//!             {"element_type": "mirror", "x1_mm": 0, "y1_mm": 12.7, "x2_mm": 0, "y2_mm": -12.7}]}]}"#,
//! )?;
//! let compiled = OpticalSystem::compile(&scene, Strictness::Strict)?;
//! let paths = trace(&compiled.system, &TraceOptions::default())?;
//! let path = paths.get(0).expect("one ray, one path");
//! assert_eq!(path.ending(), Ending::Left);
//! assert_eq!(path.hit(1).map(|(item, _)| item.as_str()), Some("M1"));
//! assert!(path.points()[2].y.abs() > 800.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod geometry;
pub mod optics;
pub mod render;
pub mod scene;
pub mod sync;
pub mod trace;
