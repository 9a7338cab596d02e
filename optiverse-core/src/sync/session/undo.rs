//! Undo and redo of one user among many (S13).

use std::collections::{HashSet, VecDeque};

use crate::scene::{Edit, PropertyChange};
use crate::sync::operation::group_of;
use crate::sync::session::{Event, LocalEditError, SceneChange, Session, UndoStep};

/// Steps that can be undone, at most; the oldest are forgotten.
pub const MAX_UNDO_STEPS: usize = 1_000;

/// The user's steps, each as the edits that take it back, in the order in which to apply them.
#[derive(Debug, Default)]
pub(crate) struct History {
    undo: VecDeque<Vec<Edit>>,
    redo: Vec<Vec<Edit>>,
}

impl History {
    pub(crate) fn record(&mut self, inverse: Edit, step: UndoStep) {
        self.redo.clear();
        let mut inverses = Vec::new();
        flatten(inverse, &mut inverses);
        match self.undo.back_mut().filter(|_| step == UndoStep::Continue) {
            None => self.push(inverses),
            Some(earlier) => {
                // Of a drag only the way back to its start is kept.
                let known: HashSet<(String, String)> = earlier
                    .iter()
                    .flat_map(|edit| match edit {
                        Edit::Set { id, changes } => changes
                            .iter()
                            .map(|change| (id.to_string(), group_of(change.key()).to_owned()))
                            .collect::<Vec<_>>(),
                        _ => Vec::new(),
                    })
                    .collect();
                let mut new: Vec<Edit> = Vec::new();
                for edit in inverses {
                    match edit {
                        Edit::Set { id, mut changes } => {
                            let is_known = |change: &PropertyChange| {
                                known.contains(&(id.to_string(), group_of(change.key()).to_owned()))
                            };
                            changes.retain(|change| !is_known(change));
                            if !changes.is_empty() {
                                new.push(Edit::Set { id, changes });
                            }
                        }
                        other => new.push(other),
                    }
                }
                new.append(earlier);
                *earlier = new;
            }
        }
    }

    fn push(&mut self, step: Vec<Edit>) {
        self.undo.push_back(step);
        if self.undo.len() > MAX_UNDO_STEPS {
            self.undo.pop_front();
        }
    }
}

fn flatten(edit: Edit, out: &mut Vec<Edit>) {
    match edit {
        Edit::Batch(edits) => edits.into_iter().for_each(|edit| flatten(edit, out)),
        other => out.push(other),
    }
}

impl Session {
    /// Whether there is a step to undo.
    pub fn can_undo(&self) -> bool {
        !self.history.undo.is_empty()
    }

    /// Whether there is a step to redo.
    pub fn can_redo(&self) -> bool {
        !self.history.redo.is_empty()
    }

    /// Takes back the user's last step, as far as nobody has changed it since: a group goes back only while its present
    /// value is the user's own. Returns whether there was a step.
    ///
    /// # Errors
    /// As for [`Session::edit`]; the step is gone then, unless the user may not edit.
    pub fn undo(&mut self, now_ms: u64) -> Result<bool, LocalEditError> {
        self.check_role()?;
        let Some(step) = self.history.undo.pop_back() else { return Ok(false) };
        let inverse = self.take_back(step, now_ms)?;
        self.history.redo.push(inverse);
        Ok(true)
    }

    /// Makes the step again that was undone last, by the same rule. Returns whether there was one.
    ///
    /// # Errors
    /// As for [`Session::edit`]; the step is gone then, unless the user may not edit.
    pub fn redo(&mut self, now_ms: u64) -> Result<bool, LocalEditError> {
        self.check_role()?;
        let Some(step) = self.history.redo.pop() else { return Ok(false) };
        let inverse = self.take_back(step, now_ms)?;
        self.history.push(inverse);
        Ok(true)
    }

    /// Applies those of the edits that concern the user's own values, and returns what takes them back again.
    fn take_back(&mut self, step: Vec<Edit>, now_ms: u64) -> Result<Vec<Edit>, LocalEditError> {
        let mut inverses = VecDeque::new();
        for edit in step {
            let Some(edit) = self.own_part(edit) else { continue };
            let inverse = self.apply_local(&edit, now_ms)?;
            self.events.push_back(Event::Changed(summary(edit)));
            inverses.push_front(inverse);
        }
        Ok(inverses.into())
    }

    /// The part of an edit that changes nobody else's value.
    fn own_part(&self, edit: Edit) -> Option<Edit> {
        match edit {
            Edit::Set { id, mut changes } => {
                self.view.get(&id)?;
                changes.retain(|change| self.is_own(&id, group_of(change.key())));
                if changes.is_empty() { None } else { Some(Edit::Set { id, changes }) }
            }
            Edit::Remove { id } if self.view.contains(&id) && self.is_wholly_own(&id) => Some(Edit::Remove { id }),
            Edit::Add { item, .. } if !self.view.contains(item.id()) => Some(Edit::Add { item, position: None }),
            _ => None,
        }
    }
}

fn summary(edit: Edit) -> SceneChange {
    let (mut added, mut changed, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    match &edit {
        Edit::Add { item, .. } => added.push(item.id().clone()),
        Edit::Remove { id } => removed.push(id.clone()),
        Edit::Set { id, changes } => {
            changed.push((id.clone(), changes.iter().map(|change| change.key().to_owned()).collect()));
        }
        Edit::Move { .. } | Edit::SetDocument { .. } | Edit::Batch(_) => {}
    }
    SceneChange { added, changed, removed, edit }
}
