//! What every store must do, on each of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that goes wrong must fail")]

use std::path::Path;

use optiverse_core::sync::authority::{Record, Snapshot};
use optiverse_relay::store::{Change, MemoryStore, SessionInfo, SqliteStore, Store, StoreError};

fn info(id: &str) -> SessionInfo {
    SessionInfo {
        id: id.to_owned(),
        epoch: u64::MAX,
        created_ms: 5,
        active_ms: 5,
        password: (id == "a").then(|| "hash".to_owned()),
    }
}

fn records(numbers: std::ops::RangeInclusive<u64>) -> Vec<Record> {
    numbers.map(|sequence| Record { sequence, text: format!("operation {sequence} \u{1f52c}").into() }).collect()
}

fn append(id: &str, numbers: std::ops::RangeInclusive<u64>) -> Change {
    Change::Append { session: id.to_owned(), records: records(numbers), now_ms: 9 }
}

fn snapshot(id: &str, sequence: u64) -> Change {
    Change::Snapshot { session: id.to_owned(), snapshot: Snapshot { sequence, text: format!("state {sequence}") } }
}

/// `reopen` gives a store with all that was committed to the one before.
fn contract(mut store: Box<dyn Store>, reopen: impl Fn(Box<dyn Store>) -> Box<dyn Store>) {
    // Empty.
    assert_eq!(store.sessions().unwrap(), []);
    assert_eq!(store.load("a").unwrap(), None);

    // What was committed is there, in order, also after a restart; sessions are apart.
    store.commit(&[Change::Create(info("a")), append("a", 1..=3), Change::Create(info("b"))]).unwrap();
    store.commit(&[append("b", 1..=1), append("a", 4..=4), append("a", 5..=6)]).unwrap();
    let mut store = reopen(store);
    let found = store.load("a").unwrap().unwrap();
    assert_eq!(found.info, SessionInfo { active_ms: 9, ..info("a") });
    assert_eq!((found.snapshot, found.records), (None, records(1..=6)));
    assert_eq!(store.load("b").unwrap().unwrap().records, records(1..=1));
    let mut ids: Vec<String> = store.sessions().unwrap().into_iter().map(|info| info.id).collect();
    ids.sort();
    assert_eq!(ids, ["a", "b"]);

    // A snapshot replaces what it includes, and an older one nothing.
    store.commit(&[snapshot("a", 4)]).unwrap();
    store.commit(&[snapshot("a", 2)]).unwrap();
    let mut store = reopen(store);
    let found = store.load("a").unwrap().unwrap();
    assert_eq!(found.snapshot, Some(Snapshot { sequence: 4, text: "state 4".to_owned() }));
    assert_eq!(found.records, records(5..=6));
    store.commit(&[append("a", 7..=7), snapshot("a", 7), append("a", 8..=8)]).unwrap();
    assert_eq!(store.load("a").unwrap().unwrap().records, records(8..=8));

    // A change that does not fit is refused, and takes all of its group with it.
    let before = store.load("a").unwrap();
    let refused = |store: &mut Box<dyn Store>, change: Change| {
        let error = store.commit(&[append("a", 9..=9), change]).unwrap_err();
        assert_eq!(store.load("a").unwrap(), before);
        error
    };
    let error = refused(&mut store, append("a", 11..=11));
    assert!(matches!(error, StoreError::Gap { before: 9, found: 11, .. }), "{error}");
    let error = refused(&mut store, append("a", 9..=9));
    assert!(matches!(error, StoreError::Gap { before: 9, found: 9, .. }), "{error}");
    let error = refused(&mut store, snapshot("a", 10));
    assert!(matches!(error, StoreError::Ahead { newest: 9, found: 10, .. }), "{error}");
    assert!(matches!(refused(&mut store, Change::Create(info("b"))), StoreError::Exists(id) if id == "b"));
    assert!(matches!(refused(&mut store, append("c", 1..=1)), StoreError::Unknown(id) if id == "c"));
    assert!(matches!(refused(&mut store, snapshot("c", 0)), StoreError::Unknown(id) if id == "c"));
    let touch = Change::Touch { session: "c".to_owned(), now_ms: 1 };
    assert!(matches!(refused(&mut store, touch), StoreError::Unknown(id) if id == "c"));

    // The time of the last use goes forward only.
    for (now_ms, expected) in [(20, 20), (10, 20)] {
        store.commit(&[Change::Touch { session: "a".to_owned(), now_ms }]).unwrap();
        assert_eq!(store.load("a").unwrap().unwrap().info.active_ms, expected);
    }

    // What was deleted is gone, and its name is free.
    let delete = |id: &str| Change::Delete { session: id.to_owned() };
    store.commit(&[delete("a"), delete("never there")]).unwrap();
    let mut store = reopen(store);
    assert_eq!(store.load("a").unwrap(), None);
    store.commit(&[Change::Create(info("a")), append("a", 1..=1)]).unwrap();
    let found = store.load("a").unwrap().unwrap();
    assert_eq!((found.snapshot, found.records), (None, records(1..=1)));
    assert_eq!(store.load("b").unwrap().unwrap().records, records(1..=1));

    // Names are data.
    let odd = "'; DROP TABLE session; --\u{0}\u{1f52c}";
    store.commit(&[Change::Create(info(odd)), append(odd, 1..=1)]).unwrap();
    assert_eq!(reopen(store).load(odd).unwrap().unwrap().info.id, odd);
}

#[test]
fn memory() {
    contract(Box::new(MemoryStore::new()), |store| store);
}

fn open(path: &Path) -> Box<dyn Store> {
    Box::new(SqliteStore::open(path).unwrap())
}

#[test]
fn sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("relay.db");
    contract(open(&path), |store| {
        drop(store);
        open(&path)
    });
}

#[test]
fn a_file_in_use_or_of_something_else_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("relay.db");
    let first = open(&path);
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::Sqlite(_))));
    drop(first);
    drop(open(&path));
    let other = directory.path().join("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE theirs (a)").unwrap();
    assert!(matches!(SqliteStore::open(&other), Err(StoreError::Format { application: 0, .. })));
    std::fs::write(directory.path().join("text"), "this is not a database, whatever else it may be").unwrap();
    assert!(SqliteStore::open(&directory.path().join("text")).is_err());
}
