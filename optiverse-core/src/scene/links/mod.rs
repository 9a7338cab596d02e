//! Linked assemblies: groups whose content is another file, placed in the scene.

mod files;
mod placement;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use indexmap::IndexMap;
use serde_json::Value;

use crate::scene::error::{SceneError, SceneWarning};
use crate::scene::file::UniqueIds;
use crate::scene::item::{Item, ItemId, Section};
use crate::scene::layers::{LayerKind, LinkMetadata};
use crate::scene::scene::{LinkedItem, Scene};

#[cfg(feature = "fs")]
pub use files::LocalFiles;
pub use files::{AssemblyFiles, FileError, NoFiles};

/// The greatest number of links between a scene and an item that is brought in.
pub const MAX_LINK_DEPTH: usize = 5;

/// The greatest number of links that are followed for one scene, nested ones included.
pub const MAX_LINKS: usize = 10_000;

/// The greatest number of items that are placed for one scene; at each level of nesting an item counts once more.
pub const MAX_LINKED_ITEMS: usize = 1_000_000;

/// Why the links of a scene were not resolved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// A file brings itself in.
    #[error("linked assemblies form a cycle: {}", chain.join(" → "))]
    Cycle {
        /// The files from the first one to its repetition.
        chain: Vec<String>,
    },
    /// Links are nested too deep.
    #[error("linked assemblies are nested more than {limit} levels deep: {}", chain.join(" → "))]
    Depth {
        /// [`MAX_LINK_DEPTH`].
        limit: usize,
        /// The files from the first one to the one that is too deep.
        chain: Vec<String>,
    },
    /// There are too many links.
    #[error("more than {limit} links to assemblies would have to be followed")]
    Links {
        /// [`MAX_LINKS`].
        limit: usize,
    },
    /// The linked assemblies hold too many items.
    #[error("linked assemblies would bring in more than {limit} items")]
    Items {
        /// [`MAX_LINKED_ITEMS`].
        limit: usize,
    },
}

impl Scene {
    /// Reads the assemblies that groups of the layer tree link to, and places their items in the scene.
    ///
    /// They are then found by [`Scene::linked_items`] and [`Scene::get`] in place of those of an earlier call. Links in
    /// linked assemblies are followed, at most [`MAX_LINK_DEPTH`] in a row. `own_path` is the path of the scene's own
    /// file, if it has one: relative paths start at its folder.
    ///
    /// An item is called by the UUID (version 5) that the app gives it, made from the id of the group and of the item.
    /// It is rotated counter-clockwise about the origin of its assembly, then moved by the offset. Path measures are
    /// left out, since they lie on rays of their own file.
    ///
    /// A file that cannot be read is replaced by the copy in `linked_assembly_cache`; where there is none, its items
    /// are missing. The list returned names each such file, and whatever was odd in the files read.
    ///
    /// # Errors
    /// If links form a cycle, or exceed [`MAX_LINK_DEPTH`], [`MAX_LINKS`] or [`MAX_LINKED_ITEMS`]. The linked items are
    /// then those of before the call.
    pub fn resolve_links(
        &mut self,
        files: &dyn AssemblyFiles,
        own_path: Option<&str>,
    ) -> Result<Vec<SceneWarning>, LinkError> {
        self.resolve_links_within(files, own_path, Limits::default())
    }

    fn resolve_links_within(
        &mut self,
        files: &dyn AssemblyFiles,
        own_path: Option<&str>,
        limits: Limits,
    ) -> Result<Vec<SceneWarning>, LinkError> {
        let own_path = own_path.map(|path| files.identify(path));
        let mut resolver = Resolver {
            files,
            limits,
            links: 0,
            items: 0,
            read: HashMap::new(),
            chain: Vec::new(),
            warnings: Vec::new(),
        };
        resolver.chain.push(own_path.clone().unwrap_or_else(|| "the scene".to_owned()));
        let linked = resolver.linked_items(self, own_path.as_deref())?;
        self.linked = linked;
        Ok(resolver.warnings)
    }
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    depth: usize,
    links: usize,
    items: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { depth: MAX_LINK_DEPTH, links: MAX_LINKS, items: MAX_LINKED_ITEMS }
    }
}

struct Resolver<'f> {
    files: &'f dyn AssemblyFiles,
    limits: Limits,
    /// The links followed so far.
    links: usize,
    /// The items placed so far.
    items: usize,
    /// The files read so far, by their identities.
    read: HashMap<String, Result<Rc<Scene>, String>>,
    /// The files from the scene's own to the one being read.
    chain: Vec<String>,
    warnings: Vec<SceneWarning>,
}

