//! What survives the relay: sessions, their newest snapshot, and the operations after it.

mod memory;
mod sqlite;
mod storage;

use optiverse_core::sync::authority::{Record, Snapshot};

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
    /// Everything of a session goes. It is no error if there is none.
    Delete {
        /// The session.
        session: String,
    },
}

/// Why something could not be stored or read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// SQLite says no: the disk is full, the file is damaged or in use …
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
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
    /// [`StoreError::Exists`], [`StoreError::Unknown`], [`StoreError::Gap`], [`StoreError::Ahead`] for changes that do
    /// not fit what is there; others if the store fails.
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
