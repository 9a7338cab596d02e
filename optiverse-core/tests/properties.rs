//! What holds for every scene: symmetry, reversibility, the books of power, and the shape of the result.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test and its helpers fail by panicking")]

mod common;

use std::collections::HashSet;

use common::bits::{bits, shares};
use common::random::{RandomScene, RandomSource, any_scene, plain_element, surface};
use common::*;
use glam::DVec2;
use optiverse_core::trace::{Ending, RayPath, RayPaths, TraceOptions, trace};
use proptest::prelude::*;
use serde_json::json;

/// How far two computations of the vertex behind `events` interactions may be apart, in mm: a surface multiplies the error of
/// a ray by the distance over its radius.
fn tolerance(events: usize) -> f64 {
    1e-11 * 60_f64.powi(events as i32)
}

/// The surface a vertex of a path lies on.
fn surface_at(path: &RayPath<'_>, vertex: usize) -> Option<usize> {
    path.hit(vertex).map(|(id, _)| id.as_str()[1..].parse().unwrap())
}

fn min_intensity() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1e-6), Just(0.02), 0.0..1.5_f64]
}

fn ray_count(source: &RandomSource) -> i64 {
    let one = source.waist.is_some() || (source.size == 0.0 && source.spread == 0.0);
    if one { 1 } else { source.n_rays.max(1) }
}

/// Checks that a path's common part with its parent is common.
fn check_parent(paths: &RayPaths, path: &RayPath<'_>) -> Result<(), TestCaseError> {
    let at = path.index();
    let branch = usize::try_from(paths.branch_vertices()[at]).unwrap();
    let Some(parent) = path.parent() else {
        prop_assert_eq!(branch, 0);
        return Ok(());
    };
    prop_assert!(parent != at && parent < paths.len());
    let parent = paths.get(parent).unwrap();
    prop_assert!(branch >= 1 && branch < path.points().len());
    prop_assert_eq!(&path.points()[..=branch], &parent.points()[..=branch]);
    prop_assert_eq!(&path.optical_paths_mm()[..=branch], &parent.optical_paths_mm()[..=branch]);
    prop_assert_eq!(&path.intensities()[..branch], &parent.intensities()[..branch]);
    prop_assert_eq!(&path.jones()[..branch], &parent.jones()[..branch]);
    prop_assert_eq!(path.hit(branch), parent.hit(branch));
    prop_assert_eq!(paths.ray_indices()[at], paths.ray_indices()[parent.index()]);
    prop_assert_eq!(path.source_index(), parent.source_index());
    Ok(())
}

/// The optical path length at the end of a path, from its vertices and the indices the scene gives.
fn optical_path(scene: &RandomScene, path: &RayPath<'_>) -> f64 {
    let points = path.points();
    let (mut sum, mut index) = (0.0, 1.0);
    for k in 1..points.len() {
        let step = points[k] - points[k - 1];
        if step == DVec2::ZERO {
            continue;
        }
        let glass =
            |vertex: usize| surface_at(path, vertex).and_then(|s| scene.surfaces[s].indices(points[vertex], step));
        // Behind an interface the medium on the side the ray leaves to, and before one the medium it comes from.
        if let Some((_, behind)) = glass(k - 1) {
            index = behind;
        }
        let next = (k..points.len()).find(|&v| surface_at(path, v).is_some());
        let here = next.and_then(glass).map_or(index, |(before, _)| before);
        sum += here * step.length();
    }
    sum
}

fn check_path(scene: &RandomScene, path: &RayPath<'_>) -> Result<(), TestCaseError> {
    let points = path.points();
    prop_assert!(points.len() >= 2);
    for (vertex, point) in points.iter().enumerate() {
        prop_assert!(point.is_finite());
        if let Some(surface) = surface_at(path, vertex) {
            let distance = scene.surfaces[surface].distance_to(*point);
            prop_assert!(distance < 1e-9, "vertex {} lies {} mm beside c{}", vertex, distance, surface);
        }
        let [h, v] = path.jones()[vertex];
        let length = h.norm_sqr() + v.norm_sqr();
        prop_assert!((length - 1.0).abs() < 1e-12, "Jones vector of squared length {} at {}", length, vertex);
    }
    for pair in path.intensities().windows(2) {
        prop_assert!(pair[1] <= pair[0] * (1.0 + 1e-9), "intensity rises: {:?}", pair);
    }
    for pair in path.optical_paths_mm().windows(2) {
        prop_assert!(pair[1] >= pair[0]);
    }
    let expected = optical_path(scene, path);
    let found = *path.optical_paths_mm().last().unwrap();
    prop_assert!((found - expected).abs() <= 1e-9 * expected.max(1.0), "optical path {} not {}", found, expected);
    let gaussian = scene.sources[path.source_index()].waist.is_some();
    for radius in path.beam_radii_mm() {
        prop_assert!(if gaussian { *radius > 0.0 && radius.is_finite() } else { radius.is_nan() }, "w = {}", radius);
    }
    Ok(())
}

