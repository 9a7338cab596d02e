//! Segments, arcs and boxes in the plane, and the index that finds the nearest of many surfaces.
//!
//! Lengths are millimetres, y points up, angles are counter-clockwise unless said otherwise.

mod aabb;
mod arc;
pub mod index;
mod rotation;
mod segment;
mod shape;

pub use aabb::Aabb;
pub use arc::{Arc, ArcError};
pub use rotation::Rotation;
pub use segment::{Segment, SegmentError};
pub use shape::Shape;
