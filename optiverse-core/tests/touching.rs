//! Surfaces that touch, cross or coincide: light neither slips between them nor misses one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test and its helpers fail by panicking")]

mod common;

use std::f64::consts::{PI, TAU};

use common::*;
use glam::DVec2;
use optiverse_core::scene::Value;
use optiverse_core::trace::{Ending, RayPaths, TraceOptions, trace};
use proptest::prelude::*;
use serde_json::json;

fn mirror(p1: DVec2, p2: DVec2, radius: f64) -> Value {
    interface("mirror", p1, p2, json!({"is_curved": radius != 0.0, "radius_of_curvature_mm": radius}))
}

/// A closed box: corners on a circle, edges straight (0), bulging out (> 0: half a chord over the radius, at most 1) or in.
fn mirror_box(centre: DVec2, size: f64, corners: &[(f64, f64)]) -> (Vec<DVec2>, Vec<Value>) {
    let count = corners.len() as f64;
    let place =
        |(i, (jitter, _)): (usize, &(f64, f64))| centre + size * DVec2::from_angle(TAU * (i as f64 + jitter) / count);
    let points: Vec<DVec2> = corners.iter().enumerate().map(place).collect();
    let edge = |i: usize| {
        let (a, b) = (points[i], points[(i + 1) % points.len()]);
        let half = 0.5 * a.distance(b);
        let bulge = corners[i].1;
        // Counter-clockwise, u = (b − a) turned left points inside, where the centre of an edge that bulges out lies.
        mirror(a, b, if bulge == 0.0 { 0.0 } else { half / bulge })
    };
    let edges = (0..points.len()).map(edge).collect();
    (points, edges)
}

/// Traces light in a box of mirrors and checks that it stays in there.
fn stays_inside(source: Value, edges: Vec<Value>, centre: DVec2, reach: f64) -> Result<(), TestCaseError> {
    let options = TraceOptions { max_events: 300, min_intensity: 0.0, threads: Some(1), ..Default::default() };
    let source = with(source, json!({"ray_length_mm": 1e9}));
    let paths = trace(&system(vec![source, component("box", edges)]), &options).unwrap();
    for path in paths.iter() {
        prop_assert_eq!(path.ending(), Ending::TooManyEvents, "after {} vertices", path.points().len());
        let outside = path.points().iter().find(|p| p.distance(centre) > reach);
        prop_assert!(outside.is_none(), "{:?} is outside", outside);
    }
    Ok(())
}

