//! What went wrong for users of other programs of this kind, undo among many, and the limits of an item.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod sync_sim;

use optiverse_core::scene::{Edit, Item, ItemId, PropertyChange, Section, Value};
use optiverse_core::sync::session::{Event, LocalEditError, Status, UndoStep};
use optiverse_core::sync::{RefusalReason, Role, Session, limits};
use sync_sim::clients::{App, Client, ComponentClient, NewClient};
use sync_sim::keys::key;
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
    let clients =
        vec![new_client(1), new_client(2), Client::App(App::new(true)), Client::Component(ComponentClient::new())];
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

/// S17, invariant 10: a viewer never changes the document, whatever it speaks, and is told or corrected.
#[test]
fn a_viewer_changes_nothing() {
    let clients = vec![
        new_client(1),
        new_client(2),
        Client::App(App::new(false)),
        Client::App(App::new(true)),
        Client::Component(ComponentClient::new()),
    ];
    let viewers = 1..clients.len();
    let mut world = world(clients);
    viewers.clone().for_each(|viewer| world.roles[viewer] = Role::Viewer);
    add(&mut world, 0, "lens");
    // Nobody has told it yet that it may only look.
    add(&mut world, 1, "mirror");
    set(&mut world, 1, "mirror", "n1", 1);
    world.quiet();
    let before = world.authority.sequence();
    let mut random = sync_sim::Random(1);
    for _ in 0..20 {
        for viewer in viewers.clone() {
            let now_ms = world.now_ms;
            world.clients[viewer].edit(&mut random, true, now_ms);
        }
        world.now_ms += 1;
    }
    world.quiet();
    world.check_quiet();
    assert_eq!((before, world.authority.sequence()), (1, 1));
    let refused = |event: &&Event| matches!(event, Event::Refused { reason: RefusalReason::Role, .. });
    assert_eq!(events(&world, 1).iter().filter(refused).count(), 2);
}

/// S17: a client learns on connecting what its user may do; a viewer's edits are refused at once.
#[test]
fn a_session_knows_its_role() {
    let mut world = world(vec![new_client(1), new_client(2)]);
    add(&mut world, 0, "lens");
    assert_eq!(session(&mut world, 0).role(), None);
    world.quiet();
    assert_eq!(session(&mut world, 0).role(), Some(Role::Editor));
    world.roles[0] = Role::Viewer;
    world.cut(0);
    assert_eq!(session(&mut world, 0).role(), Some(Role::Editor), "as far as it knows");
    set(&mut world, 0, "lens", "n1", 1);
    world.quiet();
    let remove = Edit::Remove { id: ItemId::from("lens") };
    let before = world.clients_scene(0);
    assert_eq!(session(&mut world, 0).edit(&remove, UndoStep::New, START_MS), Err(LocalEditError::Role));
    assert_eq!(session(&mut world, 0).undo(START_MS), Err(LocalEditError::Role));
    assert!(session(&mut world, 0).can_undo(), "the step is kept");
    assert_eq!(world.clients_scene(0), before);
    assert_eq!(session(&mut world, 0).pending(), 0);
    // Still known after a restart, without a relay.
    world.cut(0);
    world.clients[0].restart(77);
    assert_eq!(session(&mut world, 0).edit(&remove, UndoStep::New, START_MS), Err(LocalEditError::Role));
    world.roles[0] = Role::Owner;
    world.quiet();
    assert_eq!(session(&mut world, 0).edit(&remove, UndoStep::New, START_MS), Ok(()));
    world.quiet();
    world.check_quiet();
    assert!(world.authority.scene().get("lens").is_none());
    let roles = |event: &Event| match event {
        Event::Role(role) => Some(*role),
        _ => None,
    };
    assert_eq!(events(&world, 0).iter().filter_map(roles).collect::<Vec<_>>(), [Role::Owner], "of this process");
    assert_eq!(events(&world, 1).iter().filter_map(roles).collect::<Vec<_>>(), [Role::Editor]);
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
    edit(
        &mut world,
        0,
        &Edit::Set {
            id: ItemId::from("lens"),
            changes: vec![PropertyChange::set("n1", 1), PropertyChange::set("name", "mine")],
        },
    );
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
    assert!(Session::resume(key(5), &text[..text.len() - 1]).is_err());
    assert!(Session::resume(key(5), "{}").is_err());
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
