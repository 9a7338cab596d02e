//! What every store must do, on each of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that goes wrong must fail")]

use std::path::Path;

use optiverse_core::sync::Role;
use optiverse_core::sync::authority::{Record, Snapshot};
use optiverse_relay::store::{
    Change, Invitation, MemoryStore, SessionInfo, SqliteStore, Store, StoreError, StoredSession, TokenHash,
};

fn info(id: &str) -> SessionInfo {
    SessionInfo {
        id: id.to_owned(),
        epoch: u64::MAX,
        created_ms: 5,
        active_ms: 5,
        password: (id == "a").then(|| "hash".to_owned()),
        default_role: (id != "b").then_some(if id == "a" { Role::Viewer } else { Role::Editor }),
        owner: (id == "a").then(|| TokenHash::of("owner")),
        invitations: Vec::new(),
    }
}

fn invitation(id: &str, role: Role, uses: Option<u32>) -> Invitation {
    let expires_ms = uses.map(|_| u64::MAX);
    Invitation { id: id.to_owned(), token: TokenHash::of(id), role, created_ms: 7, expires_ms, uses, users: [].into() }
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

/// The part of the contract that is about invitations.
fn invitations(mut store: Box<dyn Store>, reopen: impl Fn(Box<dyn Store>) -> Box<dyn Store>) {
    let invite = |session: &str, invitation: &Invitation| Change::Invite {
        session: session.to_owned(),
        invitation: invitation.clone(),
    };
    let use_up = |session: &str, id: &str, user: &str| {
        let (session, invitation, user) = (session.to_owned(), id.to_owned(), user.to_owned());
        Change::UseInvitation { session, invitation, user }
    };
    let revoke = |session: &str, id: &str| Change::Revoke { session: session.to_owned(), invitation: id.to_owned() };
    let delete = |session: &str| Change::Delete { session: session.to_owned() };
    let found = |store: &mut Box<dyn Store>, id: &str| {
        let loaded = store.load(id).unwrap().unwrap().info;
        let listed = store.sessions().unwrap().into_iter().find(|info| info.id == id);
        assert_eq!(listed.as_ref(), Some(&loaded), "both ways to read a session give the same");
        loaded
    };

    // They are there in the order in which they were made, each with its session, also after a restart.
    let (second, first) = (invitation("1", Role::Viewer, Some(2)), invitation("2", Role::Editor, None));
    store.commit(&[Change::Create(info("a")), invite("a", &first), invite("a", &second)]).unwrap();
    let told = SessionInfo { invitations: vec![invitation("x", Role::Editor, Some(1))], ..info("b") };
    store.commit(&[Change::Create(told.clone()), invite("b", &first)]).unwrap();
    let mut store = reopen(store);
    let expected = SessionInfo { active_ms: 7, invitations: vec![first.clone(), second.clone()], ..info("a") };
    assert_eq!(found(&mut store, "a"), expected);
    let both = vec![told.invitations[0].clone(), first.clone()];
    assert_eq!(found(&mut store, "b"), SessionInfo { active_ms: 7, invitations: both, ..info("b") });

    // A user counts once, under any name.
    let odd = "'; DROP TABLE invitation; --\u{0}\u{1f52c}";
    store.commit(&[use_up("a", "1", odd), use_up("a", "1", "ann"), use_up("a", "1", odd)]).unwrap();
    let mut store = reopen(store);
    let used = found(&mut store, "a").invitations;
    assert!(used[0].users.is_empty());
    assert_eq!(used[1].users, [odd.to_owned(), "ann".to_owned()].into());

    // A change that does not fit takes all of its group with it, also where an earlier change of the group is the cause.
    let before = found(&mut store, "a");
    let mut refused = |changes: &[Change]| {
        let error = store.commit(changes).unwrap_err();
        assert_eq!(found(&mut store, "a"), before);
        error
    };
    for group in [vec![invite("a", &first)], vec![revoke("a", "1"), invite("a", &second), invite("a", &second)]] {
        assert!(matches!(refused(&group), StoreError::InvitationExists { session, .. } if session == "a"));
    }
    for group in [
        vec![use_up("a", "x", "ann")],
        vec![revoke("a", "1"), use_up("a", "1", "ann")],
        vec![delete("a"), Change::Create(info("a")), use_up("a", "1", "ann")],
    ] {
        assert!(matches!(refused(&group), StoreError::UnknownInvitation { session, .. } if session == "a"));
    }
    for group in [
        vec![invite("c", &first)],
        vec![use_up("c", "1", "ann")],
        vec![delete("a"), invite("a", &first)],
        vec![delete("a"), use_up("a", "1", "ann")],
    ] {
        assert!(matches!(refused(&group), StoreError::Unknown(_)));
    }

    // What was revoked is gone, with those who came by it; it is no error if nothing is there.
    store.commit(&[revoke("a", "1"), revoke("a", "never there"), revoke("c", "1")]).unwrap();
    let mut store = reopen(store);
    assert_eq!(found(&mut store, "a").invitations, std::slice::from_ref(&first));
    store.commit(&[invite("a", &second)]).unwrap();
    assert_eq!(found(&mut store, "a").invitations[1].users, [].into());
    assert_eq!(found(&mut store, "b").invitations.len(), 2);

    // They go with their session.
    store.commit(&[delete("a"), Change::Create(info("a"))]).unwrap();
    let mut store = reopen(store);
    assert_eq!(found(&mut store, "a"), info("a"));
}

#[test]
fn memory() {
    contract(Box::new(MemoryStore::new()), |store| store);
    invitations(Box::new(MemoryStore::new()), |store| store);
}

fn open(path: &Path) -> Box<dyn Store> {
    Box::new(SqliteStore::open(path).unwrap())
}

#[test]
fn sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("relay.db");
    let reopen = |store| {
        drop(store);
        open(&path)
    };
    contract(open(&path), reopen);
    std::fs::remove_file(&path).unwrap();
    invitations(open(&path), reopen);
}

