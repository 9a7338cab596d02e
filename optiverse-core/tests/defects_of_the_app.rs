//! What Optiverse 0.3.4 computes wrongly: its preset repeats the wrong number, exact physics has the right one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test and its helpers fail by panicking")]

mod common;

use common::*;
use glam::DVec2;
use optiverse_core::optics::{OpticalSystem, Severity, Strictness};
use optiverse_core::scene::{Scene, Value};
use optiverse_core::trace::{Physics, RayPath, RayPaths, TraceOptions, trace};
use serde_json::json;

/// Both presets on the same items: the app's, then exact physics.
fn both(items: &[Value]) -> [RayPaths; 2] {
    [trace_as_app(items.to_vec()), trace_exact(items.to_vec())]
}

/// The slope of the light that goes on to the right.
fn slope_through(paths: &RayPaths) -> f64 {
    let forward: Vec<f64> = paths.iter().filter(|p| last_direction(p).x > 0.0).map(|p| last_slope(&p)).collect();
    assert_eq!(forward.len(), 1, "one path to the right");
    forward[0]
}

#[test]
fn defect_1_an_arc_ignores_the_sign_of_its_radius_for_n1_and_n2() {
    let items = [ray_from(-20.0, 3.0, 0.0), component("glass", vec![boundary(0.0, 10.0, -50.0, 1.0, 1.5)])];
    let [app, exact] = both(&items);
    assert_close(slope_through(&app), -0.0301, 5e-5);
    // Paraxial: (n2 − n1)·y/(|R|·n2) = +0.02.
    assert_close(slope_through(&exact), 0.02, 5e-5);
}

#[test]
fn defect_1_a_biconvex_lens_focuses_like_the_lensmakers_equation() {
    let lens = vec![boundary(0.0, 10.0, 100.0, 1.0, 1.5), boundary(1e-3, 10.0, -100.0, 1.5, 1.0)];
    let items = [ray_from(-20.0, 0.1, 0.0), component("lens", lens)];
    let exact = trace(&system(items.to_vec()), &TraceOptions { min_intensity: 0.5, ..all_light(80) }).unwrap();
    assert_close(slope_through(&exact), -0.1 / 100.0, 1e-7);
    let app = trace(&system(items.to_vec()), &as_the_app()).unwrap();
    assert!(app.iter().all(|p| (last_slope(&p) + 0.1 / 100.0).abs() > 1e-4));
}

#[test]
fn defect_2_light_polarised_in_the_plane_is_reflected_at_brewsters_angle() {
    let brewster = 1.5_f64.atan();
    let start = -10.0 * DVec2::from_angle(brewster);
    let items = [
        ray_from(start.x, start.y, brewster.to_degrees()),
        component("glass", vec![boundary(0.0, 10.0, 0.0, 1.0, 1.5)]),
    ];
    let reflected = |paths: &RayPaths| -> f64 {
        let back = paths.iter().filter(|p| last_direction(p).x < 0.0);
        back.map(|p| *p.intensities().last().unwrap()).sum()
    };
    let [app, exact] = both(&items);
    assert_close(reflected(&app), 0.074, 5e-4);
    assert_close(reflected(&exact), 0.0, 1e-30);
    assert_close(slope_through(&exact), 1.0 / 1.5, 1e-12);
}

#[test]
fn defect_3_a_lens_images_a_point_off_its_axis_sharply() {
    // An object at twice the focal length, 20 mm high, has its image at the same distance, 20 mm below.
    let fan = source(json!({"x_mm": -200.0, "y_mm": 20.0, "n_rays": 9, "spread_deg": 5.0, "size_mm": 1e-9}));
    let lens = component("lens", vec![vertical("lens", 0.0, 60.0, 0.0, json!({"efl_mm": 100.0}))]);
    let screen = component("screen", vec![vertical("beam_block", 200.0, 60.0, 0.0, json!({}))]);
    let [app, exact] = both(&[fan, lens, screen]);
    let heights = |paths: &RayPaths| -> Vec<f64> { paths.iter().map(|p| p.points().last().unwrap().y).collect() };
    assert_eq!(heights(&exact).len(), 9);
    for y in heights(&exact) {
        assert_close(y, -20.0, 1e-8);
    }
    let app = heights(&app);
    let spread =
        app.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b)) - app.iter().fold(f64::INFINITY, |a, b| a.min(*b));
    assert!(spread > 0.1, "the app's image is {spread} mm wide");
}

#[test]
fn defect_3_a_lens_of_negative_focal_length_sends_rays_backwards() {
    let lens = component("lens", vec![vertical("lens", 0.0, 30.0, 0.0, json!({"efl_mm": -100.0}))]);
    for y in [10.0, -10.0] {
        let [app, exact] = both(&[ray_from(-50.0, y, 0.0), lens.clone()]);
        assert!(last_direction(&app.get(0).unwrap()).x < 0.0);
        assert_close(slope_through(&exact), y / 100.0, 1e-14);
    }
}

