//! The shipped scenes: the light arrives where `examples/README.md` says, with powers derived here by hand.
#![allow(clippy::unwrap_used, reason = "a shipped scene of another shape fails the test, as it should")]

use optiverse_core::optics::{OpticalSystem, Strictness};
use optiverse_core::scene::{Item, Scene};
use optiverse_core::trace::{Ending, Physics, RayPath, RayPaths, TraceOptions, trace};

const ISOLATOR: &str = include_str!("../../examples/scenes/isolator-and-interferometer.json");
const SPECTROMETER: &str = include_str!("../../examples/scenes/prism-spectrometer.json");

/// A traced scene, with names for ids.
struct Traced {
    scene: Scene,
    paths: RayPaths,
}

impl Traced {
    fn new(text: &str, options: &TraceOptions) -> Traced {
        let scene = Scene::from_json(text).unwrap();
        assert_eq!(scene.to_json(), text.trim_end(), "written back as it was");
        let compiled = OpticalSystem::compile(&scene, Strictness::Strict).unwrap();
        assert!(compiled.reports.is_empty(), "{:?}", compiled.reports);
        let paths = trace(&compiled.system, options).unwrap();
        Traced { scene, paths }
    }

    /// The paths whose last element has that name and that ended so.
    fn ends(&self, element: &str, ending: Ending) -> Vec<RayPath<'_>> {
        let name = |path: &RayPath<'_>| {
            let (id, _) = (0..path.points().len()).rev().find_map(|vertex| path.hit(vertex))?;
            name_of(self.scene.get(id.as_str())?)
        };
        let here = |path: &RayPath<'_>| path.ending() == ending && name(path).as_deref() == Some(element);
        self.paths.iter().filter(here).collect()
    }

    /// The name of a path's source.
    fn source(&self, path: &RayPath<'_>) -> String {
        let id = &self.paths.source_items()[path.source_index()];
        name_of(self.scene.get(id.as_str()).unwrap()).unwrap()
    }
}

fn name_of(item: &Item) -> Option<String> {
    Some(item.get("name")?.as_str()?.to_owned())
}

fn power(path: &RayPath<'_>) -> f64 {
    *path.intensities().last().unwrap()
}

#[track_caller]
fn assert_close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found}, expected {expected} within {tolerance}");
}

#[test]
fn isolator_and_interferometer() {
    let traced = Traced::new(ISOLATOR, &TraceOptions::default());
    assert_eq!(traced.paths.len(), 5);

    // The first half-wave plate, axis at 15°, turns h to 30°: the PBS transmits cos² 30° = 3/4 and reflects sin² 30° = 1/4.
    let monitor = traced.ends("Power monitor", Ending::Blocked);
    assert_eq!(monitor.len(), 1);
    assert_close(power(&monitor[0]), 0.25, 1e-12);

    // Rotator and second half-wave plate bring h to 45° and back. Each arm of the interferometer gets 3/8, and of what comes back the
    // splitter sends half to either side: 3/16 four times over. Arm A comes back h, arm B, after the quarter-wave plate twice, v.
    // The read-out PBS sends arm A on downwards and arm B to the right.
    let arm_a = traced.ends("Detector of arm A", Ending::Blocked);
    let arm_b = traced.ends("Read-out PBS", Ending::Left);
    assert_eq!((arm_a.len(), arm_b.len()), (1, 1));
    for (path, component) in [(&arm_a[0], 0), (&arm_b[0], 1)] {
        assert_close(power(path), 3.0 / 16.0, 1e-12);
        assert_close(path.jones().last().unwrap()[component].norm_sqr(), 1.0, 1e-12);
    }
    // The arms are 120 mm long, both, and the light takes them twice: no difference in optical path where they meet again.
    let at_splitter = |path: &RayPath<'_>| {
        let vertices = (0..path.points().len()).rev();
        let last = vertices.clone().find(|&v| {
            path.hit(v).and_then(|(id, _)| name_of(traced.scene.get(id)?)).as_deref() == Some("Beam splitter")
        });
        path.optical_paths_mm()[last.unwrap()]
    };
    assert_close(at_splitter(&arm_a[0]), 320.0 + 2.0 * 120.0, 1e-9);
    assert_close(at_splitter(&arm_b[0]), 320.0 + 2.0 * 120.0, 1e-9);

    // Backwards, the rotator turns the same way once more: h of arm A arrives at the input PBS as v and is thrown out.
    let rejected = traced.ends("Rejected light", Ending::Blocked);
    assert_eq!(rejected.len(), 1);
    assert_close(power(&rejected[0]), 3.0 / 16.0, 1e-12);
    // v of arm B stands across the polariser (40 dB): 10⁻⁴ of it gets through, too little to be followed.
    let balance = traced.paths.power_balance();
    assert_close(balance.absorbed, 3.0 / 16.0 * (1.0 - 1e-4), 1e-12);
    assert_close(balance.too_weak, 3.0 / 16.0 * 1e-4, 1e-12);
    assert_close(balance.accounted(), balance.emitted, 1e-12);
}

