//! Segments, arcs and boxes in the plane, and the hierarchy of boxes that finds the nearest of them.
//!
//! Lengths are millimetres, y points up, angles are counter-clockwise unless said otherwise.

mod aabb;
mod arc;
pub mod bvh;
mod rotation;
mod segment;

pub use aabb::Aabb;
pub use arc::{Arc, ArcError};
pub use rotation::Rotation;
pub use segment::{Segment, SegmentError};
