//! The time that sessions are given.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The wall clock at the start and the time that has passed since: it never jumps while the relay runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    start_ms: u64,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        // A clock before 1970 is not set: 0 is as good as any.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock { start: Instant::now(), start_ms: millis(since) }
    }

    /// Milliseconds since the Unix epoch.
    pub(crate) fn now_ms(&self) -> u64 {
        self.start_ms.saturating_add(millis(self.start.elapsed()))
    }

    /// The instant of a time in milliseconds since the Unix epoch.
    pub(crate) fn instant(&self, ms: u64) -> Instant {
        let after = Duration::from_millis(ms.saturating_sub(self.start_ms));
        self.start.checked_add(after).unwrap_or_else(Instant::now)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
