//! The synchronisation engine beside other libraries for replicated documents, in one run on one thread: a document of
//! 1,000 items with 12 properties each.
//!
//! Each library is used as its documentation shows: one transaction for each edit, looked up by name, in its own binary form; ours
//! in its JSON text. All of them merge the same edits to the same document, which is checked first.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on ends")]

mod peers;

use std::hint::black_box;

use divan::Bencher;
use divan::counter::ItemsCount;
use peers::{Automerge, Loro, Ours, Peer, Yrs};

const ITEMS: usize = 1_000;
const EDITS: usize = 100_000;
/// Of the edits, those that are merged or made one by one in a sample: the slowest library takes seconds for them.
const ONE_BY_ONE: usize = 20_000;
const OFFLINE_EDITS: usize = 10_000;
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

fn main() {
    check_and_weigh::<Ours>();
    check_and_weigh::<Yrs>();
    check_and_weigh::<Loro>();
    check_and_weigh::<Automerge>();
    divan::main();
}

fn name(index: usize) -> String {
    format!("3f2504e0-4f89-41d3-9a0c-{index:012}")
}

/// The same edits for every library: item, key and value.
fn edits(seed: u64, count: usize) -> impl Iterator<Item = (String, &'static str, f64)> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..count).map(move |_| {
        let (item, key) = (random.usize(..ITEMS), random.usize(..KEYS.len()));
        (name(item), KEYS[key], (random.f64() * 1e5).round() / 1e3)
    })
}

fn document<P: Peer>() -> P {
    let mut peer = P::new(1);
    let mut random = fastrand::Rng::with_seed(1);
    for index in 0..ITEMS {
        let numbers: Vec<(&str, f64)> = KEYS.iter().map(|key| (*key, random.f64() * 100.0)).collect();
        peer.add(&name(index), "achromatic doublet", &numbers);
    }
    peer
}

/// Edits as they are sent, made on a copy of the document.
fn updates<P: Peer>(document: &mut P, count: usize) -> Vec<Vec<u8>> {
    let mut author = document.fork(2);
    edits(7, count).map(|(item, key, value)| author.edit(&item, key, value)).collect()
}

/// Two copies of the document with edits that the other has not.
fn offline<P: Peer>() -> (P, P) {
    let mut common: P = document();
    let (mut left, mut right) = (common.fork(5), common.fork(6));
    for (peer, seed) in [(&mut left, 5), (&mut right, 6)] {
        for (item, key, value) in edits(seed, OFFLINE_EDITS) {
            peer.edit(&item, key, value);
        }
    }
    (left, right)
}

fn merge<P: Peer>(left: &mut P, right: &mut P) {
    let (to_right, to_left) = (left.missing_in(right), right.missing_in(left));
    right.apply(&to_right);
    left.apply(&to_left);
}

/// What is compared does the same, and how long one edit is.
fn check_and_weigh<P: Peer>() {
    let mut peer: P = document();
    let updates = updates(&mut peer, 1_000);
    updates.iter().for_each(|update| peer.apply(update));
    let mut expected = std::collections::HashMap::new();
    expected.extend(edits(7, 1_000).map(|(item, key, value)| ((item, key), value)));
    for ((item, key), value) in &expected {
        assert_eq!(peer.read(item, key), Some(*value), "{}", P::NAME);
    }
    let (mut left, mut right) = offline::<P>();
    merge(&mut left, &mut right);
    let again = P::load(&left.save());
    for (item, key, _) in edits(5, 100).chain(edits(6, 100)) {
        assert_eq!(left.read(&item, key), right.read(&item, key), "{}", P::NAME);
        assert_eq!(left.read(&item, key), again.read(&item, key), "{}", P::NAME);
    }
    let bytes: usize = updates.iter().map(Vec::len).sum();
    println!("{:<10} {:>4} bytes for an edit of one property", P::NAME, bytes / updates.len());
}

/// Another's edits, one by one, from what was received to the merged document.
#[divan::bench(types = [Ours, Yrs, Loro, Automerge], sample_count = 5, sample_size = 1)]
fn remote_operations<P: Peer>(bencher: Bencher<'_, '_>) {
    let mut document: P = document();
    let updates = updates(&mut document, ONE_BY_ONE);
    bencher.counter(ItemsCount::new(ONE_BY_ONE)).with_inputs(|| document.fork(3)).bench_local_values(|mut peer| {
        for update in &updates {
            peer.apply(update);
        }
        peer
    });
}

/// One's own edits, from a number to the changed document and what is sent.
#[divan::bench(types = [Ours, Yrs, Loro, Automerge], sample_count = 5, sample_size = 1)]
fn local_edits<P: Peer>(bencher: Bencher<'_, '_>) {
    let mut document: P = document();
    let edits: Vec<_> = edits(8, ONE_BY_ONE).collect();
    bencher.counter(ItemsCount::new(ONE_BY_ONE)).with_inputs(|| document.fork(3)).bench_local_values(|mut peer| {
        for (item, key, value) in &edits {
            black_box(peer.edit(item, key, *value));
        }
        peer
    });
}

/// Loading the document after 100,000 edits, and reading one property. Loro reads no more of it than that is asked for.
#[divan::bench(types = [Ours, Yrs, Loro, Automerge], sample_count = 20, sample_size = 1)]
fn load<P: Peer>(bencher: Bencher<'_, '_>) {
    let mut peer: P = document();
    for (item, key, value) in edits(3, EDITS) {
        peer.edit(&item, key, value);
    }
    let saved = peer.save();
    bencher.bench_local(|| {
        let peer = P::load(&saved);
        black_box(peer.read(&name(ITEMS - 1), KEYS[0]));
        peer
    });
}

/// Two copies with 10,000 edits each since they parted: each sends the other what it misses, and merges it.
#[divan::bench(types = [Ours, Yrs, Loro, Automerge], sample_count = 10, sample_size = 1)]
fn merge_after_offline_work<P: Peer>(bencher: Bencher<'_, '_>) {
    let (mut left, mut right) = offline::<P>();
    bencher.with_inputs(|| (left.fork(5), right.fork(6))).bench_local_values(|(mut left, mut right)| {
        merge(&mut left, &mut right);
        (left, right)
    });
}