/// Nothing in this scene is among what the app does otherwise: both presets send the same power to the same places.
#[test]
fn the_isolator_is_the_same_by_the_rules_of_the_app() {
    let traced = Traced::new(ISOLATOR, &TraceOptions { physics: Physics::OPTIVERSE_034, ..TraceOptions::default() });
    for (element, ending, share) in [
        ("Power monitor", Ending::Blocked, 0.25),
        ("Detector of arm A", Ending::Blocked, 3.0 / 16.0),
        ("Read-out PBS", Ending::Left, 3.0 / 16.0),
        ("Rejected light", Ending::Blocked, 3.0 / 16.0),
    ] {
        let ends = traced.ends(element, ending);
        assert_eq!(ends.len(), 1, "{element}");
        assert_close(power(&ends[0]), share, 1e-12);
    }
}

#[test]
fn prism_spectrometer() {
    let traced = Traced::new(SPECTROMETER, &TraceOptions::default());
    let on_detector = traced.ends("Detector", Ending::Blocked);
    assert_eq!(on_detector.len(), 5 * 3, "five lines, three rays each");
    let middle: Vec<&RayPath<'_>> =
        on_detector.iter().filter(|path| traced.paths.ray_indices()[path.index()] == 1).collect();

    // The ray of the d line on the axis. N-BK7, n = 1.51680: at normal incidence ((n − 1)/(n + 1))² = 0.0421643 is lost at each of the four
    // surfaces of the lenses. N-SF11, n = 1.78472, at least deviation: sin θ = n sin 30° = 0.89236, θ = 63.1713°; for p light
    // (tan(θ − 30°)/tan(θ + 30°))² = (0.653624/18.049)² = 0.0013115, twice. 0.9578357⁴ · 0.9986885² = 0.839509.
    let d = middle.iter().find(|path| traced.source(path).contains("line d")).unwrap();
    assert_close(power(d), 0.839_509, 5e-6);

    // Lens and prism stand so that this ray meets the middle of the detector, 119.969 mm behind the camera lens's principal plane:
    // deviation 2θ − 60° = 66.3426°.
    let end = *d.points().last().unwrap();
    let before = d.points()[d.points().len() - 2];
    let along = (end - before).normalize();
    assert_close(along.y.atan2(along.x).to_degrees(), -66.3426, 1e-3);

    // Dispersion: n runs from 1.77596 (C) to 1.80645 (F), dδ/dn = 2 sin 30°/cos θ = 2.2154, so that the lines lie
    // 119.97 mm · 2.2154 · 0.03049 = 8.10 mm apart, to first order.
    let place = |line: &str| {
        let path = middle.iter().find(|path| traced.source(path).contains(line)).unwrap();
        (*path.points().last().unwrap() - end).dot(along.perp())
    };
    let places = ["line C", "line d", "line e", "line F", "line g"].map(place);
    assert!(places.is_sorted_by(|a, b| a > b), "red is bent least: {places:?}");
    assert_close(places[0] - places[3], 8.10, 0.05 * 8.10);
    // The three rays of a line come together: of the d line, for which the lenses were laid out, closely; of the others less so, since the
    // lenses are no achromats.
    for path in &on_detector {
        let chief = middle.iter().find(|chief| chief.source_index() == path.source_index()).unwrap();
        let blur = path.points().last().unwrap().distance(*chief.points().last().unwrap());
        assert!(
            blur < if traced.source(path).contains("line d") { 0.1 } else { 1.0 },
            "{}: {blur}",
            traced.source(path)
        );
    }

    let balance = traced.paths.power_balance();
    assert_close(balance.emitted, 16.0, 0.0);
    assert_close(balance.accounted(), 16.0, 1e-9);
}

#[test]
fn green_beam_of_the_prism_spectrometer() {
    let traced = Traced::new(SPECTROMETER, &TraceOptions::default());
    let ends = traced.ends("Beam dump", Ending::Blocked);
    assert_eq!(ends.len(), 1);
    let path = &ends[0];

    // Thin lenses lose nothing and the hypotenuse reflects totally (sin 45° > 1/1.51947). Two legs of the prism and two surfaces of the
    // lens at normal incidence, N-BK7 at 532 nm, n = 1.51947: (1 − (0.51947/2.51947)²)⁴ = 0.840496. The beam radius is at most
    // 4.5 mm in apertures of 12.7 mm, each of which takes e^(−2·12.7²/4.5²) = 1.2e-7.
    assert_close(power(path), 0.840_496, 5e-6);

    // A beam of 1.5 mm, collimated as far as it goes here (zR = 13 m), three times as wide after −50 mm and 150 mm: 4.5 mm.
    // The lens of R = 40 mm has f = 40/0.51947 = 77.002 mm and, 6 mm thick, its focus 77.002 − 6/1.51947 = 73.053 mm behind the flat
    // surface at y = −163; on the dump at y = −255 the beam is (255 − 163 − 73.053)/77.002 · 4.5 mm = 1.1073 mm wide.
    let widest = path.beam_radii_mm().iter().copied().fold(0.0, f64::max);
    assert_close(widest, 4.5, 0.01);
    assert_close(*path.beam_radii_mm().last().unwrap(), 1.1073, 0.005);
}
