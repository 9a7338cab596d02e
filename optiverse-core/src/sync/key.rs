//! The secret behind a replica, by which nobody can speak as another's (S19).

use std::borrow::Cow;
use std::fmt;

use sha2::{Digest, Sha256};

use crate::sync::version::ReplicaId;
use crate::sync::wire::FrameError;
use crate::sync::wire::scanner::Scanner;

/// Keeps the hash of a key apart from any other that might be made of the same bytes.
const DOMAIN: &[u8] = b"optiverse replica 1\0";

/// The secret that a replica is made from: 128 random bits, handed in by the host, and new for each process.
///
/// The [`ReplicaId`] that follows from it is seen by everybody, in each operation. A relay lets a client speak as a replica
/// only if it shows the key; who knows the id alone would have to try some 2⁶⁴ keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ReplicaKey([u8; ReplicaKey::BYTES]);

impl ReplicaKey {
    /// The length of a key, in bytes.
    pub const BYTES: usize = 16;

    /// Digits of the text form.
    const DIGITS: usize = 2 * ReplicaKey::BYTES;

    /// The key of these bytes, which the operating system's source of randomness has filled.
    pub const fn new(bytes: [u8; ReplicaKey::BYTES]) -> ReplicaKey {
        ReplicaKey(bytes)
    }

    /// The replica of the key: the first 64 bits of SHA-256 over the text `optiverse replica 1`, a zero byte and the key.
    pub fn replica(&self) -> ReplicaId {
        let hash = Sha256::new().chain_update(DOMAIN).chain_update(self.0).finalize();
        ReplicaId::new(hash.iter().take(8).fold(0, |bits, &byte| bits << 8 | u64::from(byte)))
    }

    /// Appends the text form: 32 hexadecimal digits.
    pub(crate) fn write(&self, out: &mut String) {
        out.push_str(&format!("{:032x}", u128::from_be_bytes(self.0)));
    }

    /// Reads the text form. An error says nothing of what stands there.
    pub(crate) fn scan(scanner: &mut Scanner<'_>) -> Result<ReplicaKey, FrameError> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_key = |text: &Cow<'_, str>| text.len() == ReplicaKey::DIGITS && text.bytes().all(is_digit);
        let text = scanner.string().ok().filter(is_key);
        let bits = text.and_then(|text| u128::from_str_radix(&text, 16).ok());
        let expected = "32 digits and letters a to f, of which the replica is made";
        let malformed = || FrameError::Value { key: "key", found: "malformed".to_owned(), expected };
        bits.map(|bits| ReplicaKey(bits.to_be_bytes())).ok_or_else(malformed)
    }
}

/// A key is nobody's business in logs.
impl fmt::Debug for ReplicaKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ReplicaKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scanned(text: &str) -> Result<ReplicaKey, FrameError> {
        ReplicaKey::scan(&mut Scanner::new(text))
    }

    #[test]
    fn the_replica_is_the_one_that_other_programs_compute() {
        // From Python: hashlib.sha256(b"optiverse replica 1\0" + key).hexdigest()[:16]
        let counting = std::array::from_fn(|index| index as u8);
        for (bytes, expected) in [([0; 16], 0x3461_9b32_4575_4ce7), (counting, 0xfef2_3ff6_c0d1_d1e3)] {
            assert_eq!(ReplicaKey::new(bytes).replica().bits(), expected);
        }
    }

    #[test]
    fn a_text_that_is_no_key_is_refused_without_being_repeated() {
        let digits = "0123456789abcdef0123456789abcdef";
        assert!(scanned(&format!("\"{digits}\"")).is_ok());
        let wrong = [&digits[1..], &format!("{digits}0"), "", &digits.to_uppercase(), &digits.replace('0', "+"), "é"];
        for text in wrong {
            let error = scanned(&format!("\"{text}\"")).unwrap_err().to_string();
            assert!(text.len() < 3 || !error.contains(text), "{error}");
        }
        for text in ["null", "7", "[]", ""] {
            assert!(scanned(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_key_survives_its_text_and_does_not_show_in_a_log(bytes in any::<[u8; 16]>()) {
            let key = ReplicaKey::new(bytes);
            let mut text = String::new();
            key.write(&mut text);
            prop_assert_eq!(text.len(), ReplicaKey::DIGITS);
            prop_assert_eq!(scanned(&format!("\"{text}\"")).unwrap(), key);
            prop_assert_eq!(format!("{key:?}"), "ReplicaKey(…)");
        }
    }
}
