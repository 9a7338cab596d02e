//! Names of replicas and operations, and which operations a replica has.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

/// Operations received ahead of a gap that are remembered for each replica. What exceeds it is forgotten, and only
/// sent once more.
pub const MAX_AHEAD: usize = 4_096;

/// The name of one running copy of a document. A client's follows from its [`ReplicaKey`](crate::sync::ReplicaKey); a relay's is
/// random, so that nobody has a key for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId(u64);

impl ReplicaId {
    /// Digits of the text form.
    pub(crate) const DIGITS: usize = 13;
    const ALPHABET: &'static [u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

    /// The id of these bits.
    pub const fn new(bits: u64) -> ReplicaId {
        ReplicaId(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Reads the text form: 13 digits and lower-case letters, a number in base 36.
    pub fn from_text(text: &str) -> Option<ReplicaId> {
        if text.len() != ReplicaId::DIGITS {
            return None;
        }
        let mut bits = 0_u64;
        for byte in text.bytes() {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'z' => byte - b'a' + 10,
                _ => return None,
            };
            bits = bits.checked_mul(36)?.checked_add(u64::from(digit))?;
        }
        Some(ReplicaId(bits))
    }

    /// Writes the text form.
    pub(crate) fn write(self, out: &mut String) {
        let mut digits = [b'0'; ReplicaId::DIGITS];
        let mut rest = self.0;
        // Two digits for each division of 64 bits.
        for pair in digits.rchunks_mut(2) {
            let two = (rest % (36 * 36)) as usize;
            rest /= 36 * 36;
            match pair {
                [high, low] => (*high, *low) = (ReplicaId::ALPHABET[two / 36], ReplicaId::ALPHABET[two % 36]),
                // The first of 13 stands alone.
                alone => alone.fill(ReplicaId::ALPHABET[two % 36]),
            }
        }
        out.push_str(std::str::from_utf8(&digits).unwrap_or_default());
    }
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(ReplicaId::DIGITS);
        self.write(&mut text);
        formatter.write_str(&text)
    }
}

impl fmt::Debug for ReplicaId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The name of an operation: who made it, and its number there, counted from 1 without gaps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OperationId {
    /// Who made it.
    pub replica: ReplicaId,
    /// Its number among those of the replica.
    pub number: u64,
}

/// A set of operations: for each replica all up to a number, and single ones after a gap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionVector {
    seen: HashMap<ReplicaId, Seen>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    up_to: u64,
    ahead: BTreeSet<u64>,
}

impl Seen {
    fn contains(&self, number: u64) -> bool {
        number <= self.up_to || self.ahead.contains(&number)
    }

    fn insert(&mut self, number: u64) -> bool {
        if self.contains(number) {
            return false;
        }
        if number == self.up_to + 1 {
            self.up_to = number;
            self.close_gap();
        } else {
            self.ahead.insert(number);
            if self.ahead.len() > MAX_AHEAD {
                self.ahead.pop_last();
            }
        }
        true
    }

    fn insert_up_to(&mut self, number: u64) {
        if number > self.up_to {
            self.up_to = number;
            self.ahead = self.ahead.split_off(&number);
            self.ahead.remove(&number);
            self.close_gap();
        }
    }

    fn close_gap(&mut self) {
        while self.ahead.first() == Some(&(self.up_to + 1)) {
            self.ahead.pop_first();
            self.up_to += 1;
        }
    }
}

impl VersionVector {
    /// The empty set.
    pub fn new() -> VersionVector {
        VersionVector::default()
    }

    /// Whether the operation is in the set.
    pub fn contains(&self, id: OperationId) -> bool {
        self.seen.get(&id.replica).is_some_and(|seen| seen.contains(id.number))
    }

    /// Adds an operation. Returns whether it is new.
    pub fn insert(&mut self, id: OperationId) -> bool {
        self.seen.entry(id.replica).or_default().insert(id.number)
    }

    /// Adds all operations of `replica` up to and including `number`.
    pub fn insert_up_to(&mut self, replica: ReplicaId, number: u64) {
        self.seen.entry(replica).or_default().insert_up_to(number);
    }

    /// The number up to which every operation of `replica` is in the set; 0 if none is.
    pub fn up_to(&self, replica: ReplicaId) -> u64 {
        self.seen.get(&replica).map_or(0, |seen| seen.up_to)
    }

    /// The highest number of an operation of `replica` in the set; 0 if there is none.
    pub fn highest(&self, replica: ReplicaId) -> u64 {
        let highest = |seen: &Seen| seen.ahead.last().copied().unwrap_or(seen.up_to);
        self.seen.get(&replica).map_or(0, highest)
    }

