//! Surfaces that touch, cross or coincide: light neither slips between them nor misses one.

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
    let place = |(i, (jitter, _)): (usize, &(f64, f64))| {
        centre + size * DVec2::from_angle(TAU * (i as f64 + jitter) / count)
    };
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
    prop_oneof![Just(DVec2::ZERO), Just(DVec2::new(1e6, -1e6)), Just(DVec2::new(3e8, 1e8))]
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

/// Power through two blocks of glass in contact, of n = 1.6 and 1.5, under 50° inside; from the left or the right.
fn through_contact(first_in_file: usize, from_left: bool) -> f64 {
    let block = |id: &str, left: f64, n1: f64, n2: f64| {
        component(id, vec![boundary(left, 1000.0, 0.0, n1, n2)])
    };
    // Each block has its own face at x = 0, as two components pushed together have.
    let mut faces = vec![block("a", 0.0, 1.6, 1.0), block("b", 0.0, 1.0, 1.5)];
    faces.rotate_left(first_in_file);
    let (degrees, start) = if from_left { (30.0, -10.0) } else { (180.0 + 30.0, 10.0) };
    let ray = with(ray_from(start, 0.0, degrees), json!({"polarization_type": "vertical"}));
    let paths = trace(&system([vec![ray], faces].concat()), &all_light(40)).unwrap();
    let onwards = paths.iter().filter(|p| p.ending() == Ending::Left && last_direction(p).x * start < 0.0);
    onwards.map(|p| *p.intensities().last().unwrap()).sum()
}

#[test]
fn faces_in_contact_are_met_in_the_order_of_their_media() {
    // All light inside the gap of no width counted: T = t1·t2/(1 − r1·r2), the same whichever face the file has first.
    let expected = through_contact(0, true);
    assert_close(through_contact(1, true), expected, 1e-12);
    let back = through_contact(0, false);
    assert_close(through_contact(1, false), back, 1e-12);
}

#[test]
fn glass_in_contact_is_passed_under_the_same_angles_both_ways() {
    // 45° in glass of 1.5 beside glass of 1.5: the gap of no width reflects all of it, from either side, in any order of the file.
    for reversed in [false, true] {
        let mut faces = vec![boundary(0.0, 1000.0, 0.0, 1.5, 1.0), boundary(0.0, 1000.0, 0.0, 1.0, 1.5)];
        if reversed {
            faces.reverse();
        }
        for degrees in [45.0, 225.0] {
            let start = -10.0 * DVec2::from_angle(f64::to_radians(degrees));
            let paths = trace_exact(vec![ray_from(start.x, start.y, degrees), component("faces", faces.clone())]);
            let through = paths.iter().filter(|p| last_direction(p).x * start.x < 0.0).count();
            assert_eq!(through, 0, "at {degrees}°, file order reversed: {reversed}");
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
        let towards = end.perp();
        let arc = mirror(end, -end, 0.5 * (end + end).length());
        // Past the ends of the chord to the middle of the arc: the apex lies a radius from the middle of the chord.
        let angle = towards.y.atan2(towards.x).to_degrees();
        let paths = trace_exact(vec![ray_from(0.0, 0.0, angle), ray_from_other(angle + 180.0), component("arc", vec![arc])]);
        let reached: Vec<f64> =
            paths.iter().filter(|p| p.hit(1).is_some()).map(|p| p.points()[1].length()).collect();
        assert_eq!(reached.len(), 1);
        assert_close(reached[0], 50.0, 1e-9);
    }
}

fn ray_from_other(degrees: f64) -> Value {
    with(ray_from(0.0, 0.0, degrees), json!({"item_uuid": "other"}))
}

#[test]
fn an_arc_of_huge_radius_is_a_plane() {
    for radius in [1e5, 1e7, 1e9, 1e10, 1e12, 1e15, 1e18, 1e100, 1e200, 1e300] {
        for sign in [1.0, -1.0] {
            let ray = |end: &str| with(ray_from(-10.0, 0.0, 30.0), json!({"item_uuid": end}));
            let flat = trace_exact(vec![ray("s"), component("flat", vec![boundary(0.0, 20.0, 0.0, 1.0, 1.5)])]);
            let shape = json!({"is_curved": true, "radius_of_curvature_mm": sign * radius, "n1": 1.0, "n2": 1.5});
            let arc = interface("refractive_interface", DVec2::new(0.0, 20.0), DVec2::new(0.0, -20.0), shape);
            let curved = trace_exact(vec![ray("s"), component("arc", vec![arc])]);
            assert_eq!(flat.len(), curved.len(), "R = {radius}");
            let (a, b) = (straight_through(&flat).points()[1], straight_through(&curved).points()[1]);
            // The sag over a chord of 40 mm is 200/R mm.
            assert!(a.distance(b) < 400.0 / radius + 1e-9, "R = {radius}: {} mm off", a.distance(b));
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
