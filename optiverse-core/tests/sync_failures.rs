//! What went wrong for users of other programs of this kind, and the relay's answers to bad input.

mod sync_sim;

use optiverse_core::scene::{Edit, Item, ItemId, PropertyChange, Section, Value};
use optiverse_core::sync::authority::{Authority, AuthorityConfig, ConnectionId, Payload, Role};
use optiverse_core::sync::session::{
    Event, FIRST_RETRY_MS, GREETING_TIMEOUT_MS, LONGEST_RETRY_MS, LocalEditError, PING_INTERVAL_MS,
    SILENCE_TIMEOUT_MS, Status, UndoStep,
};
use optiverse_core::sync::{RefusalReason, ReplicaId, Session, SessionConfig, limits};
use proptest::prelude::*;
use sync_sim::clients::{App, Client, ComponentClient, NewClient};
use sync_sim::{START_MS, World};

const HOUR_MS: i64 = 3_600_000;

fn new_client(id: u64) -> Client {
    Client::New(Box::new(NewClient::new(id)))
}

fn world(clients: Vec<Client>) -> World {
    let mut world = World::new(1, clients);
    world.skew_ms.fill(0);
    world
}

fn session(world: &mut World, client: usize) -> &mut Session {
    match &mut world.clients[client] {
        Client::New(client) => &mut client.session,
        _ => panic!("not a new client"),
    }
}

fn events(world: &World, client: usize) -> &[Event] {
    match &world.clients[client] {
        Client::New(client) => &client.events,
        _ => panic!("not a new client"),
    }
}

fn item(id: &str) -> Item {
    let properties = serde_json::json!({"item_uuid": id, "_type": "source", "x_mm": 0, "y_mm": 0});
    Item::new(Section::Items, properties.as_object().unwrap().clone()).unwrap()
}

fn add(world: &mut World, client: usize, id: &str) {
    edit(world, client, &Edit::Add { item: item(id), position: None });
}

fn set(world: &mut World, client: usize, id: &str, key: &str, value: i64) {
    let changes = vec![PropertyChange::set(key, value)];
    edit(world, client, &Edit::Set { id: ItemId::from(id), changes });
}

fn edit(world: &mut World, client: usize, edit: &Edit) {
    let now_ms = world.client_clock(client);
    session(world, client).edit(edit, UndoStep::New, now_ms).unwrap();
}

fn remove(world: &mut World, client: usize, id: &str) {
    edit(world, client, &Edit::Remove { id: ItemId::from(id) });
}

fn read(world: &World, id: &str, key: &str) -> Option<i64> {
    world.authority.scene().get(id).and_then(|item| item.get(key)).and_then(Value::as_i64)
}

#[test]
fn a_reconnect_does_not_resurrect_an_item_removed_while_offline() {
    let clients = vec![new_client(1), new_client(2), Client::App(App::new(true)), Client::Component(ComponentClient::new())];
    let mut world = world(clients);
    add(&mut world, 0, "lens");
    world.quiet();
    for client in [1, 2, 3] {
        world.cut(client);
    }
    set(&mut world, 1, "lens", "n1", 2);
    remove(&mut world, 0, "lens");
    // Client 0 alone gets through first.
    while session(&mut world, 0).pending() > 0 {
        world.step_alone(0);
    }
    world.quiet();
    world.check_quiet();
    assert!(!world.authority.scene().contains("lens"));
    let refused = |event: &&Event| matches!(event, Event::Refused { reason: RefusalReason::Removed, .. });
    assert_eq!(events(&world, 1).iter().filter(refused).count(), 1, "its user is told why the edit is gone");
}

#[test]
fn an_edit_that_was_applied_but_not_acknowledged_is_not_sent_again_over_a_later_one() {
    let mut world = world(vec![new_client(1), new_client(2)]);
    add(&mut world, 0, "lens");
    world.quiet();
    set(&mut world, 0, "lens", "n1", 1);
    let sequence = world.authority.sequence();
    while world.authority.sequence() == sequence {
        world.step_alone(0);
    }
    world.store();
    world.cut(0);
    assert_eq!(session(&mut world, 0).pending(), 1, "it was not told");
    set(&mut world, 1, "lens", "n1", 2);
    while session(&mut world, 1).pending() > 0 {
        world.step_alone(1);
    }
    world.quiet();
    world.check_quiet();
    assert_eq!(read(&world, "lens", "n1"), Some(2));
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
    let frame = r#"{"type":"sync:ops","ops":[["0000000000007",1,0,0,"a",{"add":"items","set":{}}]]}"#;
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
    let frame = r#"{"type":"sync:ops","ops":[["0000000000007",1,0,0,"a",{"add":"items","set":{}}]]}"#;
    authority.handle_frame(ConnectionId(1), frame.as_bytes(), START_MS);
    assert_eq!(authority.sequence(), 0);
}

