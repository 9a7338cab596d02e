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
        let mut after: HashMap<&str, Preview<'_>> = HashMap::new();
        for change in changes {
            let session = change.session();
            let kept = self.sessions.get(session);
            after.entry(session).or_insert_with(|| Preview::new(kept)).check(session, change)?;
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
            Change::Invite { session, invitation } => {
                let info = &mut self.kept(session)?.stored.info;
                info.active_ms = info.active_ms.max(invitation.created_ms);
                info.invitations.push(invitation.clone());
            }
            Change::UseInvitation { session, invitation, user } => {
                let invitations = &mut self.kept(session)?.stored.info.invitations;
                if let Some(used) = invitations.iter_mut().find(|other| other.id == *invitation) {
                    used.users.insert(user.clone());
                }
            }
            Change::Revoke { session, invitation } => {
                if let Some(kept) = self.sessions.get_mut(session) {
                    kept.stored.info.invitations.retain(|other| other.id != *invitation);
                }
            }
            Change::Delete { session } => {
                self.sessions.remove(session);
            }
        }
        Ok(())
    }
}

/// What a session will be after some changes, as far as it decides whether others fit.
struct Preview<'a> {
    /// What is kept of it now, unless the changes delete it.
    kept: Option<&'a Kept>,
    /// Its newest operation; none: there is no such session.
    newest: Option<u64>,
    /// The invitations that the changes make or revoke, and whether they are there afterwards.
    invitations: HashMap<&'a str, bool>,
}

impl<'a> Preview<'a> {
    fn new(kept: Option<&'a Kept>) -> Preview<'a> {
        Preview { kept, newest: kept.map(|kept| kept.newest), invitations: HashMap::new() }
    }

    fn is_invitation(&self, id: &str) -> bool {
        let is_kept = || self.kept.is_some_and(|kept| kept.stored.info.invitations.iter().any(|other| other.id == id));
        self.invitations.get(id).copied().unwrap_or_else(is_kept)
    }

    fn check(&mut self, session: &str, change: &'a Change) -> Result<(), StoreError> {
        let newest = || self.newest.ok_or_else(|| StoreError::Unknown(session.to_owned()));
        match change {
            Change::Create(_) if self.newest.is_some() => return Err(StoreError::Exists(session.to_owned())),
            Change::Create(info) => {
                let invitations = info.invitations.iter().map(|invitation| (invitation.id.as_str(), true)).collect();
                *self = Preview { kept: None, newest: Some(0), invitations };
            }
            Change::Append { records, .. } => self.newest = Some(follow(session, newest()?, records)?),
            Change::Snapshot { snapshot, .. } => check_snapshot(session, newest()?, snapshot)?,
            Change::Touch { .. } => {
                newest()?;
            }
            Change::Invite { invitation, .. } => {
                newest()?;
                let (session, id) = (session.to_owned(), &invitation.id);
                if self.is_invitation(id) {
                    return Err(StoreError::InvitationExists { session, invitation: id.clone() });
                }
                self.invitations.insert(id, true);
            }
            Change::UseInvitation { invitation, .. } => {
                newest()?;
                if !self.is_invitation(invitation) {
                    let (session, invitation) = (session.to_owned(), invitation.clone());
                    return Err(StoreError::UnknownInvitation { session, invitation });
                }
            }
            Change::Revoke { invitation, .. } => {
                self.invitations.insert(invitation, false);
            }
            Change::Delete { .. } => *self = Preview::new(None),
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
