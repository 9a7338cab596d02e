//! Scenes for tests, written as the JSON of the file format.
#![allow(dead_code, reason = "each test binary uses its own part of these helpers")]

pub(crate) mod bits;
pub(crate) mod edits;
pub(crate) mod random;

use glam::DVec2;
use optiverse_core::optics::{OpticalSystem, Strictness};
use optiverse_core::scene::{Scene, Value};
use optiverse_core::trace::{Physics, RayPath, RayPaths, TraceOptions, trace};
use serde_json::json;

/// `base` with the keys of `extra` set.
pub(crate) fn with(mut base: Value, extra: Value) -> Value {
    for (key, value) in extra.as_object().unwrap() {
        base[key] = value.clone();
    }
    base
}

/// A source of one horizontally polarised ray from the origin along +x; `extra` changes that.
pub(crate) fn source(extra: Value) -> Value {
    let base = json!({
        "_type": "source", "item_uuid": "source", "x_mm": 0.0, "y_mm": 0.0, "angle_deg": 0.0, "size_mm": 0.0,
        "n_rays": 1, "ray_length_mm": 1e4, "spread_deg": 0.0, "wavelength_nm": 587.5618,
        "polarization_type": "horizontal",
    });
    with(base, extra)
}

/// A source at a point, `degrees` counter-clockwise from +x.
pub(crate) fn ray_from(x: f64, y: f64, degrees: f64) -> Value {
    source(json!({"x_mm": x, "y_mm": y, "angle_deg": -degrees}))
}

/// A component whose interfaces are given in the coordinates of the scene.
pub(crate) fn component(id: &str, interfaces: Vec<Value>) -> Value {
    json!({
        "_type": "component", "item_uuid": id, "name": id, "x_mm": 0.0, "y_mm": 0.0, "angle_deg": 0.0,
        "interfaces": interfaces,
    })
}

/// An interface from `p1` to `p2`.
pub(crate) fn interface(element_type: &str, p1: DVec2, p2: DVec2, extra: Value) -> Value {
    let base = json!({"element_type": element_type, "x1_mm": p1.x, "y1_mm": p1.y, "x2_mm": p2.x, "y2_mm": p2.y});
    with(base, extra)
}

/// An interface across the x axis with its vertex at `x`, n1 on the left. `radius` 0 is flat, a positive one has its centre on
/// the right.
pub(crate) fn vertical(element_type: &str, x: f64, half_height: f64, radius: f64, extra: Value) -> Value {
    let sag = if radius == 0.0 {
        0.0
    } else {
        // By the half-angle form, without the cancellation of R − √(R² − h²).
        half_height * half_height / (radius + (radius * radius - half_height * half_height).sqrt() * radius.signum())
    };
    let (p1, p2) = (DVec2::new(x + sag, half_height), DVec2::new(x + sag, -half_height));
    let shape = json!({"is_curved": radius != 0.0, "radius_of_curvature_mm": radius});
    interface(element_type, p1, p2, with(shape, extra))
}

/// A refractive interface across the x axis: [`vertical`] from n1 on the left to n2 on the right.
pub(crate) fn boundary(x: f64, half_height: f64, radius: f64, n1: f64, n2: f64) -> Value {
    vertical("refractive_interface", x, half_height, radius, json!({"n1": n1, "n2": n2}))
}

/// The closed outline of a body of glass in air; corners counter-clockwise.
pub(crate) fn glass_body(corners: &[DVec2], glass: &Value) -> Vec<Value> {
    let next = corners.iter().cycle().skip(1);
    let air_outside = with(json!({"n1": 1.0}), glass.clone());
    // Counter-clockwise the outside lies to the right of each edge: to the left of p1 − p2, where n1 is.
    let edge = |(a, b): (&DVec2, &DVec2)| interface("refractive_interface", *a, *b, air_outside.clone());
    corners.iter().zip(next).map(edge).collect()
}

/// The scene of these items.
pub(crate) fn scene(items: Vec<Value>) -> Scene {
    Scene::from_json(&json!({"version": "2.0", "items": items}).to_string()).unwrap()
}

/// The compiled system of these items, of which nothing may be reported.
pub(crate) fn system(items: Vec<Value>) -> OpticalSystem {
    let compiled = OpticalSystem::compile(&scene(items), Strictness::Strict).unwrap();
    assert_eq!(compiled.reports, []);
    compiled.system
}

/// Exact physics on one thread, following all light for at most `max_events`.
pub(crate) fn all_light(max_events: u32) -> TraceOptions {
    TraceOptions { max_events, min_intensity: 0.0, threads: Some(1), ..Default::default() }
}

/// The rules of the app, at its default limits.
pub(crate) fn as_the_app() -> TraceOptions {
    TraceOptions { physics: Physics::OPTIVERSE_034, ..Default::default() }
}

/// Traces items with exact physics, following all light.
pub(crate) fn trace_exact(items: Vec<Value>) -> RayPaths {
    trace(&system(items), &all_light(80)).unwrap()
}

/// Traces items with the rules of the app.
pub(crate) fn trace_as_app(items: Vec<Value>) -> RayPaths {
    trace(&system(items), &as_the_app()).unwrap()
}

/// The path that takes nothing but transmissions: the last one, as reflected light stands before transmitted light.
pub(crate) fn straight_through(paths: &RayPaths) -> RayPath<'_> {
    paths.get(paths.len() - 1).unwrap()
}

/// Direction of the stretch that ends at vertex `vertex`.
pub(crate) fn direction_to(path: &RayPath<'_>, vertex: usize) -> DVec2 {
    (path.points()[vertex] - path.points()[vertex - 1]).normalize()
}

/// Direction of the last stretch.
pub(crate) fn last_direction(path: &RayPath<'_>) -> DVec2 {
    direction_to(path, path.points().len() - 1)
}

/// dy/dx of the last stretch.
pub(crate) fn last_slope(path: &RayPath<'_>) -> f64 {
    let direction = last_direction(path);
    direction.y / direction.x
}

/// Fails unless two numbers are at most `tolerance` apart.
#[track_caller]
pub(crate) fn assert_close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "found {found}, expected {expected} ± {tolerance:e}");
}
