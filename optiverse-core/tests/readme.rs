//! The Rust example of README.md compiles, runs, and is the one below to the letter.

use std::error::Error;

const README: &str = include_str!("../../README.md");
const THIS_FILE: &str = include_str!("readme.rs");

/// The lines between two others, without the indent of the first.
fn between(text: &str, first: &str, last: &str) -> Option<String> {
    let mut lines = text.lines().skip_while(|line| line.trim() != first).skip(1).peekable();
    let indent = lines.peek()?.len() - lines.peek()?.trim_start().len();
    Some(
        lines
            .take_while(|line| line.trim() != last)
            .map(|line| format!("{}\n", line.get(indent..).unwrap_or("")))
            .collect(),
    )
}

#[test]
fn the_example_in_the_readme_runs() -> Result<(), Box<dyn Error>> {
    // The example is written for the top of the checkout; no other test of this file depends on where it runs.
    std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))?;
    // begin
    use optiverse_core::optics::{OpticalSystem, Strictness};
    use optiverse_core::scene::Scene;
    use optiverse_core::trace::{TraceOptions, trace};

    let scene = Scene::from_json(&std::fs::read_to_string("examples/scenes/prism-spectrometer.json")?)?;
    let compiled = OpticalSystem::compile(&scene, Strictness::Strict)?;
    let paths = trace(&compiled.system, &TraceOptions::default())?;

    let balance = paths.power_balance();
    println!("{} paths; {:.3} of {} stopped by elements", paths.len(), balance.blocked, balance.emitted);
    assert!((balance.accounted() - balance.emitted).abs() < 1e-9);
    // end
    Ok(())
}

#[test]
fn the_example_in_the_readme_is_that_one() {
    let shown = between(README, "```rust", "```");
    assert!(shown.is_some());
    assert_eq!(shown, between(THIS_FILE, "// begin", "// end"));
}
