//! Every limit of the protocol, at the limit and one past it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "sync_sim/keys.rs"]
mod keys;

use keys::{hello, key};
use optiverse_core::scene::{Edit, Item, ItemId, PropertyChange, Section};
use optiverse_core::sync::authority::{Authority, AuthorityConfig, ConnectionId, MAX_LOG_BYTES, Payload};
use optiverse_core::sync::session::{Event, LocalEditError, MAX_PARTS, MAX_PEERS, MAX_PENDING, UndoStep};
use optiverse_core::sync::{Operation, ReplicaId, Role, Session, limits};

const START_MS: u64 = 1_763_700_000_000;
const HOST: ConnectionId = ConnectionId(1);
const LATE: ConnectionId = ConnectionId(2);

fn relay() -> Authority {
    let config = AuthorityConfig { session_id: "s".to_owned(), epoch: 1, replica: ReplicaId::new(9) };
    let mut authority = Authority::new(config);
    authority.connect(HOST, "host", Role::Editor, START_MS).unwrap();
    let _ = sent(&mut authority);
    authority
}

/// Everything that is sent, by whom it goes to.
fn sent(authority: &mut Authority) -> Vec<(ConnectionId, String)> {
    while let Some(record) = authority.poll_record() {
        authority.handle_stored(record.sequence);
    }
    let text = |payload| match payload {
        Payload::Frame(frame) => frame.to_string(),
        Payload::Close { code, .. } => format!("close {code}"),
    };
    std::iter::from_fn(|| authority.poll_transmit()).map(|sent| (sent.connection, text(sent.payload))).collect()
}

/// Whether the sender of a frame is told that it could not be read.
fn is_refused(authority: &mut Authority, frame: &str) -> bool {
    authority.handle_frame(HOST, frame.as_bytes(), START_MS);
    sent(authority).iter().any(|(to, frame)| *to == HOST && frame.contains("sync:error"))
}

