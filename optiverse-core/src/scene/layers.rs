//! The layer tree: what is grouped, hidden, locked, and brought in by a link.

use std::collections::HashMap;

use serde_json::Value;

use crate::scene::error::{SceneWarning, describe};
use crate::scene::file::MAX_NESTING;
use crate::scene::{Properties, property};

/// The layer tree of a scene, read from `layer_state`, or from `groups` in older files.
///
/// It is a view: to change it, set the document property it was read from.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct LayerTree {
    /// The outermost nodes, topmost layer first.
    pub roots: Vec<LayerNode>,
}

/// A group or an item in the layer tree.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LayerNode {
    /// The group's own id, or the id of the item it stands for.
    pub uuid: String,
    /// Whether it is a group or stands for an item.
    pub kind: LayerKind,
    /// The name shown to the user.
    pub name: Option<String>,
    /// Whether the group is shown folded up.
    pub collapsed: bool,
    /// Whether it is shown; it is hidden all the same if a group above it is.
    pub visible: bool,
    /// Whether it is protected from changes by the user; so is everything in a locked group.
    pub locked: bool,
    /// The assembly that the group brings in, if it is a link.
    pub link: Option<LinkMetadata>,
    /// What the group holds.
    pub children: Vec<LayerNode>,
}

/// What a layer node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerKind {
    /// A group, perhaps a link.
    Group,
    /// An item.
    Item,
}

/// Which assembly a group brings in, and where it is placed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LinkMetadata {
    /// The path as it is written: `@assembly/…` and relative paths start at the folder of the file they stand in.
    pub source_path: String,
    /// Added to x after the rotation, in millimetres.
    pub offset_x: f64,
    /// Added to y after the rotation, in millimetres.
    pub offset_y: f64,
    /// Rotation about the origin of the linked assembly, in degrees, counter-clockwise.
    pub rotation_deg: f64,
}

/// A node together with what it inherits from the groups above it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct NestedLayer<'t> {
    /// The node.
    pub node: &'t LayerNode,
    /// The number of groups above it.
    pub depth: usize,
    /// Whether it and every group above it are visible.
    pub visible: bool,
    /// Whether it or any group above it is locked.
    pub locked: bool,
}

impl LayerTree {
    /// Every node, each group before what it holds.
    pub fn walk(&self) -> impl Iterator<Item = NestedLayer<'_>> {
        let mut open = Vec::new();
        let nest = |node, above: Option<NestedLayer<'_>>| NestedLayer {
            node,
            depth: above.map_or(0, |above| above.depth + 1),
            visible: node.visible && above.is_none_or(|above| above.visible),
            locked: node.locked || above.is_some_and(|above| above.locked),
        };
        open.extend(self.roots.iter().rev().map(|root| nest(root, None)));
        std::iter::from_fn(move || {
            let next = open.pop()?;
            open.extend(next.node.children.iter().rev().map(|child| nest(child, Some(next))));
            Some(next)
        })
    }

    /// The node of this id. Where a damaged file has several, the last one counts, as in the app.
    pub fn get(&self, uuid: &str) -> Option<NestedLayer<'_>> {
        self.walk().filter(|layer| layer.node.uuid == uuid).last()
    }

    /// The nodes by their ids; of several with one id the last counts.
    pub(crate) fn by_uuid(&self) -> HashMap<&str, NestedLayer<'_>> {
        self.walk().map(|layer| (layer.node.uuid.as_str(), layer)).collect()
    }

    /// Reads the tree from a document; what cannot be used is left out, with a warning.
    pub(crate) fn parse(document: &Properties, warnings: &mut Vec<SceneWarning>) -> LayerTree {
        let mut reader = Reader { warnings };
        let roots = match (document.get("layer_state"), document.get("groups")) {
            (Some(state), _) => reader.layer_state(state),
            (None, Some(groups)) => reader.groups(groups),
            (None, None) => Vec::new(),
        };
        LayerTree { roots }
    }
}