fn far_or_near() -> impl Strategy<Value = DVec2> {
    prop_oneof![Just(DVec2::ZERO), Just(DVec2::new(1e6, -1e6))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_closed_box_of_mirrors_lets_no_ray_out(
        corners in prop::collection::vec(
            (-0.2..0.2_f64, prop_oneof![2 => Just(0.0), 1 => 0.01..0.95_f64, 1 => -0.03..-0.001_f64]), 3..=12,
        ),
        centre in far_or_near(),
        size in prop_oneof![Just(1.0), 1.0..500.0_f64],
        degrees in 0.0..360.0_f64,
    ) {
        let (_, edges) = mirror_box(centre, size, &corners);
        let rays = json!({"n_rays": 7, "spread_deg": 180.0});
        stays_inside(with(ray_from(centre.x, centre.y, degrees), rays), edges, centre, 3.0 * size)?;
    }

    #[test]
    fn a_ray_aimed_at_a_corner_stays_inside(
        corners in prop::collection::vec((-0.2..0.2_f64, prop_oneof![3 => Just(0.0), 1 => 0.01..0.95_f64]), 3..=12),
        centre in far_or_near(),
        size in prop_oneof![Just(1.0), 1.0..500.0_f64],
        aim in 0..12_usize,
    ) {
        let (points, edges) = mirror_box(centre, size, &corners);
        let towards = points[aim % points.len()] - centre;
        let degrees = towards.y.atan2(towards.x).to_degrees();
        stays_inside(ray_from(centre.x, centre.y, degrees), edges, centre, 3.0 * size)?;
    }

    #[test]
    fn a_whispering_gallery_of_two_half_circles_keeps_its_angle(
        radius in 1.0..100.0_f64, turn in 0.0..360.0_f64, grazing in 0.1..60.0_f64,
    ) {
        let end = radius * DVec2::from_angle(turn.to_radians());
        let halves = vec![mirror(end, -end, radius), mirror(-end, end, radius)];
        // The ray starts a little inside the circle, so that it is not on a mirror.
        let source = with(ray_from(0.9999 * radius, 0.0, 90.0 + grazing), json!({"ray_length_mm": 1e9}));
        let options = TraceOptions { max_events: 3000, ..all_light(3000) };
        let paths = trace(&system(vec![source, component("circle", halves)]), &options).unwrap();
        let path = paths.get(0).unwrap();
        prop_assert_eq!((paths.len(), path.ending()), (1, Ending::TooManyEvents));
        let points = path.points();
        let chord = points[1].distance(points[2]);
        // The centre of half a circle is known to the root of rounding only: each half has its own, by some 1e-8.
        for pair in points[1..].windows(2) {
            prop_assert!((pair[0].length() / radius - 1.0).abs() < 1e-7);
            prop_assert!((pair[0].distance(pair[1]) - chord).abs() < 1e-3 * radius);
        }
    }
}

#[test]
fn a_shallow_arc_and_a_line_that_share_a_corner_leave_no_gap() {
    // The arc is met some 1e-12 mm before the line, which is nearer than rounding can tell on a circle of 14 m and of 17 m.
    let shallow = (-0.116_582_478_120_176_9, 0.01);
    let cases = [
        (vec![shallow, (0.155_998_897_835_969_32, 0.0), (0.0, 0.0)], 162.927_682_308_237_54, 0),
        (vec![(0.0, 0.0), (0.0, 0.0), (-0.173_464_158_417_770_46, 0.019_982_335_206_281_88)], 381.881_597_837_626_7, 2),
    ];
    for (corners, size, aim) in cases {
        let (points, edges) = mirror_box(DVec2::ZERO, size, &corners);
        let degrees = points[aim].y.atan2(points[aim].x).to_degrees();
        stays_inside(ray_from(0.0, 0.0, degrees), edges, DVec2::ZERO, 3.0 * size).unwrap();
    }
}

#[test]
fn a_box_far_from_the_origin_has_no_gap_at_its_corners() {
    let corners = [
        (-0.072_201_424_103_553_75, 0.0),
        (-0.178_639_458_856_901_5, -0.022_055_596_894_537_188),
        (0.134_011_339_011_173_96, 0.0),
        (-0.146_991_787_649_997_12, 0.904_838_137_095_463_7),
        (0.143_823_240_418_622_52, 0.448_326_193_856_169_2),
        (0.195_333_773_810_344_9, 0.0),
        (0.102_970_870_104_132_35, 0.0),
        (0.086_929_903_939_370_04, 0.797_553_162_491_783_9),
        (0.131_975_311_495_685_25, 0.0),
    ];
    let centre = DVec2::new(3e8, 1e8);
    let (_, edges) = mirror_box(centre, 1.0, &corners);
    let rays = json!({"n_rays": 7, "spread_deg": 180.0});
    let source = with(ray_from(centre.x, centre.y, 78.156_406_708_266_45), rays);
    stays_inside(source, edges, centre, 3.0).unwrap();
}

/// The last stretch's slope of the only path.
fn only_slope(paths: &RayPaths) -> f64 {
    assert_eq!(paths.len(), 1);
    last_slope(&paths.get(0).unwrap())
}

#[test]
fn coincident_surfaces_both_act() {
    let lens = |f: f64| vertical("lens", 0.0, 30.0, 0.0, json!({"efl_mm": f}));
    let one_item = vec![ray_from(-10.0, 6.0, 0.0), component("lenses", vec![lens(100.0), lens(50.0), lens(-200.0)])];
    assert_close(only_slope(&trace_exact(one_item)), -6.0 * (1.0 / 100.0 + 1.0 / 50.0 - 1.0 / 200.0), 1e-14);
    let plate = vertical("waveplate", 0.0, 10.0, 0.0, json!({"phase_shift_deg": 90.0, "fast_axis_deg": 45.0}));
    let reflector = vertical("mirror", 0.0, 10.0, 0.0, json!({}));
    let paths = trace_exact(vec![ray_from(-10.0, 0.0, 0.0), component("plated", vec![plate, reflector])]);
    assert_eq!(paths.len(), 1);
    let [h, v] = *paths.jones().last().unwrap();
    assert!(h.norm() < 1e-15 && (v.norm() - 1.0).abs() < 1e-15, "twice through the plate");
    assert!(last_direction(&paths.get(0).unwrap()).x < 0.0);
}

#[test]
fn coincident_arcs_both_act() {
    let arc = || vertical("waveplate", 0.0, 10.0, 40.0, json!({"phase_shift_deg": 180.0, "fast_axis_deg": 22.5}));
    let paths = trace_exact(vec![ray_from(-10.0, 3.0, 0.0), component("plates", vec![arc(), arc()])]);
    // Two half-wave plates: +45°, and back to horizontal.
    assert_eq!(paths.get(0).unwrap().points().len(), 4);
    assert_close(paths.jones().last().unwrap()[0].norm(), 1.0, 1e-15);
}

#[test]
fn a_splitter_on_a_mirror_halves_the_light_at_each_passage() {
    let splitter = vertical("beam_splitter", 0.0, 10.0, 0.0, json!({"split_T": 50.0, "split_R": 50.0}));
    let reflector = vertical("mirror", 0.0, 10.0, 0.0, json!({}));
    let paths = trace_exact(vec![ray_from(-10.0, 0.0, 0.0), component("pair", vec![splitter, reflector])]);
    let mut out: Vec<f64> =
        paths.iter().filter(|p| p.ending() == Ending::Left).map(|p| *p.intensities().last().unwrap()).collect();
    out.sort_by(|a, b| b.total_cmp(a));
    // Reflected at once: 1/2. Passed, and out after k reflections within: 1/4, 1/8 …
    assert!(out.len() > 30, "{} ways out", out.len());
    for (k, found) in out.iter().enumerate() {
        assert_close(*found, 0.5_f64.powi(k as i32 + 1), 1e-15);
    }
}

#[test]
fn mirrors_that_cross_reflect_from_both_sides() {
    // Two crossed mirrors, hit exactly where they cross: straight back from either side.
    let cross = vec![
        mirror(DVec2::new(-10.0, -10.0), DVec2::new(10.0, 10.0), 0.0),
        mirror(DVec2::new(-10.0, 10.0), DVec2::new(10.0, -10.0), 0.0),
    ];
    for degrees in [0.0_f64, 90.0, 180.0, 270.0, 10.0, 100.0, -170.0] {
        let start = -30.0 * DVec2::from_angle(degrees.to_radians());
        let paths = trace_exact(vec![ray_from(start.x, start.y, degrees), component("cross", cross.clone())]);
        assert_eq!(paths.get(0).unwrap().points().len(), 4);
        assert!((last_direction(&paths.get(0).unwrap()) - start.normalize()).length() < 1e-12, "{degrees}");
    }
}

/// The face by which light along `direction` enters glass at normal incidence, 5 mm before the origin.
fn port(direction: DVec2, n: f64) -> Value {
    let (at, along) = (-5.0 * direction, 2.0 * direction.perp());
    component("port", vec![interface("refractive_interface", at + along, at - along, json!({"n1": 1.0, "n2": n}))])
}

/// Power that passes two faces in contact at x = 0, from glass of index `from` on the side the light comes from. The light comes
/// out of air, goes through the port, and meets the faces at the origin.
fn through_contact(faces: &[Value], degrees: f64, from: f64) -> f64 {
    let direction = DVec2::from_angle(degrees.to_radians());
    let start = -10.0 * direction;
    let ray = with(ray_from(start.x, start.y, degrees), json!({"polarization_type": "vertical"}));
    // Each block has a face of its own, as two components pushed together have.
    let blocks = faces.iter().enumerate().map(|(i, face)| component(&format!("block {i}"), vec![face.clone()]));
    let items = [ray, port(direction, from)].into_iter().chain(blocks).collect();
    let paths = trace(&system(items), &all_light(60)).unwrap();
    let onwards = paths.iter().filter(|p| p.ending() == Ending::Left && last_direction(p).x * direction.x > 0.0);
    onwards.map(|p| *p.intensities().last().unwrap()).sum()
}

/// Fresnel's reflectance of s-polarised light.
fn reflectance(n1: f64, n2: f64, sin1: f64) -> f64 {
    let (cos1, cos2) = ((1.0 - sin1 * sin1).sqrt(), (1.0 - (n1 / n2 * sin1).powi(2)).sqrt());
    ((n1 * cos1 - n2 * cos2) / (n1 * cos1 + n2 * cos2)).powi(2)
}

#[test]
fn faces_in_contact_are_met_in_the_order_of_their_media() {
    // Glass of 1.6, a gap of no width, glass of 1.5; 30° in the first. The order in the file must not matter.
    let (a, b) = (boundary(0.0, 100.0, 0.0, 1.6, 1.0), boundary(0.0, 100.0, 0.0, 1.0, 1.5));
    let (ra, rb) = (reflectance(1.6, 1.0, 0.5), reflectance(1.0, 1.5, 0.8));
    let through = (1.0 - ra) * (1.0 - rb) / (1.0 - ra * rb) * (1.0 - (0.6_f64 / 2.6).powi(2));
    assert_close(through_contact(&[a.clone(), b.clone()], 30.0, 1.6), through, 1e-12);
    assert_close(through_contact(&[b, a], 30.0, 1.6), through, 1e-12);
}

#[test]
fn glass_in_contact_is_passed_under_the_same_angles_both_ways() {
    // 45° in glass of 1.5: the gap of no width reflects all of it, from either side, in any order of the file.
    let (a, b) = (boundary(0.0, 100.0, 0.0, 1.5, 1.0), boundary(0.0, 100.0, 0.0, 1.0, 1.5));
    for faces in [[a.clone(), b.clone()], [b, a]] {
        for degrees in [45.0, 225.0] {
            assert_close(through_contact(&faces, degrees, 1.5), 0.0, 1e-12);
        }
    }
}

#[test]
fn a_zero_thickness_window_is_passed_under_any_angle_from_both_sides() {
    for reversed in [false, true] {
        let mut faces = vec![boundary(0.0, 1000.0, 0.0, 1.0, 1.5), boundary(0.0, 1000.0, 0.0, 1.5, 1.0)];
        if reversed {
            faces.reverse();
        }
        for degrees in [60.0, 240.0] {
            let start = -10.0 * DVec2::from_angle(f64::to_radians(degrees));
            let ray = with(ray_from(start.x, start.y, degrees), json!({"polarization_type": "vertical"}));
            let paths = trace_exact(vec![ray, component("window", faces.clone())]);
            let through: f64 = paths
                .iter()
                .filter(|p| p.ending() == Ending::Left && last_direction(p).x * start.x < 0.0)
                .map(|p| *p.intensities().last().unwrap())
                .sum();
            let r = 0.176_571_488;
            assert_close(through, (1.0 - r) / (1.0 + r), 1e-8);
        }
    }
}

#[test]
fn half_a_circle_stays_one_when_it_is_turned() {
    for degrees in 0..360 {
        let end = 50.0 * DVec2::from_angle(f64::from(degrees).to_radians());
        // Turning changes the last bit of the chord; the root of that must not reach the apex.
        let arc = mirror(end, -end, 0.5 * (end + end).length());
        let paths = trace_exact(vec![ray_from(0.0, 0.0, f64::from(degrees) + 90.0), component("arc", vec![arc])]);
        assert_close(paths.points()[1].length(), 50.0, 1e-9);
    }
}

#[test]
fn an_arc_of_huge_radius_is_a_plane() {
    for radius in [1e5, 1e7, 1e9, 1e10, 1e12, 1e15, 1e18, 1e100, 1e200, 1e300] {
        for (sign, degrees) in [(1.0, 0.0), (-1.0, 0.0), (1.0, 33.0), (-1.0, 111.0)] {
            let turn = DVec2::from_angle(f64::to_radians(degrees));
            let start = turn.rotate(DVec2::new(-10.0, 3.0));
            let end = turn.rotate(DVec2::new(0.0, 20.0));
            let trace_with = |radius: f64| {
                let shape = json!({"is_curved": radius != 0.0, "radius_of_curvature_mm": radius, "n2": 1.5});
                let glass = interface("refractive_interface", end, -end, shape);
                trace_exact(vec![ray_from(start.x, start.y, degrees + 30.0), component("glass", vec![glass])])
            };
            let (flat, curved) = (trace_with(0.0), trace_with(sign * radius));
            assert_eq!(flat.len(), curved.len(), "R = {radius}");
            let (a, b) = (straight_through(&flat), straight_through(&curved));
            // The sag over a chord of 40 mm is 200/R mm, the slope of the surface at its ends 20/R.
            let off = a.points()[1].distance(b.points()[1]);
            assert!(off < 400.0 / radius + 1e-9, "R = {radius}, turned by {degrees}°: {off} mm off");
            let bent = (last_direction(&a) - last_direction(&b)).length();
            assert!(bent < 20.0 / radius + 1e-12, "R = {radius}, turned by {degrees}°: bent by {bent}");
        }
    }
}

#[test]
fn a_corner_reflector_sends_light_back_from_its_very_corner() {
    for count in [2.0, 3.0, 4.0, 5.0, 8.0, 12.0] {
        // Mirrors at an angle of π/count: light that meets the corner is reflected `count` times.
        let (a, b) = (DVec2::from_angle(PI - 0.5 * PI / count), DVec2::from_angle(PI + 0.5 * PI / count));
        let wedge = vec![mirror(20.0 * a, DVec2::ZERO, 0.0), mirror(DVec2::ZERO, 20.0 * b, 0.0)];
        let paths = trace_exact(vec![ray_from(-10.0, 0.0, 0.0), component("wedge", wedge)]);
        let path = paths.get(0).unwrap();
        assert_eq!(path.ending(), Ending::Left);
        assert!(last_direction(&path).x < 0.0, "count {count}");
        let [low, high] = [a, b].map(|edge| last_direction(&path).dot(edge));
        assert!(low > 0.0 && high > 0.0);
    }
}

/// As many as light remembers at a point.
#[test]
fn sixteen_surfaces_in_one_place_are_each_passed_once() {
    for (count, is_through) in [(1, true), (15, true), (16, true), (17, false)] {
        let plates = (0..count).map(|_| vertical("waveplate", 0.0, 10.0, 0.0, json!({}))).collect();
        let paths = trace_exact(vec![ray_from(-10.0, 1.0, 0.0), component("plates", plates)]);
        if is_through {
            assert_eq!((paths.endings(), paths.vertex_count()), (&[Ending::Left][..], count + 2));
        } else {
            // One too many: not a wrong path, but one that says what has ended it.
            assert_eq!(paths.endings(), [Ending::TooManyEvents]);
        }
    }
}
