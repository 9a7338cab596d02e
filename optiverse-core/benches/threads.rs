//! One trace on two threads, beside two traces at once that have nothing in common, each on a thread: what two cores that share caches, memory and clock
//! can do. In one run, in turns: `cargo bench --bench threads`.
#![expect(clippy::print_stdout, reason = "what it is for")]
#![expect(clippy::unwrap_used, reason = "options of known good values")]

mod scenes;

use std::thread;
use std::time::Instant;

use optiverse_core::optics::OpticalSystem;
use optiverse_core::trace::{RayPaths, TraceControl, TraceOptions, trace_into};

const RAYS: i64 = 2_000;

/// Short turns, and many: what else the machine does comes and goes.
const TURNS: usize = 101;

fn main() {
    println!(
        "two threads to one, medians of {TURNS} turns: a trace; two traces at once; the share of the former in the latter"
    );
    measure("maze of 1,000", &scenes::maze_1_000(RAYS));
    measure("maze of 20,000", &scenes::maze_20_000(RAYS));
}

fn measure(name: &str, system: &OpticalSystem) {
    let on_threads =
        |threads| TraceOptions { threads: Some(threads), max_events: scenes::MAZE_EVENTS, ..TraceOptions::default() };
    let (one, two) = (on_threads(1), on_threads(2));
    // Each has memory of its own, which has been written before.
    let [mut first, mut second] = [RayPaths::default(), RayPaths::default()];
    let [mut ratios, mut limits, mut shares] = [const { Vec::new() }; 3];
    for _ in 0..TURNS {
        let alone = seconds(|| run(system, &one, &mut first));
        let apart = seconds(|| {
            thread::scope(|scope| {
                scope.spawn(|| run(system, &one, &mut second));
                run(system, &one, &mut first);
            });
        });
        let together = seconds(|| run(system, &two, &mut first));
        ratios.push(alone / together);
        limits.push(2.0 * alone / apart);
        shares.push(0.5 * apart / together);
    }
    let [ratio, limit, share] = [ratios, limits, shares].map(median);
    println!("  {name:16} {ratio:.2}   {limit:.2}   {:.0} %", 100.0 * share);
}

fn run(system: &OpticalSystem, options: &TraceOptions, paths: &mut RayPaths) {
    trace_into(system, options, &TraceControl::new(), paths).unwrap();
}

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
