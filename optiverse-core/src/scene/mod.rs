//! The lossless scene: ordered items of JSON-valued properties, whatever their keys.
//!
//! It is what is saved, merged and undone. It knows no light, does no input or output, and has no clock and no
//! randomness.
//!
//! ```
//! use optiverse_core::scene::{Edit, ItemKind, Scene};
//!
//! let text = r#"{"version": "2.0", "items": [{"_type": "source", "item_uuid": "laser", "x_mm": -1.50e2}]}"#;
//! let mut scene = Scene::from_json(text)?;
//! let laser = scene.get("laser").expect("it was just read");
//! assert_eq!(laser.kind(), ItemKind::Source);
//! assert!(scene.to_json().contains(r#""x_mm": -1.50e2"#));
//!
//! // An edit gives its inverse, and the inverse restores the scene to the byte.
//! let before = scene.to_json();
//! let undo = scene.apply(&Edit::Move { id: "laser".into(), x_mm: -200.0, y_mm: 0.0 })?;
//! assert!(scene.to_json().contains(r#""x_mm": -200.0"#));
//! scene.apply(&undo)?;
//! assert_eq!(scene.to_json(), before);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod edit;
mod error;
mod file;
mod item;
mod layers;
mod links;
pub mod property;
#[allow(clippy::module_inception, reason = "the room is named after its main type, and so is the file of that type")]
mod scene;

pub use serde_json::Value;

pub use edit::{Edit, EditError, MAX_BATCH_NESTING, PropertyChange};
pub use error::{SceneError, SceneWarning};
pub use file::{ComponentRecord, Library, MAX_NESTING};
#[cfg(feature = "fs")]
pub use file::{LibraryProblem, LoadError};
// The synchronisation engine keeps values as text and reads them by the same grammar.
pub(crate) use file::read;
pub use item::{Item, ItemError, ItemId, ItemKind, Section};
pub use layers::{LayerKind, LayerNode, LayerTree, LinkMetadata, NestedLayer};
#[cfg(feature = "fs")]
pub use links::LocalFiles;
pub use links::{AssemblyFiles, FileError, LinkError, MAX_LINK_DEPTH, MAX_LINKED_ITEMS, MAX_LINKS, NoFiles};
pub use scene::Scene;

/// The properties of an item or of a document: their order is kept, and numbers are kept as they were written.
pub type Properties = serde_json::Map<String, Value>;
