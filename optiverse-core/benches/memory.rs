//! How long a system of a million surfaces takes to build, on all cores, and how much memory it takes at most while it is built:
//! `cargo bench --bench memory`.
#![expect(clippy::print_stdout, reason = "what it is for")]

mod scenes;

use std::time::Instant;

const SURFACES: usize = 1_000_000;

fn main() {
    let before = most_memory_kb();
    let start = Instant::now();
    let system = scenes::growing_maze(SURFACES, 1);
    let seconds = start.elapsed().as_secs_f64();
    println!("{} surfaces built in {seconds:.2} s, their places drawn by lot included", system.surfaces().len());
    match (before, most_memory_kb()) {
        (Some(before), Some(most)) => {
            let bytes = (most - before) as f64 * 1024.0;
            println!("at most {:.0} MB, {:.0} bytes a surface", bytes / 1e6, bytes / SURFACES as f64);
        }
        _ => println!("how much memory that takes is told on Linux only"),
    }
}

/// The most memory that the process has had so far.
fn most_memory_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
