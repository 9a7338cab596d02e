//! Nearest hits per second and vertices per second, one thread, by number of surfaces: `cargo bench --bench trace`.
//!
//! Each event of a ray among mirrors is one nearest hit, one reflection and one stored vertex, so that the two figures are one.

mod scenes;

use divan::Bencher;
use divan::counter::ItemsCount;
use optiverse_core::optics::OpticalSystem;
use optiverse_core::trace::{Physics, TraceOptions, trace};

const RAYS: i64 = 2_000;
const EVENTS: u32 = 80;

fn main() {
    divan::main();
}

fn system(surfaces: usize) -> OpticalSystem {
    // Lengths shrink with the number, so that the mirrors cover about the same share of the box.
    match surfaces {
        30 => scenes::maze(26, 20.0..100.0, RAYS),
        1_000 => scenes::maze_1_000(RAYS),
        _ => scenes::maze_20_000(RAYS),
    }
}

fn measure(bencher: Bencher<'_, '_>, surfaces: usize, physics: Physics, threads: usize) {
    let system = system(surfaces);
    let options = TraceOptions { physics, max_events: EVENTS, threads: Some(threads), ..TraceOptions::default() };
    bencher
        .counter(ItemsCount::new(RAYS as u64 * u64::from(EVENTS)))
        .bench(|| trace(&system, &options).map(|paths| paths.vertex_count()));
}

#[divan::bench(args = [30, 1_000, 20_000], sample_count = 10)]
fn exact(bencher: Bencher<'_, '_>, surfaces: usize) {
    measure(bencher, surfaces, Physics::EXACT, 1);
}

#[divan::bench(args = [30, 1_000, 20_000], sample_count = 10)]
fn exact_two_threads(bencher: Bencher<'_, '_>, surfaces: usize) {
    measure(bencher, surfaces, Physics::EXACT, 2);
}

#[divan::bench(args = [30, 1_000, 20_000], sample_count = 10)]
fn optiverse_034(bencher: Bencher<'_, '_>, surfaces: usize) {
    measure(bencher, surfaces, Physics::OPTIVERSE_034, 1);
}

#[divan::bench(args = [1_000, 20_000], sample_count = 10)]
fn build(bencher: Bencher<'_, '_>, surfaces: usize) {
    bencher.counter(ItemsCount::new(surfaces)).bench(|| system(surfaces).surfaces().len());
}
