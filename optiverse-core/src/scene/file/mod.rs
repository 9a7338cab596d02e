//! Text and folders: the formats that scenes and components are read from and written to.

mod assembly;
mod json_reader;
mod json_writer;

pub use json_reader::MAX_NESTING;
pub(crate) use json_reader::{read, unchecked_number};
pub(crate) use json_writer::write;
