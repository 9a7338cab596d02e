//! A scene that is edited, and its system, of which an edit recompiles only what it touched.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Surface;
use super::assemble::{Part, assemble};
use super::compile::Compiled;
use crate::scene::{Edit, EditError, Item, ItemId, Scene};

/// A scene with its compiled system, which follows the scene's edits.
///
/// What an item contributes is read from its properties once, and again where an edit touches it. The system is the same as one compiled
/// afresh with [`Strictness::Lenient`](super::Strictness::Lenient), reports included.
#[derive(Clone, Debug)]
pub struct LiveSystem {
    scene: Scene,
    /// Of the scene's own items.
    parts: HashMap<ItemId, Part>,
    /// Of the items that links brought in, which edits do not reach.
    linked: Vec<(ItemId, Part)>,
    hidden: HashSet<ItemId>,
    compiled: Arc<Compiled>,
}

/// What an edit has done to the system.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Nothing.
    Nothing,
    /// Surfaces were put in the places of others: each as it was and as it is.
    Surfaces(Vec<[Surface; 2]>),
    /// It was put together anew from parts, of which only those of these items are not what they were.
    System { before: Arc<Compiled>, items: HashSet<ItemId> },
}

/// What an edit has touched.
#[derive(Clone, Debug, Default)]
struct Touched {
    /// Items that were added, removed or changed.
    items: HashSet<ItemId>,
    /// Those that were added: perhaps again, at another place among the others.
    added: HashSet<ItemId>,
    /// Something about the document, such as its layers.
    document: bool,
    /// Items were added or removed.
    listed: bool,
}

impl Touched {
    fn by(edit: &Edit) -> Touched {
        let mut touched = Touched::default();
        touched.note(edit);
        touched
    }

    fn note(&mut self, edit: &Edit) {
        match edit {
            Edit::Add { item, .. } => {
                self.listed = true;
                self.items.insert(item.id().clone());
                self.added.insert(item.id().clone());
            }
            Edit::Remove { id } => {
                self.listed = true;
                self.items.insert(id.clone());
            }
            Edit::Set { id, .. } | Edit::Move { id, .. } => {
                self.items.insert(id.clone());
            }
            Edit::SetDocument { .. } => self.document = true,
            Edit::Batch(edits) => edits.iter().for_each(|edit| self.note(edit)),
        }
    }
}

impl LiveSystem {
    /// Compiles a scene; items that cannot be traced are left out and reported.
    #[must_use]
    pub fn new(scene: Scene) -> Self {
        let part = |item: &Item| (item.id().clone(), Part::of(item));
        let parts = scene.items().map(part).collect();
        let linked: Vec<(ItemId, Part)> = scene.linked_items().map(part).collect();
        let hidden = scene.hidden_items();
        let compiled = Arc::new(compiled(&scene, &parts, &linked, &hidden));
        LiveSystem { scene, parts, linked, hidden, compiled }
    }

    /// The scene.
    #[must_use]
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Its system, and what was said on the way.
    #[must_use]
    pub fn compiled(&self) -> &Arc<Compiled> {
        &self.compiled
    }

    /// Applies an edit to the scene, recompiles what it touched, and returns the edit that takes it back.
    ///
    /// # Errors
    /// Where the scene refuses the edit; nothing has changed then.
    pub fn apply(&mut self, edit: &Edit) -> Result<Edit, EditError> {
        self.apply_and_tell(edit).map(|(inverse, _)| inverse)
    }

    /// Does as [`apply`](Self::apply) and tells what that did.
    pub(crate) fn apply_and_tell(&mut self, edit: &Edit) -> Result<(Edit, Change), EditError> {
        let inverse = self.scene.apply(edit)?;
        let touched = Touched::by(edit);
        let mut exchanged = Vec::new();
        let mut is_stale = false;
        for id in &touched.items {
            let part = self.scene.own(id).map(Part::of);
            let before = match &part {
                Some(part) => self.parts.insert(id.clone(), part.clone()),
                None => self.parts.remove(id),
            };
            match (before, part) {
                (Some(before), Some(part)) if !touched.added.contains(id) => match self.exchange(id, &before, &part) {
                    Some(numbers) => exchanged.extend(numbers),
                    None => is_stale = true,
                },
                (before, part) => is_stale |= before.iter().chain(&part).any(|part| !part.is_nothing()),
            }
        }
        // A property of an item, its id aside, does not change its layer.
        if touched.document || touched.listed {
            let hidden = self.scene.hidden_items();
            is_stale |= hidden != self.hidden;
            self.hidden = hidden;
        }
        let change = if is_stale {
            let compiled = compiled(&self.scene, &self.parts, &self.linked, &self.hidden);
            let before = std::mem::replace(&mut self.compiled, Arc::new(compiled));
            Change::System { before, items: touched.items }
        } else if exchanged.is_empty() {
            Change::Nothing
        } else {
            Change::Surfaces(Arc::make_mut(&mut self.compiled).system.exchange_surfaces(exchanged))
        };
        Ok((inverse, change))
    }

    /// The surfaces of a part with the numbers of those of the part before, whose places they can take with all else the same; none where
    /// there is more to it.
    fn exchange(&self, id: &ItemId, before: &Part, part: &Part) -> Option<Vec<(usize, Surface)>> {
        if before.is_nothing() && part.is_nothing() {
            return Some(Vec::new());
        }
        let system = &self.compiled.system;
        let (before, surfaces) = (before.clean_surfaces()?, part.clean_surfaces()?);
        let mut items = system.items().iter();
        let item = items.position(|item| item == id)?;
        let first = system.surfaces().partition_point(|surface| surface.item() < item);
        let there = system.surfaces()[first..].iter().take_while(|surface| surface.item() == item).count();
        // An id that stands for two items, or an item that was left out for its materials.
        if items.any(|item| item == id) || there != before.len() || there != surfaces.len() {
            return None;
        }
        if !surfaces.iter().all(|surface| surface.serves(system.sources())) {
            return None;
        }
        let place = |(number, surface): (usize, &Surface)| {
            let Surface { item, hidden, .. } = system.surfaces()[number];
            (number, Surface { item, hidden, ..surface.clone() })
        };
        Some((first..).zip(surfaces).map(place).collect())
    }
}

fn compiled(
    scene: &Scene,
    parts: &HashMap<ItemId, Part>,
    linked: &[(ItemId, Part)],
    hidden: &HashSet<ItemId>,
) -> Compiled {
    let own = scene.items().filter_map(|item| Some((item.id(), parts.get(item.id())?)));
    assemble(scene, hidden, own.chain(linked.iter().map(|(id, part)| (id, part))))
}
