//! Who comes into a session by a token, and how its owner invites.

use std::collections::BTreeSet;
use std::sync::Arc;

use optiverse_core::sync::Role;

use crate::close::Close;
use crate::outbox::Outbox;
use crate::registry::{Entry, Failure, Sessions};
use crate::store::{Change, Invitation, TokenHash};
use crate::token::random_text;

/// The most users that an invitation can be limited to.
pub(crate) const MAX_USES: u32 = 256;

/// What an owner offers.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) role: Role,
    pub(crate) expires_s: Option<u64>,
    pub(crate) uses: Option<u32>,
}

/// Why invitations cannot be seen or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManageError {
    #[error("there is no session of this name")]
    NoSession,
    #[error("there is no such invitation")]
    NoInvitation,
    #[error("the owner's token is missing, expected `Authorization: Bearer TOKEN`")]
    NoToken,
    #[error("the token is not, or no longer, valid here")]
    WrongToken,
    #[error("invitations are the owner's")]
    NotOwner,
    #[error("the session has {0} invitations, which is the most it may have: revoke one")]
    Full(usize),
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// A connection that came by an invitation, and is closed when that is revoked.
#[derive(Debug)]
pub(crate) struct Guest {
    invitation: String,
    outbox: Outbox,
}

/// What a token lets its bearer do. While it lives, the connection is closed if the invitation is revoked.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) role: Role,
    guest: Option<(Arc<Sessions>, String, Outbox)>,
}

impl Pass {
    /// Of those who come without a token.
    pub(crate) fn without_token(role: Role) -> Pass {
        Pass { role, guest: None }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let Some((sessions, session, outbox)) = self.guest.take() else { return };
        if let Some(entry) = sessions.entries().get_mut(&session) {
            entry.guests.retain(|guest| !guest.outbox.is_same(&outbox));
        }
    }
}

/// Whose a token is.
enum Bearer<'a> {
    Owner,
    Guest(&'a mut Invitation),
}

impl Entry {
    fn bearer(&mut self, token: TokenHash, now_ms: u64) -> Option<Bearer<'_>> {
        if self.info.owner == Some(token) {
            return Some(Bearer::Owner);
        }
        let mut valid = self.info.invitations.iter_mut().filter(|invitation| is_valid(invitation, now_ms));
        valid.find(|invitation| invitation.token == token).map(Bearer::Guest)
    }
}

fn is_valid(invitation: &Invitation, now_ms: u64) -> bool {
    invitation.expires_ms.is_none_or(|at| now_ms < at)
}

impl Sessions {
    /// Lets the bearer of a token into a session. A use of an invitation is stored when it returns.
    pub(crate) async fn pass(
        self: &Arc<Self>,
        session: &str,
        user: &str,
        token: &str,
        outbox: &Outbox,
    ) -> Result<Pass, Close> {
        let now_ms = self.clock().now_ms();
        let (pass, used) = {
            let mut entries = self.entries();
            let entry = entries.get_mut(session).ok_or(Close::WRONG_TOKEN)?;
            let invitation = match entry.bearer(TokenHash::of(token), now_ms).ok_or(Close::WRONG_TOKEN)? {
                Bearer::Owner => return Ok(Pass { role: Role::Owner, guest: None }),
                Bearer::Guest(invitation) => invitation,
            };
            let is_counted = match invitation.uses {
                Some(uses) if !invitation.users.contains(user) => {
                    if invitation.users.len() >= uses as usize {
                        return Err(Close::USED_UP);
                    }
                    invitation.users.insert(user.to_owned())
                }
                _ => false,
            };
            let (role, id) = (invitation.role, invitation.id.clone());
            entry.guests.push(Guest { invitation: id.clone(), outbox: outbox.clone() });
            let guest = Some((Arc::clone(self), session.to_owned(), outbox.clone()));
            (Pass { role, guest }, is_counted.then_some(id))
        };
        if let Some(invitation) = used {
            let change = Change::UseInvitation {
                session: session.to_owned(),
                invitation: invitation.clone(),
                user: user.to_owned(),
            };
            if let Err(failure) = self.store(change).await {
                tracing::error!(session, %failure, "the use of an invitation could not be stored");
                self.forget_use(session, &invitation, user);
                return Err(Close::STORE);
            }
        }
        Ok(pass)
    }

