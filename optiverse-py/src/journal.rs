//! The edits of a scene that somebody who follows it has not seen yet.

use std::sync::{Mutex, MutexGuard, PoisonError};

use optiverse_core::scene::Edit;

/// Most edits that are kept; who has missed more looks at the whole scene.
const CAPACITY: usize = 10_000;

/// Edits in the order in which they were made.
#[derive(Default)]
pub(crate) struct Journal(Mutex<Noted>);

#[derive(Default)]
struct Noted {
    edits: Vec<Edit>,
    overflowed: bool,
}

impl Journal {
    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was noted: the scene is known as it is now.
    pub(crate) fn begin(&self) {
        *self.noted() = Noted::default();
    }

    /// Notes an edit that was made.
    pub(crate) fn note(&self, edit: &Edit) {
        let mut noted = self.noted();
        if noted.edits.len() == CAPACITY {
            *noted = Noted { edits: Vec::new(), overflowed: true };
        }
        if !noted.overflowed {
            noted.edits.push(edit.clone());
        }
    }

    /// Takes what was noted, as one edit; none where there was too much.
    pub(crate) fn take(&self) -> Option<Edit> {
        let mut noted = self.noted();
        let edits = std::mem::take(&mut noted.edits);
        (!noted.overflowed).then(|| Edit::Batch(edits))
    }

    /// Puts back what was taken and has come to nothing, before what was noted since.
    pub(crate) fn put_back(&self, taken: Edit) {
        let mut noted = self.noted();
        let Edit::Batch(mut edits) = taken else { return };
        edits.append(&mut noted.edits);
        if edits.len() > CAPACITY {
            *noted = Noted { edits: Vec::new(), overflowed: true };
        } else {
            noted.edits = edits;
        }
    }
}
