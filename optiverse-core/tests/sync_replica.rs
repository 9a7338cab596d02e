//! The replicated document: S1 to S6 of `optiverse_core::sync`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use optiverse_core::scene::{Item, Properties, Scene, Section, Value};
use optiverse_core::sync::{
    Applied, Completeness, Operation, OperationId, RemovedItems, Replica, ReplicaId, Timestamp, VersionVector,
};
use proptest::prelude::*;

fn id(replica: u64, number: u64) -> OperationId {
    OperationId { replica: ReplicaId::new(replica), number }
}

fn at(milliseconds: u64) -> Timestamp {
    Timestamp::new(milliseconds, 0).unwrap()
}

fn item(name: &str, properties: &str) -> Item {
    let mut all: Properties = serde_json::from_str(properties).unwrap();
    all.insert("item_uuid".to_owned(), Value::from(name));
    Item::new(Section::Items, all).unwrap()
}

/// The items in the order of their ids, with sorted keys: what two copies must agree on.
fn contents(replica: &Replica) -> Vec<(String, &'static str, String)> {
    let mut items: Vec<_> = replica
        .items()
        .iter()
        .map(|item| {
            let mut members: Vec<_> = item.properties().iter().collect();
            members.sort_by_key(|(key, _)| key.as_str());
            (item.id().to_string(), item.section().key(), format!("{members:?}"))
        })
        .collect();
    items.sort();
    items
}