struct Reader<'w> {
    warnings: &'w mut Vec<SceneWarning>,
}

impl Reader<'_> {
    fn warn(&mut self, place: &str, message: impl Into<String>) {
        self.warnings.push(SceneWarning::new(place, message));
    }

    /// The entries of a list; anything else counts as empty, and with a warning unless it is null.
    fn list<'v>(&mut self, place: &str, value: Option<&'v Value>) -> &'v [Value] {
        match value {
            None | Some(Value::Null) => &[],
            Some(Value::Array(entries)) => entries,
            Some(other) => {
                self.warn(place, format!("is {}, expected a list; it is ignored", describe(other)));
                &[]
            }
        }
    }

    fn layer_state(&mut self, state: &Value) -> Vec<LayerNode> {
        let place = "layer_state";
        let Value::Object(state) = state else {
            self.warn(place, format!("is {}, expected an object; no layers are known", describe(state)));
            return Vec::new();
        };
        if state.is_empty() {
            return Vec::new();
        }
        // The app takes the layers of no other version.
        match state.get("version") {
            Some(version) if property::to_f64(version) == Some(1.0) => {}
            found => {
                let found = found.map_or("missing".to_owned(), describe);
                self.warn("layer_state.version", format!("is {found}, expected 1; no layers are known"));
                return Vec::new();
            }
        }
        self.nodes("layer_state.nodes", state.get("nodes"))
    }

    /// A list of nodes. The recursion is bounded by the nesting of the document.
    fn nodes(&mut self, place: &str, nodes: Option<&Value>) -> Vec<LayerNode> {
        let entries = self.list(place, nodes);
        let read = |(index, node): (usize, &Value)| self.node(&format!("{place}[{index}]"), node);
        entries.iter().enumerate().filter_map(read).collect()
    }

    fn node(&mut self, place: &str, node: &Value) -> Option<LayerNode> {
        let Value::Object(node) = node else {
            self.warn(place, format!("is {}, expected an object; the layer is ignored", describe(node)));
            return None;
        };
        let Some(uuid) = node.get("uuid").and_then(Value::as_str) else {
            let found = node.get("uuid").map_or("missing".to_owned(), describe);
            self.warn(place, format!("`uuid` is {found}, expected a text; the layer is ignored"));
            return None;
        };
        let kind = match node.get("type") {
            Some(Value::String(kind)) if kind == "group" => LayerKind::Group,
            Some(Value::String(kind)) if kind == "item" => LayerKind::Item,
            found => {
                let found = found.map_or("missing".to_owned(), describe);
                self.warn(place, format!("`type` is {found}, expected \"group\" or \"item\"; the layer is ignored"));
                return None;
            }
        };
        let link = node.get("link_metadata").filter(|link| !link.is_null());
        Some(LayerNode {
            uuid: uuid.to_owned(),
            kind,
            name: node.get("name").and_then(Value::as_str).map(str::to_owned),
            collapsed: node.get("collapsed").is_some_and(is_true),
            visible: node.get("visible").is_none_or(is_true),
            locked: node.get("locked").is_some_and(is_true),
            link: link.and_then(|link| self.link(&format!("{place}.link_metadata"), link)),
            children: self.nodes(&format!("{place}.children"), node.get("children")),
        })
    }

    fn link(&mut self, place: &str, link: &Value) -> Option<LinkMetadata> {
        let Some(source_path) = link.get("source_path").and_then(Value::as_str) else {
            self.warn(place, "`source_path` is missing or not a text; the link is ignored");
            return None;
        };
        let mut number = |key: &str| match link.get(key) {
            None => Some(0.0),
            Some(value) => match property::to_f64(value).filter(|number| number.is_finite()) {
                Some(number) => Some(number),
                None => {
                    let found = describe(value);
                    self.warn(place, format!("`{key}` is {found}, expected a finite number; the link is ignored"));
                    None
                }
            },
        };
        Some(LinkMetadata {
            source_path: source_path.to_owned(),
            offset_x: number("offset_x")?,
            offset_y: number("offset_y")?,
            rotation_deg: number("rotation_deg")?,
        })
    }

    /// The `groups` of older files: each names its parent and its items.
    fn groups(&mut self, groups: &Value) -> Vec<LayerNode> {
        let mut nodes: Vec<LayerNode> = Vec::new();
        let mut parents: Vec<Option<&str>> = Vec::new();
        for (index, group) in self.list("groups", Some(groups)).iter().enumerate() {
            let place = format!("groups[{index}]");
            let Some(uuid) = group.get("group_uuid").and_then(Value::as_str) else {
                self.warn(&place, "`group_uuid` is missing or not a text; the group is ignored");
                continue;
            };
            let items = self.list(&format!("{place}.item_uuids"), group.get("item_uuids"));
            parents.push(group.get("parent_group_uuid").and_then(Value::as_str));
            nodes.push(LayerNode {
                uuid: uuid.to_owned(),
                kind: LayerKind::Group,
                name: group.get("name").and_then(Value::as_str).map(str::to_owned),
                collapsed: group.get("collapsed").is_some_and(is_true),
                visible: true,
                locked: false,
                link: None,
                children: items.iter().filter_map(Value::as_str).map(item_node).collect(),
            });
        }
        let parents = self.parent_indices(&nodes, &parents);
        nest(nodes, &parents)
    }

    /// For each group the index of its parent; none for a group that is its own ancestor or nested too deep.
    fn parent_indices(&mut self, nodes: &[LayerNode], parents: &[Option<&str>]) -> Vec<Option<usize>> {
        let by_uuid: HashMap<&str, usize> =
            nodes.iter().enumerate().map(|(index, node)| (node.uuid.as_str(), index)).collect();
        let named: Vec<Option<usize>> =
            parents.iter().map(|parent| parent.and_then(|uuid| by_uuid.get(uuid).copied())).collect();
        let ends = |start: usize| std::iter::successors(Some(start), |&index| named[index]).nth(MAX_NESTING).is_none();
        (0..nodes.len())
            .map(|index| {
                if ends(index) {
                    return named[index];
                }
                let message = format!(
                    "the group is inside itself, or nested more than {MAX_NESTING} levels deep; it is taken for an outermost one"
                );
                self.warn(&format!("group {}", nodes[index].uuid), message);
                None
            })
            .collect()
    }
}