#[test]
fn operations_stored_together_are_one_row_in_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("relay.db");
    let mut store = open(&path);
    store
        .commit(&[Change::Create(info("a")), append("a", 1..=100), append("a", 101..=101), snapshot("a", 40)])
        .unwrap();
    assert_eq!(store.load("a").unwrap().unwrap().records, records(41..=101));
    drop(store);
    let file = rusqlite::Connection::open(&path).unwrap();
    let rows: i64 = file.query_row("SELECT count(*) FROM record", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 2);
}

#[test]
fn a_file_in_use_or_of_something_else_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("relay.db");
    let first = open(&path);
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::InUse)));
    drop(first);
    drop(open(&path));
    let other = directory.path().join("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE theirs (a)").unwrap();
    assert!(matches!(SqliteStore::open(&other), Err(StoreError::Format { application: 0, .. })));
    std::fs::write(directory.path().join("text"), "this is not a database, whatever else it may be").unwrap();
    assert!(SqliteStore::open(&directory.path().join("text")).is_err());
}

/// What the relay wrote before there were roles and invitations. A text of its own: no change of the relay changes old files.
const VERSION_1: &str = "
    CREATE TABLE session (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        epoch INTEGER NOT NULL,
        created_ms INTEGER NOT NULL,
        active_ms INTEGER NOT NULL,
        newest INTEGER NOT NULL,
        password TEXT
    ) STRICT;
    CREATE TABLE snapshot (
        session INTEGER PRIMARY KEY REFERENCES session ON DELETE CASCADE,
        sequence INTEGER NOT NULL,
        text TEXT NOT NULL
    ) STRICT;
    CREATE TABLE record (
        session INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,
        sequence INTEGER NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (session, sequence)
    ) STRICT, WITHOUT ROWID;
    PRAGMA application_id = 0x4f707452;
    PRAGMA user_version = 1;
    INSERT INTO session VALUES (1, 'a', -1, 5, 6, 3, 'hash'), (2, 'b', 8, 9, 10, 0, NULL);
    INSERT INTO snapshot VALUES (1, 2, 'state 2');
    INSERT INTO record VALUES (1, 3, 'operation 3 \u{1f52c}');
";

#[test]
fn a_file_of_an_earlier_version_is_brought_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("relay.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch(VERSION_1).unwrap();
    let expected = StoredSession {
        info: SessionInfo {
            active_ms: 6,
            // Whoever came in before still does, and may still edit.
            default_role: Some(Role::Editor),
            owner: None,
            ..info("a")
        },
        snapshot: Some(Snapshot { sequence: 2, text: "state 2".to_owned() }),
        records: records(3..=3),
    };
    for _ in 0..2 {
        let mut store = open(&path);
        assert_eq!(store.load("a").unwrap().as_ref(), Some(&expected));
        assert_eq!(store.sessions().unwrap().len(), 2);
    }
    let mut store = open(&path);
    let invited = invitation("1", Role::Viewer, Some(1));
    let invite = Change::Invite { session: "a".to_owned(), invitation: invited.clone() };
    store.commit(&[invite, append("a", 4..=4)]).unwrap();
    assert_eq!(store.load("a").unwrap().unwrap().info.invitations, [invited]);
    drop(store);
    let version = |path| -> i64 {
        let file = rusqlite::Connection::open(path).unwrap();
        file.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    };
    assert_eq!(version(&path), 3);
    let fresh = directory.path().join("fresh.db");
    drop(open(&fresh));
    assert_eq!(version(&fresh), 3);
}

#[test]
fn a_file_of_a_later_version_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("relay.db");
    drop(open(&path));
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 4).unwrap();
    for _ in 0..2 {
        let error = SqliteStore::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Format { version: 4, expected_version: 3, .. }), "{error}");
    }
}
