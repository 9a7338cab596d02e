//! Random schedules: which seeds are run, how often, and what a failing one says.

#![allow(clippy::print_stdout, reason = "a soak says with which seeds it ran")]

use std::ops::Range;
use std::time::{Duration, Instant, SystemTime};

/// Seeds that failed once, each with the invariant and what was wrong.
const PINNED: &str = include_str!("../data/sync_seeds.txt");

/// Runs `schedule` for the seeds that were pinned for `invariant` and those of the range; with `SOAK_SECONDS` in the
/// environment for fresh seeds instead, for that time.
pub fn for_seeds(invariant: &str, seeds: Range<u64>, schedule: impl Fn(u64) + std::panic::RefUnwindSafe) {
    let run = |seed: u64| {
        let outcome = std::panic::catch_unwind(|| schedule(seed));
        assert!(outcome.is_ok(), "{invariant} fails with the seed {seed}: pin it in tests/data/sync_seeds.txt");
    };
    pinned(invariant).for_each(run);
    let Ok(seconds) = std::env::var("SOAK_SECONDS") else {
        seeds.for_each(run);
        return;
    };
    let seconds: u64 = seconds.parse().expect("SOAK_SECONDS is a whole number");
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970");
    let first = since_epoch.as_nanos() as u64;
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < Duration::from_secs(seconds) {
        run(first.wrapping_add(count));
        count += 1;
    }
    println!("{invariant}: {count} schedules from the seed {first}");
}

fn pinned(invariant: &str) -> impl Iterator<Item = u64> {
    let lines = PINNED.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.filter_map(move |line| {
        let mut words = line.splitn(3, ' ');
        let (name, seed, reason) = (words.next(), words.next(), words.next());
        assert!(reason.is_some(), "invariant, seed and what was wrong: {line}");
        let seed = seed.and_then(|seed| seed.parse().ok()).expect("a seed");
        (name == Some(invariant)).then_some(seed)
    })
}