    /// How many single operations of `replica` follow a gap.
    pub(crate) fn ahead(&self, replica: ReplicaId) -> usize {
        self.seen.get(&replica).map_or(0, |seen| seen.ahead.len())
    }

    /// Adds all of another set.
    pub fn join(&mut self, other: &VersionVector) {
        for (&replica, theirs) in &other.seen {
            let ours = self.seen.entry(replica).or_default();
            ours.insert_up_to(theirs.up_to);
            for &number in &theirs.ahead {
                ours.insert(number);
            }
        }
    }

    /// Whether every operation of `other` is in this set.
    pub fn covers(&self, other: &VersionVector) -> bool {
        other.seen.iter().all(|(replica, theirs)| match self.seen.get(replica) {
            None => theirs.up_to == 0 && theirs.ahead.is_empty(),
            Some(ours) => {
                (ours.up_to + 1..=theirs.up_to).all(|number| ours.ahead.contains(&number))
                    && theirs.ahead.iter().all(|&number| ours.contains(number))
            }
        })
    }

    /// Whether an operation is missing that another one of its replica followed.
    pub fn has_gaps(&self) -> bool {
        self.seen.values().any(|seen| !seen.ahead.is_empty())
    }

    /// The number of replicas with operations in the set.
    pub fn replicas(&self) -> usize {
        self.seen.len()
    }

    /// Replica, the number up to which all are in the set, and the single ones after a gap; in no order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (ReplicaId, u64, &BTreeSet<u64>)> {
        self.seen.iter().map(|(&replica, seen)| (replica, seen.up_to, &seen.ahead))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: ReplicaId = ReplicaId::new(u64::MAX);

    #[test]
    fn a_replica_id_survives_its_text() {
        for bits in [0, 1, 35, 36, 0x0123_4567_89ab_cdef, u64::MAX] {
            let text = ReplicaId::new(bits).to_string();
            assert_eq!(text.len(), ReplicaId::DIGITS);
            assert_eq!(ReplicaId::from_text(&text), Some(ReplicaId::new(bits)));
        }
        for text in ["", "3w5e11264sgsg", "zzzzzzzzzzzzz", "000000000000A", "00000000000000"] {
            assert_eq!(ReplicaId::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn what_lies_ahead_of_a_gap_is_bounded() {
        let mut vector = VersionVector::new();
        for number in 2..=MAX_AHEAD as u64 + 1 {
            assert!(vector.insert(OperationId { replica: A, number }));
        }
        let last = OperationId { replica: A, number: MAX_AHEAD as u64 + 1 };
        assert!(vector.contains(last));
        vector.insert(OperationId { replica: A, number: MAX_AHEAD as u64 + 2 });
        assert!(vector.contains(last), "the newest is forgotten first");
        assert!(!vector.contains(OperationId { replica: A, number: MAX_AHEAD as u64 + 2 }));
    }

    proptest! {
        #[test]
        fn behaves_as_a_set(numbers in prop::collection::vec(1..40_u64, 0..60), bulk in 0..20_u64, at in 0..60_usize) {
            let mut vector = VersionVector::new();
            let mut model = BTreeSet::new();
            for (index, &number) in numbers.iter().enumerate() {
                if index == at {
                    vector.insert_up_to(A, bulk);
                    model.extend(1..=bulk);
                }
                prop_assert_eq!(vector.insert(OperationId { replica: A, number }), model.insert(number));
            }
            for number in 1..=40 {
                prop_assert_eq!(vector.contains(OperationId { replica: A, number }), model.contains(&number));
            }
            prop_assert_eq!(vector.highest(A), model.last().copied().unwrap_or(0));
            let up_to = (1..).take_while(|number| model.contains(number)).last().unwrap_or(0);
            prop_assert_eq!(vector.up_to(A), up_to);
            prop_assert_eq!(vector.has_gaps(), model.len() as u64 > up_to);
        }

        #[test]
        fn a_join_covers_both(left in prop::collection::vec(1..20_u64, 0..20), right in prop::collection::vec(1..20_u64, 0..20)) {
            let set = |numbers: &[u64]| {
                let mut vector = VersionVector::new();
                for &number in numbers {
                    vector.insert(OperationId { replica: A, number });
                }
                vector
            };
            let (left_set, right_set) = (set(&left), set(&right));
            let mut both = left_set.clone();
            both.join(&right_set);
            prop_assert!(both.covers(&left_set) && both.covers(&right_set));
            prop_assert_eq!(left_set.covers(&right_set), right.iter().all(|number| left.contains(number)));
            prop_assert_eq!(&both, &set(&[left, right].concat()));
        }
    }
}
