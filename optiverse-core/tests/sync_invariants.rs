//! The fifteen invariants of a session, each over random schedules of a simulated network that cuts, repeats, delays,
//! partitions and crashes, with clocks that are set. Numbers beginning with S are the rules of `optiverse_core::sync`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod sync_sim;

use std::collections::{BTreeMap, BTreeSet};

use optiverse_core::scene::{Edit, Item, ItemId, Properties, PropertyChange, Section, Value};
use optiverse_core::sync::session::{Status, UndoStep};
use optiverse_core::sync::{Operation, RemovedItems, Replica, Role, Session};
use sync_sim::World;
use sync_sim::clients::{App, Client, ComponentClient, NewClient, contents};
use sync_sim::schedules::for_seeds;

fn new_client(id: u64) -> Client {
    Client::New(Box::new(NewClient::new(id)))
}

/// New clients, and most often some of the other kinds; now and then a viewer.
fn everybody(seed: u64) -> World {
    let mut clients = vec![new_client(11), new_client(12)];
    if !seed.is_multiple_of(2) {
        clients.push(new_client(13));
    }
    if !seed.is_multiple_of(3) {
        clients.push(Client::App(App::new(seed % 3 == 1)));
    }
    if seed % 5 > 2 {
        clients.push(Client::App(App::new(false)));
    }
    if seed % 7 > 3 {
        clients.push(Client::Component(ComponentClient::new()));
    }
    let mut world = World::new(seed, clients);
    if seed.is_multiple_of(11) {
        world.roles[1] = Role::Viewer;
    }
    world
}

fn only_new(seed: u64, count: u64) -> World {
    World::new(seed, (0..count).map(|index| new_client(11 + index)).collect())
}

fn some_steps(world: &mut World, mut after_each: impl FnMut(&mut World)) {
    for _ in 0..40 + world.random.below(120) {
        world.step();
        after_each(world);
    }
}

fn session(world: &mut World, client: usize) -> &mut Session {
    match &mut world.clients[client] {
        Client::New(client) => &mut client.session,
        _ => panic!("not a new client"),
    }
}

fn shows(world: &World, client: usize) -> &Session {
    match &world.clients[client] {
        Client::New(client) => &client.session,
        _ => panic!("not a new client"),
    }
}

fn item(id: &str) -> Item {
    let properties = serde_json::json!({"item_uuid": id, "_type": "source", "x_mm": 0, "y_mm": 0});
    Item::new(Section::Items, properties.as_object().unwrap().clone()).unwrap()
}

fn edit(world: &mut World, client: usize, edit: &Edit) {
    let now_ms = world.client_clock(client);
    session(world, client).edit(edit, UndoStep::New, now_ms).unwrap();
}

fn set(world: &mut World, client: usize, id: &str, key: &str, value: u64) {
    edit(world, client, &Edit::Set { id: ItemId::from(id), changes: vec![PropertyChange::set(key, value)] });
}

/// S1, S2: the same set of operations in any order and with any repeats is the same document.
#[test]
fn invariant_01_order_and_repeats_do_not_matter() {
    for_seeds("invariant_01", 0..600, |seed| {
        let mut world = everybody(seed);
        world.snapshots = false;
        some_steps(&mut world, |_| ());
        world.quiet();
        let texts: Vec<_> = world.records().map(|record| record.text.clone()).collect();
        let merged = |order: &[usize]| {
            let mut replica = Replica::new(RemovedItems::Keep);
            for &index in order {
                replica.apply(&Operation::from_json(&texts[index]).unwrap()).unwrap();
            }
            replica
        };
        let in_order = merged(&(0..texts.len()).collect::<Vec<_>>());
        let mut order: Vec<usize> = (0..texts.len()).chain(0..texts.len() / 2).collect();
        for index in (1..order.len()).rev() {
            order.swap(index, world.random.below(index + 1));
        }
        assert_eq!(contents(merged(&order).items().iter()), contents(in_order.items().iter()));
    });
}

