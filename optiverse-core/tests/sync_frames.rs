//! The relay and a client at their borders: sockets that come and go, bad frames, limits, timers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "sync_sim/keys.rs"]
mod keys;

use keys::{hello, key};
use optiverse_core::scene::{Edit, Item, ItemId, Section};
use optiverse_core::sync::authority::{
    Authority, AuthorityConfig, ConnectionId, DIALECT_TIMEOUT_MS, MAX_LOG_OPERATIONS, MAX_REPLICAS, Payload, Record,
    RestoreError, Snapshot,
};
use optiverse_core::sync::session::{
    FIRST_RETRY_MS, GREETING_TIMEOUT_MS, LONGEST_RETRY_MS, MAX_UNDO_STEPS, PING_INTERVAL_MS, SILENCE_TIMEOUT_MS,
    Status, UndoStep,
};
use optiverse_core::sync::{DocumentFull, Operation, RemovedItems, Replica, ReplicaId, Role, Session, limits};

const START_MS: u64 = 1_763_700_000_000;

fn item(id: &str) -> Item {
    let properties = serde_json::json!({"item_uuid": id, "_type": "source", "x_mm": 0, "y_mm": 0});
    Item::new(Section::Items, properties.as_object().unwrap().clone()).unwrap()
}

fn relay() -> Authority {
    Authority::new(AuthorityConfig { session_id: "s".to_owned(), epoch: 1, replica: ReplicaId::new(9) })
}

fn sent(authority: &mut Authority) -> Vec<(u64, String)> {
    while let Some(record) = authority.poll_record() {
        authority.handle_stored(record.sequence);
    }
    let text = |payload| match payload {
        Payload::Frame(frame) => frame.to_string(),
        Payload::Close { code, .. } => format!("close {code}"),
    };
    std::iter::from_fn(|| authority.poll_transmit())
        .map(|transmit| (transmit.connection.0, text(transmit.payload)))
        .collect()
}

#[test]
fn the_late_close_of_an_old_socket_does_not_end_the_new_session() {
    let mut authority = relay();
    for connection in [1, 2] {
        authority.connect(ConnectionId(connection), "ada", Role::Editor, START_MS).unwrap();
        authority.handle_frame(ConnectionId(connection), hello(7).as_bytes(), START_MS);
    }
    let _ = sent(&mut authority);
    authority.disconnect(ConnectionId(1));
    let frame = r#"{"type":"sync:ops","ops":[["1zjseztkzpu7u",1,0,0,"a",{"add":"items","set":{}}]]}"#;
    authority.handle_frame(ConnectionId(2), frame.as_bytes(), START_MS);
    assert!(sent(&mut authority).iter().any(|(to, frame)| *to == 2 && frame.contains("sync:ack")));
}

#[test]
fn an_old_socket_is_closed_and_ignored_once_its_client_is_back() {
    let mut authority = relay();
    for connection in [1, 2] {
        authority.connect(ConnectionId(connection), "ada", Role::Editor, START_MS).unwrap();
        authority.handle_frame(ConnectionId(connection), hello(7).as_bytes(), START_MS);
    }
    assert!(sent(&mut authority).contains(&(1, "close 4001".to_owned())));
    let frame = r#"{"type":"sync:ops","ops":[["1zjseztkzpu7u",1,0,0,"a",{"add":"items","set":{}}]]}"#;
    authority.handle_frame(ConnectionId(1), frame.as_bytes(), START_MS);
    assert_eq!(authority.sequence(), 0);
}

#[test]
fn an_empty_state_after_an_oversized_message_does_not_empty_the_room() {
    let mut authority = relay();
    authority.connect(ConnectionId(1), "ada", Role::Editor, START_MS).unwrap();
    let add = r#"{"type":"command","command":{"action":"add_item","item_type":"source","item_id":"a","data":{"x_mm":1,"y_mm":2}}}"#;
    authority.handle_frame(ConnectionId(1), add.as_bytes(), START_MS);
    let oversized = format!("{{\"type\":\"command\",\"junk\":\"{}\"}}", "x".repeat(limits::MAX_FRAME_BYTES));
    authority.handle_frame(ConnectionId(1), oversized.as_bytes(), START_MS);
    assert!(sent(&mut authority).iter().any(|(_, frame)| frame.contains("the limit is 1048576")));
    authority.disconnect(ConnectionId(1));
    authority.connect(ConnectionId(2), "ada", Role::Editor, START_MS).unwrap();
    let empty = r#"{"type":"sync:full_state","state":{"items":[],"version":0}}"#;
    authority.handle_frame(ConnectionId(2), empty.as_bytes(), START_MS);
    assert!(authority.scene().contains("a"));
    assert!(sent(&mut authority).iter().any(|(to, frame)| *to == 2 && frame.contains("add_item")));
}