#[test]
fn hardly_any_light_is_polarised_too() {
    // At Brewster's angle rounding alone reflects; at a crossed polariser and a polarising splitter, likewise.
    let degrees = 1.5_f64.atan().to_degrees();
    let start = -10.0 * DVec2::from_angle(degrees.to_radians());
    let items = |surface| vec![ray_from(start.x, start.y, degrees), component("item", vec![surface])];
    let splitter = json!({"is_polarizing": true, "pbs_transmission_axis_deg": 90.0});
    for surface in [boundary(0.0, 10.0, 0.0, 1.0, 1.5), vertical("beam_splitter", 0.0, 10.0, 0.0, splitter)] {
        for [h, v] in trace_exact(items(surface)).jones() {
            assert_close(h.norm_sqr() + v.norm_sqr(), 1.0, 1e-12);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn power_out_and_absorbed_and_cut_off_is_power_in(
        scene in any_scene(12, 5),
        max_events in 0..40_u32,
        min_intensity in min_intensity(),
        max_vertices in prop_oneof![0..200_usize, Just(20_000)],
    ) {
        let options = TraceOptions { max_events, min_intensity, max_vertices, threads: Some(1), ..Default::default() };
        let paths = trace(&scene.system(), &options).unwrap();
        let balance = paths.power_balance();
        prop_assert_eq!(balance.emitted, scene.sources.iter().map(ray_count).sum::<i64>() as f64);
        prop_assert!((balance.accounted() - balance.emitted).abs() < 1e-9, "{:?}", balance);
        prop_assert!(shares(balance).iter().all(|share| *share >= -1e-12), "{:?}", balance);
        prop_assert!(paths.vertex_count() <= max_vertices);
        prop_assert_eq!(paths.is_truncated(), balance.limit > 0.0);
        // What left is what stands at the ends of the paths that left.
        let left: f64 = paths
            .iter()
            .filter(|p| p.ending() == Ending::Left)
            .map(|p| *p.intensities().last().unwrap())
            .sum();
        prop_assert!((left - balance.left).abs() < 1e-9);
    }

    #[test]
    fn results_are_well_formed(scene in any_scene(12, 5), max_events in 1..12_u32, min_intensity in min_intensity()) {
        let options = TraceOptions {
            max_events, min_intensity, max_vertices: 20_000, threads: Some(1), ..Default::default()
        };
        let paths = trace(&scene.system(), &options).unwrap();
        let offsets = paths.offsets();
        prop_assert_eq!((offsets[0], offsets.len()), (0, paths.len() + 1));
        prop_assert!(offsets.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert_eq!(*offsets.last().unwrap(), paths.vertex_count() as i64);
        let order: Vec<_> = paths.source_indices().iter().zip(paths.ray_indices()).collect();
        prop_assert!(order.windows(2).all(|pair| pair[0] <= pair[1]));
        let mut roots = HashSet::new();
        for path in paths.iter() {
            check_path(&scene, &path)?;
            if !paths.is_truncated() {
                check_parent(&paths, &path)?;
                if path.parent().is_none() {
                    let ray = (path.source_index(), paths.ray_indices()[path.index()]);
                    prop_assert!(roots.insert(ray), "two paths of {:?} without a parent", ray);
                }
            }
        }
    }
}

/// Compares two results path by path, points through `place` and Jones vectors up to the sign of h.
fn same_paths(
    found: &RayPaths,
    original: &RayPaths,
    order: &[usize],
    place: impl Fn(DVec2) -> DVec2,
    h_sign: f64,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.len(), original.len());
    for (a, &b) in found.iter().zip(order) {
        let b = original.get(b).unwrap();
        prop_assert_eq!(a.points().len(), b.points().len());
        prop_assert_eq!(a.ending(), b.ending());
        let mut events = 0;
        for vertex in 0..a.points().len() {
            prop_assert_eq!(a.hit(vertex), b.hit(vertex));
            events += usize::from(a.hit(vertex).is_some());
            let limit = tolerance(events + 1);
            let distance = a.points()[vertex].distance(place(b.points()[vertex]));
            prop_assert!(distance < limit, "vertex {} is {} mm off after {} events", vertex, distance, events);
            prop_assert!((a.intensities()[vertex] - b.intensities()[vertex]).abs() < limit);
            prop_assert!((a.optical_paths_mm()[vertex] - b.optical_paths_mm()[vertex]).abs() < limit);
            let (wa, wb) = (a.beam_radii_mm()[vertex], b.beam_radii_mm()[vertex]);
            prop_assert!(
                (wa.is_nan() && wb.is_nan()) || (wa - wb).abs() <= limit.sqrt() * wa.max(1.0),
                "w {} {}",
                wa,
                wb
            );
            let ([ah, av], [bh, bv]) = (a.jones()[vertex], b.jones()[vertex]);
            // The length of a vector that hardly any power stands behind tells nothing.
            let weight = a.intensities()[vertex].sqrt();
            prop_assert!(((ah - h_sign * bh).norm() + (av - bv).norm()) * weight < limit.sqrt());
        }
    }
    Ok(())
}

/// At most four interactions, so that rounding is not blown up to a different path.
fn few_events() -> TraceOptions {
    TraceOptions { max_events: 4, min_intensity: 1e-4, threads: Some(1), ..Default::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn turning_and_shifting_a_scene_does_the_same_to_its_rays(
        scene in any_scene(10, 4),
        degrees in prop_oneof![-180.0..180.0_f64, Just(90.0)],
        shift in (-100.0..100.0_f64, -100.0..100.0_f64),
    ) {
        let shift = DVec2::new(shift.0, shift.1);
        let original = trace(&scene.system(), &few_events()).unwrap();
        let found = trace(&scene.moved(degrees, shift).system(), &few_events()).unwrap();
        let turn = DVec2::from_angle(degrees.to_radians());
        let order: Vec<usize> = (0..original.len()).collect();
        same_paths(&found, &original, &order, |p| turn.rotate(p) + shift, 1.0)?;
    }

    #[test]
    fn mirroring_a_scene_does_the_same_to_its_rays(scene in any_scene(10, 4)) {
        let original = trace(&scene.system(), &few_events()).unwrap();
        let found = trace(&scene.mirrored().system(), &few_events()).unwrap();
        // The rays of a fan come in the opposite order, each with its paths in the same.
        let mut order: Vec<usize> = (0..original.len()).collect();
        order.sort_by_key(|&i| (original.source_indices()[i], -original.ray_indices()[i]));
        // The image of h points the other way.
        same_paths(&found, &original, &order, |p| DVec2::new(p.x, -p.y), -1.0)?;
    }
}

/// A source that sends the last stretch of a path back.
fn backwards(path: &RayPath<'_>) -> RandomSource {
    let points = path.points();
    let back = -last_direction(path);
    RandomSource {
        position: *points.last().unwrap(),
        degrees: back.y.atan2(back.x).to_degrees(),
        size: 0.0,
        spread: 0.0,
        n_rays: 1,
        wavelength: path.wavelength_nm(),
        jones: [1.0, 0.0, 0.0, 0.0],
        waist: None,
        length: points.windows(2).map(|pair| pair[0].distance(pair[1])).sum::<f64>(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn light_traced_backwards_returns(
        surfaces in prop::collection::vec(surface(plain_element()), 1..8),
        start in (-60.0..60.0_f64, -60.0..60.0_f64, -180.0..180.0_f64),
    ) {
        let source = RandomSource {
            position: DVec2::new(start.0, start.1), degrees: start.2, size: 0.0, spread: 0.0, n_rays: 1,
            wavelength: 600.0, jones: [1.0, 0.0, 0.0, 0.0], waist: None, length: 200.0,
        };
        let options = TraceOptions { max_events: 4, min_intensity: 0.0, threads: Some(1), ..Default::default() };
        let scene = RandomScene { surfaces, sources: vec![source] };
        let forward = trace(&scene.system(), &options).unwrap();
        let free = |p: &RayPath<'_>| matches!(p.ending(), Ending::Left | Ending::TooLong);
        for path in forward.iter().filter(|p| free(p) && p.points().len() < 6).take(5) {
            let sources = vec![backwards(&path)];
            let back = trace(&RandomScene { sources, ..scene.clone() }.system(), &options).unwrap();
            let hits = |p: &RayPath<'_>| (0..p.points().len()).filter_map(|v| surface_at(p, v)).collect::<Vec<_>>();
            let expected: Vec<usize> = hits(&path).into_iter().rev().collect();
            let near = |p: &RayPath<'_>| {
                p.points().len() == path.points().len()
                    && hits(p) == expected
                    && p.points().iter().zip(path.points().iter().rev()).enumerate()
                        .all(|(i, (a, b))| a.distance(*b) < tolerance(i + 1))
            };
            let Some(returned) = back.iter().find(near) else {
                return Err(TestCaseError::fail(format!("{expected:?} did not return to {}", path.points()[0])));
            };
            let (there, again) = (path.intensities().last().unwrap(), returned.intensities().last().unwrap());
            prop_assert!((there - again).abs() < tolerance(path.points().len()), "{} there, {} back", there, again);
        }
    }

    #[test]
    fn threads_change_nothing(
        scene in any_scene(8, 400),
        max_events in 1..8_u32,
        min_intensity in min_intensity(),
        max_vertices in prop_oneof![0..10_000_usize, Just(100_000)],
        physics in prop_oneof![Just("exact"), Just("optiverse-0.3.4"), Just("optiverse-0.2.7")],
    ) {
        let physics = optiverse_core::trace::Physics::preset(physics).unwrap();
        let options = TraceOptions { physics, max_events, min_intensity, max_vertices, ..Default::default() };
        let system = scene.system();
        let on = |threads: usize| {
            let paths = trace(&system, &TraceOptions { threads: Some(threads), ..options.clone() }).unwrap();
            bits(&paths)
        };
        let one = on(1);
        for threads in [2, 3, 8] {
            prop_assert!(on(threads) == one, "{} threads give another result", threads);
        }
    }
}
