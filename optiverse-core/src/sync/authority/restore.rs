//! Bringing a session back from what was stored of it.

use crate::sync::authority::legacy::Removal;
use crate::sync::authority::{Authority, AuthorityConfig, Record, Snapshot};
use crate::sync::clock::Clock;
use crate::sync::operation::{Body, Operation};
use crate::sync::replica::{RemovedItems, Replica};
use crate::sync::wire::FrameError;

/// Why a session cannot be brought back from what was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The snapshot cannot be read.
    #[error("the snapshot at {sequence} cannot be read: {error}")]
    Snapshot {
        /// Its sequence number.
        sequence: u64,
        /// What is wrong with it.
        error: FrameError,
    },
    /// A record cannot be read.
    #[error("record {sequence} cannot be read: {error}")]
    Record {
        /// Its sequence number.
        sequence: u64,
        /// What is wrong with it.
        error: FrameError,
    },
    /// A record is missing or out of order.
    #[error("record {found} follows {before}, expected {}", before + 1)]
    Gap {
        /// The record before, or the snapshot.
        before: u64,
        /// The record that was found.
        found: u64,
    },
    /// An operation was stored twice.
    #[error("record {sequence} repeats an operation that was stored before")]
    Repeat {
        /// The sequence number of the repeat.
        sequence: u64,
    },
    /// The document is larger than this version takes.
    #[error("record {sequence} makes the document too large")]
    DocumentFull {
        /// The sequence number.
        sequence: u64,
    },
}

impl Authority {
    /// A session from its newest snapshot, if there is one, and the records after it, in order. Records that the snapshot
    /// includes are passed over.
    ///
    /// # Errors
    /// If something cannot be read or is missing: a session is brought back whole or not at all.
    pub fn restore(
        config: AuthorityConfig,
        snapshot: Option<&Snapshot>,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<Authority, RestoreError> {
        let mut authority = Authority::new(config);
        if let Some(Snapshot { sequence, text }) = snapshot {
            let sequence = *sequence;
            authority.replica = Replica::from_snapshot(text, RemovedItems::Forget)
                .map_err(|error| RestoreError::Snapshot { sequence, error })?;
            authority.sequence = sequence;
        }
        for Record { sequence, text } in records {
            if sequence <= authority.sequence {
                continue;
            }
            if sequence != authority.sequence + 1 {
                return Err(RestoreError::Gap { before: authority.sequence, found: sequence });
            }
            let operation = Operation::from_json(&text).map_err(|error| RestoreError::Record { sequence, error })?;
            if authority.replica.vector().contains(operation.id) {
                return Err(RestoreError::Repeat { sequence });
            }
            let operation = operation.into_owned();
            authority.append(&operation, text).map_err(|_| RestoreError::DocumentFull { sequence })?;
            if matches!(operation.body, Body::Remove) {
                authority.removed.insert(&operation.item, Removal { sequence, at_ms: 0, by: None });
            }
        }
        authority.stored = authority.sequence;
        let mut clock = Clock::new();
        // Only the order matters here: a restored session goes on after its newest stamp.
        let _ = clock.observe(authority.replica.newest(), u64::MAX);
        authority.clock = clock;
        Ok(authority)
    }
}
