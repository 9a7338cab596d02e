//! What an edit costs, as a share of a trace of the whole scene in the same run: `cargo bench --bench retrace`.
//!
//! 1,000 mirrors in a closed box and 10,000 rays from its middle; of one mirror after the other, each is moved by 1 mm and back. Whole
//! traces and updates take turns, and the figures are medians.

#![expect(clippy::print_stdout, reason = "the result is printed")]
#![expect(clippy::unwrap_used, reason = "a scene of known good values")]

mod scenes;

use std::time::{Duration, Instant};

use optiverse_core::optics::{OpticalSystem, Strictness};
use optiverse_core::scene::Edit;
use optiverse_core::trace::{TraceOptions, Tracer, trace};

const MIRRORS: usize = 1_000;
const RAYS: i64 = 10_000;
const MOVED: usize = 40;

fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

fn measure(max_events: u32, threads: usize) {
    let scene = scenes::maze_scene(MIRRORS, 5.0..40.0, RAYS);
    let options = TraceOptions { max_events, threads: Some(threads), ..TraceOptions::default() };
    let system = OpticalSystem::compile(&scene, Strictness::Strict).unwrap().system;
    let mut tracer = Tracer::new(scene, options.clone()).unwrap();
    tracer.paths();
    let (mut whole, mut updates, mut with_arrays, mut first) = (vec![], vec![], vec![], vec![]);
    let mut traced = 0;
    for mirror in 0..MOVED {
        let id = format!("m{}", mirror * (MIRRORS / MOVED));
        let at = |key: &str| tracer.scene().get(&id).and_then(|item| item.get(key)?.as_f64()).unwrap();
        let there = Edit::Move { id: id.as_str().into(), x_mm: at("x_mm") + 1.0, y_mm: at("y_mm") };
        whole.push(time(|| trace(&system, &options).unwrap()).0);
        let (taken, update) = time(|| tracer.update(&there).unwrap());
        updates.push(taken);
        traced += update.traced_rays();
        let (taken, update) = time(|| tracer.update(update.inverse().unwrap()).unwrap());
        updates.push(taken);
        traced += update.traced_rays();
        let (taken, _) = time(|| (tracer.update(&there).unwrap(), tracer.paths()));
        with_arrays.push(taken);
        tracer.update(update.inverse().unwrap()).unwrap();
        if mirror % 8 == 0 {
            let scene = tracer.scene().clone();
            first.push(time(|| Tracer::new(scene, options.clone()).unwrap()).0);
        }
    }
    let vertices = tracer.paths().vertex_count();
    let share = 100.0 * traced as f64 / (RAYS as f64 * updates.len() as f64);
    let unit = median(&mut whole);
    println!(
        "{max_events} events a ray, {vertices} vertices, {threads} threads; {share:.1} % of the rays are traced again"
    );
    println!("  whole trace             {:8.2} ms", 1e3 * unit);
    for (name, times) in [
        ("update", &mut updates),
        ("update, flat arrays read", &mut with_arrays),
        ("compile and first trace", &mut first),
    ] {
        let time = median(times);
        println!("  {name:24}{:8.2} ms  {:6.1} % of it", 1e3 * time, 100.0 * time / unit);
    }
}

fn main() {
    for threads in [1, 2] {
        for max_events in [34, 80] {
            measure(max_events, threads);
        }
    }
}