/// S9: the relay's state is its log replayed; the numbers have no gaps and no repeats. At any time, not only at the end.
#[test]
fn invariant_02_the_state_is_the_log_replayed() {
    for_seeds("invariant_02", 0..600, |seed| {
        let mut world = everybody(seed);
        some_steps(&mut world, |world| {
            if world.random.one_in(10) {
                world.store();
                world.check_log();
            }
        });
        world.quiet();
        world.check_quiet();
    });
}

/// S2, S9: every operation takes effect at most once, and none that was acknowledged is lost by a crash.
#[test]
fn invariant_03_what_was_acknowledged_is_there_once() {
    for_seeds("invariant_03", 0..800, |seed| {
        let mut world = everybody(seed);
        some_steps(&mut world, |world| {
            if world.random.one_in(25) {
                world.crash();
            }
            let vector = world.authority.document().vector();
            let lost = world.acknowledged.iter().find(|id| !vector.contains(**id));
            assert_eq!(lost, None);
        });
        world.quiet();
        world.check_quiet();
    });
}

/// S7: what is shown is what is confirmed with the pending edits on top; a refusal leaves no trace.
#[test]
fn invariant_04_the_view_is_confirmed_and_pending() {
    for_seeds("invariant_04", 0..800, |seed| {
        let mut world = only_new(seed, 3);
        // What is made before a client knows that it may only look is refused.
        world.roles[2] = if seed.is_multiple_of(2) { Role::Viewer } else { Role::Editor };
        // Checks that the view, made anew from what is confirmed and pending, is the one that is shown.
        world.checks_all = true;
        some_steps(&mut world, |world| {
            if world.random.one_in(15) {
                world.roles[2] = if world.roles[2] == Role::Viewer { Role::Editor } else { Role::Viewer };
                world.cut(2);
            }
        });
        world.quiet();
        world.check_quiet();
    });
}

/// S10: catching up by difference, by snapshot, and never having left are the same.
#[test]
fn invariant_05_there_is_one_way_to_be_up_to_date() {
    for_seeds("invariant_05", 0..800, |seed| {
        let mut world = everybody(seed);
        some_steps(&mut world, |_| ());
        world.quiet();
        world.cut(1);
        let steps = world.random.below(30);
        for _ in 0..steps {
            let now_ms = world.client_clock(0);
            world.clients[0].edit(&mut world.random, true, now_ms);
        }
        world.add_client(new_client(99));
        world.quiet();
        world.check_quiet();
        let newcomer = world.clients.len() - 1;
        assert_eq!(world.clients_scene(newcomer), world.clients_scene(0), "by snapshot, and stayed");
        if world.clients[1].is_new() {
            assert_eq!(world.clients_scene(1), world.clients_scene(0), "by difference, and stayed");
        }
    });
}

/// S3: nothing comes back without an add, and no two items that are there share an id.
#[test]
fn invariant_06_nothing_comes_back_by_itself() {
    for_seeds("invariant_06", 0..800, |seed| {
        let mut world = everybody(seed);
        world.snapshots = false;
        some_steps(&mut world, |_| ());
        world.quiet();
        let mut present: BTreeSet<String> = BTreeSet::new();
        for record in world.records() {
            let operation: Value = serde_json::from_str(&record.text).unwrap();
            let (id, body) = (operation[4].as_str().unwrap(), &operation[5]);
            if body.get("add").is_some() {
                assert!(present.insert(id.to_owned()), "{id} was there when it was added");
            } else if body.get("remove").is_some() {
                present.remove(id);
            } else {
                assert!(present.contains(id), "{id} was edited and is not there");
            }
        }
        let scene = world.authority.scene();
        let ids: Vec<String> = scene.items().map(|item| item.id().to_string()).collect();
        assert_eq!(ids.iter().cloned().collect::<BTreeSet<_>>(), present);
        assert_eq!(ids.len(), present.len());
        world.check_quiet();
    });
}