impl Resolver<'_> {
    /// The items that the links of `scene`, read from `path`, bring in.
    fn linked_items(&mut self, scene: &Scene, path: Option<&str>) -> Result<IndexMap<ItemId, LinkedItem>, LinkError> {
        let tree = scene.layers();
        let mut ids = UniqueIds::default();
        for item in scene.items() {
            ids.unique(item.id());
        }
        let mut linked = IndexMap::new();
        for layer in tree.walk() {
            let (LayerKind::Group, Some(link)) = (layer.node.kind, &layer.node.link) else {
                continue;
            };
            let group = layer.node.uuid.as_str();
            for (item, hidden) in self.follow(scene, path, group, link)? {
                let id = ids.unique(item.id());
                if id != *item.id() {
                    let message = format!("the id {} of a linked item is taken; it is called {id}", item.id());
                    self.warnings.push(SceneWarning::new(format!("link {group}"), message));
                }
                let item = Item { id: id.clone(), ..item };
                linked.insert(id, LinkedItem { item, group: group.to_owned(), hidden });
            }
        }
        Ok(linked)
    }

    /// The items of one link, placed, each with whether it is hidden in its own assembly.
    fn follow(
        &mut self,
        scene: &Scene,
        path: Option<&str>,
        group: &str,
        link: &LinkMetadata,
    ) -> Result<Vec<(Item, bool)>, LinkError> {
        self.links += 1;
        if self.links > self.limits.links {
            return Err(LinkError::Links { limit: self.limits.links });
        }
        let resolved = files::resolve(&link.source_path, path).map(|path| self.files.identify(&path));
        let name = resolved.as_ref().unwrap_or(&link.source_path).clone();
        if resolved.as_ref().is_ok_and(|path| self.chain.contains(path)) {
            self.chain.push(name);
            return Err(LinkError::Cycle { chain: std::mem::take(&mut self.chain) });
        }
        self.chain.push(name);
        if self.chain.len() - 1 > self.limits.depth {
            let chain = std::mem::take(&mut self.chain);
            return Err(LinkError::Depth { limit: self.limits.depth, chain });
        }
        let placed = match self.assembly(scene, &resolved, group, link)? {
            None => Vec::new(),
            Some(mut source) => {
                source.linked = self.linked_items(&source, resolved.as_deref().ok())?;
                self.count(source.linked.len())?;
                place_all(&source, group, link)
            }
        };
        self.chain.pop();
        Ok(placed)
    }

    fn count(&mut self, items: usize) -> Result<(), LinkError> {
        self.items += items;
        if self.items > self.limits.items {
            return Err(LinkError::Items { limit: self.limits.items });
        }
        Ok(())
    }

    /// The linked assembly, from its file or from the copy in `scene`.
    fn assembly(
        &mut self,
        scene: &Scene,
        resolved: &Result<String, FileError>,
        group: &str,
        link: &LinkMetadata,
    ) -> Result<Option<Scene>, LinkError> {
        let unreadable = match resolved {
            Err(error) => error.to_string(),
            Ok(path) => match self.read_once(path) {
                Ok(source) => {
                    // Counted before it is copied, so that the limit bounds the memory as well.
                    self.count(source.len())?;
                    return Ok(Some(Scene::clone(&source)));
                }
                Err(reason) => reason,
            },
        };
        let place = format!("link {group} to {}", link.source_path);
        let snapshot = scene
            .document
            .get("linked_assembly_cache")
            .and_then(|cache| cache.get(group))
            .and_then(|entry| entry.get("snapshot"));
        let Some(snapshot) = snapshot else {
            let message = format!("{unreadable}; there is no cached copy, so its items are missing");
            self.warnings.push(SceneWarning::new(place, message));
            return Ok(None);
        };
        let restored = match snapshot {
            Value::Object(document) => Scene::from_document(document.clone(), Vec::new()),
            other => Err(SceneError::form("snapshot", other, "an object")),
        };
        match restored {
            Ok(source) => {
                self.warnings.push(SceneWarning::new(place, format!("{unreadable}; the cached copy is shown instead")));
                self.report(&source, &format!("cached copy of {}", link.source_path));
                self.count(source.len())?;
                Ok(Some(source))
            }
            Err(error) => {
                let message =
                    format!("{unreadable}; the cached copy cannot be used ({error}), so its items are missing");
                self.warnings.push(SceneWarning::new(place, message));
                Ok(None)
            }
        }
    }

    /// The assembly in the file of this identity, which is read when it is met first.
    fn read_once(&mut self, path: &str) -> Result<Rc<Scene>, String> {
        if let Some(read) = self.read.get(path) {
            return read.clone();
        }
        let read = match self.files.read(path) {
            Err(error) => Err(format!("the file {path} cannot be read ({error})")),
            Ok(text) => match Scene::from_json(&text) {
                Err(error) => Err(format!("the file {path} is not an assembly ({error})")),
                Ok(source) => Ok(Rc::new(source)),
            },
        };
        if let Ok(source) = &read {
            self.report(source, path);
        }
        self.read.insert(path.to_owned(), read.clone());
        read
    }

    /// Passes on what was odd in a linked assembly.
    fn report(&mut self, source: &Scene, name: &str) {
        self.warnings.extend(source.warnings().iter().map(|warning| warning.clone().within(name)));
        let measures = source.section(Section::PathMeasures).len();
        if measures > 0 {
            let message = format!("its path measures ({measures}) are left out; they lie on rays of their own file");
            self.warnings.push(SceneWarning::new(name, message));
        }
    }
}