fn item_node(uuid: &str) -> LayerNode {
    LayerNode {
        uuid: uuid.to_owned(),
        kind: LayerKind::Item,
        name: None,
        collapsed: false,
        visible: true,
        locked: false,
        link: None,
        children: Vec::new(),
    }
}

/// Puts each group into its parent, groups before items. The parents form no cycle.
fn nest(nodes: Vec<LayerNode>, parents: &[Option<usize>]) -> Vec<LayerNode> {
    let depth = |index: usize| std::iter::successors(parents[index], |&parent| parents[parent]).count();
    let mut deepest_first: Vec<usize> = (0..nodes.len()).collect();
    deepest_first.sort_by_cached_key(|&index| std::cmp::Reverse(depth(index)));
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (index, parent) in parents.iter().enumerate() {
        if let Some(parent) = *parent {
            members[parent].push(index);
        }
    }
    let mut nodes: Vec<Option<LayerNode>> = nodes.into_iter().map(Some).collect();
    for index in deepest_first {
        let mut children: Vec<LayerNode> = members[index].iter().filter_map(|&member| nodes[member].take()).collect();
        if let Some(node) = &mut nodes[index] {
            children.append(&mut node.children);
            node.children = children;
        }
    }
    // What was not moved into a parent is an outermost group.
    nodes.into_iter().flatten().collect()
}

/// What Python, and so the app, takes for true.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(_) => property::to_f64(value) != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(entries) => !entries.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
    }
}
