//! Tracing into used memory allocates nothing for each ray, and hardly anything for a trace. A program of its own: allocations are counted for all of it.

#[path = "../benches/scenes/mod.rs"]
mod scenes;

use std::alloc::System;

use optiverse_core::optics::OpticalSystem;
use optiverse_core::trace::{TraceControl, TraceOptions, trace, trace_into};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocations of a trace into memory that has held the same result before.
fn allocations(system: &OpticalSystem) -> usize {
    let one_thread = TraceOptions { max_events: scenes::MAZE_EVENTS, threads: Some(1), ..TraceOptions::default() };
    let (options, control) = (one_thread, TraceControl::new());
    let mut paths = trace(system, &options).expect("a system that can be traced");
    let region = Region::new(GLOBAL);
    trace_into(system, &options, &control, &mut paths).expect("as before");
    let change = region.change();
    change.allocations + change.reallocations
}

#[test]
fn rays_are_traced_without_allocating() {
    let count = |rays| [scenes::maze_1_000(rays), scenes::splitters(rays)].map(|system| allocations(&system));
    let (few, many) = (count(400), count(1_600));
    for (few, many) in few.into_iter().zip(many) {
        // What the trace before has left is enough, but for rays longer than what is kept.
        assert!(few < 10, "{few} allocations for 400 rays");
        assert!(many < 10, "{many} allocations for 1,600 rays");
    }
}
