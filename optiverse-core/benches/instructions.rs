//! Traces one scene once, for `tools/check_instructions.py` to count the instructions of: `instructions <scene> <rays>`. 0 rays build the system
//! alone, so that a difference of two counts is that of the tracing.

mod scenes;

use std::process::ExitCode;

use optiverse_core::optics::OpticalSystem;
use optiverse_core::trace::{TraceOptions, trace};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let scene = arguments.next().unwrap_or_default();
    let Some(rays) = arguments.next().and_then(|rays| rays.parse::<i64>().ok()) else {
        return ExitCode::SUCCESS; // `cargo bench` without arguments: there is nothing to time here
    };
    let mut options = TraceOptions { threads: Some(1), max_events: scenes::MAZE_EVENTS, ..TraceOptions::default() };
    let make: fn(i64) -> OpticalSystem = match scene.as_str() {
        "maze-1000" => scenes::maze_1_000,
        "maze-20000" => scenes::maze_20_000,
        "crowded" => scenes::crowded,
        "splitters" => scenes::splitters,
        "lenses" => {
            options = TraceOptions { max_events: 3_000, min_intensity: 0.01, ..options };
            scenes::lens_train
        }
        _ => return ExitCode::FAILURE,
    };
    let system = make(rays.max(1));
    if rays == 0 {
        return ExitCode::SUCCESS;
    }
    match trace(&system, &options) {
        Ok(paths) if paths.vertex_count() > 0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
