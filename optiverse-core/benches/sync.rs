//! The synchronisation engine on a document of 1,000 items with 12 properties each, one thread.

use std::hint::black_box;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use optiverse_core::scene::{Item, Properties, Section, Value};
use optiverse_core::sync::{Clock, Operation, OperationId, RemovedItems, Replica, ReplicaId, VersionVector};

fn main() {
    divan::main();
}

const ITEMS: usize = 1_000;
const EDITS: usize = 100_000;
const OFFLINE_EDITS: usize = 10_000;
const NOW_MS: u64 = 1_763_700_000_000;
const KEYS: [&str; 10] = [
    "angle_deg",
    "size_mm",
    "n_rays",
    "ray_length_mm",
    "spread_deg",
    "wavelength_nm",
    "polarization_angle_deg",
    "beam_waist_mm",
    "object_height_mm",
    "z_value",
];

/// One that makes operations, numbers them and stamps them.
struct Author {
    replica: ReplicaId,
    number: u64,
    clock: Clock,
    random: fastrand::Rng,
}

impl Author {
    fn new(seed: u64) -> Author {
        Author {
            replica: ReplicaId::new(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed + 1)),
            number: 0,
            clock: Clock::new(),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    fn next(&mut self) -> (OperationId, optiverse_core::sync::Timestamp) {
        self.number += 1;
        let now = NOW_MS + self.number / 10;
        (OperationId { replica: self.replica, number: self.number }, self.clock.stamp(now))
    }

    fn add(&mut self, index: usize) -> Operation<'static> {
        let mut properties = Properties::new();
        properties.insert("item_uuid".to_owned(), Value::from(name(index)));
        properties.insert("name".to_owned(), Value::from("achromatic doublet"));
        for key in KEYS {
            properties.insert(key.to_owned(), Value::from(self.random.f64() * 100.0));
        }
        let (id, time) = self.next();
        let item = Item::new(Section::Items, properties).expect("it has an id");
        Operation::add(id, time, &item).expect("it is within the limits")
    }

    fn edit(&mut self) -> Operation<'static> {
        let item = self.random.usize(..ITEMS);
        let key = KEYS[self.random.usize(..KEYS.len())];
        let value = Value::from((self.random.f64() * 1e5).round() / 1e3);
        let (id, time) = self.next();
        Operation::set(id, time, &name(item), [(key, Some(&value))]).expect("it is within the limits")
    }
}

fn name(index: usize) -> String {
    format!("3f2504e0-4f89-41d3-9a0c-{index:012}")
}

fn document(author: &mut Author) -> Replica {
    let mut replica = Replica::new(RemovedItems::Keep);
    for index in 0..ITEMS {
        replica.apply(&author.add(index)).expect("it fits");
    }
    replica
}

/// Another's operations, from JSON text to the merged document, one by one.
#[divan::bench]
fn remote_operations(bencher: Bencher<'_, '_>) {
    let mut author = Author::new(1);
    let document = document(&mut author);
    let texts: Vec<String> = (0..EDITS).map(|_| author.edit().to_json()).collect();
    let bytes: usize = texts.iter().map(String::len).sum();
    bencher
        .counter(ItemsCount::new(EDITS))
        .counter(BytesCount::new(bytes))
        .with_inputs(|| document.clone())
        .bench_local_values(|mut replica| {
            for text in &texts {
                let operation = Operation::from_json(text).expect("it was just written");
                replica.apply(&operation).expect("it fits");
            }
            replica
        });
}

/// One's own edits, from a number to the changed document and the text that is sent.
#[divan::bench]
fn local_edits(bencher: Bencher<'_, '_>) {
    let mut author = Author::new(2);
    let document = document(&mut author);
    let names: Vec<String> = (0..ITEMS).map(name).collect();
    let values: Vec<Value> = (0..EDITS).map(|_| Value::from((author.random.f64() * 1e5).round() / 1e3)).collect();
    bencher.counter(ItemsCount::new(EDITS)).with_inputs(|| document.clone()).bench_local_values(|mut replica| {
        let mut random = fastrand::Rng::with_seed(7);
        for value in &values {
            let (id, time) = author.next();
            let key = KEYS[random.usize(..KEYS.len())];
            let item = &names[random.usize(..ITEMS)];
            let operation = Operation::set(id, time, item, [(key, Some(value))]).expect("it is within the limits");
            replica.apply(&operation).expect("it fits");
            black_box(operation.to_json());
        }
        replica
    });
}

/// Loading the document after 100,000 edits.
#[divan::bench]
fn load(bencher: Bencher<'_, '_>) {
    let mut author = Author::new(3);
    let mut replica = document(&mut author);
    for _ in 0..EDITS {
        replica.apply(&author.edit()).expect("it fits");
    }
    let text = replica.to_snapshot();
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| Replica::from_snapshot(&text, RemovedItems::Keep).expect("it was just written"));
}

/// Two copies with 10,000 edits each since they parted: each sends the other what it misses, as text, and merges it.
#[divan::bench]
fn merge_after_offline_work(bencher: Bencher<'_, '_>) {
    let mut author = Author::new(4);
    let common = document(&mut author);
    let mut others = [Author::new(5), Author::new(6)];
    let copies = others.each_mut().map(|author| {
        let mut copy = common.clone();
        for _ in 0..OFFLINE_EDITS {
            copy.apply(&author.edit()).expect("it fits");
        }
        copy
    });
    bencher.with_inputs(|| copies.clone()).bench_local_values(|[mut left, mut right]| {
        let to_right = left.difference(right.vector());
        let to_left = right.difference(left.vector());
        right.merge(&to_right).expect("it was just written");
        left.merge(&to_left).expect("it was just written");
        (left, right)
    });
}

/// The whole document as text.
#[divan::bench]
fn snapshot(bencher: Bencher<'_, '_>) {
    let replica = document(&mut Author::new(8));
    bencher.bench(|| replica.difference(&VersionVector::new()));
}
