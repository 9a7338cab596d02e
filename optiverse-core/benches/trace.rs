//! Nearest hits per second and vertices per second, one thread, by number of surfaces: `cargo bench --bench trace`.
//!
//! Each event of a ray among mirrors is one nearest hit, one reflection and one stored vertex, so that the two figures are one.

mod scenes;

use divan::Bencher;
use divan::counter::ItemsCount;
use optiverse_core::optics::OpticalSystem;
use optiverse_core::trace::{Physics, RayPaths, TraceControl, TraceOptions, trace, trace_into};

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
    let options = TraceOptions { physics, max_events: EVENTS, threads: Some(threads), ..TraceOptions::default() };
    trace_all(bencher, &system(surfaces), &options);
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

#[divan::bench(sample_count = 10)]
fn crowded(bencher: Bencher<'_, '_>) {
    trace_all(bencher, &scenes::crowded(RAYS), &TraceOptions { max_events: EVENTS, ..one_thread() });
}

#[divan::bench(sample_count = 10)]
fn lens_train(bencher: Bencher<'_, '_>) {
    let options = TraceOptions { max_events: 3_000, min_intensity: 0.01, ..one_thread() };
    trace_all(bencher, &scenes::lens_train(100), &options);
}

#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 10)]
fn growing(bencher: Bencher<'_, '_>, surfaces: usize) {
    trace_all(bencher, &scenes::growing_maze(surfaces, RAYS), &TraceOptions { max_events: EVENTS, ..one_thread() });
}

#[divan::bench(sample_count = 10)]
fn splitters(bencher: Bencher<'_, '_>) {
    trace_all(bencher, &scenes::splitters(RAYS), &TraceOptions { min_intensity: 1e-3, ..one_thread() });
}

fn one_thread() -> TraceOptions {
    TraceOptions { threads: Some(1), ..TraceOptions::default() }
}

/// Vertices a second, into the memory of an earlier result.
fn trace_all(bencher: Bencher<'_, '_>, system: &OpticalSystem, options: &TraceOptions) {
    let mut paths = RayPaths::default();
    let vertices = trace(system, options).map_or(0, |paths| paths.vertex_count());
    bencher
        .counter(ItemsCount::new(vertices))
        .bench_local(|| trace_into(system, options, &TraceControl::new(), &mut paths));
}

#[divan::bench(args = [1_000, 20_000, 1_000_000], sample_count = 3)]
fn build(bencher: Bencher<'_, '_>, surfaces: usize) {
    bencher.counter(ItemsCount::new(surfaces)).bench(|| scenes::growing_maze(surfaces, 1).surfaces().len());
}
