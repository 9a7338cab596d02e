//! What a trace found, as a picture (SVG), a table (CSV) and JSON.
//!
//! Each function returns text; writing it to a file is the caller's business.

mod svg;

pub use svg::{Background, Crop, SvgOptions, svg};
