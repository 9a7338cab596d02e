//! Traces the scenes that a list names and writes every array of every result to a file, byte by byte, without the C
//! interface. `tests/c/golden.c` does so through it.
//!
//! Each line of the list: preset, `max_events`, `min_intensity`, path.

use std::error::Error;
use std::io::Write;
use std::path::Path;

use optiverse_core::optics::{OpticalSystem, Strictness};
use optiverse_core::scene::Scene;
use optiverse_core::trace::{Physics, TraceOptions, trace};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(list), Some(output)) = (arguments.next(), arguments.next()) else {
        return Err("usage: golden LIST OUTPUT".into());
    };
    let mut file = std::io::BufWriter::new(std::fs::File::create(output)?);
    for line in std::fs::read_to_string(list)?.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [preset, max_events, min_intensity, path] = fields[..] else { return Err(line.into()) };
        let options = TraceOptions {
            physics: Physics::PRESETS[preset.parse::<usize>()?].1,
            max_events: max_events.parse()?,
            min_intensity: min_intensity.parse()?,
            ..TraceOptions::default()
        };
        let (scene, _) = Scene::load(Path::new(path))?;
        let system = OpticalSystem::compile(&scene, Strictness::Lenient)?.system;
        let paths = trace(&system, &options)?;
        file.write_all(&paths.len().to_ne_bytes())?;
        file.write_all(&paths.vertex_count().to_ne_bytes())?;
        numbers(&mut file, paths.points().iter().flat_map(|point| [point.x, point.y]))?;
        numbers(&mut file, paths.intensities().iter().copied())?;
        numbers(&mut file, paths.jones().iter().flat_map(|[h, v]| [h.re, h.im, v.re, v.im]))?;
        numbers(&mut file, paths.optical_paths_mm().iter().copied())?;
        numbers(&mut file, paths.beam_radii_mm().iter().copied())?;
        for number in paths.hit_items().iter().chain(paths.hit_interfaces()) {
            file.write_all(&number.to_ne_bytes())?;
        }
        whole(&mut file, paths.offsets())?;
        for rgba in paths.rgba() {
            file.write_all(rgba)?;
        }
        numbers(&mut file, paths.wavelengths_nm().iter().copied())?;
        for list in [paths.source_indices(), paths.ray_indices(), paths.parents(), paths.branch_vertices()] {
            whole(&mut file, list)?;
        }
        for ending in paths.endings() {
            file.write_all(&[*ending as u8])?;
        }
    }
    Ok(file.flush()?)
}

fn numbers(file: &mut impl Write, numbers: impl Iterator<Item = f64>) -> std::io::Result<()> {
    numbers.into_iter().try_for_each(|number| file.write_all(&number.to_ne_bytes()))
}

fn whole(file: &mut impl Write, numbers: &[i64]) -> std::io::Result<()> {
    numbers.iter().try_for_each(|number| file.write_all(&number.to_ne_bytes()))
}
