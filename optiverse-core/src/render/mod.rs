//! What a trace found, as a picture (SVG), a table (CSV) and JSON.
//!
//! Each function returns text; writing it to a file is the caller's business. The text is the same for the same input.

mod csv;
mod json;
mod number;
mod svg;

pub use csv::csv;
pub use json::{json, raytrace_json};
pub use svg::{Background, Crop, SvgOptions, description, label, svg};
