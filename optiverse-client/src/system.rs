//! What the operating system gives: time and randomness.

use std::time::{SystemTime, UNIX_EPOCH};

use optiverse_core::sync::{ReplicaId, SessionConfig};

/// The time in milliseconds since the Unix epoch, as sessions want it; 0 before it.
pub fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// What to start a session with: a new replica id and seed.
///
/// # Errors
/// If the operating system has no randomness to give.
pub fn random_config() -> Result<SessionConfig, getrandom::Error> {
    Ok(SessionConfig { replica: ReplicaId::new(getrandom::u64()?), jitter_seed: getrandom::u64()? })
}
