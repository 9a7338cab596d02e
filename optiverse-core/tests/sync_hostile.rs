//! Whatever arrives: nothing breaks, nothing grows without bound, and nobody else is affected. Numbers beginning with S are
//! the rules of `optiverse_core::sync`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "sync_sim/exchange.rs"]
mod exchange;
#[path = "sync_sim/keys.rs"]
mod keys;

use exchange::exchange;
use keys::{hello, key, key_text};
use optiverse_core::scene::{Edit, Item, Section};
use optiverse_core::sync::authority::{
    Authority, AuthorityConfig, ConnectionId, MAX_LOG_BYTES, MAX_LOG_OPERATIONS, MAX_REMOVED_IDS, Payload,
};
use optiverse_core::sync::session::{Status, UndoStep};
use optiverse_core::sync::{ReplicaId, Role, Session, limits};
use proptest::prelude::*;

const START_MS: u64 = 1_763_700_000_000;
const ADA: ConnectionId = ConnectionId(1);
const EVE: ConnectionId = ConnectionId(2);

fn session(replica: u64) -> Session {
    Session::new(key(replica))
}

fn item(id: &str) -> Item {
    let properties = serde_json::json!({"item_uuid": id, "_type": "source", "x_mm": 0, "y_mm": 0});
    Item::new(Section::Items, properties.as_object().unwrap().clone()).unwrap()
}

/// A relay with a client that behaves.
struct Room {
    relay: Authority,
    ada: Session,
    /// Closes of connections, by whose they were.
    closed: Vec<(ConnectionId, u16)>,
}

impl Room {
    fn new() -> Room {
        let config = AuthorityConfig { session_id: "s".to_owned(), epoch: 1, replica: ReplicaId::new(9) };
        let mut room = Room { relay: Authority::new(config), ada: session(1), closed: Vec::new() };
        room.relay.connect(ADA, "ada", Role::Editor, START_MS).unwrap();
        room.ada.handle_connected(START_MS);
        room.pump();
        room
    }

    fn pump(&mut self) {
        let Room { relay, ada, closed } = self;
        exchange(relay, (ada, ADA), START_MS, |connection, payload| {
            if let Payload::Close { code, .. } = payload {
                closed.push((connection, *code));
            }
        });
    }

    /// Whether the client that behaves is served as ever.
    fn serves_ada(&mut self) -> bool {
        let edit = Edit::Add { item: item("ada's"), position: None };
        let is_made = self.ada.edit(&edit, UndoStep::New, START_MS).is_ok();
        self.pump();
        let is_up_to_date = self.ada.scene().items().count() == self.relay.document().len();
        let is_closed = self.closed.iter().any(|(connection, _)| *connection == ADA);
        is_made && is_up_to_date && self.ada.status() == Status::Synchronised && !is_closed
    }
}

