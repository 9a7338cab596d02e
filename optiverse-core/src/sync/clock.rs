//! Hybrid logical clocks: time stamps that follow the wall clock and never run backwards.
//!
//! Source: Kulkarni, Demirbas, Madappa, Avva, Leone, "Logical Physical Clocks", OPODIS 2014, section 3.

use std::fmt;

/// How far another's clock may be ahead before it is reported, in milliseconds.
pub const REPORTED_SKEW_MS: u64 = 60_000;

const COUNTER_BITS: u32 = 16;

/// A reading of a hybrid logical clock: milliseconds since the Unix epoch, and a counter within the millisecond.
///
/// Ordered by milliseconds, then by counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last time that is accepted, in milliseconds (in the year 6429).
    ///
    /// Half of the range stays free, so that whatever stamp is received, a later edit can be stamped later.
    pub const MAX_MILLISECONDS: u64 = (1 << 47) - 1;

    /// A stamp, or `None` past [`Timestamp::MAX_MILLISECONDS`].
    pub const fn new(milliseconds: u64, counter: u16) -> Option<Timestamp> {
        if milliseconds > Timestamp::MAX_MILLISECONDS {
            return None;
        }
        Some(Timestamp(milliseconds << COUNTER_BITS | counter as u64))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn milliseconds(self) -> u64 {
        self.0 >> COUNTER_BITS
    }

    /// The counter within the millisecond.
    pub const fn counter(self) -> u16 {
        (self.0 & ((1 << COUNTER_BITS) - 1)) as u16
    }

    /// The next stamp. A full counter carries over into the milliseconds.
    const fn next(self) -> Timestamp {
        Timestamp(self.0.saturating_add(1))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.milliseconds(), self.counter())
    }
}

/// The clock of one replica. It is told the time; it has none of its own.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    newest: Timestamp,
}

impl Clock {
    /// A clock that has seen nothing.
    pub fn new() -> Clock {
        Clock::default()
    }

    /// A stamp for an edit made at `now_ms`, later than every stamp made or observed before: the larger of `now_ms`
    /// and one step after the newest, and so no further ahead than what was observed.
    pub fn stamp(&mut self, now_ms: u64) -> Timestamp {
        let now = Timestamp::new(now_ms.min(Timestamp::MAX_MILLISECONDS), 0).unwrap_or_default();
        self.newest = now.max(self.newest.next());
        self.newest
    }

    /// A stamp one step after the newest made or observed, whatever the time is: for what somebody else wrote without a
    /// stamp, so that a clock that is ahead does not let it win over later edits.
    pub fn stamp_next(&mut self) -> Timestamp {
        self.stamp(0)
    }

    /// Takes note of another's stamp. Returns how many milliseconds it is ahead of `now_ms`, if that is more than
    /// [`REPORTED_SKEW_MS`]. However old or new, the stamp is accepted.
    pub fn observe(&mut self, stamp: Timestamp, now_ms: u64) -> Option<u64> {
        self.newest = self.newest.max(stamp);
        let ahead = stamp.milliseconds().saturating_sub(now_ms);
        (ahead > REPORTED_SKEW_MS).then_some(ahead)
    }

    /// The newest stamp made or observed.
    pub fn newest(&self) -> Timestamp {
        self.newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_follow_the_wall_clock_and_never_run_backwards() {
        let mut clock = Clock::new();
        let first = clock.stamp(1_000);
        assert_eq!((first.milliseconds(), first.counter()), (1_000, 0));
        let jumped_back = clock.stamp(10);
        assert_eq!((jumped_back.milliseconds(), jumped_back.counter()), (1_000, 1));
        assert_eq!(clock.stamp(2_000).milliseconds(), 2_000);
    }

    #[test]
    fn a_full_counter_carries_over() {
        let mut clock = Clock::new();
        assert_eq!(clock.observe(Timestamp::new(5, u16::MAX).unwrap(), 5), None);
        let stamp = clock.stamp(5);
        assert_eq!((stamp.milliseconds(), stamp.counter()), (6, 0));
    }

    #[test]
    fn a_skew_is_reported_past_a_minute() {
        let mut clock = Clock::new();
        assert_eq!(clock.observe(Timestamp::new(160_000, 0).unwrap(), 100_000), None);
        assert_eq!(clock.observe(Timestamp::new(160_001, 0).unwrap(), 100_000), Some(60_001));
    }

    #[test]
    fn a_stamp_at_the_limit_leaves_room_for_later_ones() {
        let last = Timestamp::new(Timestamp::MAX_MILLISECONDS, u16::MAX).unwrap();
        assert_eq!(Timestamp::new(Timestamp::MAX_MILLISECONDS + 1, 0), None);
        let mut clock = Clock::new();
        assert!(clock.observe(last, 0).is_some());
        assert!(clock.stamp(0) > last);
    }
}