/// A wide Gaussian beam from the left; nearly plane waves.
fn wide_beam() -> Value {
    source(json!({"x_mm": -10.0, "source_type": "gaussian", "beam_waist_mm": 1.0, "wavelength_nm": 500.0}))
}

/// The beam's radius at its vertex nearest to a place.
fn radius_near(path: &RayPath<'_>, x: f64) -> f64 {
    let distance = |p: &DVec2| (p.x - x).abs();
    let points = path.points().iter().enumerate().skip(1);
    let nearest = points.min_by(|a, b| distance(a.1).total_cmp(&distance(b.1))).unwrap();
    path.beam_radii_mm()[nearest.0]
}

#[test]
fn defect_4_a_convex_mirror_focuses_a_gaussian_beam() {
    let probe = |x: f64| {
        // A plate that does nothing, 100 mm in front of the mirror.
        component("probe", vec![vertical("waveplate", x, 50.0, 0.0, json!({"phase_shift_deg": 0.0}))])
    };
    let last_probe = |paths: &RayPaths| {
        let path = paths.get(0).unwrap();
        let met = (0..path.points().len()).rfind(|&i| path.hit(i).is_some_and(|(id, _)| id.as_str() == "probe"));
        path.beam_radii_mm()[met.unwrap()]
    };
    // The vertex bulges towards the light: R > 0, its centre behind the mirror.
    let convex = component("mirror", vec![vertical("mirror", 0.0, 20.0, 200.0, json!({}))]);
    let [app, exact] = both(&[with(wide_beam(), json!({"x_mm": -150.0})), probe(-100.0), convex]);
    assert!(last_probe(&app) < 0.02, "{}", last_probe(&app));
    // By geometry the bundle doubles over 100 mm, as if it came from 100 mm behind the mirror.
    assert_close(last_probe(&exact), 2.0, 2e-3);
    let concave = component("mirror", vec![vertical("mirror", 0.0, 20.0, -200.0, json!({}))]);
    let [_, exact] = both(&[with(wide_beam(), json!({"x_mm": -150.0})), probe(-100.0), concave]);
    assert!(last_probe(&exact) < 0.02);
}

#[test]
fn defect_4_a_refracted_gaussian_beam_has_its_focus_where_the_rays_have_it() {
    // Paraxial focus at n2·R/(n2 − n1) = 150 mm; the waist there is λ₀f/(π·n2·w) with f = 150.
    let waist = 500e-6 * 150.0 / (std::f64::consts::PI * 1.5 * 1.0);
    let glass = vec![boundary(0.0, 10.0, 50.0, 1.0, 1.5), boundary(150.0, 10.0, 0.0, 1.5, 1.5)];
    let radii = both(&[wide_beam(), component("glass", glass)])
        .map(|paths| radius_near(&paths.iter().find(|p| last_direction(p).x > 0.0).unwrap(), 150.0));
    assert!(radii[0] > 0.1, "the app's beam is {} mm wide in the focus", radii[0]);
    assert_close(radii[1], waist, 1e-3 * waist);
}

#[test]
fn defect_4_the_radius_jumps_at_a_flat_interface() {
    let items = [wide_beam(), component("glass", vec![boundary(0.0, 10.0, 0.0, 1.0, 1.5)])];
    let [app, exact] = both(&items);
    let at_interface = |paths: &RayPaths| {
        let path = paths.iter().find(|p| last_direction(p).x > 0.0).unwrap();
        let met = (0..path.points().len()).find(|&i| path.hit(i).is_some()).unwrap();
        path.beam_radii_mm()[met]
    };
    let incident = (1.0 + (10.0 * 500e-6 / std::f64::consts::PI).powi(2)).sqrt();
    assert_close(at_interface(&exact), incident, 1e-12);
    assert_close((at_interface(&app) / incident).powi(2), 1.5, 1e-3);
}

fn glass(material: &str) -> Value {
    let media = json!({"n1": 1.0, "n2": 1.5168, "n2_material": material});
    component("glass", vec![vertical("refractive_interface", 0.0, 10.0, 0.0, media)])
}

