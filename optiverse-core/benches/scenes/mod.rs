//! Scenes to measure with, the same at every run and on every machine.
//!
//! Shared by the benchmarks, the tests, the count of instructions and `bench-peers`.
#![allow(dead_code, reason = "each user takes the scenes it needs")]
#![expect(clippy::unwrap_used, reason = "scenes of known good values")]

use std::ops::Range;

use glam::DVec2;
use optiverse_core::geometry::{Arc, Segment};
use optiverse_core::optics::element::{BeamSplitter, Element, Mirror, RefractiveInterface, Waveplate};
use optiverse_core::optics::{OpticalSystem, Shape, Source, SourceParameters, Surface};
use optiverse_core::scene::Scene;

/// Side of the closed box of the mazes, in mm.
const BOX_MM: f64 = 1000.0;

/// Interactions after which the paths of the mazes end.
pub(crate) const MAZE_EVENTS: u32 = 80;

/// Flat mirrors of random place, direction and length in a closed box of mirrors, with rays in all directions from its middle.
pub(crate) fn maze(mirrors: usize, lengths_mm: Range<f64>, rays: i64) -> OpticalSystem {
    among_mirrors(lines(mirrors, lengths_mm), rays)
}

/// The maze of 1,000 mirrors of 5 to 40 mm.
pub(crate) fn maze_1_000(rays: i64) -> OpticalSystem {
    maze(996, 5.0..40.0, rays)
}

/// The maze of 20,000 mirrors of 1 to 8 mm.
pub(crate) fn maze_20_000(rays: i64) -> OpticalSystem {
    maze(19_996, 1.0..8.0, rays)
}

/// A maze of any number of mirrors whose lengths shrink with the root of the number, so that it looks the same at every
/// size when its small scale is looked at.
pub(crate) fn growing_maze(surfaces: usize, rays: i64) -> OpticalSystem {
    let shrink = (1_000.0 / surfaces as f64).sqrt();
    maze(surfaces - 4, 5.0 * shrink..40.0 * shrink, rays)
}

/// 10,000 mirrors, half of them in 1 % of the area: hard for a uniform grid.
pub(crate) fn crowded(rays: i64) -> OpticalSystem {
    let mut random = fastrand::Rng::with_seed(2027);
    let everywhere: Vec<_> = (0..4_998).map(|_| stick(&mut random, DVec2::ZERO, BOX_MM - 12.0, 2.0..12.0)).collect();
    let crowd = DVec2::new(180.0, -120.0);
    let crowded: Vec<_> = (0..4_998).map(|_| stick(&mut random, crowd, 0.1 * BOX_MM, 0.2..1.2)).collect();
    among_mirrors(walls().into_iter().chain(everywhere).chain(crowded), rays)
}

/// 40 lenses of 60 spherical surfaces of an index of 1.001 each, 2 m of air between them, and a bundle of parallel rays. Every second
/// surface has the opposite curvature, so that the bundle stays together.
pub(crate) fn lens_train(rays: i64) -> OpticalSystem {
    let mut surfaces = Vec::new();
    for lens in 0..40 {
        for face in 0..60 {
            let x = f64::from(lens) * 2_000.0 + f64::from(face) * 2.0;
            let chord = Segment::new(DVec2::new(x, 12.5), DVec2::new(x, -12.5)).unwrap();
            let radius = if face % 4 < 2 { 300.0 } else { -300.0 };
            let shape = Shape::from(Arc::new(chord, radius).unwrap());
            let (n1, n2) = if face % 2 == 0 { (1.0, 1.001) } else { (1.001, 1.0) };
            let glass = Element::RefractiveInterface(RefractiveInterface::with_indices(n1, n2).unwrap());
            surfaces.push(Surface::new(shape, glass, lens, face));
        }
    }
    let items = (0..40).map(|lens| format!("lens {lens}").as_str().into()).collect();
    let source = SourceParameters { x_mm: -50.0, size_mm: 8.0, n_rays: rays, ray_length_mm: 1e6, ..Default::default() };
    OpticalSystem::new(surfaces, vec![Source::new(source).unwrap()], items, vec!["source".into()]).unwrap()
}

