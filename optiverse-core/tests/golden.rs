//! With the preset of a version of the app, every path that version's own engine found is found, and no other.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a golden file of another shape fails the test, as it should")]

use optiverse_core::optics::{OpticalSystem, Strictness};
use optiverse_core::scene::{Scene, Value};
use optiverse_core::trace::{Jones, Physics, RayPath, TraceOptions, trace};

/// Vertices agree within this, in mm.
const POSITION_MM: f64 = 1e-6;
/// Intensities, Jones vectors and beam radii agree within this, relative to the larger.
const RELATIVE: f64 = 1e-9;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).unwrap()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= RELATIVE * a.abs().max(b.abs()).max(1e-3)
}

/// The golden path in plain numbers.
struct Golden {
    points: Vec<Vec<f64>>,
    intensities: Vec<f64>,
    jones: Vec<Vec<f64>>,
    radii: Vec<f64>,
    /// All that 0.2.7 keeps besides the points.
    last_jones: Option<Vec<f64>>,
    rgba: Vec<f64>,
    wavelength: f64,
    source: usize,
}

impl Golden {
    fn read(path: &Value) -> Golden {
        Golden {
            points: list(path, "points").iter().map(numbers).collect(),
            intensities: path.get("intensities").map(numbers).unwrap_or_default(),
            jones: path.get("jones").and_then(Value::as_array).into_iter().flatten().map(numbers).collect(),
            radii: path.get("beam_radii").map(numbers).unwrap_or_default(),
            last_jones: path.get("last_jones").map(numbers),
            rgba: numbers(&path["rgba"]),
            wavelength: path["wavelength_nm"].as_f64().unwrap(),
            source: path["source_index"].as_u64().unwrap() as usize,
        }
    }

    /// What keeps `path` from being this one; `None` where it is.
    fn difference(&self, path: &RayPath<'_>) -> Option<String> {
        if path.source_index() != self.source || path.points().len() != self.points.len() {
            return Some(format!("{} vertices, not {}", path.points().len(), self.points.len()));
        }
        for (i, (p, golden)) in path.points().iter().zip(&self.points).enumerate() {
            if (p.x - golden[0]).abs() > POSITION_MM || (p.y - golden[1]).abs() > POSITION_MM {
                return Some(format!("vertex {i} at {p}, not {golden:?}"));
            }
        }
        let along = if self.last_jones.is_some() { 0 } else { self.points.len() };
        if self.intensities.len() != along || self.jones.len() != along {
            return Some("a golden path without its intensities or Jones vectors".to_owned());
        }
        let differs = |a: &Jones, b: &[f64]| {
            [a[0].re, a[0].im, a[1].re, a[1].im].iter().zip(b).any(|(a, b)| (a - b).abs() > RELATIVE)
        };
        if let (Some(last), Some(jones)) = (&self.last_jones, path.jones().last())
            && differs(jones, last)
        {
            return Some(format!("last Jones vector is {jones:?}, not {last:?}"));
        }
        for (i, (a, b)) in path.intensities().iter().zip(&self.intensities).enumerate() {
            if !close(*a, *b) {
                return Some(format!("intensity {i} is {a}, not {b}"));
            }
        }
        for (i, (a, b)) in path.jones().iter().zip(&self.jones).enumerate() {
            if differs(a, b) {
                return Some(format!("Jones vector {i} is {a:?}, not {b:?}"));
            }
        }
        if path.is_gaussian() == self.radii.is_empty() {
            return Some("a Gaussian beam on one side only".to_owned());
        }
        for (i, (a, b)) in path.beam_radii_mm().iter().zip(&self.radii).enumerate() {
            if !close(*a, *b) {
                return Some(format!("radius {i} is {a}, not {b}"));
            }
        }
        let rgba: Vec<f64> = path.rgba().iter().map(|&c| f64::from(c)).collect();
        (rgba != self.rgba || path.wavelength_nm() != self.wavelength)
            .then(|| format!("colour {rgba:?}, not {:?}", self.rgba))
    }
}