fn frames() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        hello(7),
        hello(7).replace(&key_text(7), &key_text(8)),
        r#"{"type":"command","command":{"action":"sync"},"user_id":"o","sync":{"protocol":1,"replica":"1zjseztkzpu7u","have":[["1zjseztkzpu7u",3]],"ask":true}}"#.to_owned(),
        r#"{"type":"command","command":{"action":"sync"},"sync":{"protocol":1,"replica":"1zjseztkzpu7u","ops":[["1zjseztkzpu7u",2,9,0,"a",{"set":{"n":1}}]]}}"#.to_owned(),
        r#"{"type":"user:joined","user_id":"o"}"#.to_owned(),
        r#"{"type":"sync:ops","sequence":1,"ops":[["1zjseztkzpu7u",1,0,0,"a",{"add":"items","set":{"x_mm":1,"n":[{}]}}]]}"#.to_owned(),
        r#"{"type":"sync:welcome","epoch":"1","sequence":1,"snapshot":1}"#.to_owned(),
        r#"{"type":"sync:part","index":0,"part":{"replicas":["1zjseztkzpu7u"],"items":[["a",[0,1,5,0,"items"],{"x_mm":[0,1,5,0,{"y_mm":2}]}]],"vector":[["1zjseztkzpu7u",1,3]],"since":[]}}"#.to_owned(),
        r#"{"type":"sync:ack","number":1,"sequence":1,"time":[5,0]}"#.to_owned(),
        r#"{"type":"sync:refused","number":1,"reason":"role"}"#.to_owned(),
        r#"{"type":"sync:gap","expected":18446744073709551615}"#.to_owned(),
        r#"{"type":"connection:ack","sync":{}}"#.to_owned(),
        r#"{"type":"command","command":{"action":"update_item","item_type":"ruler","item_id":"a","data":{"points":[[1,2]]}}}"#.to_owned(),
        r#"{"type":"command","command":{"action":"add_item","item_type":"source","item_id":"b","data":{"x_mm":NaN}}}"#.to_owned(),
        r#"{"type":"sync:full_state","state":{"items":[{"uuid":"c","item_type":"text"}]}}"#.to_owned(),
        r#"{"type":"sync:request"}"#.to_owned(),
        r#"{"type":"component:add","data":{"id":"a","kind":"lens","x_mm":1}}"#.to_owned(),
        r#"{"type":"component:move","data":{"id":"a","y_mm":1e400}}"#.to_owned(),
        r#"{"type":"component:delete","data":{"id":"a"}}"#.to_owned(),
    ]);
    let changed =
        (known, any::<prop::sample::Index>(), any::<u8>(), any::<bool>()).prop_map(|(text, at, byte, change)| {
            let mut bytes = text.into_bytes();
            if change {
                let place = at.index(bytes.len());
                bytes[place] = byte;
            }
            bytes
        });
    prop_oneof![8 => changed, 1 => prop::collection::vec(any::<u8>(), 0..40)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// S14: any bytes at all give an error or are ignored; another client goes on undisturbed.
    #[test]
    fn invariant_13_any_frames_reach_the_relay(input in prop::collection::vec((2..4_u64, frames()), 0..30)) {
        let mut room = Room::new();
        for connection in 2..4 {
            room.relay.connect(ConnectionId(connection), "ada", Role::Editor, START_MS).unwrap();
        }
        for (index, (connection, frame)) in input.into_iter().enumerate() {
            let now_ms = START_MS + index as u64 * 400;
            room.relay.handle_frame(ConnectionId(connection), &frame, now_ms);
            room.relay.handle_timeout(now_ms);
            room.pump();
        }
        prop_assert!(room.serves_ada());
    }

    /// S14: nor does a frame harm a client, whatever it holds, from a relay or from a server that only forwards.
    #[test]
    fn invariant_13_any_frames_reach_a_client(is_relay in any::<bool>(), input in prop::collection::vec(frames(), 0..30)) {
        let mut session = session(7);
        session.edit(&Edit::Add { item: item("a"), position: None }, UndoStep::New, 0).unwrap();
        session.handle_connected(0);
        let greeting = if is_relay { r#"{"type":"connection:ack","sync":{}}"# } else { r#"{"type":"connection:ack"}"# };
        session.handle_frame(greeting.as_bytes(), 0);
        for (index, frame) in input.into_iter().enumerate() {
            session.handle_frame(&frame, 0);
            session.handle_timeout(index as u64 * 400);
            while session.poll_event().is_some() {}
            while session.poll_transmit().is_some() {}
        }
        let anew = Session::resume(key(0), &session.save()).unwrap();
        prop_assert_eq!(anew.scene().len(), session.scene().len());
    }
}

/// S14: a limit that one exceeds disconnects nobody else, and nobody's work is lost.
#[test]
fn invariant_10_a_limit_never_disconnects_anybody_else() {
    let long = "x".repeat(limits::MAX_STATE_BYTES);
    let name = "x".repeat(limits::MAX_NAME_BYTES + 1);
    let deep = format!("{}1{}", "[".repeat(1_000), "]".repeat(1_000));
    let hello = hello(7);
    for frame in [
        long.clone(),
        format!(r#"{{"type":"command","junk":"{long}"}}"#),
        format!(r#"{{"type":"command","command":{deep}}}"#),
        format!(r#"{{"type":"sync:ops","ops":[["1zjseztkzpu7u",1,0,0,"{name}",{{"remove":true}}]]}}"#),
        format!(r#"{{"type":"sync:ops","ops":[["1zjseztkzpu7u",1,0,0,"a",{{"set":{{"{name}":1}}}}]]}}"#),
        format!(r#"{{"type":"component:add","data":{{"id":"{name}","kind":"lens"}}}}"#),
        format!(r#"{{"type":"sync:full_state","state":{{"items":[{{"uuid":"a","n":"{}"}}]}}}}"#, &long[..600_000]),
        hello.replace("\"protocol\":1", "\"protocol\":2"),
    ] {
        let mut room = Room::new();
        room.relay.connect(EVE, "eve", Role::Editor, START_MS).unwrap();
        room.relay.handle_frame(EVE, hello.as_bytes(), START_MS);
        room.relay.handle_frame(EVE, frame.as_bytes(), START_MS);
        assert!(room.serves_ada(), "{}", &frame[..frame.len().min(100)]);
        assert_eq!(room.closed, [], "nor is the sender disconnected");
    }
}

/// What a relay holds beside the document, after floods: of operations, of removals, of replicas, of refused items.
#[test]
fn invariant_12_memory_is_bounded() {
    let mut room = Room::new();
    let mut greatest = room.relay.held();
    for viewer in 2..5 {
        let role = if viewer == 2 { Role::Editor } else { Role::Viewer };
        room.relay.connect(ConnectionId(viewer), "eve", role, START_MS).unwrap();
    }
    let mut now_ms = START_MS;
    for round in 0..60_u64 {
        for index in 0..400 {
            let number = round * 400 + index + 1;
            let ops = [
                format!(r#"["1zjseztkzpu7u",{},0,0,"i{number}",{{"add":"items","set":{{}}}}]"#, 2 * number - 1),
                format!(r#"["1zjseztkzpu7u",{},0,0,"i{number}",{{"remove":true}}]"#, 2 * number),
            ];
            let frame = format!(r#"{{"type":"sync:ops","ops":[{}]}}"#, ops.join(","));
            if number == 1 {
                room.relay.handle_frame(EVE, hello(7).as_bytes(), now_ms);
            }
            room.relay.handle_frame(EVE, frame.as_bytes(), now_ms);
            let add = format!(
                r#"{{"type":"command","command":{{"action":"add_item","item_type":"source","item_id":"v{number}","data":{{}}}}}}"#
            );
            room.relay.handle_frame(ConnectionId(3), add.as_bytes(), now_ms);
            room.relay.handle_frame(ConnectionId(4), hello(number + 99).as_bytes(), now_ms);
        }
        now_ms += 1_000;
        room.relay.handle_timeout(now_ms);
        room.pump();
        let held = room.relay.held();
        greatest.log_operations = greatest.log_operations.max(held.log_operations);
        greatest.log_bytes = greatest.log_bytes.max(held.log_bytes);
        greatest.removals = greatest.removals.max(held.removals);
        greatest.replicas = greatest.replicas.max(held.replicas);
        greatest.shadowed_items = greatest.shadowed_items.max(held.shadowed_items);
        assert_eq!(held.waiting, 0, "what was polled is gone");
    }
    assert_eq!(greatest.log_operations, MAX_LOG_OPERATIONS);
    assert!(greatest.log_bytes <= MAX_LOG_BYTES);
    assert_eq!(greatest.removals, MAX_REMOVED_IDS);
    assert!(greatest.replicas <= 4, "{greatest:?}");
    // What it said within a second, and the removals that it was told of.
    assert!(greatest.shadowed_items <= 2 * 400 + 10_000, "{greatest:?}");
    assert!(room.serves_ada());
    for connection in 2..5 {
        room.relay.disconnect(ConnectionId(connection));
    }
    room.pump();
    assert_eq!(room.relay.held().shadowed_items, 0, "what belongs to a connection goes with it");
}

/// A client that is not polled holds the others up by nothing: what is for them is there for them.
#[test]
fn invariant_12_a_reader_that_does_not_read_delays_nobody() {
    let mut room = Room::new();
    // The host keeps what is for this one, and nothing of it comes back.
    room.relay.connect(EVE, "eve", Role::Editor, START_MS).unwrap();
    for index in 0..500 {
        let edit = Edit::Add { item: item(&index.to_string()), position: None };
        room.ada.edit(&edit, UndoStep::New, START_MS).unwrap();
        room.pump();
        assert_eq!(room.ada.status(), Status::Synchronised);
    }
    assert_eq!(room.relay.held().waiting, 0);
}
