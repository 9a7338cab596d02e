//! Sessions in memory: they survive being unused, not the end of the relay.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::store::{Change, SessionInfo, Store, StoreError, StoredSession, check_snapshot, follow};

/// Keeps sessions in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    sessions: HashMap<String, Kept>,
}

#[derive(Debug)]
struct Kept {
    stored: StoredSession,
    newest: u64,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&mut self, session: &str) -> Result<&mut Kept, StoreError> {
        self.sessions.get_mut(session).ok_or_else(|| StoreError::Unknown(session.to_owned()))
    }

    /// Finds what is wrong with the changes before the first of them is carried out.
    fn check(&self, changes: &[Change]) -> Result<(), StoreError> {
        // The newest operation of each session that the changes have touched; none: the session is gone.
        let mut after: HashMap<&str, Option<u64>> = HashMap::new();
        for change in changes {
            let session = match change {
                Change::Create(info) => info.id.as_str(),
                Change::Append { session, .. }
                | Change::Snapshot { session, .. }
                | Change::Touch { session, .. }
                | Change::Delete { session } => session.as_str(),
            };
            let newest = after.entry(session).or_insert_with(|| self.sessions.get(session).map(|kept| kept.newest));
            let unknown = || StoreError::Unknown(session.to_owned());
            match change {
                Change::Create(_) if newest.is_some() => return Err(StoreError::Exists(session.to_owned())),
                Change::Create(_) => *newest = Some(0),
                Change::Append { records, .. } => {
                    *newest = Some(follow(session, newest.ok_or_else(unknown)?, records)?);
                }
                Change::Snapshot { snapshot, .. } => check_snapshot(session, newest.ok_or_else(unknown)?, snapshot)?,
                Change::Touch { .. } => {
                    newest.ok_or_else(unknown)?;
                }
                Change::Delete { .. } => *newest = None,
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::Create(info) => match self.sessions.entry(info.id.clone()) {
                Entry::Occupied(_) => return Err(StoreError::Exists(info.id.clone())),
                Entry::Vacant(place) => {
                    let stored = StoredSession { info: info.clone(), snapshot: None, records: Vec::new() };
                    place.insert(Kept { stored, newest: 0 });
                }
            },
            Change::Append { session, records, now_ms } => {
                let kept = self.kept(session)?;
                kept.newest = follow(session, kept.newest, records)?;
                kept.stored.records.extend_from_slice(records);
                kept.stored.info.active_ms = kept.stored.info.active_ms.max(*now_ms);
            }
            Change::Snapshot { session, snapshot } => {
                let kept = self.kept(session)?;
                if kept.stored.snapshot.as_ref().is_none_or(|present| present.sequence < snapshot.sequence) {
                    kept.stored.records.retain(|record| record.sequence > snapshot.sequence);
                    kept.stored.snapshot = Some(snapshot.clone());
                }
            }
            Change::Touch { session, now_ms } => {
                let kept = self.kept(session)?;
                kept.stored.info.active_ms = kept.stored.info.active_ms.max(*now_ms);
            }
            Change::Delete { session } => {
                self.sessions.remove(session);
            }
        }
        Ok(())
    }
}

impl Store for MemoryStore {
    fn sessions(&mut self) -> Result<Vec<SessionInfo>, StoreError> {
        Ok(self.sessions.values().map(|kept| kept.stored.info.clone()).collect())
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        self.check(changes)?;
        changes.iter().try_for_each(|change| self.carry_out(change))
    }

    fn load(&mut self, session: &str) -> Result<Option<StoredSession>, StoreError> {
        Ok(self.sessions.get(session).map(|kept| kept.stored.clone()))
    }
}