/// 32 beam splitters and 32 waveplates of random place and direction in 400 mm: light divides at half of what it meets.
pub(crate) fn splitters(rays: i64) -> OpticalSystem {
    let mut random = fastrand::Rng::with_seed(2028);
    let surfaces = (0..64_u32).map(|i| {
        let (p1, p2) = stick(&mut random, DVec2::ZERO, 400.0, 20.0..50.0);
        let element = if i % 2 == 0 {
            Element::BeamSplitter(BeamSplitter::new(50.0, 50.0).unwrap())
        } else {
            Waveplate::new(90.0, random.f64() * 180.0).unwrap().into()
        };
        Surface::new(Shape::Segment(Segment::new(p1, p2).unwrap()), element, i, 0)
    });
    let items = (0..64).map(|i| format!("element {i}").as_str().into()).collect();
    OpticalSystem::new(surfaces.collect(), vec![fan(rays)], items, vec!["source".into()]).unwrap()
}

/// The ends of the walls of the closed box, and of mirrors of random place, direction and length in it.
fn lines(mirrors: usize, lengths_mm: Range<f64>) -> impl Iterator<Item = (DVec2, DVec2)> {
    let mut random = fastrand::Rng::with_seed(2026);
    let extent = BOX_MM - lengths_mm.end;
    let inside = (0..mirrors).map(move |_| stick(&mut random, DVec2::ZERO, extent, lengths_mm.clone()));
    walls().into_iter().chain(inside)
}

/// The walls of the box.
fn walls() -> [(DVec2, DVec2); 4] {
    let half = 0.5 * BOX_MM;
    let corners = [(-half, -half), (half, -half), (half, half), (-half, half)].map(|(x, y)| DVec2::new(x, y));
    [0, 1, 2, 3].map(|i| (corners[i], corners[(i + 1) % 4]))
}

/// End points of a segment of random direction, its middle in a square.
fn stick(random: &mut fastrand::Rng, centre: DVec2, side_mm: f64, lengths_mm: Range<f64>) -> (DVec2, DVec2) {
    let middle = centre + DVec2::new(random.f64() - 0.5, random.f64() - 0.5) * side_mm;
    let length = lengths_mm.start + random.f64() * (lengths_mm.end - lengths_mm.start);
    let along = DVec2::from_angle(random.f64() * std::f64::consts::TAU) * (0.5 * length);
    (middle - along, middle + along)
}

/// Ideal mirrors along these segments, and a fan from the origin.
fn among_mirrors(segments: impl Iterator<Item = (DVec2, DVec2)>, rays: i64) -> OpticalSystem {
    let mirror = Element::Mirror(Mirror::new(100.0).unwrap());
    let surfaces = segments
        .map(|(p1, p2)| Surface::new(Shape::Segment(Segment::new(p1, p2).unwrap()), mirror.clone(), 0, 0))
        .collect();
    OpticalSystem::new(surfaces, vec![fan(rays)], vec!["mirrors".into()], vec!["source".into()]).unwrap()
}

/// Rays in all directions from the origin.
fn fan(rays: i64) -> Source {
    let parameters = SourceParameters {
        x_mm: 0.0,
        // Not 0: of a point source, the rules of Optiverse 0.3.4 send one ray only.
        size_mm: 1e-3,
        spread_deg: 180.0,
        n_rays: rays,
        ray_length_mm: 1e9,
        ..Default::default()
    };
    Source::new(parameters).unwrap()
}

/// The same as a scene, in which each mirror is a component, from `m0` on.
pub(crate) fn maze_scene(mirrors: usize, lengths_mm: Range<f64>, rays: i64) -> Scene {
    let mut items = vec![format!(
        r#"{{"_type": "source", "item_uuid": "source", "x_mm": 0, "y_mm": 0, "size_mm": 1e-3, "spread_deg": 180,
            "n_rays": {rays}, "ray_length_mm": 1e9}}"#
    )];
    for (number, (p1, p2)) in lines(mirrors, lengths_mm).enumerate() {
        let (middle, half) = (0.5 * (p1 + p2), 0.5 * (p1 - p2));
        let name = if number < 4 { format!("wall{number}") } else { format!("m{}", number - 4) };
        items.push(format!(
            r#"{{"_type": "component", "item_uuid": "{name}", "x_mm": {}, "y_mm": {}, "angle_deg": 0, "interfaces": [
                {{"element_type": "mirror", "x1_mm": {}, "y1_mm": {}, "x2_mm": {}, "y2_mm": {}}}]}}"#,
            middle.x, middle.y, half.x, half.y, -half.x, -half.y
        ));
    }
    Scene::from_json(&format!(r#"{{"version": "2.0", "items": [{}]}}"#, items.join(","))).unwrap()
}