/// Traces a golden scene and says what is different; empty where nothing is.
fn compare(record: &Value, physics: Physics) -> Vec<String> {
    let scene = Scene::from_json(&record["assembly"].to_string()).unwrap();
    let compiled = OpticalSystem::compile(&scene, Strictness::Lenient).unwrap();
    let options = TraceOptions {
        physics,
        max_events: record["max_events"].as_u64().unwrap() as u32,
        min_intensity: record.get("min_intensity").map_or(0.02, |v| v.as_f64().unwrap()),
        ..Default::default()
    };
    let paths = trace(&compiled.system, &options).unwrap();
    let mut unmatched: Vec<RayPath<'_>> = paths.iter().collect();
    let mut differences = Vec::new();
    for (i, golden) in list(record, "paths").iter().map(Golden::read).enumerate() {
        match unmatched.iter().position(|path| golden.difference(path).is_none()) {
            Some(found) => {
                unmatched.swap_remove(found);
            }
            None => {
                let nearest =
                    unmatched.iter().filter(|p| p.source_index() == golden.source).map(|p| golden.difference(p));
                differences.push(format!("path {i} not found: {:?}", nearest.flatten().take(3).collect::<Vec<_>>()));
            }
        }
    }
    if !unmatched.is_empty() {
        differences.push(format!("{} paths too many", unmatched.len()));
    }
    differences
}

/// Compares all scenes of a file; returns how many there were.
fn compare_file(text: &str, physics: Physics) -> usize {
    let file: Value = serde_json::from_str(text).unwrap();
    let records = file.as_array().unwrap();
    let mut failed = Vec::new();
    for record in records {
        let name = record["name"].as_str().unwrap();
        let differences = compare(record, physics);
        if !differences.is_empty() {
            failed.push(format!("{name}: {}", differences.join("; ")));
        }
    }
    assert!(failed.is_empty(), "{} of {} scenes differ:\n{}", failed.len(), records.len(), failed.join("\n"));
    records.len()
}

#[test]
fn every_path_of_the_app_is_found() {
    assert_eq!(compare_file(include_str!("data/golden/app-0.3.4-scenes.json"), Physics::OPTIVERSE_034), 92);
}

/// Edges of the rules, and elements of every kind on arcs of either sign.
#[test]
fn every_path_of_the_app_is_found_at_the_edges_of_its_rules() {
    assert_eq!(compare_file(include_str!("data/golden/app-0.3.4-more-scenes.json"), Physics::OPTIVERSE_034), 56);
}

#[test]
fn every_path_of_version_027_is_found() {
    assert_eq!(compare_file(include_str!("data/golden/app-0.2.7-scenes.json"), Physics::OPTIVERSE_027), 88);
}

/// The recorded scenes tell the versions apart: each choice in which they differ changes some path.
#[test]
fn each_choice_of_version_027_is_seen_in_its_scenes() {
    let file: Value = serde_json::from_str(include_str!("data/golden/app-0.2.7-scenes.json")).unwrap();
    let (old, new) = (Physics::OPTIVERSE_027, Physics::OPTIVERSE_034);
    let changed = [
        ("lens_law", Physics { lens_law: new.lens_law, ..old }),
        ("mirror_jones", Physics { mirror_jones: new.mirror_jones, ..old }),
        ("waveplate_return", Physics { waveplate_return: new.waveplate_return, ..old }),
        ("length_budget", Physics { length_budget: new.length_budget, ..old }),
        ("gaussian_sources", Physics { gaussian_sources: new.gaussian_sources, ..old }),
    ];
    for (choice, physics) in changed {
        let different = file.as_array().unwrap().iter().filter(|record| !compare(record, physics).is_empty()).count();
        assert!(different > 0, "no scene shows {choice}");
    }
}

/// Compares a file of the same shape that an environment variable names, for data too large to be kept.
#[test]
fn every_path_of_a_file_named_by_the_environment_is_found() {
    if let Some(path) = std::env::var_os("OPTIVERSE_GOLDEN") {
        let count = compare_file(&std::fs::read_to_string(path).unwrap(), Physics::OPTIVERSE_034);
        println!("{count} scenes compared");
    }
}