#[test]
fn defect_5_glass_has_one_index_whatever_the_wavelength() {
    let slope = |physics: Physics, wavelength_nm: f64| {
        let start = -10.0 * DVec2::from_angle(0.7);
        let ray = with(ray_from(start.x, start.y, 0.7_f64.to_degrees()), json!({"wavelength_nm": wavelength_nm}));
        let options = TraceOptions { physics, ..Default::default() };
        slope_through(&trace(&system(vec![ray, glass("N-BK7")]), &options).unwrap())
    };
    assert_eq!(slope(Physics::OPTIVERSE_034, 486.1327), slope(Physics::OPTIVERSE_034, 656.2725));
    for (wavelength, n) in [(486.1327, 1.522_376_29), (656.2725, 1.514_322_35)] {
        let expected = (0.7_f64.sin() / n).asin().tan();
        assert_close(slope(Physics::EXACT, wavelength), expected, 1e-8);
    }
}

#[test]
fn defect_5_a_glass_not_known_becomes_1_5_silently() {
    let scene: Scene = scene(vec![ray_from(-10.0, 0.0, 0.0), glass("unobtainium")]);
    let error = OpticalSystem::compile(&scene, Strictness::Strict).unwrap_err();
    let [report] = error.reports() else { panic!("one report, not {:?}", error.reports()) };
    assert_eq!((report.severity, report.item.as_str()), (Severity::Error, "glass"));
    assert_eq!((report.key.as_str(), report.value.as_str()), ("interfaces[0].n2_material", "\"unobtainium\""));
    assert!(report.expected.contains("N-BK7"));
    let lenient = OpticalSystem::compile(&scene, Strictness::Lenient).unwrap();
    assert_eq!((lenient.reports.len(), lenient.system.surfaces().len(), lenient.system.sources().len()), (1, 0, 1));
}

#[test]
fn defect_7_the_length_of_a_path_in_glass_counts_its_index() {
    let window = vec![boundary(0.0, 10.0, 0.0, 1.0, 1.5), boundary(20.0, 10.0, 0.0, 1.5, 1.0)];
    let ray = with(ray_from(-10.0, 0.0, 0.0), json!({"ray_length_mm": 100.0}));
    let paths = trace_exact(vec![ray, component("window", window)]);
    let path = straight_through(&paths);
    let geometric: f64 = path.points().windows(2).map(|p| p[0].distance(p[1])).sum();
    assert_close(geometric, 100.0, 1e-12);
    assert_eq!(path.points().len(), 4);
    for (found, expected) in path.optical_paths_mm().iter().zip([0.0, 10.0, 40.0, 110.0]) {
        assert_close(*found, expected, 1e-12);
    }
}

fn with_layers(items: &[Value], nodes: Value) -> Scene {
    let document = json!({"version": "2.0", "items": items, "layer_state": {"version": 1, "nodes": nodes}});
    Scene::from_json(&document.to_string()).unwrap()
}

#[test]
fn defect_8_hidden_components_are_traced_all_the_same() {
    let items =
        [ray_from(-10.0, 0.0, 0.0), component("block", vec![vertical("beam_block", 0.0, 10.0, 0.0, json!({}))])];
    let hidden_item = json!([{"uuid": "block", "type": "item", "visible": false}]);
    let hidden_group = json!([{"uuid": "g", "type": "group", "visible": false, "children": [
        {"uuid": "h", "type": "group", "visible": true, "children": [{"uuid": "block", "type": "item"}]}]}]);
    for nodes in [hidden_item, hidden_group] {
        let scene = with_layers(&items, nodes);
        let system = OpticalSystem::compile(&scene, Strictness::Strict).unwrap().system;
        let end = |physics: Physics| {
            let options = TraceOptions { physics, ..Default::default() };
            trace(&system, &options).unwrap().points().last().unwrap().x
        };
        assert_close(end(Physics::OPTIVERSE_034), 0.0, 1e-12);
        assert_close(end(Physics::EXACT), 1e4 - 10.0, 1e-9);
    }
}

#[test]
fn defect_8_a_hidden_source_is_dark() {
    let hidden = json!([{"uuid": "source", "type": "item", "visible": false}]);
    let scene = with_layers(&[ray_from(0.0, 0.0, 0.0)], hidden);
    let system = OpticalSystem::compile(&scene, Strictness::Strict).unwrap().system;
    assert!(trace(&system, &TraceOptions::default()).unwrap().is_empty());
    assert_eq!(trace(&system, &as_the_app()).unwrap().len(), 1);
}

#[test]
fn defect_8_a_component_whose_image_is_missing_moves() {
    // Its own position is the middle of its first interface, whether or not the file of the image is there.
    let mirror = interface("mirror", DVec2::new(100.0, 5.0), DVec2::new(100.0, -5.0), json!({}));
    let item = with(component("mirror", vec![mirror]), json!({"x_mm": 50.0, "image_path": "not/there.png"}));
    for paths in both(&[ray_from(0.0, 0.0, 0.0), item]) {
        assert_close(paths.points()[1].x, 50.0, 1e-12);
    }
}