fn merged(operations: &[Operation<'static>]) -> Replica {
    let mut replica = Replica::new(RemovedItems::Keep);
    for operation in operations {
        let _ = replica.apply(operation).unwrap();
    }
    replica
}

fn operations() -> impl Strategy<Value = Vec<Operation<'static>>> {
    let one = (0..3_u64, 0..6_u64, prop::sample::select(vec!["a", "b", "c"]), 0..6_u8, 0..50_u32);
    prop::collection::vec(one, 0..40).prop_map(|choices| {
        let mut numbers = [0_u64; 3];
        let mut made = Vec::new();
        for (replica, time, name, kind, value) in choices {
            numbers[replica as usize] += 1;
            let id = id(replica, numbers[replica as usize]);
            let value = Value::from(value);
            let operation = match kind {
                0 => Operation::add(
                    id,
                    at(time),
                    &item(name, r#"{"x_mm": 1.50, "y_mm": -0.0, "n1": 1e3, "note": "\u00e9"}"#),
                ),
                1 => Operation::remove(id, at(time), name),
                2 => Operation::set(id, at(time), name, [("x_mm", Some(&value)), ("y_mm", Some(&value))]),
                3 => Operation::set(id, at(time), name, [("angle_deg", Some(&value))]),
                4 => Operation::set(id, at(time), name, [("note", None)]),
                _ => Operation::set(id, at(time), name, [("unheard \"of\"", Some(&value)), ("n1", None)]),
            };
            made.push(operation.unwrap());
        }
        made
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// S1, invariant 1: the same set of operations in any order, with any repeats, is the same document.
    #[test]
    fn order_and_repeats_do_not_matter(
        made in operations(),
        order in any::<prop::sample::Index>(),
        seed in any::<u64>(),
    ) {
        let reference = merged(&made);
        let mut shuffled: Vec<_> = made.iter().chain(made.iter().take(order.index(made.len() + 1))).cloned().collect();
        let mut state = seed | 1;
        for index in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(index, (state >> 33) as usize % (index + 1));
        }
        let replica = merged(&shuffled);
        prop_assert_eq!(contents(&replica), contents(&reference));
        prop_assert_eq!(replica.vector(), reference.vector());
    }

    /// S1: merging documents is commutative, associative and idempotent, by whole snapshots and by differences.
    #[test]
    fn merging_is_a_join(made in operations(), cut in any::<prop::sample::Index>(), second in any::<prop::sample::Index>()) {
        let (cut, second) = (cut.index(made.len() + 1), second.index(made.len() + 1));
        let (low, high) = (cut.min(second), cut.max(second));
        let parts = [merged(&made[..low]), merged(&made[low..high]), merged(&made[high..])];
        let reference = merged(&made);
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0]] {
            let mut joined = Replica::new(RemovedItems::Keep);
            for index in order {
                prop_assert_eq!(joined.merge(&parts[index].to_snapshot()).unwrap(), Completeness::Complete);
                joined.merge(&parts[index].to_snapshot()).unwrap();
            }
            prop_assert_eq!(contents(&joined), contents(&reference));
            prop_assert!(joined.vector().covers(reference.vector()));
        }
    }

    /// S5, invariant 5: catching up by difference is the same as by snapshot and as never having left.
    #[test]
    fn a_difference_brings_exactly_what_is_missing(made in operations(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(made.len() + 1);
        let all = merged(&made);
        let mut behind = merged(&made[..cut]);
        let difference = all.difference(behind.vector());
        prop_assert_eq!(behind.merge(&difference).unwrap(), Completeness::Complete);
        prop_assert_eq!(contents(&behind), contents(&all));
        prop_assert_eq!(behind.vector(), all.vector());
        let nothing = all.difference(all.vector());
        prop_assert!(nothing.contains(r#""items":[]"#), "{}", nothing);
    }

    /// An operation is the same after its text.
    #[test]
    fn operations_survive_their_text(made in operations()) {
        for operation in made {
            let text = operation.to_json();
            prop_assert_eq!(Operation::from_json(&text).unwrap(), operation);
        }
    }

    /// Invariant 13: any text at all gives an error or an operation.
    #[test]
    fn any_text_is_read_or_refused(made in operations(), cut in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let replica = merged(&made);
        for mut bytes in made.iter().map(|operation| operation.to_json()).chain([replica.to_snapshot()]).map(String::into_bytes) {
            let place = cut.index(bytes.len());
            bytes[place] = byte;
            if let Ok(text) = std::str::from_utf8(&bytes) {
                let mut other = Replica::new(RemovedItems::Keep);
                if let Ok(operation) = Operation::from_json(text) {
                    other.apply(&operation).unwrap();
                }
                let _ = other.merge(text);
                let _ = other.items();
            }
        }
    }
}

/// S2: a repeat is recognised by its id.
#[test]
fn a_repeat_is_recognised() {
    let mut replica = Replica::new(RemovedItems::Keep);
    let operation = Operation::set(id(1, 1), at(5), "a", [("n1", Some(&Value::from(1)))]).unwrap();
    assert_eq!(replica.apply(&operation).unwrap(), Applied::New);
    assert_eq!(replica.apply(&operation).unwrap(), Applied::Repeat);
}

/// S3, invariant 6: an edit does not bring a removed item back, a later add does.
#[test]
fn only_a_later_add_brings_an_item_back() {
    let mut replica = Replica::new(RemovedItems::Keep);
    let lens = item("a", r#"{"x_mm": 1, "y_mm": 2, "note": "old"}"#);
    replica.apply(&Operation::add(id(1, 1), at(1), &lens).unwrap()).unwrap();
    replica.apply(&Operation::remove(id(1, 2), at(5), "a").unwrap()).unwrap();
    replica.apply(&Operation::set(id(2, 1), at(9), "a", [("n1", Some(&Value::from(1)))]).unwrap()).unwrap();
    assert!(!replica.contains("a"));
    replica.apply(&Operation::add(id(2, 2), at(4), &lens).unwrap()).unwrap();
    assert!(!replica.contains("a"), "an add older than the removal");
    replica.apply(&Operation::add(id(2, 3), at(6), &lens).unwrap()).unwrap();
    assert!(replica.contains("a"));
    assert_eq!(replica.item("a").unwrap().get("n1"), Some(&Value::from(1)), "the later edit is kept");
}

/// S4, invariant 7: concurrent edits of different groups both survive, and a position is never torn.
#[test]
fn groups_are_independent_and_atomic() {
    let mut replica = Replica::new(RemovedItems::Keep);
    replica.apply(&Operation::add(id(1, 1), at(1), &item("a", r#"{"x_mm": 0, "y_mm": 0}"#)).unwrap()).unwrap();
    let number = |value: i64| Value::from(value);
    let moved = |id, time, x, y| {
        Operation::set(id, at(time), "a", [("x_mm", Some(&number(x))), ("y_mm", Some(&number(y)))]).unwrap()
    };
    let turned = Operation::set(id(3, 1), at(3), "a", [("angle_deg", Some(&number(7)))]).unwrap();
    for operation in [moved(id(2, 1), 3, 1, 1), turned, moved(id(1, 2), 2, 2, 2)] {
        replica.apply(&operation).unwrap();
    }
    let lens = replica.item("a").unwrap();
    let read = |key| lens.get(key).unwrap().as_i64().unwrap();
    assert_eq!((read("x_mm"), read("y_mm"), read("angle_deg")), (1, 1, 7));
}

/// S6, invariant 14: whatever the keys and however the numbers are written, they come out the same.
#[test]
fn values_are_kept_as_they_were_written() {
    let text =
        r#"{"items": [{"_type": "?", "item_uuid": "a", "y_mm": 1.50, "deep": {"b": [1e400, NaN, -0.0]}, "": null}]}"#;
    let scene = Scene::from_json(text).unwrap();
    let mut replica = Replica::new(RemovedItems::Keep);
    for (number, item) in scene.items().enumerate() {
        replica.apply(&Operation::add(id(1, number as u64 + 1), at(1), item).unwrap()).unwrap();
    }
    let copy = Replica::from_snapshot(&replica.to_snapshot(), RemovedItems::Keep).unwrap();
    assert_eq!(copy.item("a").unwrap().properties(), scene.get("a").unwrap().properties());
    assert_eq!(copy.to_scene().get("a"), scene.get("a"));
}

/// A difference for somebody else is merged, but does not count as having everything.
#[test]
fn a_difference_for_another_leaves_a_gap() {
    let set =
        |number, key: &str| Operation::set(id(1, number), at(number), "a", [(key, Some(&Value::from(1)))]).unwrap();
    let all = merged(&[set(1, "n1"), set(2, "n2")]);
    let mut other_peer = VersionVector::new();
    other_peer.insert(id(1, 1));
    let mut empty = Replica::new(RemovedItems::Keep);
    assert_eq!(empty.merge(&all.difference(&other_peer)).unwrap(), Completeness::Gap);
    assert!(!empty.vector().contains(id(1, 2)));
    assert_eq!(empty.merge(&all.difference(empty.vector())).unwrap(), Completeness::Complete);
}

/// The size of one operation on one property, the frame around it left out.
#[test]
fn an_operation_on_one_property_takes_at_most_150_bytes() {
    let uuid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    let position = [Value::from(-1234.567), Value::from(8901.234)];
    let operations = [
        Operation::set(
            id(u64::MAX, 999_999),
            at(1_763_700_000_000),
            uuid,
            [("polarization_angle_deg", Some(&Value::from(123.456)))],
        ),
        Operation::set(
            id(u64::MAX, 999_999),
            at(1_763_700_000_000),
            uuid,
            [("x_mm", Some(&position[0])), ("y_mm", Some(&position[1]))],
        ),
    ];
    for operation in operations {
        let text = operation.unwrap().to_json();
        assert!(text.len() <= 150, "{} bytes: {text}", text.len());
    }
}
