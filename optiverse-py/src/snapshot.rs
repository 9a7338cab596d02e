//! A scene at one moment, with what is worked out from it once.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use optiverse_core::optics::{CompileError, Compiled, OpticalSystem, Strictness};
use optiverse_core::scene::{Edit, EditError, ItemId, Scene};

/// A scene and what follows from it. Traces and iterators keep the one they began with; an edit makes a new one then.
pub(crate) struct Snapshot {
    scene: Scene,
    compiled: OnceLock<Result<Arc<Compiled>, CompileError>>,
    hidden: OnceLock<HashSet<ItemId>>,
    linked: OnceLock<HashSet<ItemId>>,
}

impl Clone for Snapshot {
    /// For an edit: what was worked out will not hold any more.
    fn clone(&self) -> Self {
        Snapshot::new(self.scene.clone())
    }
}

impl Snapshot {
    pub(crate) fn new(scene: Scene) -> Self {
        Snapshot { scene, compiled: OnceLock::new(), hidden: OnceLock::new(), linked: OnceLock::new() }
    }

    pub(crate) fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Applies an edit and returns its inverse.
    pub(crate) fn apply(&mut self, edit: &Edit) -> Result<Edit, EditError> {
        let inverse = self.scene.apply(edit)?;
        self.compiled = OnceLock::new();
        self.hidden = OnceLock::new();
        self.linked = OnceLock::new();
        Ok(inverse)
    }

    /// The system without the items that cannot be traced. May take long: not to be called with the GIL.
    pub(crate) fn compiled(&self) -> Result<&Arc<Compiled>, &CompileError> {
        let compile = || OpticalSystem::compile(&self.scene, Strictness::Lenient).map(Arc::new);
        self.compiled.get_or_init(compile).as_ref()
    }

    pub(crate) fn hidden(&self) -> &HashSet<ItemId> {
        self.hidden.get_or_init(|| self.scene.hidden_items())
    }

    pub(crate) fn is_linked(&self, id: &str) -> bool {
        let collect = || self.scene.linked_items().map(|item| item.id().clone()).collect();
        self.linked.get_or_init(collect).contains(id)
    }
}
