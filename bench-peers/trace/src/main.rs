//! This engine beside other ray-tracing kernels: the same scenes, in one run, in turns; medians of processor time, one thread.
//!
//! The engine does all it always does (polarisation, power, optical path, ten columns a vertex); its peers find the nearest hit, reflect, and
//! store x and y.

mod crates;
#[cfg(embree)]
mod embree;
#[path = "../../../optiverse-core/benches/scenes/mod.rs"]
mod scenes;
mod splitting;

use optiverse_core::optics::element::Element;
use optiverse_core::optics::{OpticalSystem, Shape};
use optiverse_core::trace::{RayPaths, TraceControl, TraceOptions, trace, trace_into};

/// Turns; the median of each engine's counts.
const TURNS: usize = 9;

/// Chords that stand for an arc where only straight walls are known.
const CHORDS: usize = 8;

unsafe extern "C" {
    safe fn peer_cpu_seconds() -> f64;
}

/// A scene with how it is traced.
struct Case {
    name: &'static str,
    system: OpticalSystem,
    options: TraceOptions,
    /// Whether all are flat mirrors, as the peers from the registry take.
    mirrors: bool,
}

/// An engine's name and its way to trace the scene, which returns the number of hits.
type Engine<'a> = (String, Box<dyn FnMut() -> usize + 'a>);

fn main() {
    let one = TraceOptions { threads: Some(1), ..TraceOptions::default() };
    let mirrors = |name, system| Case { name, system, options: one.clone(), mirrors: true };
    let cases = [
        mirrors("maze of 1,000", scenes::maze_1_000(2_000)),
        mirrors("maze of 20,000", scenes::maze_20_000(2_000)),
        mirrors("crowded, 10,000", scenes::crowded(2_000)),
        mirrors("maze of 100,000", scenes::growing_maze(100_000, 2_000)),
        Case {
            name: "40 lenses of 60 surfaces",
            system: scenes::lens_train(100),
            options: TraceOptions { max_events: 3_000, min_intensity: 0.01, ..one.clone() },
            mirrors: false,
        },
    ];
    for case in &cases {
        run(case);
    }
    if let Err(error) = splitting::run() {
        println!("splitting: {error}");
    }
}

fn run(case: &Case) {
    let paths = match trace(&case.system, &case.options) {
        Ok(paths) => paths,
        Err(error) => return println!("{}: {error}", case.name),
    };
    let starts: Vec<[f64; 4]> = paths
        .iter()
        .filter(|path| path.parent().is_none())
        .map(|path| {
            let (from, to) = (path.points()[0], path.points()[1]);
            let along = (to - from).normalize();
            [from.x, from.y, along.x, along.y]
        })
        .collect();
    let events = case.options.max_events as usize;
    let ends: Vec<[[f64; 2]; 2]> = case
        .system
        .surfaces()
        .iter()
        .map(|surface| [surface.shape().chord().p1().into(), surface.shape().chord().p2().into()])
        .collect();
    // All write into memory that has been written before.
    let room = &std::cell::RefCell::new(vec![[0.0; 2]; starts.len() * events]);
    let mut result = RayPaths::default();

    #[cfg(embree)]
    let walls = embree::Scene::new(&walls(&case.system));
    let (parry, hierarchy) = (crates::Parry::new(&ends), crates::Hierarchy::new(&ends));
    let mut engines: Vec<Engine<'_>> = vec![(
        "this engine".into(),
        Box::new(|| {
            let traced = trace_into(&case.system, &case.options, &TraceControl::new(), &mut result);
            traced.map_or(0, |()| result.vertex_count() - result.len())
        }),
    )];
    #[cfg(embree)]
    for (name, width) in
        [("single rays", 1), ("packets of 4", 4), ("packets of 8", 8), ("packets of 16", 16), ("a stream", 0)]
    {
        let (walls, starts) = (&walls, &starts);
        engines.push((
            format!("Embree, {name}"),
            Box::new(move || walls.trace(starts, events, width, &mut room.borrow_mut())),
        ));
    }
    if case.mirrors {
        engines.push(("parry2d-f64".into(), Box::new(|| parry.trace(&starts, events, &mut room.borrow_mut()))));
        engines.push(("bvh".into(), Box::new(|| hierarchy.trace(&starts, events, &mut room.borrow_mut()))));
    }

    let mut rates = vec![Vec::new(); engines.len()];
    let mut hits = vec![0; engines.len()];
    for _ in 0..TURNS {
        for (at, (_, engine)) in engines.iter_mut().enumerate() {
            let before = peer_cpu_seconds();
            hits[at] = engine();
            rates[at].push(hits[at] as f64 / (peer_cpu_seconds() - before) / 1e6);
        }
    }
    println!("\n{} ({} surfaces)", case.name, case.system.surfaces().len());
    let medians: Vec<f64> = rates.iter_mut().map(|rates| median(rates)).collect();
    for (at, (name, _)) in engines.iter().enumerate() {
        let ratio = medians[0] / medians[at];
        println!("  {name:24} {:8.2} M hits/s of {:9} hits   1 : {ratio:.2}", medians[at], hits[at]);
    }
    let best = engines.iter().zip(&medians).filter(|((name, _), _)| name.starts_with("Embree")).map(|(_, &rate)| rate);
    println!("  against Embree's best mode: {:.2}", medians[0] / best.fold(f64::NAN, f64::max));
    println!("  of the memory-write limit: {:.3}", medians[0] / written(paths.vertex_count()));
}

/// Millions of vertices, all columns of a result, that can be written in a second.
fn written(vertices: usize) -> f64 {
    let mut columns = vec![0.0_f64; vertices * RayPaths::BYTES_PER_VERTEX / 8];
    let mut rates: Vec<f64> = (0..TURNS)
        .map(|turn| {
            let before = peer_cpu_seconds();
            columns.fill(turn as f64);
            std::hint::black_box(&columns);
            vertices as f64 / (peer_cpu_seconds() - before) / 1e6
        })
        .collect();
    median(&mut rates)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The scene as straight walls; an arc as several chords that know its centre.
#[cfg(embree)]
fn walls(system: &OpticalSystem) -> Vec<embree::Segment> {
    let mut walls = Vec::new();
    for surface in system.surfaces() {
        let chord = surface.shape().chord();
        let (outer, inner) = match (surface.element(), surface.shape()) {
            (Element::RefractiveInterface(glass), Shape::Arc(arc)) => {
                // n1 is on the outer side where R > 0.
                let (n1, n2) = (glass.first().plain_index(), glass.second().plain_index());
                if arc.signed_radius() > 0.0 { (n1, n2) } else { (n2, n1) }
            }
            _ => (0.0, 0.0),
        };
        let Shape::Arc(arc) = surface.shape() else {
            let (p1, p2) = (chord.p1().into(), chord.p2().into());
            walls.push(embree::Segment { p1, p2, centre: [0.0; 2], outer, inner });
            continue;
        };
        let (from, to) = (chord.p1() - arc.centre(), chord.p2() - arc.centre());
        let turn = from.angle_to(to);
        let at = |k: usize| arc.centre() + glam::DVec2::from_angle(turn * k as f64 / CHORDS as f64).rotate(from);
        for k in 0..CHORDS {
            let (p1, p2, centre) = (at(k).into(), at(k + 1).into(), arc.centre().into());
            walls.push(embree::Segment { p1, p2, centre, outer, inner });
        }
    }
    walls
}
