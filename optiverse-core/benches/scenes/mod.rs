//! Scenes to measure with, the same at every run.

use glam::DVec2;
use optiverse_core::geometry::Segment;
use optiverse_core::optics::element::{Element, Mirror};
use optiverse_core::optics::{OpticalSystem, Shape, Source, SourceParameters, Surface};
use optiverse_core::scene::Scene;

/// Side of the closed box, in mm.
const BOX_MM: f64 = 1000.0;

/// The ends of the walls of a closed box, and of mirrors of random place, direction and length in it.
fn lines(mirrors: usize, lengths_mm: std::ops::Range<f64>) -> impl Iterator<Item = (DVec2, DVec2)> {
    let mut random = fastrand::Rng::with_seed(2026);
    let half = 0.5 * BOX_MM;
    let corners = [(-half, -half), (half, -half), (half, half), (-half, half)].map(|(x, y)| DVec2::new(x, y));
    let walls = (0..4).map(move |i| (corners[i], corners[(i + 1) % 4]));
    walls.chain((0..mirrors).map(move |_| {
        let middle = DVec2::new(random.f64() - 0.5, random.f64() - 0.5) * (BOX_MM - lengths_mm.end);
        let length = lengths_mm.start + random.f64() * (lengths_mm.end - lengths_mm.start);
        let along = DVec2::from_angle(random.f64() * std::f64::consts::TAU) * (0.5 * length);
        (middle - along, middle + along)
    }))
}

/// Flat mirrors of random place, direction and length in a closed box of mirrors, with rays in all directions from its middle.
///
/// # Panics
/// Never: every value is in range.
#[allow(dead_code, reason = "not every benchmark has systems without a scene")]
#[expect(clippy::unwrap_used, reason = "a scene of known good values")]
pub(crate) fn maze(mirrors: usize, lengths_mm: std::ops::Range<f64>, rays: i64) -> OpticalSystem {
    let mirror = Element::Mirror(Mirror::new(100.0).unwrap());
    let surfaces = lines(mirrors, lengths_mm)
        .map(|(p1, p2)| Surface::new(Shape::Segment(Segment::new(p1, p2).unwrap()), mirror.clone(), 0, 0))
        .collect();
    let source = Source::new(SourceParameters {
        x_mm: 0.0,
        // Not 0: of a point source, the rules of Optiverse 0.3.4 send one ray only.
        size_mm: 1e-3,
        spread_deg: 180.0,
        n_rays: rays,
        ray_length_mm: 1e9,
        ..Default::default()
    });
    OpticalSystem::new(surfaces, vec![source.unwrap()], vec!["mirrors".into()], vec!["source".into()]).unwrap()
}

/// The same as a scene, in which each mirror is a component, from `m0` on.
///
/// # Panics
/// Never: it is JSON.
#[allow(dead_code, reason = "not every benchmark has scenes")]
#[expect(clippy::unwrap_used, reason = "a scene of known good values")]
pub(crate) fn maze_scene(mirrors: usize, lengths_mm: std::ops::Range<f64>, rays: i64) -> Scene {
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
