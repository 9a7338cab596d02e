//! How long a trace within a time takes: `cargo bench --bench within`. More light than there is time for; of each time, a share is left for putting
//! the paths in order, as Python, C and C++ do.

#![expect(clippy::print_stdout, reason = "the result is printed")]
#![expect(clippy::unwrap_used, reason = "scenes of known good values")]

mod scenes;

use std::time::{Duration, Instant};

use optiverse_core::optics::OpticalSystem;
use optiverse_core::trace::{PartialTrace, TraceControl, TraceOptions, trace_within};

const TURNS: usize = 5;

/// The median of what a trace within `budget` takes.
fn time(system: &OpticalSystem, options: &TraceOptions, budget: Duration) -> Duration {
    let mut times: Vec<Duration> = (0..TURNS)
        .map(|_| {
            let start = Instant::now();
            let tracing = budget.mul_f64(PartialTrace::TRACING_SHARE);
            let partial = trace_within(system, options, &TraceControl::new(), &|| start.elapsed() >= tracing).unwrap();
            assert!(!partial.is_complete());
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[TURNS / 2]
}

fn main() {
    let scenes = [
        ("maze of 1,000, 80 reflections", scenes::maze_1_000(10_000_000), 80),
        ("maze of 1,000, 5 reflections", scenes::maze_1_000(10_000_000), 5),
        ("40 lenses of 60 surfaces", scenes::lens_train(1_000_000), 3_000),
        ("64 beam splitters and waveplates", scenes::splitters(10_000_000), 80),
    ];
    for (name, system, max_events) in &scenes {
        for threads in [1, 2] {
            let max_vertices = 1 << 30;
            let options = TraceOptions {
                max_events: *max_events,
                threads: Some(threads),
                max_vertices,
                ..TraceOptions::default()
            };
            print!("{name:34} {threads} threads, share of the time that it takes:");
            for ms in [16, 100, 500] {
                let budget = Duration::from_millis(ms);
                print!("  {ms} ms {:.2}", time(system, &options, budget).as_secs_f64() / budget.as_secs_f64());
            }
            println!();
        }
    }
}
