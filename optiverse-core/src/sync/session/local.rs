//! The user's own edits.

use crate::scene::{Edit, EditError, Item, Scene, Value};
use crate::sync::operation::{Operation, POSITION, group_of};
use crate::sync::role::Role;
use crate::sync::session::Session;
use crate::sync::version::OperationId;
use crate::sync::wire::FrameError;

/// Edits that wait for the relay's decision, at most; a longer time offline ends in a refusal to edit.
pub const MAX_PENDING: usize = 200_000;

/// Where an edit belongs in the user's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndoStep {
    /// It begins a step of its own.
    New,
    /// It continues the step before, as the moves of one drag do.
    Continue,
}

/// Why a local edit was refused. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocalEditError {
    /// The scene refuses it.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// What it makes is larger than can be shared.
    #[error("the edit cannot be shared: {0}")]
    Limit(#[from] FrameError),
    /// The document's own properties, such as the layer tree, belong to each user.
    #[error("top-level properties of the document are not shared; set them in a scene of your own")]
    Document,
    /// The user may look at the session but not edit it, as the relay last said.
    #[error("this user may look at the session but not edit it")]
    Role,
    /// The relay has not answered for too long.
    #[error("{MAX_PENDING} edits wait for the relay; connect before editing on")]
    TooManyPending,
}

impl Session {
    /// Makes an edit: the scene shows it at once, and the relay is told.
    ///
    /// # Errors
    /// If the user may not edit, the scene refuses the edit or it cannot be shared; nothing has changed then.
    pub fn edit(&mut self, edit: &Edit, step: UndoStep, now_ms: u64) -> Result<(), LocalEditError> {
        let inverse = self.apply_local(edit, now_ms)?;
        self.history.record(inverse, step);
        Ok(())
    }

    /// Adds all items of a scene to the session, as one step.
    ///
    /// # Errors
    /// As for [`Session::edit`], so also if an item of one of these ids is in the session already.
    pub fn share(&mut self, scene: &Scene, now_ms: u64) -> Result<(), LocalEditError> {
        self.edit(&add_all(scene), UndoStep::New, now_ms)
    }

    /// Applies an edit, queues its operations and returns its inverse.
    pub(crate) fn apply_local(&mut self, edit: &Edit, now_ms: u64) -> Result<Edit, LocalEditError> {
        self.note_time(now_ms);
        self.check_role()?;
        check_shared(edit)?;
        let inverse = self.view.apply(&with_written_ids(edit))?;
        let mut made = Vec::new();
        let composed = self.compose(&inverse, now_ms, &mut made);
        let fits = self.pending.len() + made.len() <= MAX_PENDING;
        if let Err(error) =
            composed.map_err(LocalEditError::from).and(if fits { Ok(()) } else { Err(LocalEditError::TooManyPending) })
        {
            let undone = self.view.apply(&inverse);
            debug_assert!(undone.is_ok(), "{undone:?}");
            return Err(error);
        }
        self.number += made.len() as u64;
        for operation in made {
            self.push_pending(operation);
        }
        self.flush(now_ms);
        self.update_status();
        Ok(inverse)
    }

    /// Editing needs the right to.
    pub(crate) fn check_role(&self) -> Result<(), LocalEditError> {
        if self.role.is_none_or(Role::may_edit) { Ok(()) } else { Err(LocalEditError::Role) }
    }

    /// The operations of an edit, from its inverse and the scene after it.
    fn compose(&mut self, inverse: &Edit, now_ms: u64, made: &mut Vec<Operation<'static>>) -> Result<(), FrameError> {
        let id = OperationId { replica: self.replica, number: self.number + 1 + made.len() as u64 };
        match inverse {
            Edit::Remove { id: item } => {
                if let Some(item) = self.view.get(item) {
                    made.push(Operation::add(id, self.clock.stamp(now_ms), item)?);
                }
            }
            Edit::Add { item, .. } => made.push(Operation::remove(id, self.clock.stamp(now_ms), item.id())?),
            Edit::Set { id: item, changes } => {
                let Some(item) = self.view.get(item).filter(|_| !changes.is_empty()) else { return Ok(()) };
                let mut keys: Vec<&str> = Vec::new();
                for change in changes {
                    let key = change.key();
                    let both: &[&str] = if group_of(key) == POSITION { &["x_mm", "y_mm"] } else { &[key] };
                    keys.extend(both.iter().filter(|key| !keys.contains(*key)).copied().collect::<Vec<_>>());
                }
                let values = keys.iter().map(|key| (*key, item.get(key)));
                made.push(Operation::set(id, self.clock.stamp(now_ms), item.id(), values)?);
            }
            Edit::Batch(inverses) => {
                for inverse in inverses.iter().rev() {
                    self.compose(inverse, now_ms, made)?;
                }
            }
            // The inverse of a move is a change of properties, and the document's own are not shared.
            Edit::Move { .. } | Edit::SetDocument { .. } => {}
        }
        Ok(())
    }
}

fn check_shared(edit: &Edit) -> Result<(), LocalEditError> {
    match edit {
        Edit::SetDocument { .. } => Err(LocalEditError::Document),
        Edit::Batch(edits) => edits.iter().try_for_each(check_shared),
        _ => Ok(()),
    }
}

/// The edit that adds all items of a scene.
pub fn add_all(scene: &Scene) -> Edit {
    let add = |item: &Item| Edit::Add { item: item.clone(), position: None };
    Edit::Batch(scene.items().map(add).collect())
}

/// The edit as a session makes it: the ids of added items are written into their properties, for others know them by
/// nothing else.
pub fn with_written_ids(edit: &Edit) -> Edit {
    match edit {
        Edit::Add { item, position } if item.written_id() != Some(item.id()) => {
            let mut item = item.clone();
            let id = Value::from(item.id().as_str());
            item.properties.insert("item_uuid".to_owned(), id);
            Edit::Add { item, position: *position }
        }
        Edit::Batch(edits) => Edit::Batch(edits.iter().map(with_written_ids).collect()),
        other => other.clone(),
    }
}