/// S4: edits of different groups both survive, and a group's value is what somebody wrote, whole.
#[test]
fn invariant_07_different_groups_do_not_disturb_each_other() {
    for_seeds("invariant_07", 0..600, |seed| {
        let mut world = only_new(seed, 4);
        edit(&mut world, 0, &Edit::Add { item: item("lens"), position: None });
        world.quiet();
        for round in 0..5 {
            for client in 0..4 {
                if world.random.one_in(3) {
                    world.cut(client);
                }
                set(&mut world, client, "lens", &format!("key {client}"), 10 * round + client as u64);
                // The place is one group: of those who write it at once one wins, whole.
                let x_mm = (10 * round + client as u64) as f64;
                edit(&mut world, client, &Edit::Move { id: ItemId::from("lens"), x_mm, y_mm: -x_mm });
            }
            for _ in 0..world.random.below(40) {
                world.deliver(true);
            }
            world.quiet();
            world.check_quiet();
            let lens = shows(&world, 3).scene().get("lens").unwrap();
            for client in 0..4 {
                assert_eq!(lens.get(&format!("key {client}")), Some(&Value::from(10 * round + client)));
            }
            let x_mm = lens.get("x_mm").and_then(Value::as_f64).unwrap();
            assert_eq!(lens.get("y_mm").and_then(Value::as_f64), Some(-x_mm));
            assert!((0..4).any(|client| x_mm == (10 * round + client) as f64));
        }
    });
}

/// S11: clients of every kind show the same scene once the network is quiet.
#[test]
fn invariant_08_old_and_new_clients_show_the_same() {
    for_seeds("invariant_08", 0..1_000, |seed| {
        let mut clients = vec![new_client(11), Client::App(App::new(seed.is_multiple_of(2))), new_client(12)];
        clients.push(Client::App(App::new(false)));
        clients.push(Client::Component(ComponentClient::new()));
        let mut world = World::new(seed, clients);
        some_steps(&mut world, |_| ());
        world.quiet();
        world.check_quiet();
    });
}

/// S13: undoing and redoing n steps is the identity where nobody interferes, and never touches another's later value.
#[test]
fn invariant_09_undo_is_each_users_own() {
    for_seeds("invariant_09", 0..600, |seed| {
        let mut world = only_new(seed, 2);
        world.quiet();
        let mut states = vec![world.clients_scene(0)];
        for _ in 0..3 + world.random.below(12) {
            let now_ms = world.client_clock(0);
            random_step(&mut world, now_ms);
            states.push(world.clients_scene(0));
            if world.random.one_in(3) {
                world.quiet();
            }
        }
        for _ in 0..2 {
            for state in states.iter().rev().skip(1) {
                let now_ms = world.client_clock(0);
                assert!(session(&mut world, 0).undo(now_ms).unwrap());
                assert_eq!(&world.clients_scene(0), state);
                if world.random.one_in(3) {
                    world.quiet();
                }
            }
            for state in &states[1..] {
                let now_ms = world.client_clock(0);
                assert!(session(&mut world, 0).redo(now_ms).unwrap());
                assert_eq!(&world.clients_scene(0), state);
            }
        }
        world.quiet();
        // Now somebody else writes, and everything is undone.
        let ids: Vec<String> = world.clients_scene(1).into_keys().collect();
        let mut written: BTreeMap<(String, String), u64> = BTreeMap::new();
        for id in &ids {
            let key = format!("n{}", 1 + world.random.below(3));
            let value = 5_000 + world.random.below(1_000) as u64;
            set(&mut world, 1, id, &key, value);
            written.insert((id.clone(), key), value);
        }
        world.quiet();
        let now_ms = world.client_clock(0);
        while session(&mut world, 0).undo(now_ms).unwrap() {}
        world.quiet();
        world.check_quiet();
        let scene = world.clients_scene(1);
        for ((id, key), value) in &written {
            assert_eq!(scene[id].1.get(key), Some(&Value::from(*value)), "{id} {key}");
        }
    });
}