/// The items of `source` as the link places them.
fn place_all(source: &Scene, group: &str, link: &LinkMetadata) -> Vec<(Item, bool)> {
    let hidden: HashSet<ItemId> = source.hidden_items();
    let transform = placement::Transform::new(link);
    let items = source.items().chain(source.linked_items());
    items
        .filter(|item| item.section() != Section::PathMeasures)
        .map(|item| (transform.place(item, group, source), hidden.contains(item.id())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every file has the same text; every path is another file.
    struct Same(String);

    impl AssemblyFiles for Same {
        fn read(&self, _path: &str) -> Result<String, FileError> {
            Ok(self.0.clone())
        }
    }

    const NO_LIMITS: Limits = Limits { depth: 100, links: 100, items: 100 };

    /// A scene with so many links to files of so many items.
    fn resolve(links: usize, items: usize, limits: Limits) -> Result<usize, LinkError> {
        let nodes: Vec<String> = (0..links)
            .map(|index| {
                format!(r#"{{"uuid": "{index}", "type": "group", "link_metadata": {{"source_path": "/{index}"}}}}"#)
            })
            .collect();
        let text = format!(r#"{{"layer_state": {{"version": 1, "nodes": [{}]}}}}"#, nodes.join(","));
        let mut scene = Scene::from_json(&text).unwrap();
        let files = Same(format!(r#"{{"items": [{}]}}"#, vec!["{}"; items].join(",")));
        scene.resolve_links_within(&files, None, limits)?;
        Ok(scene.linked_items().count())
    }

    #[test]
    fn the_limits_are_those_that_are_documented() {
        let Limits { depth, links, items } = Limits::default();
        assert_eq!((depth, links, items), (MAX_LINK_DEPTH, MAX_LINKS, MAX_LINKED_ITEMS));
    }

    #[test]
    fn the_number_of_links_is_limited() {
        let limits = Limits { links: 3, ..NO_LIMITS };
        assert_eq!(resolve(3, 1, limits), Ok(3));
        assert_eq!(resolve(4, 1, limits), Err(LinkError::Links { limit: 3 }));
    }

    #[test]
    fn the_number_of_linked_items_is_limited() {
        let limits = Limits { items: 6, ..NO_LIMITS };
        assert_eq!(resolve(2, 3, limits), Ok(6));
        assert_eq!(resolve(1, 7, limits), Err(LinkError::Items { limit: 6 }));
        assert_eq!(resolve(2, 4, limits), Err(LinkError::Items { limit: 6 }));
    }

    #[test]
    fn nested_items_count_once_at_each_level() {
        struct Chain;
        impl AssemblyFiles for Chain {
            fn read(&self, path: &str) -> Result<String, FileError> {
                let nodes = match path {
                    "/1" => r#"[{"uuid": "g", "type": "group", "link_metadata": {"source_path": "/2"}}]"#,
                    _ => "[]",
                };
                Ok(format!(r#"{{"items": [{{}}], "layer_state": {{"version": 1, "nodes": {nodes}}}}}"#))
            }
        }
        let text = r#"{"layer_state": {"version": 1, "nodes": [
            {"uuid": "g", "type": "group", "link_metadata": {"source_path": "/1"}}]}}"#;
        let mut scene = Scene::from_json(text).unwrap();
        let limits = |items| Limits { items, ..NO_LIMITS };
        assert_eq!(scene.resolve_links_within(&Chain, None, limits(2)), Err(LinkError::Items { limit: 2 }));
        assert_eq!(scene.resolve_links_within(&Chain, None, limits(3)), Ok(Vec::new()));
        assert_eq!(scene.linked_items().count(), 2);
    }
}
