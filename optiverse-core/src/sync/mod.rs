//! draft
pub mod authority;
mod clock;
mod compose;
pub mod limits;
mod operation;
mod replica;
pub mod session;
mod snapshot;
mod version;
mod wire;

pub use clock::{Clock, REPORTED_SKEW_MS, Timestamp};
pub use operation::Operation;
pub use replica::{Applied, DocumentFull, RemovedItems, Replica};
pub use session::{Session, SessionConfig};
pub use snapshot::Completeness;
pub use version::{MAX_AHEAD, OperationId, ReplicaId, VersionVector};
pub use wire::{FrameError, PROTOCOL, RefusalReason};