/// A whole scene as the app's host sends it, of so many bytes; items of 100,000.
fn full_state(bytes: usize) -> String {
    let mut out = String::from(r#"{"type":"sync:full_state","state":{"items":["#);
    for index in 0.. {
        let rest = bytes - out.len() - 100;
        out.push_str(&format!(r#"{{"uuid":"{index}","item_type":"source","notes":""#));
        if rest < 200_000 {
            out.push_str(&"x".repeat(bytes - out.len() - 39));
            out.push_str(r#""}],"version":1,"timestamp":"2025-11"}}"#);
            break;
        }
        out.push_str(&"x".repeat(100_000));
        out.push_str("\"},");
    }
    assert_eq!(out.len(), bytes);
    out
}

#[test]
fn a_scene_of_five_mebibytes_arrives_as_one_message_and_leaves_as_one() {
    let mut authority = relay();
    assert!(!is_refused(&mut authority, &full_state(5 << 20)));
    let items = authority.document().len();
    assert!(items > 50);
    authority.connect(LATE, "late", Role::Editor, START_MS).unwrap();
    authority.handle_frame(LATE, br#"{"type":"sync:request"}"#, START_MS);
    let to_late: Vec<String> = sent(&mut authority).into_iter().map(|(_, frame)| frame).collect();
    let states: Vec<&String> = to_late.iter().filter(|frame| frame.contains("sync:full_state")).collect();
    assert_eq!(states.len(), 1);
    assert_eq!(states[0].matches("\"uuid\":").count(), items);
    assert!(!to_late.iter().any(|frame| frame.contains("add_item")));
    // A new client gets the same in parts.
    let mut session = Session::new(key(3));
    session.handle_connected(START_MS);
    authority.connect(ConnectionId(3), "new", Role::Editor, START_MS).unwrap();
    for _ in 0..2 {
        for (to, frame) in sent(&mut authority) {
            if to == ConnectionId(3) {
                assert!(frame.len() <= limits::MAX_FRAME_BYTES);
                session.handle_frame(frame.as_bytes(), START_MS);
            }
        }
        while let Some(frame) = session.poll_transmit() {
            authority.handle_frame(ConnectionId(3), frame.as_bytes(), START_MS);
        }
    }
    assert_eq!(session.scene().items().count(), items);
}

#[test]
fn a_whole_scene_may_have_eight_mebibytes() {
    let mut authority = relay();
    assert!(is_refused(&mut authority, &full_state(limits::MAX_STATE_BYTES + 1)));
    assert_eq!(authority.sequence(), 0);
    assert!(!is_refused(&mut authority, &full_state(limits::MAX_STATE_BYTES)));
    assert!(authority.document().len() > 80);
}

#[test]
fn any_other_frame_may_have_one_mebibyte() {
    let command = |bytes: usize| {
        let start = r#"{"type":"command","command":{"action":"remove_item","item_id":"a","data":{}},"junk":""#;
        format!("{start}{}\"}}", "x".repeat(bytes - start.len() - 2))
    };
    let update =
        |bytes: usize| full_state(bytes).replace("sync:full_state", "sync:state").replace("2025-11", "2025-11-1234");
    let mut authority = relay();
    assert!(!is_refused(&mut authority, &command(limits::MAX_FRAME_BYTES)));
    assert!(is_refused(&mut authority, &command(limits::MAX_FRAME_BYTES + 1)));
    assert!(is_refused(&mut authority, &update(limits::MAX_FRAME_BYTES + 1)));
    assert_eq!(authority.sequence(), 0);
    assert!(!is_refused(&mut authority, &update(limits::MAX_FRAME_BYTES)));
    assert!(authority.sequence() > 0);
    // A client holds the relay to the same.
    let mut session = Session::new(key(3));
    let mut is_ignored = |frame: &str| {
        session.handle_connected(START_MS);
        session.handle_frame(frame.as_bytes(), START_MS);
        std::iter::from_fn(|| session.poll_event()).any(|event| format!("{event:?}").contains("FrameIgnored"))
    };
    assert!(!is_ignored(&command(limits::MAX_FRAME_BYTES)));
    assert!(is_ignored(&command(limits::MAX_FRAME_BYTES + 1)));
}

#[test]
fn the_members_of_a_frame_are_limited() {
    let ping = |members: usize| {
        let members: String = (0..members).map(|index| format!(",\"m{index}\":0")).collect();
        format!("{{\"type\":\"ping\"{members}}}")
    };
    let mut authority = relay();
    assert!(!is_refused(&mut authority, &ping(limits::MAX_FRAME_MEMBERS)));
    assert!(is_refused(&mut authority, &ping(limits::MAX_FRAME_MEMBERS + 1)));
}

#[test]
fn an_item_of_a_whole_scene_is_limited() {
    let state = |bytes: usize| {
        let item = format!(r#"{{"uuid":"a",{} "item_type":"source"}}"#, " ".repeat(bytes - 34));
        assert_eq!(item.len(), bytes);
        format!(r#"{{"type":"sync:full_state","state":{{"items":[{{"uuid":"b"}},{item}]}}}}"#)
    };
    let mut authority = relay();
    assert!(is_refused(&mut authority, &state(limits::MAX_STATE_ITEM_BYTES + 1)));
    assert_eq!(authority.sequence(), 0, "nothing of the message takes effect");
    assert!(!is_refused(&mut authority, &state(limits::MAX_STATE_ITEM_BYTES)));
    assert_eq!(authority.document().len(), 2);
}

/// A client that the relay has let in, and what it has said so far thrown away.
fn greeted() -> Session {
    let mut session = Session::new(key(3));
    session.handle_connected(START_MS);
    session.handle_frame(br#"{"type":"connection:ack","sync":{}}"#, START_MS);
    while session.poll_event().is_some() || session.poll_transmit().is_some() {}
    session
}

fn is_ignored(session: &mut Session, frame: &str) -> bool {
    session.handle_frame(frame.as_bytes(), START_MS);
    std::iter::from_fn(|| session.poll_event()).any(|event| matches!(event, Event::FrameIgnored(_)))
}

#[test]
fn the_parts_of_a_document_are_limited() {
    let welcome = |parts: u64| format!(r#"{{"type":"sync:welcome","epoch":"1","sequence":1,"snapshot":{parts}}}"#);
    assert!(!is_ignored(&mut greeted(), &welcome(MAX_PARTS)));
    assert!(is_ignored(&mut greeted(), &welcome(MAX_PARTS + 1)));
}

#[test]
fn the_others_that_are_shown_are_limited() {
    let mut session = greeted();
    let presence = |connection: usize| {
        format!(r#"{{"type":"sync:presence","connection":{connection},"user":"u","cursor":[1,2]}}"#)
    };
    for connection in 0..=MAX_PEERS {
        assert!(!is_ignored(&mut session, &presence(connection)));
        assert_eq!(session.peers().len(), (connection + 1).min(MAX_PEERS));
    }
    session.handle_frame(br#"{"type":"sync:presence","connection":0,"user":"u","gone":true}"#, START_MS);
    session.handle_frame(presence(MAX_PEERS).as_bytes(), START_MS);
    assert!(session.peers().contains_key(&(MAX_PEERS as u64)), "there is room again");
}

#[test]
fn undecided_edits_are_limited() {
    let mut session = greeted();
    let item = serde_json::json!({"item_uuid": "a"});
    let item = Item::new(Section::Items, item.as_object().unwrap().clone()).unwrap();
    session.edit(&Edit::Add { item, position: None }, UndoStep::New, START_MS).unwrap();
    let sets = |count: usize| {
        let set =
            |value: usize| Edit::Set { id: ItemId::from("a"), changes: vec![PropertyChange::set("n", value as u64)] };
        Edit::Batch((0..count).map(set).collect())
    };
    session.edit(&sets(MAX_PENDING - 1), UndoStep::New, START_MS).unwrap();
    assert_eq!(session.pending(), MAX_PENDING);
    let before = session.scene().get("a").unwrap().clone();
    assert_eq!(session.edit(&sets(1), UndoStep::New, START_MS), Err(LocalEditError::TooManyPending));
    assert_eq!(session.scene().get("a"), Some(&before), "nothing has changed");
}

/// The bytes of the operations that are kept for clients that come back.
#[test]
fn the_bytes_of_the_log_are_limited() {
    let mut authority = relay();
    authority.handle_frame(HOST, hello(7).as_bytes(), START_MS);
    let mut append = |number: u64, bytes: usize| {
        let now_ms = START_MS + number;
        let body = if number == 1 { r#"{"add":"items","set":{"n":"@"}}"# } else { r#"{"set":{"n":"@"}}"# };
        let text = format!(r#"["1zjseztkzpu7u",{number},{now_ms},0,"a",{body}]"#);
        let text = text.replace('@', &"x".repeat(bytes.saturating_sub(text.len() - 1)));
        let frame = format!(r#"{{"type":"sync:ops","ops":[{text}]}}"#);
        authority.handle_frame(HOST, frame.as_bytes(), now_ms);
        let _ = sent(&mut authority);
        (authority.sequence(), authority.held().log_operations, authority.held().log_bytes)
    };
    let count = (MAX_LOG_BYTES / (256 << 10)) as u64;
    for number in 1..=count {
        assert_eq!(append(number, 256 << 10), (number, number as usize, number as usize * (256 << 10)));
    }
    let (sequence, operations, bytes) = append(count + 1, 0);
    assert_eq!((sequence, operations), (count + 1, count as usize), "the oldest has made room");
    assert!(bytes < MAX_LOG_BYTES);
}

/// What any replica accepts of one operation.
#[test]
fn names_and_nesting_are_limited() {
    let is_read = |item: &str, value: &str| {
        let text = format!(r#"["1zjseztkzpu7u",1,0,0,"{item}",{{"set":{{"n":{value}}}}}]"#);
        Operation::from_json(&text).is_ok()
    };
    let name = "x".repeat(limits::MAX_NAME_BYTES);
    assert!(is_read(&name, "1"));
    assert!(!is_read(&format!("{name}x"), "1"));
    assert!(!is_read("", "1"));
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(is_read("a", &nested(limits::MAX_VALUE_NESTING)));
    assert!(!is_read("a", &nested(limits::MAX_VALUE_NESTING + 1)));
}
