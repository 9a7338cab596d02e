//! S18: sessions over a server that only forwards.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod sync_sim;

use optiverse_core::scene::{Edit, Item, ItemId, PropertyChange, Section, Value};
use optiverse_core::sync::session::{
    Event, LocalEditError, MAX_FORWARD_REPLICAS, MAX_OTHERS, OTHER_EXPIRY_MS, Status, UndoStep,
};
use optiverse_core::sync::{REPORTED_SKEW_MS, ReplicaId, Session, limits};
use sync_sim::START_MS;
use sync_sim::clients::{App, Client, NewClient};
use sync_sim::forwarder::ForwardWorld;
use sync_sim::keys::key;
use sync_sim::schedules::for_seeds;

fn new_client(id: u64) -> Client {
    Client::New(Box::new(NewClient::new(id)))
}

/// A world in which all clocks agree and everybody has arrived.
fn world(clients: Vec<Client>) -> ForwardWorld {
    let mut world = ForwardWorld::new(1, clients);
    world.skew_ms.fill(0);
    world.quiet();
    world
}

fn client(world: &mut ForwardWorld, client: usize) -> &mut NewClient {
    match &mut world.clients[client] {
        Client::New(client) => client,
        _ => panic!("not a new client"),
    }
}

fn session(world: &mut ForwardWorld, index: usize) -> &mut Session {
    &mut client(world, index).session
}

fn edit(world: &mut ForwardWorld, client: usize, edit: &Edit) {
    let now_ms = world.clock(client);
    session(world, client).edit(edit, UndoStep::New, now_ms).unwrap();
}

fn add(world: &mut ForwardWorld, client: usize, id: &str) {
    let properties = serde_json::json!({"item_uuid": id, "_type": "source", "x_mm": 0.0, "y_mm": 0.0});
    let item = Item::new(Section::Items, properties.as_object().unwrap().clone()).unwrap();
    edit(world, client, &Edit::Add { item, position: None });
}

fn set(world: &mut ForwardWorld, client: usize, id: &str, value: i64) {
    edit(world, client, &Edit::Set { id: ItemId::from(id), changes: vec![PropertyChange::set("n1", value)] });
}

fn read(world: &mut ForwardWorld, client: usize, id: &str) -> Option<i64> {
    session(world, client).scene().get(id).and_then(|item| item.get("n1")).and_then(Value::as_i64)
}

fn app(world: &ForwardWorld, client: usize) -> &App {
    match &world.clients[client] {
        Client::App(app) => app,
        _ => panic!("not the app"),
    }
}

/// A session on a server that only forwards, and what it has sent so far thrown away.
fn forwarded(replica: u64) -> Session {
    let mut session = Session::new(key(replica));
    session.handle_connected(START_MS);
    session.handle_frame(
        br#"{"type":"connection:ack","session_id":"s","user_id":"u","is_host":false,"users":[]}"#,
        START_MS,
    );
    while session.poll_event().is_some() || session.poll_transmit().is_some() {}
    session
}

/// A frame of another new client.
fn carried(replica: u64, members: &str) -> String {
    let replica = ReplicaId::new(replica);
    format!(
        r#"{{"type":"command","command":{{"action":"sync"}},"user_id":"o","sync":{{"protocol":1,"replica":"{replica}"{members}}}}}"#
    )
}

fn events(session: &mut Session) -> Vec<Event> {
    std::iter::from_fn(|| session.poll_event()).collect()
}

