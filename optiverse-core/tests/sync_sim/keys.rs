//! The keys of the clients of tests, by number.

#![allow(unreachable_pub, dead_code, reason = "each test file that includes this uses a part of it")]

use optiverse_core::sync::ReplicaKey;

/// A client's key. That of 7 makes the replica `1zjseztkzpu7u`.
pub fn key(number: u64) -> ReplicaKey {
    ReplicaKey::new(u128::from(number).to_be_bytes())
}

/// The key as it stands in a frame.
pub fn key_text(number: u64) -> String {
    format!("{number:032x}")
}

/// What a client with this key says first.
pub fn hello(number: u64) -> String {
    let (replica, key) = (key(number).replica(), key_text(number));
    format!(r#"{{"type":"sync:hello","protocol":1,"replica":"{replica}","key":"{key}","settled":0}}"#)
}
