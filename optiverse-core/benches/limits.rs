//! Figures beside what the machine allows, both measured in one run, in turns: `cargo bench --bench limits`.
//!
//! - Light that divides, beside writing as many vertices and nothing else, and beside the search for the nearest hit alone.
//! - Two threads beside two traces that have nothing in common, which is what two cores that share caches, memory and clock can do.
#![expect(clippy::print_stdout, reason = "what it is for")]
#![expect(clippy::unwrap_used, reason = "scenes of known good values")]

mod scenes;

use std::hint::black_box;
use std::thread;
use std::time::Instant;

use optiverse_core::optics::element::Element;
use optiverse_core::optics::{OpticalSystem, Source, SourceParameters, Surface};
use optiverse_core::trace::{Ending, RayPaths, TraceControl, TraceOptions, trace, trace_into};

const RAYS: i64 = 2_000;

/// Short turns, and many: what else the machine does meanwhile comes and goes.
const TURNS: usize = 41;

fn main() {
    splitting();
    for (name, system) in
        [("maze of 1,000", scenes::maze_1_000(RAYS)), ("maze of 20,000", scenes::maze_20_000(RAYS))]
    {
        two_threads(name, &system);
    }
}

/// Light that divides at half of what it meets.
fn splitting() {
    let options = TraceOptions { min_intensity: 1e-3, ..on_threads(1) };
    let system = scenes::splitters(RAYS);
    let full = trace(&system, &options).unwrap();
    let (searching, searches) = stretches(&system, &full);
    let vertices = full.vertex_count() as f64;

    let (mut paths, mut firsts, mut begins) = (RayPaths::default(), RayPaths::default(), RayPaths::default());
    let mut columns = vec![0.0_f64; full.vertex_count() * RayPaths::BYTES_PER_VERTEX / 8];
    let to_first = TraceOptions { max_events: 1, ..options.clone() };
    let not_at_all = TraceOptions { max_events: 0, ..options.clone() };
    let [traced, written, found, begun] = medians([
        &mut || seconds_to_trace(&system, &options, &mut paths),
        &mut || {
            seconds(|| {
                columns.fill(1.0);
                black_box(&columns);
            })
        },
        &mut || seconds_to_trace(&searching, &to_first, &mut firsts),
        &mut || seconds_to_trace(&searching, &not_at_all, &mut begins),
    ]);
    let (rate, searches_alone) = (vertices / traced, searches as f64 / (found - begun));
    println!("64 beam splitters and waveplates, one thread");
    println!("  {:6.1} M vertices/s in {} paths, {searches} nearest hits searched for", rate / 1e6, full.len());
    println!("  of the memory-write limit ({:.1} M vertices/s): {:.2}", vertices / written / 1e6, written / traced);
    println!("  to nearest hits alone ({:.1} M/s): {:.2}", searches_alone / 1e6, rate / searches_alone);
    println!("  searches of the trace to searches alone: {:.2}", (found - begun) / traced);
}

/// Every straight stretch of light as a ray of its own, among beam blocks in place of the elements, and their number. Traced to the first surface
/// and not at all, the difference is the search for the nearest hit, with one vertex stored.
fn stretches(system: &OpticalSystem, paths: &RayPaths) -> (OpticalSystem, usize) {
    let block = |surface: &Surface| Surface::new(surface.shape().clone(), Element::BeamBlock, 0, 0);
    let mut sources = Vec::new();
    let mut hits = 0;
    for path in paths.iter() {
        // Up to the branch, the stretches are those of the path it divided from.
        let own = &path.points()[path.branch_vertex()..];
        for ends in own.windows(2) {
            let along = (ends[1] - ends[0]).normalize();
            // Off the surface that it leaves.
            let from = ends[0] + 1e-6 * along;
            let parameters = SourceParameters {
                x_mm: from.x,
                y_mm: from.y,
                angle_deg: -along.to_angle().to_degrees(),
                n_rays: 1,
                ray_length_mm: 1e9,
                ..Default::default()
            };
            sources.push(Source::new(parameters).unwrap());
        }
        hits += own.len() - 1 - usize::from(path.ending() == Ending::Left);
    }
    let searches = sources.len();
    let surfaces = system.surfaces().iter().map(block).collect();
    let sources_of = vec!["source".into(); searches];
    let searching = OpticalSystem::new(surfaces, sources, vec!["blocks".into()], sources_of).unwrap();
    let found = trace(&searching, &TraceOptions { max_events: 1, ..on_threads(1) }).unwrap();
    let met = found.endings().iter().filter(|&&ending| ending != Ending::Left).count();
    assert_eq!(met, hits, "the stretches must meet what the light has met");
    (searching, searches)
}

/// One trace on two threads, beside two traces at once.
fn two_threads(name: &str, system: &OpticalSystem) {
    let (one, two) = (on_threads(1), on_threads(2));
    let (mut alone, mut shared) = (RayPaths::default(), RayPaths::default());
    let (mut left, mut right) = (RayPaths::default(), RayPaths::default());
    let mut limits = Vec::new();
    let mut ratios = Vec::new();
    let mut shares = Vec::new();
    for _ in 0..TURNS {
        let single = seconds_to_trace(system, &one, &mut alone);
        let apart = seconds(|| {
            thread::scope(|scope| {
                scope.spawn(|| seconds_to_trace(system, &one, &mut left));
                seconds_to_trace(system, &one, &mut right);
            });
        });
        let together = seconds_to_trace(system, &two, &mut shared);
        limits.push(2.0 * single / apart);
        ratios.push(single / together);
        shares.push(apart / (2.0 * together));
    }
    let [limit, ratio, share] = [limits, ratios, shares].map(median);
    println!("{name}: two threads {ratio:.2} times one; two traces at once {limit:.2} times one; share {share:.3}");
}

fn on_threads(threads: usize) -> TraceOptions {
    TraceOptions { threads: Some(threads), max_events: scenes::MAZE_EVENTS, ..TraceOptions::default() }
}

/// Seconds of a trace into the memory of an earlier result.
fn seconds_to_trace(system: &OpticalSystem, options: &TraceOptions, paths: &mut RayPaths) -> f64 {
    seconds(|| trace_into(system, options, &TraceControl::new(), paths).unwrap())
}

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// The median of each, measured in turns.
fn medians<const N: usize>(mut measures: [&mut dyn FnMut() -> f64; N]) -> [f64; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..TURNS {
        for (measure, times) in measures.iter_mut().zip(&mut times) {
            times.push(measure());
        }
    }
    times.map(median)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
