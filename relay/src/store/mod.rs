//! What survives the relay: sessions, their newest snapshot, and the operations after it.

mod memory;
mod sqlite;
mod storage;

use std::collections::BTreeSet;

use optiverse_core::sync::Role;
use optiverse_core::sync::authority::{Record, Snapshot};

pub use crate::token::TokenHash;
pub use memory::MemoryStore;
pub use sqlite::SqliteStore;
pub use storage::{Storage, Waiting};

/// What is known of a session beside its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its name.
    pub id: String,
    /// Distinguishes its numbering of operations from that of any other session of this name.
    pub epoch: u64,
    /// When it was created, in milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// When it was last used, in milliseconds since the Unix epoch.
    pub active_ms: u64,
    /// The hash of its password in the PHC string format, if it has one.
    pub password: Option<String>,
    /// What those may do who come without a token: [`Role::Editor`] or [`Role::Viewer`]. None: nobody comes without one.
    pub default_role: Option<Role>,
    /// The hash of its owner's token, if it has an owner.
    pub owner: Option<TokenHash>,
    /// The invitations to it, in the order in which they were made.
    pub invitations: Vec<Invitation>,
}

/// An invitation to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its name within the session, which is no secret.
    pub id: String,
    /// The hash of its token.
    pub token: TokenHash,
    /// What those may do who come by it.
    pub role: Role,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// When nobody can come by it any more, in milliseconds since the Unix epoch.
    pub expires_ms: Option<u64>,
    /// How many users may come by it. A user who comes again counts once.
    pub uses: Option<u32>,
    /// The names of those who came, if they are counted.
    pub users: BTreeSet<String>,
}

/// A session as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// What is known of it.
    pub info: SessionInfo,
    /// The newest snapshot.
    pub snapshot: Option<Snapshot>,
    /// The operations after it, in order.
    pub records: Vec<Record>,
}

/// One step of what is to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new session.
    Create(SessionInfo),
    /// Operations of a session, which follow those that are there without a gap.
    Append {
        /// The session.
        session: String,
        /// The operations.
        records: Vec<Record>,
        /// The present, in milliseconds since the Unix epoch.
        now_ms: u64,
    },
    /// A snapshot, which replaces the one before and the operations that it includes.
    Snapshot {
        /// The session.
        session: String,
        /// The snapshot.
        snapshot: Snapshot,
    },
    /// The session was used at this time.
    Touch {
        /// The session.
        session: String,
        /// In milliseconds since the Unix epoch.
        now_ms: u64,
    },
    /// A new invitation to a session. That counts as a use of the session at the time at which the invitation was made.
    Invite {
        /// The session.
        session: String,
        /// The invitation.
        invitation: Invitation,
    },
    /// A user came by an invitation, for the first time or again.
    UseInvitation {
        /// The session.
        session: String,
        /// The id of the invitation.
        invitation: String,
        /// The user's name.
        user: String,
    },
    /// An invitation goes. It is no error if there is none.
    Revoke {
        /// The session.
        session: String,
        /// The id of the invitation.
        invitation: String,
    },
    /// Everything of a session goes. It is no error if there is none.
    Delete {
        /// The session.
        session: String,
    },
}

impl Change {
    /// The session that it changes.
    #[must_use]
    pub fn session(&self) -> &str {
        match self {
            Change::Create(info) => &info.id,
            Change::Append { session, .. }
            | Change::Snapshot { session, .. }
            | Change::Touch { session, .. }
            | Change::Invite { session, .. }
            | Change::UseInvitation { session, .. }
            | Change::Revoke { session, .. }
            | Change::Delete { session } => session,
        }
    }
}

/// Why something could not be stored or read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// SQLite says no: the disk is full, the file is damaged …
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Another process has the database open.
    #[error("another process has the file open")]
    InUse,
    /// A store of another kind says no.
    #[error("{0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The file is a database of something else, or of a later version of the relay.
    #[error(
        "the database has application id {application} and version {version}, expected {expected_application} and {expected_version}"
    )]
    Format {
        /// What it says it is for.
        application: i64,
        /// Its version.
        version: i64,
        /// What this relay writes.
        expected_application: i64,
        /// What this relay writes.
        expected_version: i64,
    },
    /// A change to a session that is not there.
    #[error("session `{0}` is not stored")]
    Unknown(String),
    /// A second session of one name.
    #[error("session `{0}` is stored already")]
    Exists(String),
    /// A use of an invitation that is not there.
    #[error("session `{session}`: there is no invitation `{invitation}`")]
    UnknownInvitation {
        /// The session.
        session: String,
        /// The id of the invitation.
        invitation: String,
    },
    /// A second invitation of one id.
    #[error("session `{session}`: there is an invitation `{invitation}` already")]
    InvitationExists {
        /// The session.
        session: String,
        /// The id of the invitation.
        invitation: String,
    },
    /// Operations that do not follow those that are there.
    #[error("session `{session}`: operation {found} follows {before}, expected {}", before + 1)]
    Gap {
        /// The session.
        session: String,
        /// The newest operation that is stored.
        before: u64,
        /// The operation that was to follow.
        found: u64,
    },
    /// A snapshot of operations that are not stored.
    #[error("session `{session}`: snapshot {found} is ahead of the newest operation {newest}")]
    Ahead {
        /// The session.
        session: String,
        /// The newest operation that is stored.
        newest: u64,
        /// The number of the snapshot.
        found: u64,
    },
    /// The storage thread has ended, or could not be started.
    #[error("the storage is closed")]
    Closed,
}

/// A place where sessions are kept. It is used by one thread at a time and may block.
pub trait Store: Send + 'static {
    /// All sessions, in any order.
    ///
    /// # Errors
    /// If they cannot be read.
    fn sessions(&mut self) -> Result<Vec<SessionInfo>, StoreError>;

    /// Carries out all of the changes in this order, or none. When it returns, they survive a crash, as far as this store
    /// is meant to survive one.
    ///
    /// A snapshot that is older than the one that is there changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Unknown`], [`StoreError::InvitationExists`],
    /// [`StoreError::UnknownInvitation`], [`StoreError::Gap`], [`StoreError::Ahead`] for changes that do not fit what is
    /// there; others if the store fails.
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError>;

    /// A session, or none of that name.
    ///
    /// # Errors
    /// If it cannot be read.
    fn load(&mut self, session: &str) -> Result<Option<StoredSession>, StoreError>;
}

/// Where operations go on after the newest one, or why they do not.
fn follow(session: &str, newest: u64, records: &[Record]) -> Result<u64, StoreError> {
    records.iter().try_fold(newest, |before, record| {
        if Some(record.sequence) == before.checked_add(1) {
            Ok(record.sequence)
        } else {
            Err(StoreError::Gap { session: session.to_owned(), before, found: record.sequence })
        }
    })
}

fn check_snapshot(session: &str, newest: u64, snapshot: &Snapshot) -> Result<(), StoreError> {
    if snapshot.sequence > newest {
        return Err(StoreError::Ahead { session: session.to_owned(), newest, found: snapshot.sequence });
    }
    Ok(())
}