#[test]
fn a_server_that_only_forwards_is_recognised() {
    let mut session = Session::new(key(1));
    session.handle_connected(0);
    session.handle_frame(br#"{"type":"connection:ack","session_id":"s","user_id":"u","users":[]}"#, 0);
    assert!(events(&mut session).contains(&Event::ForwardOnly));
    assert_eq!(session.status(), Status::Unconfirmed, "nobody could confirm anything");
}

#[test]
fn a_session_stays_with_the_kind_of_server_it_began_with() {
    let relay = br#"{"type":"connection:ack","session_id":"s","user_id":"u","sync":{"protocol":1}}"#;
    let mut session = forwarded(1);
    session.handle_disconnected(START_MS);
    session.handle_connected(START_MS);
    session.handle_frame(relay, START_MS);
    assert!(events(&mut session).contains(&Event::ServerChanged));
    assert_eq!((session.status(), session.poll_timeout()), (Status::Offline, None));

    let mut session = Session::new(key(1));
    session.handle_connected(0);
    session.handle_frame(relay, 0);
    session.handle_frame(br#"{"type":"sync:welcome","epoch":"1","sequence":0,"snapshot":1}"#, 0);
    session.handle_frame(br#"{"type":"sync:part","index":0,"part":{}}"#, 0);
    assert_eq!(session.status(), Status::Synchronised);
    session.handle_disconnected(0);
    session.handle_connected(0);
    session.handle_frame(br#"{"type":"connection:ack","session_id":"s","user_id":"u","users":[]}"#, 0);
    assert!(events(&mut session).contains(&Event::ServerChanged));
    assert_eq!(session.status(), Status::Offline);
}

/// S15, invariant 15: said only when every other new client has said that it has the same.
#[test]
fn synchronised_is_said_when_all_others_have_the_same() {
    let mut world = world(vec![new_client(1)]);
    add(&mut world, 0, "lens");
    world.quiet();
    assert_eq!(session(&mut world, 0).status(), Status::Unconfirmed);
    world.clients.push(new_client(2));
    world.skew_ms.push(0);
    world.quiet();
    world.check_quiet();
    set(&mut world, 0, "lens", 1);
    assert_eq!(session(&mut world, 0).status(), Status::Unconfirmed);
    world.quiet();
    world.check_quiet();
    assert_eq!(read(&mut world, 1, "lens"), Some(1));
    world.cut(1);
    for _ in 0..10 {
        world.deliver(false);
    }
    assert_eq!(session(&mut world, 0).status(), Status::Unconfirmed, "nobody else is there");
}

/// What the app sees of a new client, and a new client of the app.
#[test]
fn the_app_and_new_clients_see_each_others_edits() {
    let clients = vec![new_client(1), Client::App(App::new(false)), new_client(2), Client::App(App::new(false))];
    let mut world = world(clients);
    add(&mut world, 0, "lens");
    add(&mut world, 2, "mirror");
    world.quiet();
    set(&mut world, 0, "mirror", 5);
    edit(&mut world, 2, &Edit::Remove { id: ItemId::from("lens") });
    world.quiet();
    world.check_quiet();
    for reader in [1, 3] {
        let scene = session(&mut world, 0).scene().clone();
        assert_eq!(app(&world, reader).shown(), app(&world, reader).expected(&scene));
        assert_eq!(app(&world, reader).shown().len(), 1);
    }
    assert!(!client(&mut world, 0).events.iter().any(|event| matches!(event, Event::LegacyWriter { .. })));
    // Now the app writes.
    let mut random = sync_sim::Random(7);
    for _ in 0..30 {
        let now_ms = world.now_ms;
        world.clients[1].edit(&mut random, true, now_ms);
        world.quiet();
    }
    world.check_quiet();
    let scene = session(&mut world, 0).scene().clone();
    assert_eq!(app(&world, 1).shown(), app(&world, 1).expected(&scene));
    assert_eq!(app(&world, 3).shown(), app(&world, 3).expected(&scene));
    assert!(scene.items().count() > 1);
    let reported = |event: &&Event| matches!(event, Event::LegacyWriter { user } if user == "me");
    assert_eq!(client(&mut world, 0).events.iter().filter(reported).count(), 1, "once");
}

/// An app that joins later gets the scene from the new client that is the server's host.
#[test]
fn the_app_joins_a_session_that_a_new_client_began() {
    let mut world = world(vec![new_client(1)]);
    add(&mut world, 0, "lens");
    world.clients.push(Client::App(App::new(false)));
    world.skew_ms.push(0);
    world.quiet();
    assert_eq!(app(&world, 1).shown().len(), 1);
}

/// A new client that joins an app's session takes over what the host uploaded, and what the host shows.
#[test]
fn a_new_client_joins_a_session_of_the_app() {
    let mut world = world(vec![Client::App(App::new(true))]);
    let mut random = sync_sim::Random(7);
    for _ in 0..20 {
        let now_ms = world.now_ms;
        world.clients[0].edit(&mut random, true, now_ms);
    }
    world.quiet();
    world.clients.push(new_client(1));
    world.clients.push(new_client(2));
    world.skew_ms.extend([0, 0]);
    world.quiet();
    world.check_quiet();
    let scene = session(&mut world, 2).scene().clone();
    assert!(scene.items().count() > 0);
    assert_eq!(app(&world, 0).shown(), app(&world, 0).expected(&scene));
}

/// A reconnect resurrects nothing: not what was removed while away, nor what the server still has stored.
#[test]
fn nothing_comes_back_from_what_the_server_has_stored() {
    let mut world = world(vec![new_client(1), new_client(2)]);
    add(&mut world, 0, "lens");
    world.quiet();
    // Now the server stores it.
    world.cut(1);
    world.quiet();
    world.cut(1);
    edit(&mut world, 0, &Edit::Remove { id: ItemId::from("lens") });
    world.clients.push(new_client(3));
    world.skew_ms.push(0);
    world.quiet();
    world.check_quiet();
    assert_eq!(session(&mut world, 2).scene().items().count(), 0);
}

#[test]
fn offline_work_and_saved_work_are_merged() {
    let mut world = world(vec![new_client(1), new_client(2)]);
    add(&mut world, 0, "lens");
    world.quiet();
    world.cut(0);
    set(&mut world, 0, "lens", 1);
    add(&mut world, 0, "mirror");
    assert_eq!(session(&mut world, 0).pending(), 2);
    edit(&mut world, 1, &Edit::Move { id: ItemId::from("lens"), x_mm: 4.0, y_mm: -4.0 });
    world.clients[0].restart(77);
    world.quiet();
    world.check_quiet();
    world.restart();
    world.clients[0].restart(78);
    world.quiet();
    world.check_quiet();
    let lens = session(&mut world, 1).scene().get("lens").unwrap().clone();
    assert_eq!((lens.get("n1"), lens.get("x_mm")), (Some(&Value::from(1)), Some(&Value::from(4.0))));
    assert!(session(&mut world, 1).scene().contains("mirror"));
}

/// A late joiner gets a document of many frames, each within the limit, which the simulation checks.
#[test]
fn five_mebibytes_are_caught_up_with() {
    let mut world = world(vec![new_client(1)]);
    let long = "x".repeat(200_000);
    for index in 0..28 {
        let id = format!("item {index}");
        add(&mut world, 0, &id);
        let changes = vec![PropertyChange::set("notes", long.as_str())];
        edit(&mut world, 0, &Edit::Set { id: ItemId::from(id), changes });
    }
    world.quiet();
    world.clients.push(new_client(2));
    world.clients.push(Client::App(App::new(false)));
    world.skew_ms.extend([0, 0]);
    world.quiet();
    world.check_quiet();
    assert_eq!(app(&world, 2).shown().len(), 28);
}

/// An answer of which a part is missing is not taken for all.
#[test]
fn an_answer_with_a_hole_is_asked_for_again() {
    let part = |index: u64, part: &str| {
        carried(7, &format!(r#","to":"{}","answer":1,"index":{index},"parts":3,"part":{part}"#, key(1).replica()))
    };
    let item = |name: &str, number: u64| {
        format!(r#"{{"replicas":["0000000000007"],"items":[["{name}",[0,{number},5,0,"items"],{{}}]]}}"#)
    };
    let last = r#"{"items":[],"vector":[["0000000000007",2]],"since":[]}"#;
    for (hole, frames) in [
        (false, vec![part(0, &item("a", 1)), part(1, &item("b", 2)), part(2, last)]),
        (true, vec![part(0, &item("a", 1)), part(2, last)]),
        (true, vec![part(1, &item("b", 2)), part(2, last)]),
    ] {
        let mut session = forwarded(1);
        for frame in &frames {
            session.handle_frame(frame.as_bytes(), START_MS);
        }
        assert_eq!(session.confirmed().vector().up_to(ReplicaId::new(7)), if hole { 0 } else { 2 });
        assert_eq!(session.scene().items().count(), frames.len() - 1);
        session.handle_frame(carried(7, r#","have":[["0000000000007",2]]"#).as_bytes(), START_MS);
        assert_eq!(session.status(), if hole { Status::CatchingUp } else { Status::Synchronised });
        session.handle_timeout(START_MS + 1_000);
        let asks = std::iter::from_fn(|| session.poll_transmit()).any(|frame| frame.contains(r#""ask":true"#));
        assert_eq!(asks, hole);
    }
}

/// A clock that is ahead is reported past a minute, once, and does not win for long.
#[test]
fn a_clock_that_is_ahead_is_reported_and_does_not_win() {
    let add = |ms: u64, number: u64| {
        carried(7, &format!(r#","ops":[["0000000000007",{number},{ms},0,"lens",{{"add":"items","set":{{"n1":1}}}}]]"#))
    };
    let mut session = forwarded(1);
    session.handle_frame(add(START_MS + REPORTED_SKEW_MS, 1).as_bytes(), START_MS);
    assert!(!events(&mut session).iter().any(|event| matches!(event, Event::ClockSkew { .. })));
    for number in [2, 3] {
        session.handle_frame(add(START_MS + REPORTED_SKEW_MS + 1, number).as_bytes(), START_MS);
    }
    let skews: Vec<Event> =
        events(&mut session).into_iter().filter(|event| matches!(event, Event::ClockSkew { .. })).collect();
    assert_eq!(skews, [Event::ClockSkew { ahead_ms: REPORTED_SKEW_MS + 1 }]);
    let edit = Edit::Set { id: ItemId::from("lens"), changes: vec![PropertyChange::set("n1", 2)] };
    session.edit(&edit, UndoStep::New, START_MS).unwrap();
    assert_eq!(session.confirmed().item("lens").unwrap().get("n1"), Some(&Value::from(2)));
    assert!(session.confirmed().newest().milliseconds() <= START_MS + REPORTED_SKEW_MS + 1, "one step further at most");
}

/// What lost against an edit that the app has seen before is told to it again.
#[test]
fn the_app_is_corrected_where_edits_met() {
    let mut session = forwarded(1);
    let item = serde_json::json!({"item_uuid": "lens", "_type": "source"});
    let item = Item::new(Section::Items, item.as_object().unwrap().clone()).unwrap();
    session.edit(&Edit::Add { item, position: None }, UndoStep::New, START_MS).unwrap();
    let own = Edit::Set { id: ItemId::from("lens"), changes: vec![PropertyChange::set("n1", 2)] };
    session.edit(&own, UndoStep::New, START_MS).unwrap();
    while session.poll_transmit().is_some() {}
    let older = carried(7, r#","ops":[["0000000000007",1,5,0,"lens",{"set":{"n1":9}}]]"#);
    session.handle_frame(older.as_bytes(), START_MS);
    session.handle_timeout(START_MS + 1_000);
    let frames: Vec<String> = std::iter::from_fn(|| session.poll_transmit()).collect();
    assert!(frames.iter().any(|frame| frame.contains("update_item") && frame.contains(r#""n1":2"#)), "{frames:?}");
    let removal = carried(7, r#","ops":[["0000000000007",2,6,0,"lens",{"remove":true}]]"#);
    session.handle_frame(removal.as_bytes(), START_MS + 1_000);
    session.handle_timeout(START_MS + 2_000);
    let frames: Vec<String> = std::iter::from_fn(|| session.poll_transmit()).collect();
    let at = |word: &str| frames.iter().position(|frame| frame.contains(word)).unwrap();
    assert!(at("remove_item") < at("add_item"), "{frames:?}");
}

/// Somebody who says nothing is forgotten, and not waited for.
#[test]
fn one_who_falls_silent_is_forgotten() {
    let mut session = forwarded(1);
    session.handle_frame(carried(7, r#","have":[["0000000000007",2]]"#).as_bytes(), START_MS);
    assert_eq!(session.status(), Status::CatchingUp);
    session.handle_frame(br#"{"type":"pong"}"#, START_MS + OTHER_EXPIRY_MS - 1);
    session.handle_timeout(START_MS + OTHER_EXPIRY_MS - 1);
    assert_eq!(session.status(), Status::CatchingUp);
    session.handle_timeout(START_MS + OTHER_EXPIRY_MS);
    assert_eq!(session.status(), Status::Unconfirmed);
}

/// The limits of this kind of session, at the limit and one past it.
#[test]
fn what_is_remembered_of_others_is_bounded() {
    let mut session = forwarded(1);
    for replica in 0..MAX_OTHERS as u64 {
        session.handle_frame(carried(100 + replica, r#","have":[]"#).as_bytes(), START_MS);
    }
    assert_eq!(session.status(), Status::Synchronised);
    session.handle_frame(carried(99, r#","have":[["0000000000007",2]]"#).as_bytes(), START_MS);
    assert_eq!(session.status(), Status::Synchronised, "one more is not told apart");

    let mut session = forwarded(1);
    let ops = |from: u64, to: u64| {
        let text = |replica: u64| {
            format!(r#"["{}",1,5,0,"i{replica}",{{"add":"items","set":{{}}}}]"#, ReplicaId::new(replica))
        };
        let ops: Vec<String> = (from..to).map(text).collect();
        carried(7, &format!(r#","ops":[{}]"#, ops.join(",")))
    };
    session.handle_frame(ops(10, 10 + MAX_FORWARD_REPLICAS as u64).as_bytes(), START_MS);
    assert!(!events(&mut session).iter().any(|event| matches!(event, Event::FrameIgnored(_))));
    assert_eq!(session.scene().items().count(), MAX_FORWARD_REPLICAS);
    session.handle_frame(ops(9, 10).as_bytes(), START_MS);
    assert!(events(&mut session).iter().any(|event| matches!(event, Event::FrameIgnored(_))));
    assert_eq!(session.scene().items().count(), MAX_FORWARD_REPLICAS);
}

/// An item is limited here as with a relay.
#[test]
fn an_item_is_limited_where_it_is_made() {
    let mut session = forwarded(1);
    let item = |bytes: usize| {
        let item = serde_json::json!({"item_uuid": "a", "n": "x".repeat(bytes - 15)});
        Item::new(Section::Items, item.as_object().unwrap().clone()).unwrap()
    };
    let add = |item: Item| Edit::Add { item, position: None };
    let long = session.edit(&add(item(limits::MAX_ITEM_BYTES + 1)), UndoStep::New, START_MS);
    assert!(matches!(long, Err(LocalEditError::Limit(_))), "{long:?}");
    assert_eq!(session.edit(&add(item(limits::MAX_ITEM_BYTES)), UndoStep::New, START_MS), Ok(()));
    let frames: Vec<String> = std::iter::from_fn(|| session.poll_transmit()).collect();
    assert!(frames.iter().all(|frame| frame.len() <= limits::MAX_FRAME_BYTES));
}

fn run(seed: u64) {
    let clients = (0..2 + seed % 3).map(|index| new_client(11 + index)).collect();
    let mut world = ForwardWorld::new(seed, clients);
    let steps = 40 + world.random.below(120);
    for _ in 0..steps {
        world.step();
    }
    world.quiet();
    world.check_quiet();
}

/// S1 to S7, S15 and S18, invariants 1, 4 to 7 and 15: new clients converge among themselves.
#[test]
fn random_schedules_converge_over_a_forwarder() {
    for_seeds("forward", 0..1_300, run);
}