/// One step of the first client that changes something.
fn random_step(world: &mut World, now_ms: u64) {
    let ids: Vec<String> = world.clients_scene(0).into_keys().collect();
    let value = world.random.below(1_000) as u64;
    let edit = if ids.is_empty() || world.random.one_in(4) {
        Edit::Add { item: item(&format!("item {}", world.random.next())), position: None }
    } else {
        let id = ItemId::from(ids[world.random.below(ids.len())].as_str());
        match world.random.below(4) {
            0 => Edit::Remove { id },
            1 => Edit::Move { id, x_mm: value as f64 + 0.5, y_mm: -(value as f64) - 0.5 },
            2 => {
                let key = format!("n{}", 1 + world.random.below(3));
                Edit::Batch(vec![Edit::Set { id, changes: vec![PropertyChange::set(key, value)] }])
            }
            _ => Edit::Set { id, changes: vec![PropertyChange::set("name", value), PropertyChange::set("z", value)] },
        }
    };
    session(world, 0).edit(&edit, UndoStep::New, now_ms).unwrap();
}

/// S14, S17: a viewer never changes the document, whatever it speaks.
#[test]
fn invariant_10_a_viewer_changes_nothing() {
    for_seeds("invariant_10", 0..600, |seed| {
        let mut world = everybody(seed);
        some_steps(&mut world, |_| ());
        world.quiet();
        // From now on nobody may edit.
        for client in 0..world.clients.len() {
            world.roles[client] = Role::Viewer;
            world.cut(client);
        }
        let before = world.authority.snapshot();
        some_steps(&mut world, |_| ());
        world.quiet();
        world.check_quiet();
        assert_eq!(world.authority.snapshot(), before);
    });
}

/// S6: keys and values that nobody knows come through clients, relay, log and snapshot as they are.
#[test]
fn invariant_14_what_nobody_knows_survives() {
    for_seeds("invariant_14", 0..400, |seed| {
        let mut world = only_new(seed, 2);
        let mut properties = Properties::new();
        properties.insert("item_uuid".to_owned(), Value::from("lens"));
        for index in 0..1 + world.random.below(8) {
            properties.insert(format!("clé {index}\n\"{}", world.random.below(9)), random_value(&mut world, 3));
        }
        let item = Item::new(Section::Items, properties.clone()).unwrap();
        edit(&mut world, 0, &Edit::Add { item, position: None });
        world.quiet();
        if world.random.one_in(2) {
            world.crash();
        }
        world.cut(1);
        world.clients[1].restart(77);
        world.quiet();
        world.check_quiet();
        let shown = shows(&world, 1).scene().get("lens").unwrap().properties().clone();
        assert_eq!(serde_json::to_string(&shown).unwrap(), serde_json::to_string(&properties).unwrap());
    });
}

fn random_value(world: &mut World, depth: usize) -> Value {
    match world.random.below(if depth == 0 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => Value::from(world.random.one_in(2)),
        2 => serde_json::from_str(["1.0", "-0.0", "1e400", "12345678901234567890123", "1.50"][world.random.below(5)])
            .unwrap(),
        3 => Value::from("é\u{1F600}\t\\"),
        4 => Value::from(world.random.next()),
        5 => (0..world.random.below(4)).map(|_| random_value(world, depth - 1)).collect(),
        _ => {
            let members = (0..world.random.below(4)).map(|index| (format!("k{index}"), random_value(world, depth - 1)));
            Value::Object(members.collect())
        }
    }
}

/// S15: "synchronised" is said only when the view is what the relay has, up to what is still on its way.
#[test]
fn invariant_15_synchronised_means_it() {
    for_seeds("invariant_15", 0..700, |seed| {
        let mut world = everybody(seed);
        let mut count = 0;
        some_steps(&mut world, |world| {
            for client in 0..world.clients.len() {
                let Client::New(new) = &world.clients[client] else { continue };
                if new.session.status() == Status::Synchronised && world.is_settled(client) {
                    assert_eq!(world.clients_scene(client), contents(world.authority.scene().items()));
                    count += 1;
                }
            }
        });
        world.quiet();
        world.check_quiet();
        // The check is not an empty one.
        assert!(count > 0 || seed != 1);
    });
}