#[test]
fn two_users_of_one_name_are_two() {
    // The simulation gives clients 0 and 1 one name.
    let mut world = world(vec![new_client(1), new_client(2)]);
    world.quiet();
    world.cut(0);
    add(&mut world, 1, "lens");
    while session(&mut world, 1).pending() > 0 {
        world.step_alone(1);
    }
    assert_eq!(session(&mut world, 1).status(), Status::Synchronised);
    world.quiet();
    world.check_quiet();
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
fn the_last_user_leaves_while_another_one_joins() {
    let mut world = world(vec![new_client(1), new_client(2)]);
    add(&mut world, 0, "lens");
    while session(&mut world, 0).status() != Status::Synchronised {
        world.step_alone(0);
    }
    world.connect(1);
    world.cut(0);
    world.crash();
    while session(&mut world, 1).status() != Status::Synchronised {
        world.step_alone(1);
    }
    assert!(session(&mut world, 1).scene().contains("lens"));
}

#[test]
fn a_client_whose_clock_is_an_hour_ahead_does_not_win_for_an_hour() {
    let mut world = world(vec![new_client(1), new_client(2)]);
    world.skew_ms[0] = HOUR_MS;
    add(&mut world, 0, "lens");
    world.quiet();
    set(&mut world, 0, "lens", "n1", 1);
    world.quiet();
    set(&mut world, 1, "lens", "n1", 2);
    world.quiet();
    world.check_quiet();
    assert_eq!(read(&world, "lens", "n1"), Some(2));
}

/// Invariant 10: a viewer never changes the document, whatever it speaks, and is told or corrected.
#[test]
fn a_viewer_changes_nothing() {
    let mut world = world(vec![new_client(1), new_client(2), Client::App(App::new(false))]);
    world.roles[1] = Role::Viewer;
    world.roles[2] = Role::Viewer;
    add(&mut world, 0, "lens");
    world.quiet();
    add(&mut world, 1, "mirror");
    set(&mut world, 1, "lens", "n1", 1);
    let before = world.authority.sequence();
    for _ in 0..20 {
        let now_ms = world.now_ms;
        let mut random = sync_sim::Random(now_ms);
        world.clients[2].edit(&mut random, true, now_ms);
        world.now_ms += 1;
    }
    world.quiet();
    world.check_quiet();
    assert_eq!(world.authority.sequence(), before);
    let refused = |event: &&Event| matches!(event, Event::Refused { reason: RefusalReason::Role, .. });
    assert_eq!(events(&world, 1).iter().filter(refused).count(), 2);
}

/// S13, invariant 9: undoing and redoing everything is the identity where nobody interferes.
#[test]
fn undo_and_redo_are_inverse() {
    let mut world = world(vec![new_client(1)]);
    let mut states = vec![world.clients_scene(0)];
    add(&mut world, 0, "lens");
    states.push(world.clients_scene(0));
    set(&mut world, 0, "lens", "n1", 1);
    states.push(world.clients_scene(0));
    world.quiet();
    for x in 1..30 {
        let now_ms = world.now_ms;
        let edit = Edit::Move { id: ItemId::from("lens"), x_mm: f64::from(x), y_mm: -f64::from(x) };
        let step = if x == 1 { UndoStep::New } else { UndoStep::Continue };
        session(&mut world, 0).edit(&edit, step, now_ms).unwrap();
    }
    states.push(world.clients_scene(0));
    remove(&mut world, 0, "lens");
    states.push(world.clients_scene(0));
    for round in 0..2 {
        for state in states.iter().rev().skip(1) {
            assert!(session(&mut world, 0).undo(START_MS).unwrap(), "round {round}");
            assert_eq!(&world.clients_scene(0), state);
            world.quiet();
        }
        assert!(!session(&mut world, 0).undo(START_MS).unwrap());
        for state in &states[1..] {
            assert!(session(&mut world, 0).redo(START_MS).unwrap(), "round {round}");
            assert_eq!(&world.clients_scene(0), state);
            world.quiet();
        }
        assert!(!session(&mut world, 0).can_redo());
    }
    world.check_quiet();
}

/// S13, invariant 9: undo never changes somebody else's later value.
#[test]
fn undo_leaves_the_later_values_of_others_alone() {
    let mut world = world(vec![new_client(1), new_client(2)]);
    add(&mut world, 0, "lens");
    edit(&mut world, 0, &Edit::Set {
        id: ItemId::from("lens"),
        changes: vec![PropertyChange::set("n1", 1), PropertyChange::set("name", "mine")],
    });
    world.quiet();
    set(&mut world, 1, "lens", "n1", 2);
    world.quiet();
    assert!(session(&mut world, 0).undo(START_MS).unwrap());
    assert!(session(&mut world, 0).undo(START_MS).unwrap(), "the add, which somebody has built upon");
    world.quiet();
    world.check_quiet();
    assert_eq!(read(&world, "lens", "n1"), Some(2));
    assert!(world.authority.scene().get("lens").unwrap().get("name").is_none());
}

/// Saved work is sent after a restart, once.
#[test]
fn saved_work_survives_a_restart() {
    let mut world = world(vec![new_client(1), new_client(2)]);
    world.quiet();
    world.cut(0);
    add(&mut world, 0, "lens");
    world.clients[0].restart(77);
    assert!(session(&mut world, 0).scene().contains("lens"));
    world.quiet();
    world.cut(0);
    world.clients[0].restart(78);
    world.quiet();
    world.check_quiet();
    assert_eq!(world.authority.sequence(), 1);
    let text = session(&mut world, 0).save();
    let config = || SessionConfig { replica: ReplicaId::new(5), jitter_seed: 0 };
    assert!(Session::resume(config(), &text[..text.len() - 1]).is_err());
    assert!(Session::resume(config(), "{}").is_err());
}

/// A large scene is caught up with in frames within the limit, which the simulation checks.
#[test]
fn a_scene_of_five_mebibytes_is_shared() {
    let mut world = world(vec![new_client(1), new_client(2), Client::App(App::new(false))]);
    let long = "x".repeat(200_000);
    for index in 0..28 {
        let id = format!("item {index}");
        add(&mut world, 0, &id);
        let changes = vec![PropertyChange::set("notes", long.as_str())];
        edit(&mut world, 0, &Edit::Set { id: ItemId::from(id), changes });
    }
    world.quiet();
    world.check_quiet();
    assert!(world.authority.snapshot().text.len() > 5 << 20);
}

/// The limits of an item, at the limit and one past it.
#[test]
fn items_are_limited_where_they_are_made() {
    let mut world = world(vec![new_client(1)]);
    add(&mut world, 0, "lens");
    let mut try_set = |changes| {
        let edit = Edit::Set { id: ItemId::from("lens"), changes };
        session(&mut world, 0).edit(&edit, UndoStep::New, START_MS)
    };
    let key = |length: usize| vec![PropertyChange::set("k".repeat(length), 1)];
    assert!(try_set(key(limits::MAX_NAME_BYTES)).is_ok());
    assert!(matches!(try_set(key(limits::MAX_NAME_BYTES + 1)), Err(LocalEditError::Limit(_))));
    let keys = |count: usize| (0..count).map(|index| PropertyChange::set(format!("key {index}"), 1)).collect();
    assert!(try_set(keys(limits::MAX_ITEM_KEYS)).is_ok());
    assert!(matches!(try_set(keys(limits::MAX_ITEM_KEYS + 1)), Err(LocalEditError::Limit(_))));
    // Quotation marks and the key count.
    let value = |length: usize| vec![PropertyChange::set("n", "x".repeat(length - 3))];
    assert!(try_set(value(limits::MAX_ITEM_BYTES)).is_ok());
    assert!(matches!(try_set(value(limits::MAX_ITEM_BYTES + 1)), Err(LocalEditError::Limit(_))));
    assert!(matches!(
        session(&mut world, 0).edit(&Edit::SetDocument { changes: Vec::new() }, UndoStep::New, START_MS),
        Err(LocalEditError::Document)
    ));
}

/// Each edit may be within the limits and their sum not: the relay refuses what would make the item too large.
#[test]
fn an_item_does_not_grow_past_its_limit() {
    let mut world = world(vec![new_client(1)]);
    add(&mut world, 0, "lens");
    let half = "x".repeat(limits::MAX_ITEM_BYTES / 2);
    for key in ["a", "b"] {
        let changes = vec![PropertyChange::set(key, half.as_str())];
        edit(&mut world, 0, &Edit::Set { id: ItemId::from("lens"), changes });
    }
    world.quiet();
    world.check_quiet();
    let refused = |event: &&Event| matches!(event, Event::Refused { reason: RefusalReason::ItemSize, .. });
    assert_eq!(events(&world, 0).iter().filter(refused).count(), 1);
}

#[test]
fn attempts_to_connect_are_spread_out_and_never_end() {
    let mut session = Session::new(SessionConfig { replica: ReplicaId::new(1), jitter_seed: 3 });
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
    let mut session = Session::new(SessionConfig { replica: ReplicaId::new(1), jitter_seed: 3 });
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

#[test]
fn a_server_that_only_forwards_is_recognised() {
    let mut session = Session::new(SessionConfig { replica: ReplicaId::new(1), jitter_seed: 3 });
    session.handle_connected(0);
    session.handle_frame(br#"{"type":"connection:ack","session_id":"s","user_id":"u","users":[]}"#, 0);
    assert!(std::iter::from_fn(|| session.poll_event()).any(|event| event == Event::NoRelay));
    assert_eq!(session.status(), Status::Offline);
}

fn relay() -> Authority {
    Authority::new(AuthorityConfig { session_id: "s".to_owned(), epoch: 1, replica: ReplicaId::new(9) })
}

fn hello(replica: u64) -> String {
    format!(r#"{{"type":"sync:hello","protocol":1,"replica":"{}","settled":0}}"#, ReplicaId::new(replica))
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

/// S9: nothing is told before it is stored.
#[test]
fn nothing_is_told_before_it_is_stored() {
    let mut authority = relay();
    authority.connect(ConnectionId(1), "ada", Role::Editor, START_MS).unwrap();
    authority.handle_frame(ConnectionId(1), hello(7).as_bytes(), START_MS);
    let _ = sent(&mut authority);
    let frame = r#"{"type":"sync:ops","ops":[["0000000000007",1,0,0,"a",{"add":"items","set":{}}]]}"#;
    authority.handle_frame(ConnectionId(1), frame.as_bytes(), START_MS);
    authority.connect(ConnectionId(2), "bob", Role::Editor, START_MS).unwrap();
    assert_eq!(authority.poll_transmit(), None);
    let record = authority.poll_record().unwrap();
    assert_eq!(authority.poll_transmit(), None);
    authority.handle_stored(record.sequence);
    assert!(authority.poll_transmit().is_some());
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
        (r#"["0000000000007",1,0,0,"a",{"add":"items","set":{"item_uuid":"a"}}]"#, r#""type":"sync:ack","number":1,"sequence":1"#),
        (r#"["0000000000007",1,0,0,"a",{"add":"items","set":{"item_uuid":"a"}}]"#, r#""type":"sync:ack","number":1,"sequence":1"#),
        (r#"["0000000000007",2,0,0,"a",{"add":"items","set":{}}]"#, r#""reason":"exists""#),
        (r#"["0000000000007",3,0,0,"a",{"set":{"item_uuid":"b"}}]"#, r#""reason":"id""#),
        (r#"["0000000000007",4,0,0,"b",{"add":"items","set":{"item_uuid":"a"}}]"#, r#""reason":"id""#),
        (r#"["0000000000007",5,0,0,"b",{"set":{"n1":1}}]"#, r#""reason":"removed""#),
        (r#"["0000000000007",7,0,0,"a",{"set":{"n1":1}}]"#, r#""type":"sync:gap","expected":6"#),
        (r#"["0000000000007",3,0,0,"a",{"set":{"n1":1}}]"#, r#""reason":"late""#),
        (r#"["0000000000008",6,0,0,"a",{"set":{"n1":1}}]"#, r#""reason":"id""#),
        (r#"["0000000000007",0,0,0,"a",{"set":{"n1":1}}]"#, r#""type":"sync:error""#),
        (r#"["0000000000007",6,140737488355328,0,"a",{"set":{"n1":1}}]"#, r#""type":"sync:error""#),
        (r#"["0000000000007",6,0,0,"a",{"set":{"n1":1},"unset":["n1"]}]"#, r#""type":"sync:error""#),
        (r#"["0000000000007",6,0,0,"a",{"set":{"n1":1},"later":[{}]}]"#, r#""type":"sync:ack","number":6,"sequence":2"#),
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
        let operation = |number| format!(r#"["0000000000007",{number},0,0,"i{number}",{{"add":"items","set":{{}}}}]"#);
        let operations: Vec<String> = (first..first + count).map(operation).collect();
        format!(r#"{{"type":"sync:ops","ops":[{}]}}"#, operations.join(","))
    };
    authority.handle_frame(ConnectionId(1), frame(1, limits::MAX_FRAME_OPERATIONS + 1).as_bytes(), START_MS);
    assert_eq!(authority.sequence(), 0);
    authority.handle_frame(ConnectionId(1), frame(1, limits::MAX_FRAME_OPERATIONS).as_bytes(), START_MS);
    assert_eq!(authority.sequence(), limits::MAX_FRAME_OPERATIONS as u64);
}

fn frames() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        hello(7),
        r#"{"type":"sync:ops","sequence":1,"ops":[["0000000000007",1,0,0,"a",{"add":"items","set":{"x_mm":1,"n":[{}]}}]]}"#.to_owned(),
        r#"{"type":"sync:welcome","epoch":"1","sequence":1,"snapshot":1}"#.to_owned(),
        r#"{"type":"sync:part","index":0,"part":{"replicas":["0000000000007"],"items":[["a",[0,1,5,0,"items"],{"x_mm":[0,1,5,0,{"y_mm":2}]}]],"vector":[["0000000000007",1,3]],"since":[]}}"#.to_owned(),
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
    let changed = (known, any::<prop::sample::Index>(), any::<u8>(), any::<bool>()).prop_map(|(text, at, byte, change)| {
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

    /// Invariant 13: any bytes at all give an error or are ignored; another client goes on undisturbed.
    #[test]
    fn any_frames_reach_the_relay(input in prop::collection::vec((1..3_u64, frames()), 0..30)) {
        let mut authority = relay();
        for connection in 1..4 {
            authority.connect(ConnectionId(connection), "ada", Role::Editor, START_MS).unwrap();
        }
        for (index, (connection, frame)) in input.into_iter().enumerate() {
            let now_ms = START_MS + index as u64 * 400;
            authority.handle_frame(ConnectionId(connection), &frame, now_ms);
            authority.handle_timeout(now_ms);
        }
        let _ = sent(&mut authority);
        authority.handle_frame(ConnectionId(3), hello(8).as_bytes(), START_MS);
        let operation = r#"{"type":"sync:ops","ops":[["0000000000008",1,0,0,"mine",{"add":"items","set":{}}]]}"#;
        authority.handle_frame(ConnectionId(3), operation.as_bytes(), START_MS);
        prop_assert!(sent(&mut authority).iter().any(|(to, frame)| *to == 3 && frame.contains("sync:ack")));
    }

    /// Invariant 13: nor does a relay's frame harm a client, whatever it holds.
    #[test]
    fn any_frames_reach_a_client(input in prop::collection::vec(frames(), 0..30)) {
        let mut session = Session::new(SessionConfig { replica: ReplicaId::new(7), jitter_seed: 0 });
        session.edit(&Edit::Add { item: item("a"), position: None }, UndoStep::New, 0).unwrap();
        session.handle_connected(0);
        session.handle_frame(br#"{"type":"connection:ack","sync":{}}"#, 0);
        for frame in input {
            session.handle_frame(&frame, 0);
            while session.poll_event().is_some() {}
            while session.poll_transmit().is_some() {}
        }
        let anew = Session::resume(SessionConfig { replica: ReplicaId::new(0), jitter_seed: 0 }, &session.save()).unwrap();
        prop_assert_eq!(anew.scene().len(), session.scene().len());
    }
}
