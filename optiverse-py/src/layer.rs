//! The class `Layer`.

use optiverse_core::scene::{LayerKind, NestedLayer};
use pyo3::prelude::*;

/// A group or an item in the layer tree of a scene.
///
/// Attributes:
///     uuid: the group's own id, or the id of the item it stands for.
///     kind: "group" or "item".
///     name: the name shown to the user, if there is one.
///     depth: the number of groups above it.
///     visible: whether it and every group above it are visible.
///     locked: whether it or any group above it is locked.
///     source_path: the file that the group brings in, as it is written; None where the group is no link.
#[pyclass(module = "optiverse_engine", frozen, get_all)]
pub(crate) struct Layer {
    uuid: String,
    kind: &'static str,
    name: Option<String>,
    depth: usize,
    visible: bool,
    locked: bool,
    source_path: Option<String>,
}

impl Layer {
    pub(crate) fn new(layer: &NestedLayer<'_>) -> Self {
        Layer {
            uuid: layer.node.uuid.clone(),
            kind: match layer.node.kind {
                LayerKind::Group => "group",
                LayerKind::Item => "item",
            },
            name: layer.node.name.clone(),
            depth: layer.depth,
            visible: layer.visible,
            locked: layer.locked,
            source_path: layer.node.link.as_ref().map(|link| link.source_path.clone()),
        }
    }
}

#[pymethods]
impl Layer {
    fn __repr__(&self) -> String {
        let hidden = if self.visible { "" } else { ", hidden" };
        format!("<Layer {} {:?}, depth {}{hidden}>", self.kind, self.uuid, self.depth)
    }
}