#[test]
fn attempts_to_connect_are_spread_out_and_never_end() {
    let mut session = Session::new(key(1));
    let mut now_ms = START_MS;
    for attempt in 1..40_u32 {
        session.handle_disconnected(now_ms);
        let due = session.poll_timeout().unwrap();
        let longest = (FIRST_RETRY_MS << (attempt - 1).min(16)).min(LONGEST_RETRY_MS);
        assert!((longest / 2..=longest).contains(&(due - now_ms)), "attempt {attempt}: {}", due - now_ms);
        session.handle_timeout(due - 1);
        assert_eq!(session.status(), Status::Offline);
        session.handle_timeout(due);
        assert_eq!(session.status(), Status::Connecting { attempt: attempt + 1 });
        now_ms = due;
    }
    session.stop();
    assert_eq!(session.poll_timeout(), None);
}

#[test]
fn silence_ends_a_connection() {
    let mut session = Session::new(key(1));
    session.handle_connected(0);
    assert_eq!(session.poll_timeout(), Some(GREETING_TIMEOUT_MS));
    session.handle_timeout(GREETING_TIMEOUT_MS);
    assert_eq!(session.status(), Status::Offline);
    session.start();
    session.handle_connected(0);
    session.handle_frame(br#"{"type":"connection:ack","sync":{}}"#, 0);
    session.handle_timeout(PING_INTERVAL_MS);
    assert!(std::iter::from_fn(|| session.poll_transmit()).any(|frame| frame.contains("ping")));
    session.handle_timeout(SILENCE_TIMEOUT_MS);
    assert_eq!(session.status(), Status::Offline);
}

/// S9: nothing is told before it is stored.
#[test]
fn nothing_is_told_before_it_is_stored() {
    let mut authority = relay();
    authority.connect(ConnectionId(1), "ada", Role::Editor, START_MS).unwrap();
    authority.handle_frame(ConnectionId(1), hello(7).as_bytes(), START_MS);
    let _ = sent(&mut authority);
    let frame = r#"{"type":"sync:ops","ops":[["1zjseztkzpu7u",1,0,0,"a",{"add":"items","set":{}}]]}"#;
    authority.handle_frame(ConnectionId(1), frame.as_bytes(), START_MS);
    authority.connect(ConnectionId(2), "bob", Role::Editor, START_MS).unwrap();
    assert_eq!(authority.poll_transmit(), None);
    let record = authority.poll_record().unwrap();
    assert_eq!(authority.poll_transmit(), None);
    authority.handle_stored(record.sequence);
    assert!(authority.poll_transmit().is_some());
}

/// S17, invariant 10: of a viewer that does not heed its role no family of messages takes effect, but it may be seen.
#[test]
fn a_viewer_that_writes_is_refused_in_every_family() {
    const ADA: ConnectionId = ConnectionId(1);
    const EVE: ConnectionId = ConnectionId(2);
    let add = r#"{"type":"sync:ops","ops":[["22c5o5ojs5yst",1,0,0,"a",{"add":"items","set":{"_type":"source","x_mm":1,"y_mm":2}}]]}"#;
    let families: [(&str, &[&str]); 3] = [
        (
            "sync:refused",
            &[
                r#"{"type":"sync:ops","ops":[["1zjseztkzpu7u",1,0,0,"b",{"add":"items","set":{}}]]}"#,
                r#"{"type":"sync:ops","ops":[["1zjseztkzpu7u",2,0,0,"a",{"set":{"n":1}}]]}"#,
                r#"{"type":"sync:ops","ops":[["1zjseztkzpu7u",3,0,0,"a",{"remove":true}]]}"#,
            ],
        ),
        (
            "\"command\"",
            &[
                r#"{"type":"command","command":{"action":"add_item","item_type":"source","item_id":"b","data":{}}}"#,
                r#"{"type":"command","command":{"action":"update_item","item_type":"source","item_id":"a","data":{"n":1}}}"#,
                r#"{"type":"command","command":{"action":"remove_item","item_type":"","item_id":"a","data":{}}}"#,
                r#"{"type":"sync:full_state","state":{"items":[{"uuid":"c","item_type":"source"}]}}"#,
                r#"{"type":"sync:update","state":{"items":[]}}"#,
            ],
        ),
        (
            "component:",
            &[
                r#"{"type":"component:add","data":{"id":"b","kind":"lens"}}"#,
                r#"{"type":"component:move","data":{"id":"a","x_mm":5,"y_mm":6}}"#,
                r#"{"type":"component:delete","data":{"id":"a"}}"#,
            ],
        ),
    ];
    for (correction, messages) in families {
        let mut authority = relay();
        authority.connect(EVE, "eve", Role::Viewer, START_MS).unwrap();
        authority.connect(ADA, "ada", Role::Editor, START_MS).unwrap();
        let greetings = sent(&mut authority);
        let greeting =
            |to: u64| greetings.iter().find(|(who, frame)| *who == to && frame.contains(":ack")).unwrap().1.clone();
        assert!(greeting(2).contains(r#""is_host":false"#) && greeting(2).contains(r#""role":"viewer""#));
        assert!(greeting(1).contains(r#""is_host":true"#) && greeting(1).contains(r#""role":"editor""#));
        authority.handle_frame(ADA, hello(6).as_bytes(), START_MS);
        authority.handle_frame(ADA, add.as_bytes(), START_MS);
        let before = authority.snapshot();
        if correction == "sync:refused" {
            authority.handle_frame(EVE, hello(7).as_bytes(), START_MS);
        }
        let _ = sent(&mut authority);
        let mut told = Vec::new();
        for message in messages {
            authority.handle_frame(EVE, message.as_bytes(), START_MS);
            authority.handle_frame(EVE, br#"{"type":"cursor:move","data":{"x":1,"y":2}}"#, START_MS);
            assert_eq!(authority.snapshot(), before, "{message}");
            authority.handle_timeout(START_MS + 2_000);
            told.extend(sent(&mut authority));
        }
        let corrections = told.iter().filter(|(to, frame)| *to == 2 && frame.contains(correction)).count();
        assert!(corrections >= messages.len().min(3), "{told:?}");
        assert_eq!(told.iter().filter(|(to, frame)| *to == 1 && !frame.contains("presence")).count(), 0, "{told:?}");
    }
}

/// What a faulty or hostile new client gets for an operation.
#[test]
fn operations_are_checked() {
    let mut authority = relay();
    authority.connect(ConnectionId(1), "ada", Role::Editor, START_MS).unwrap();
    authority.handle_frame(ConnectionId(1), hello(7).as_bytes(), START_MS);
    let mut answer = |operation: &str| {
        let _ = sent(&mut authority);
        let frame = format!(r#"{{"type":"sync:ops","ops":[{operation}]}}"#);
        authority.handle_frame(ConnectionId(1), frame.as_bytes(), START_MS);
        sent(&mut authority).into_iter().map(|(_, frame)| frame).collect::<String>()
    };
    let cases = [
        (
            r#"["1zjseztkzpu7u",1,0,0,"a",{"add":"items","set":{"item_uuid":"a"}}]"#,
            r#""type":"sync:ack","number":1,"sequence":1"#,
        ),
        (
            r#"["1zjseztkzpu7u",1,0,0,"a",{"add":"items","set":{"item_uuid":"a"}}]"#,
            r#""type":"sync:ack","number":1,"sequence":1"#,
        ),
        (r#"["1zjseztkzpu7u",2,0,0,"a",{"add":"items","set":{}}]"#, r#""reason":"exists""#),
        (r#"["1zjseztkzpu7u",3,0,0,"a",{"set":{"item_uuid":"b"}}]"#, r#""reason":"id""#),
        (r#"["1zjseztkzpu7u",4,0,0,"b",{"add":"items","set":{"item_uuid":"a"}}]"#, r#""reason":"id""#),
        (r#"["1zjseztkzpu7u",5,0,0,"b",{"set":{"n1":1}}]"#, r#""reason":"removed""#),
        (r#"["1zjseztkzpu7u",7,0,0,"a",{"set":{"n1":1}}]"#, r#""type":"sync:gap","expected":6"#),
        (r#"["1zjseztkzpu7u",3,0,0,"a",{"set":{"n1":1}}]"#, r#""reason":"late""#),
        (r#"["0000000000008",6,0,0,"a",{"set":{"n1":1}}]"#, r#""reason":"id""#),
        (r#"["1zjseztkzpu7u",0,0,0,"a",{"set":{"n1":1}}]"#, r#""type":"sync:error""#),
        (r#"["1zjseztkzpu7u",6,140737488355328,0,"a",{"set":{"n1":1}}]"#, r#""type":"sync:error""#),
        (r#"["1zjseztkzpu7u",6,0,0,"a",{"set":{"n1":1},"unset":["n1"]}]"#, r#""type":"sync:error""#),
        (
            r#"["1zjseztkzpu7u",6,0,0,"a",{"set":{"n1":1},"later":[{}]}]"#,
            r#""type":"sync:ack","number":6,"sequence":2"#,
        ),
    ];
    for (operation, expected) in cases {
        let answer = answer(operation);
        assert!(answer.contains(expected), "{operation}\n{answer}");
    }
}

/// A frame may hold so many operations and no more.
#[test]
fn operations_in_a_frame_are_limited() {
    let mut authority = relay();
    authority.connect(ConnectionId(1), "ada", Role::Editor, START_MS).unwrap();
    authority.handle_frame(ConnectionId(1), hello(7).as_bytes(), START_MS);
    let frame = |first: usize, count: usize| {
        let operation = |number| format!(r#"["1zjseztkzpu7u",{number},0,0,"i{number}",{{"add":"items","set":{{}}}}]"#);
        let operations: Vec<String> = (first..first + count).map(operation).collect();
        format!(r#"{{"type":"sync:ops","ops":[{}]}}"#, operations.join(","))
    };
    authority.handle_frame(ConnectionId(1), frame(1, limits::MAX_FRAME_OPERATIONS + 1).as_bytes(), START_MS);
    assert_eq!(authority.sequence(), 0);
    authority.handle_frame(ConnectionId(1), frame(1, limits::MAX_FRAME_OPERATIONS).as_bytes(), START_MS);
    assert_eq!(authority.sequence(), limits::MAX_FRAME_OPERATIONS as u64);
}

/// One that was away for as many operations as are kept gets them; for one more it gets a snapshot.
#[test]
fn the_log_is_bounded() {
    let mut authority = relay();
    authority.connect(ConnectionId(1), "ada", Role::Editor, START_MS).unwrap();
    authority.handle_frame(ConnectionId(1), hello(7).as_bytes(), START_MS);
    for number in 1..=MAX_LOG_OPERATIONS + 1 {
        let frame = format!(r#"{{"type":"sync:ops","ops":[["1zjseztkzpu7u",{number},0,0,"a",{{"remove":true}}]]}}"#);
        authority.handle_frame(ConnectionId(1), frame.as_bytes(), START_MS);
    }
    let mut welcome = |have: u64| {
        let _ = sent(&mut authority);
        let hello = hello(7).replace("0}", &format!(r#"0,"epoch":"1","have":{have}}}"#));
        authority.handle_frame(ConnectionId(1), hello.as_bytes(), START_MS);
        sent(&mut authority).remove(0).1
    };
    assert!(welcome(1).ends_with(r#""snapshot":0}"#));
    assert!(welcome(0).ends_with(r#""snapshot":1}"#));
}

#[test]
fn the_steps_of_undo_are_bounded() {
    let mut session = Session::new(key(1));
    for index in 0..=MAX_UNDO_STEPS {
        let edit = Edit::Add { item: item(&index.to_string()), position: None };
        session.edit(&edit, UndoStep::New, START_MS).unwrap();
    }
    for _ in 0..MAX_UNDO_STEPS {
        assert!(session.undo(START_MS).unwrap());
    }
    assert!(!session.undo(START_MS).unwrap());
    assert!(session.scene().contains(&ItemId::from("0")));
}

#[test]
fn a_document_is_bounded() {
    let mut replica = Replica::new(RemovedItems::Keep);
    let value = "1".repeat(limits::MAX_ITEM_BYTES - 1);
    let mut last = replica.bytes();
    for number in 1.. {
        let text = format!(r#"["1zjseztkzpu7u",{number},0,0,"item {number}",{{"set":{{"k":{value}}}}}]"#);
        let operation = Operation::from_json(&text).unwrap();
        match replica.apply(&operation) {
            Ok(_) => last = replica.bytes(),
            Err(DocumentFull) => break,
        }
    }
    assert_eq!(replica.bytes(), last, "nothing of it was taken");
    assert!(last <= limits::MAX_DOCUMENT_BYTES && last > limits::MAX_DOCUMENT_BYTES - 2 * limits::MAX_ITEM_BYTES);
}

/// S11, invariant 7: an older client's move and a new client's edit both survive, although the move carries every
/// property as it was before the edit.
#[test]
fn a_whole_item_changes_only_what_its_user_changed() {
    let mut authority = relay();
    for (connection, user) in [(1, "ada"), (2, "bob")] {
        authority.connect(ConnectionId(connection), user, Role::Editor, START_MS).unwrap();
    }
    authority.handle_frame(ConnectionId(1), hello(7).as_bytes(), START_MS);
    let operation =
        |number, body| format!(r#"{{"type":"sync:ops","ops":[["1zjseztkzpu7u",{number},0,0,"a",{body}]]}}"#);
    let add =
        operation(1, r#"{"add":"items","set":{"item_uuid":"a","_type":"source","x_mm":1.0,"y_mm":2,"n_rays":9}}"#);
    authority.handle_frame(ConnectionId(1), add.as_bytes(), START_MS);
    authority.handle_frame(ConnectionId(2), br#"{"type":"sync:request"}"#, START_MS);
    let edit = operation(2, r#"{"set":{"n_rays":11}}"#);
    authority.handle_frame(ConnectionId(1), edit.as_bytes(), START_MS + 1);
    let moved = r#"{"type":"command","command":{"action":"move_item","item_type":"source","item_id":"a",
        "data":{"item_uuid":"a","_type":"source","x_mm":5.0,"y_mm":2.0,"n_rays":9}}}"#;
    authority.handle_frame(ConnectionId(2), moved.as_bytes(), START_MS + 2);
    let scene = authority.scene();
    let read = |key| scene.get("a").unwrap().get(key).unwrap().to_string();
    assert_eq!((read("x_mm"), read("y_mm"), read("n_rays")), ("5.0".to_owned(), "2.0".to_owned(), "11".to_owned()));
    assert_eq!(authority.sequence(), 3, "one operation for the move, none for what came back");
}

/// Found by the simulation: a new client on a slow line stayed an old one for good.
#[test]
fn a_slow_new_client_is_taken_for_the_app_only_until_it_speaks() {
    let mut authority = relay();
    authority.connect(ConnectionId(1), "ada", Role::Editor, START_MS).unwrap();
    authority.handle_timeout(START_MS + DIALECT_TIMEOUT_MS);
    assert_eq!(authority.poll_timeout(), None, "it was taken for the app");
    authority.handle_frame(ConnectionId(1), hello(7).as_bytes(), START_MS + 2 * DIALECT_TIMEOUT_MS);
    assert!(sent(&mut authority).iter().any(|(_, frame)| frame.contains("sync:welcome")));
}

/// Found by the simulation: an app that came back to an empty session went on showing what it had.
#[test]
fn a_request_in_an_empty_session_is_answered() {
    let mut authority = relay();
    authority.connect(ConnectionId(1), "ada", Role::Editor, START_MS).unwrap();
    authority.handle_frame(ConnectionId(1), br#"{"type":"sync:request"}"#, START_MS);
    assert!(sent(&mut authority).iter().any(|(_, frame)| frame.contains(r#""state":{"items":[]"#)));
}

/// Found by the simulation: all items, on their way to an app, wiped what it added before they arrived.
#[test]
fn what_all_items_may_wipe_is_sent_again() {
    let mut authority = relay();
    authority.connect(ConnectionId(1), "ada", Role::Editor, START_MS).unwrap();
    authority.handle_frame(ConnectionId(1), br#"{"type":"sync:request"}"#, START_MS);
    let add = br#"{"type":"command","command":{"action":"add_item","item_type":"source","item_id":"a","data":{}}}"#;
    authority.handle_frame(ConnectionId(1), add, START_MS + 100);
    let _ = sent(&mut authority);
    let due = authority.poll_timeout().unwrap();
    authority.handle_timeout(due);
    let frames: Vec<String> = sent(&mut authority).into_iter().map(|(_, frame)| frame).collect();
    assert!(matches!(frames.as_slice(), [remove, add] if remove.contains("remove_item") && add.contains("add_item")));
}

/// Found by the simulation: an older value, on its way to an app, arrived after the newer one that it had sent.
#[test]
fn an_item_that_an_app_spoke_of_is_sent_again_when_it_has_finished() {
    let mut authority = relay();
    authority.connect(ConnectionId(1), "ada", Role::Editor, START_MS).unwrap();
    let command = |action: &str, x: u32| {
        let data = format!(r#"{{"item_uuid":"a","x_mm":{x},"y_mm":0}}"#);
        format!(
            r#"{{"type":"command","command":{{"action":"{action}","item_type":"source","item_id":"a","data":{data}}}}}"#
        )
    };
    authority.handle_frame(ConnectionId(1), command("add_item", 0).as_bytes(), START_MS);
    for x in 1..10 {
        authority.handle_timeout(START_MS + u64::from(x) * 100);
        authority.handle_frame(ConnectionId(1), command("move_item", x).as_bytes(), START_MS + u64::from(x) * 100);
    }
    let dragging = sent(&mut authority);
    assert!(!dragging.iter().any(|(_, frame)| frame.contains("update_item")), "not while it is dragged");
    let due = authority.poll_timeout().unwrap();
    authority.handle_timeout(due);
    let frames = sent(&mut authority);
    assert!(frames.len() == 1 && frames[0].1.contains("update_item") && frames[0].1.contains(r#""x_mm":9"#));
    assert_eq!(authority.poll_timeout(), None);
}

/// The log says who has edited; nobody else may join them past the limit.
#[test]
fn the_replicas_of_a_session_are_bounded() {
    let records = (1..=MAX_REPLICAS as u64).map(|sequence| Record {
        sequence,
        text: format!(r#"["{}",1,{sequence},0,"a",{{"remove":true}}]"#, key(sequence).replica()).into(),
    });
    let config = AuthorityConfig { session_id: "s".to_owned(), epoch: 1, replica: ReplicaId::new(0) };
    let mut authority = Authority::restore(config, None, records).unwrap();
    let mut answer = |connection, replica| {
        authority.connect(ConnectionId(connection), "ada", Role::Editor, START_MS).unwrap();
        authority.handle_frame(ConnectionId(connection), hello(replica).as_bytes(), START_MS);
        sent(&mut authority)
    };
    assert!(answer(1, MAX_REPLICAS as u64).iter().any(|(_, frame)| frame.contains("sync:welcome")));
    assert!(answer(2, MAX_REPLICAS as u64 + 1).contains(&(2, "close 1008".to_owned())));
}

/// A session is brought back whole or not at all.
#[test]
fn what_was_stored_is_checked() {
    let config = || AuthorityConfig { session_id: "s".to_owned(), epoch: 1, replica: ReplicaId::new(0) };
    let record = |sequence, number| Record {
        sequence,
        text: format!(r#"["1zjseztkzpu7u",{number},5,0,"a",{{"remove":true}}]"#).into(),
    };
    let restore = |records: Vec<Record>| Authority::restore(config(), None, records);
    assert_eq!(restore(vec![record(1, 1), record(2, 2)]).unwrap().sequence(), 2);
    assert!(matches!(restore(vec![record(2, 1)]), Err(RestoreError::Gap { before: 0, found: 2 })));
    assert!(matches!(restore(vec![record(1, 1), record(2, 1)]), Err(RestoreError::Repeat { sequence: 2 })));
    let damaged = Record { sequence: 1, text: "[".into() };
    assert!(matches!(restore(vec![damaged]), Err(RestoreError::Record { sequence: 1, .. })));
    let snapshot = Snapshot { sequence: 1, text: "{".to_owned() };
    let restored = Authority::restore(config(), Some(&snapshot), Vec::new());
    assert!(matches!(restored, Err(RestoreError::Snapshot { sequence: 1, .. })));
}

#[test]
fn the_name_of_a_user_is_bounded() {
    let mut authority = relay();
    let name = "x".repeat(limits::MAX_NAME_BYTES);
    assert!(authority.connect(ConnectionId(1), &name, Role::Editor, START_MS).is_ok());
    assert!(authority.connect(ConnectionId(2), &format!("{name}x"), Role::Editor, START_MS).is_err());
}

#[test]
fn clients_of_the_app_that_join_late_share_one_text_until_something_changes() {
    let mut authority = relay();
    let connect = |authority: &mut Authority, connection: u64| {
        authority.connect(ConnectionId(connection), "ada", Role::Editor, START_MS).unwrap();
        let request = if connection == 1 { hello(7) } else { r#"{"type":"sync:request"}"#.to_owned() };
        authority.handle_frame(ConnectionId(connection), request.as_bytes(), START_MS);
    };
    let edit = |authority: &mut Authority, number: u64, item: &str, body: &str| {
        let frame = format!(r#"{{"type":"sync:ops","ops":[["1zjseztkzpu7u",{number},0,0,"{item}",{body}]]}}"#);
        authority.handle_frame(ConnectionId(1), frame.as_bytes(), START_MS);
        while let Some(record) = authority.poll_record() {
            authority.handle_stored(record.sequence);
        }
    };
    let state = |authority: &mut Authority, connection: u64| {
        connect(authority, connection);
        let mut payloads = std::iter::from_fn(|| authority.poll_transmit()).map(|transmit| transmit.payload);
        let is_state = |payload: &Payload| matches!(payload, Payload::Frame(frame) if frame.contains("full_state"));
        let Some(Payload::Frame(state)) = payloads.find(is_state) else { panic!("no state") };
        state
    };
    connect(&mut authority, 1);
    for (number, item) in [(1, "a"), (2, "b")] {
        let body = format!(r#"{{"add":"items","set":{{"item_uuid":"{item}","_type":"source","n":1}}}}"#);
        edit(&mut authority, number, item, &body);
    }
    let first = state(&mut authority, 2);
    assert!(std::sync::Arc::ptr_eq(&first, &state(&mut authority, 3)));
    edit(&mut authority, 3, "a", r#"{"set":{"n":2}}"#);
    let told: Vec<(u64, String)> = sent(&mut authority).into_iter().filter(|(to, _)| *to > 1).collect();
    let is_update = |frame: &str| frame.contains("update_item") && frame.contains(r#""n":2"#);
    assert!(told.len() == 2 && told.iter().all(|(_, frame)| is_update(frame)), "{told:?}");
    let second = state(&mut authority, 4);
    assert!(first.contains(r#""n":1"#) && second.contains(r#""n":2"#), "{second}");
    // What one was sent with all others it is known to have, and then to have no more.
    edit(&mut authority, 4, "b", r#"{"remove":true}"#);
    edit(&mut authority, 5, "b", r#"{"add":"items","set":{"item_uuid":"b","_type":"source","n":3}}"#);
    let told: Vec<String> =
        sent(&mut authority).into_iter().filter(|(to, _)| *to == 4).map(|(_, frame)| frame).collect();
    assert!(told[0].contains("remove_item") && told.last().unwrap().contains("add_item"), "{told:?}");
    // It repeats what it was sent, and nothing is changed by it.
    let sequence = authority.sequence();
    let repeat = r#"{"type":"command","command":{"action":"update_item","item_type":"source","item_id":"a","data":{"item_uuid":"a","_type":"source","n":2}}}"#;
    authority.handle_frame(ConnectionId(4), repeat.as_bytes(), START_MS);
    assert_eq!(authority.sequence(), sequence);
}