    pub(crate) fn check_owner(&self, session: &str, token: Option<&str>) -> Result<(), ManageError> {
        let now_ms = self.clock().now_ms();
        let mut entries = self.entries();
        let entry = entries.get_mut(session).ok_or(ManageError::NoSession)?;
        let token = token.ok_or(ManageError::NoToken)?;
        match entry.bearer(TokenHash::of(token), now_ms).ok_or(ManageError::WrongToken)? {
            Bearer::Owner => Ok(()),
            Bearer::Guest(_) => Err(ManageError::NotOwner),
        }
    }

    /// Makes an invitation, and returns it with its token. When it returns, the invitation is stored.
    pub(crate) async fn invite(&self, session: &str, offer: Offer) -> Result<(Invitation, String), ManageError> {
        let random = |error| ManageError::Failed(Failure::Random(error));
        let token = random_text::<32>().map_err(random)?;
        let created_ms = self.clock().now_ms();
        let invitation = Invitation {
            id: random_text::<12>().map_err(random)?,
            token: TokenHash::of(&token),
            role: offer.role,
            created_ms,
            expires_ms: offer.expires_s.map(|s| created_ms.saturating_add(s.saturating_mul(1_000))),
            uses: offer.uses,
            users: BTreeSet::new(),
        };
        {
            let mut entries = self.entries();
            let entry = entries.get_mut(session).ok_or(ManageError::NoSession)?;
            self.forget_expired(entry, created_ms);
            let most = self.limits().invitations_per_session;
            if entry.info.invitations.len() >= most {
                return Err(ManageError::Full(most));
            }
            entry.info.active_ms = entry.info.active_ms.max(created_ms);
            // Before it is stored, so that the limit holds. Nobody knows its token yet.
            entry.info.invitations.push(invitation.clone());
        }
        let stored = self.store(Change::Invite { session: session.to_owned(), invitation: invitation.clone() }).await;
        if let Err(failure) = stored {
            self.forget_invitation(session, &invitation.id);
            return Err(failure.into());
        }
        Ok((invitation, token))
    }

    /// The invitations by which one can come, or could until they were used up, in the order in which they were made.
    pub(crate) fn invitations(&self, session: &str) -> Vec<Invitation> {
        let now_ms = self.clock().now_ms();
        let entries = self.entries();
        let invitations = entries.get(session).map(|entry| entry.info.invitations.as_slice()).unwrap_or_default();
        invitations.iter().filter(|invitation| is_valid(invitation, now_ms)).cloned().collect()
    }

    /// Takes an invitation back, and closes the connections that came by it. When it returns, that is stored.
    pub(crate) async fn revoke(&self, session: &str, invitation: &str) -> Result<(), ManageError> {
        if !self.invitations(session).iter().any(|other| other.id == invitation) {
            return Err(ManageError::NoInvitation);
        }
        let change = Change::Revoke { session: session.to_owned(), invitation: invitation.to_owned() };
        self.store(change).await?;
        self.forget_invitation(session, invitation);
        Ok(())
    }

    fn forget_invitation(&self, session: &str, invitation: &str) {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(session) else { return };
        entry.info.invitations.retain(|other| other.id != invitation);
        for guest in entry.guests.iter().filter(|guest| guest.invitation == invitation) {
            guest.outbox.cut_off(Close::REVOKED);
        }
    }

    fn forget_use(&self, session: &str, invitation: &str, user: &str) {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(session) else { return };
        if let Some(invitation) = entry.info.invitations.iter_mut().find(|other| other.id == invitation) {
            invitation.users.remove(user);
        }
    }

    /// Nobody comes by an expired invitation; whoever has come stays.
    pub(crate) fn forget_expired(&self, entry: &mut Entry, now_ms: u64) {
        let session = &entry.info.id;
        entry.info.invitations.retain(|invitation| {
            let is_valid = is_valid(invitation, now_ms);
            if !is_valid {
                // If it is lost, the next start finds the invitation, and it has expired still.
                drop(
                    self.storage()
                        .commit(Change::Revoke { session: session.clone(), invitation: invitation.id.clone() }),
                );
            }
            is_valid
        });
    }
}
