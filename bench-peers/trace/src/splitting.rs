//! Light that divides at half of what it meets, beside what it cannot be faster than: writing as many vertices, and searching for as many nearest hits.

use optiverse_core::optics::element::Element;
use optiverse_core::optics::{OpticalSystem, Source, SourceParameters, Surface};
use optiverse_core::trace::{Ending, RayPaths, TraceControl, TraceError, TraceOptions, trace, trace_into};

use crate::{TURNS, median, peer_cpu_seconds, scenes, written};

const RAYS: i64 = 2_000;

/// Off the surface that a stretch of light leaves, in mm.
const STEP: f64 = 1e-6;

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let options = TraceOptions { min_intensity: 1e-3, threads: Some(1), ..TraceOptions::default() };
    let system = scenes::splitters(RAYS);
    let full = trace(&system, &options)?;
    let searching = stretches(&system, &full)?;
    let searches = searching.sources().len() as f64;

    let to_first = TraceOptions { max_events: 1, ..options.clone() };
    let not_at_all = TraceOptions { max_events: 0, ..options.clone() };
    let cases = [(&system, &options), (&searching, &to_first), (&searching, &not_at_all)];
    let mut used = [RayPaths::default(), RayPaths::default(), RayPaths::default()];
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..TURNS {
        for ((case, paths), times) in cases.iter().zip(&mut used).zip(&mut times) {
            times.push(seconds(case, paths)?);
        }
    }
    let [traced, found, begun] = times.map(|mut times| median(&mut times));
    let (alone, rate) = (searches / (found - begun) / 1e6, full.vertex_count() as f64 / traced / 1e6);
    println!("\n64 beam splitters and waveplates ({} paths)", full.len());
    println!("  this engine              {rate:8.2} M vertices/s of {:9}", full.vertex_count());
    println!("  nearest hits alone       {alone:8.2} M hits/s of {searches:9}   1 : {:.2}", rate / alone);
    println!("  of the trace's time, nearest hits alone: {:.2}", (found - begun) / traced);
    println!("  of the memory-write limit: {:.3}", rate / written(full.vertex_count()));
    Ok(())
}

/// Every straight stretch of light as a source ray, among beam blocks in place of the elements. Traced to the first surface it costs a search, with
/// a vertex to store, more than not traced at all.
fn stretches(system: &OpticalSystem, paths: &RayPaths) -> Result<OpticalSystem, Box<dyn std::error::Error>> {
    let mut sources = Vec::new();
    let mut hits = 0;
    for path in paths.iter() {
        // Up to the branch, the stretches are those of the path it divided from.
        let own = &path.points()[path.branch_vertex()..];
        for ends in own.windows(2) {
            let along = (ends[1] - ends[0]).normalize();
            let from = ends[0] + STEP * along;
            sources.push(Source::new(SourceParameters {
                x_mm: from.x,
                y_mm: from.y,
                angle_deg: -along.to_angle().to_degrees(),
                n_rays: 1,
                ray_length_mm: 1e9,
                ..Default::default()
            })?);
        }
        hits += own.len() - 1 - usize::from(path.ending() == Ending::Left);
    }
    let block = |surface: &Surface| Surface::new(surface.shape().clone(), Element::BeamBlock, 0, 0);
    let blocks = system.surfaces().iter().map(block).collect();
    let names = vec!["stretch".into(); sources.len()];
    let searching = OpticalSystem::new(blocks, sources, vec!["blocks".into()], names)?;
    let found = trace(&searching, &TraceOptions::default())?;
    let met = found.endings().iter().filter(|&&ending| ending != Ending::Left).count();
    if met != hits {
        return Err(format!("{met} stretches of light meet something, and {hits} did").into());
    }
    Ok(searching)
}

/// Processor time of a trace into the memory of an earlier one.
fn seconds((system, options): &(&OpticalSystem, &TraceOptions), paths: &mut RayPaths) -> Result<f64, TraceError> {
    let before = peer_cpu_seconds();
    trace_into(system, options, &TraceControl::new(), paths)?;
    Ok(peer_cpu_seconds() - before)
}
