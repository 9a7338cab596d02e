//! Text and folders: the formats that scenes and components are read from and written to.

mod assembly;
mod component;
#[cfg(feature = "fs")]
mod disk;
mod json_reader;
mod json_writer;
mod library;

pub(crate) use assembly::UniqueIds;
pub use component::ComponentRecord;
#[cfg(feature = "fs")]
pub use disk::LoadError;
pub use json_reader::MAX_NESTING;
pub(crate) use json_reader::{RepeatedKey, is_nested_deeper, read, unchecked_number};
pub(crate) use json_writer::write;
pub use library::Library;
#[cfg(feature = "fs")]
pub use library::LibraryProblem;
