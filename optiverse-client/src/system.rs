//! What the operating system gives: time and randomness.

use std::time::{SystemTime, UNIX_EPOCH};

use optiverse_core::sync::ReplicaKey;

/// The time in milliseconds since the Unix epoch, as sessions want it; 0 before it.
pub fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// What to start a session with: a new key.
///
/// # Errors
/// If the operating system has no randomness to give.
pub fn random_key() -> Result<ReplicaKey, getrandom::Error> {
    let mut bytes = [0; ReplicaKey::BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(ReplicaKey::new(bytes))
}
