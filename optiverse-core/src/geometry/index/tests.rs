//! The index against a scan of all surfaces.

use std::sync::atomic::{AtomicUsize, Ordering};

use glam::DVec2;
use proptest::prelude::*;

use super::lanes::Baseline;
use super::{GridNumber, Index, NO_SURFACE, Query, Searches, TooManySurfaces};
use crate::geometry::{Arc, Segment, Shape};

/// The distance at which a ray meets a surface, to rounding: a stand-in for the hit rules.
fn distance(shape: &Shape, origin: DVec2, direction: DVec2) -> f64 {
    match shape {
        Shape::Segment(segment) => {
            let along = segment.p2() - segment.p1();
            let across = direction.perp_dot(along);
            let to = segment.p1() - origin;
            let (t, u) = (to.perp_dot(along) / across, to.perp_dot(direction) / across);
            if t >= 0.0 && (-1e-12..=1.0 + 1e-12).contains(&u) { t } else { f64::INFINITY }
        }
        Shape::Arc(arc) => {
            let from_centre = origin - arc.centre();
            let b = direction.dot(from_centre);
            let discriminant = b * b - (from_centre.length_squared() - arc.radius() * arc.radius());
            if discriminant < 0.0 {
                return f64::INFINITY;
            }
            let root = discriminant.sqrt();
            let on_arc = |t: &f64| *t >= 0.0 && arc.height_over_chord(origin + direction * *t) >= 0.0;
            [-b - root, -b + root].into_iter().find(on_arc).unwrap_or(f64::INFINITY)
        }
    }
}

fn build(shapes: &[Shape]) -> Index {
    Index::build(shapes.len(), 0.0, |i| &shapes[i as usize])
}

/// What is found, whichever grid is looked through first.
fn nearest(index: &Index, shapes: &[Shape], origin: DVec2, direction: DVec2) -> Option<(u32, f64)> {
    let rule = |i| distance(&shapes[i as usize], origin, direction);
    let query = Query::new(origin, direction, NO_SURFACE);
    let beginning_at = |begin| {
        let (nearest, grid) = index.nearest(Baseline, query, begin, rule)?;
        assert!((grid.0 as usize) < index.grids.len());
        Some((nearest.surface, nearest.distance, nearest.several))
    };
    let found = beginning_at(GridNumber::ROOT);
    for number in 1..index.grids.len() {
        assert_eq!(beginning_at(GridNumber(number as u32)), found, "from grid {number}");
    }
    found.map(|(surface, distance, _)| (surface, distance))
}

/// What searches find of which N make each move together, each slot taking the next ray when it is free, and beginning where the last one ended.
fn nearest_together<const N: usize>(index: &Index, shapes: &[Shape], rays: &[(DVec2, DVec2)]) -> Vec<Option<u32>> {
    let mut searches = Searches::<N>::NONE;
    let (mut slots, mut grids) = ([None::<usize>; N], [GridNumber::ROOT; N]);
    let mut found = vec![None; rays.len()];
    let mut waiting = 0..rays.len();
    loop {
        for (at, slot) in slots.iter_mut().enumerate().filter(|(_, slot)| slot.is_none()) {
            let begins = |&ray: &usize| {
                let query = Query::new(rays[ray].0, rays[ray].1, NO_SURFACE);
                index.begin(Baseline, &mut searches, at, query, grids[at])
            };
            // Those that miss everything have found nothing.
            *slot = waiting.find(begins);
        }
        for (at, ray) in slots.iter().enumerate().filter_map(|(at, slot)| Some((at, (*slot)?))) {
            if searches.is_near(at) {
                index.look(Baseline, &mut searches, at, &mut |i| {
                    distance(&shapes[i as usize], rays[ray].0, rays[ray].1)
                });
            }
        }
        if slots.iter().all(Option::is_none) {
            return found;
        }
        // Of slots without a search, nothing that is said matters.
        let ended = searches.step();
        for (at, slot) in slots.iter_mut().enumerate() {
            let Some(ray) = *slot else { continue };
            if ended >> at & 1 == 0 {
                index.test(Baseline, &mut searches, at);
            } else if !index.begin_again(Baseline, &mut searches, at) {
                if let Some((nearest, grid)) = searches.nearest(at) {
                    (found[ray], grids[at]) = (Some(nearest.surface), grid);
                }
                *slot = None;
            }
        }
    }
}

fn nearest_by_scan(shapes: &[Shape], origin: DVec2, direction: DVec2) -> Option<(u32, f64)> {
    let found = shapes.iter().zip(0..).map(|(shape, i)| (distance(shape, origin, direction), i));
    let least = found.filter(|(t, _)| t.is_finite()).min_by(|a, b| a.partial_cmp(b).unwrap());
    least.map(|(t, i)| (i, t))
}

/// A surface from numbers: place, direction, length, bend (0: straight).
fn shape((x, y, angle, length, bend): (f64, f64, f64, f64, f64), far: DVec2, quantised: bool) -> Shape {
    let q = |x: f64| if quantised { x.round() } else { x };
    let middle = far + DVec2::new(q(x), q(y));
    let half = DVec2::from_angle(angle) * (0.5 * length);
    // On halves, so that no length is 0.
    let half = if quantised { half.round() + DVec2::splat(0.5) } else { half };
    let chord = Segment::new(middle + half, middle - half).unwrap();
    if bend.abs() < 0.3 {
        return Shape::Segment(chord);
    }
    Arc::new(chord, chord.half_length() * bend.signum() * (0.8 + bend.abs())).unwrap().into()
}

fn surfaces() -> impl Strategy<Value = Vec<(f64, f64, f64, f64, f64)>> {
    // Most are small and many stand close together, so that grids are refined.
    let place = prop_oneof![-50.0..50.0_f64, -2.0..2.0_f64, Just(0.0)];
    let length = prop_oneof![0.01..0.5_f64, 1.0..10.0_f64, 50.0..200.0_f64];
    prop::collection::vec((place.clone(), place, 0.0..6.3_f64, length, -1.0..1.0_f64), 0..300)
}

/// A ray of a random direction, along an axis, or nearly so.
fn ray() -> impl Strategy<Value = (DVec2, DVec2)> {
    let direction = prop_oneof![
        (0.0..6.3_f64).prop_map(DVec2::from_angle),
        prop::sample::select(vec![DVec2::X, DVec2::Y, DVec2::NEG_X, DVec2::NEG_Y]),
        // As good as along an axis: one over the smaller component is no number.
        prop::sample::select(vec![DVec2::new(1.0, 5e-324), DVec2::new(-1e-309, 1.0), DVec2::new(1e-300, -1.0)])
    ];
    let place = prop_oneof![-60.0..60.0_f64, -1e3..1e3_f64, Just(0.0)];
    (place.clone(), place, direction).prop_map(|(x, y, direction)| (DVec2::new(x, y), direction))
}

fn far() -> impl Strategy<Value = DVec2> {
    prop_oneof![Just(DVec2::ZERO), Just(DVec2::new(1e6, -1e6))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_index_finds_what_a_scan_finds(
        surfaces in surfaces(), far in far(), quantised in any::<bool>(),
        rays in prop::collection::vec(ray(), 20), aims in prop::collection::vec(0..300_usize, 10),
    ) {
        let shapes: Vec<Shape> = surfaces.into_iter().map(|s| shape(s, far, quantised)).collect();
        let index = build(&shapes);
        // Some rays are aimed at end points, where surfaces and cells may meet.
        let aimed = aims.iter().filter(|_| !shapes.is_empty()).map(|&aim| {
            let (from, to) = (far + rays[0].0, shapes[aim % shapes.len()].chord().p1());
            (from, (to - from).normalize_or(DVec2::X))
        });
        for (origin, direction) in rays.iter().map(|&(origin, direction)| (far + origin, direction)).chain(aimed) {
            let (found, wanted) = (nearest(&index, &shapes, origin, direction), nearest_by_scan(&shapes, origin, direction));
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn searches_that_move_together_find_what_each_finds_alone(
        surfaces in surfaces(), rays in prop::collection::vec(ray(), 64),
    ) {
        let shapes: Vec<Shape> = surfaces.into_iter().map(|s| shape(s, DVec2::ZERO, false)).collect();
        let index = build(&shapes);
        let alone: Vec<Option<u32>> =
            rays.iter().map(|&(origin, direction)| Some(nearest_by_scan(&shapes, origin, direction)?.0)).collect();
        prop_assert_eq!(nearest_together::<16>(&index, &shapes, &rays), alone);
    }

    #[test]
    fn an_index_kept_up_to_date_finds_what_a_new_one_finds(
        surfaces in surfaces(), moves in prop::collection::vec((0..300_usize, -50.0..50.0_f64, -50.0..50.0_f64), 1..40),
        rays in prop::collection::vec(ray(), 10),
    ) {
        let mut shapes: Vec<Shape> = surfaces.into_iter().map(|s| shape(s, DVec2::ZERO, false)).collect();
        prop_assume!(!shapes.is_empty());
        let mut index = build(&shapes);
        for (which, x, y) in moves {
            let which = which % shapes.len();
            let old = shapes[which].clone();
            shapes[which] = shape((x, y, x + y, 3.0, 0.01 * x), DVec2::ZERO, false);
            if !index.update(which as u32, &old, &shapes[which]) {
                index.rebuild(|i| &shapes[i as usize]);
            }
        }
        for (origin, direction) in rays {
            prop_assert_eq!(nearest(&index, &shapes, origin, direction), nearest_by_scan(&shapes, origin, direction));
        }
    }
}

/// Small segments, half of them within a thousandth of the area.
fn crowd(count: u32) -> Vec<Shape> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut place = |side: f64| DVec2::new(random.f64() - 0.5, random.f64() - 0.5) * side;
    (0..count)
        .map(|i| {
            let side = if i % 2 == 0 { 1000.0 } else { 30.0 };
            let (middle, half) = (place(side), place(0.004 * side) + DVec2::splat(1e-3));
            Shape::Segment(Segment::new(middle - half, middle + half).unwrap())
        })
        .collect()
}

#[test]
fn a_crowd_gets_finer_grids_and_is_found_all_the_same() {
    let shapes = crowd(6_000);
    let index = build(&shapes);
    assert!(index.grids.len() > 1, "{} grids", index.grids.len());
    let mut hits = 0;
    for i in 0..2_000 {
        let origin = DVec2::from_angle(f64::from(i)) * f64::from(i % 20);
        let direction = DVec2::from_angle(0.7 * f64::from(i));
        let found = nearest(&index, &shapes, origin, direction);
        assert_eq!(found, nearest_by_scan(&shapes, origin, direction), "ray {i}");
        hits += u32::from(found.is_some());
    }
    assert!(hits > 1_900);
}

#[test]
fn few_surfaces_are_one_cell() {
    let shapes = crowd(8);
    assert_eq!(build(&shapes).grids[0].len(), 1);
}

#[test]
fn a_surface_that_leaves_the_box_asks_for_a_new_index() {
    let shapes = crowd(100);
    let mut index = build(&shapes);
    let outside = shape((1e4, 0.0, 0.0, 1.0, 0.0), DVec2::ZERO, false);
    assert!(!index.update(3, &shapes[3], &outside));
}

#[test]
fn a_surface_that_is_dragged_outwards_asks_for_a_new_index_now_and_then() {
    let mut shapes = crowd(100);
    let mut index = build(&shapes);
    let (edge, mut anew) = (index.grids[0].aabb.max.x, 0);
    for step in 0..200 {
        let old = shapes[3].clone();
        shapes[3] = shape((edge + f64::from(step), 7.0, 0.0, 1.0, 0.0), DVec2::ZERO, false);
        if !index.update(3, &old, &shapes[3]) {
            index.rebuild(|surface| &shapes[surface as usize]);
            anew += 1;
        }
        let (origin, direction) = (DVec2::new(0.0, 7.0), DVec2::X);
        assert_eq!(nearest(&index, &shapes, origin, direction), nearest_by_scan(&shapes, origin, direction));
    }
    assert!((1..=12).contains(&anew), "{anew} times in 200 steps");
}

#[test]
fn an_index_that_has_got_worse_asks_for_a_new_one() {
    // Everything moves into one corner.
    let mut shapes = crowd(2_000);
    let mut index = build(&shapes);
    let in_place = (0..2_000).take_while(|&i| {
        let old = shapes[i].clone();
        let at = (0.01 * i as f64, -20.0, 0.1 * i as f64, 0.5, 0.0);
        shapes[i] = shape(at, DVec2::ZERO, false);
        index.update(i as u32, &old, &shapes[i])
    });
    let in_place = in_place.count();
    assert!((100..2_000).contains(&in_place), "{in_place} moved in place");
}

#[test]
fn a_large_system_takes_less_than_200_bytes_a_surface() {
    // A maze from the numbers of a linear congruential generator (Knuth), as many as are taken for a large system.
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let shapes: Vec<Shape> = (0..1 << 18)
        .map(|_| {
            let middle = DVec2::new(random(), random()) * 1000.0;
            let half = DVec2::from_angle(random() * 6.3) * (0.15 + random());
            Segment::new(middle + half, middle - half).unwrap().into()
        })
        .collect();
    let bytes = build(&shapes).memory_bytes() as f64 / shapes.len() as f64 + size_of::<crate::optics::Surface>() as f64;
    assert!(bytes < 200.0, "{bytes}");
}

#[test]
fn surfaces_that_lie_on_each_other_take_bounded_memory() {
    // 5,000 of a metre, a micrometre apart.
    let shapes: Vec<Shape> =
        (0..5_000).map(|i| shape((1e-3 * f64::from(i), 0.0, 0.8, 1_000.0, 0.0), DVec2::ZERO, false)).collect();
    let index = build(&shapes);
    // 128 pieces of 27 bytes, and cells that hold nothing.
    assert!(index.memory_bytes() < shapes.len() * 5_000, "{} bytes", index.memory_bytes());
    let (origin, direction) = (DVec2::new(-300.0, 10.0), DVec2::X);
    assert_eq!(nearest(&index, &shapes, origin, direction), nearest_by_scan(&shapes, origin, direction));
}

#[test]
fn most_surfaces() {
    assert!(Index::check_count(Index::MAX_SURFACES).is_ok());
    let surfaces = Index::MAX_SURFACES + 1;
    assert_eq!(Index::check_count(surfaces), Err(TooManySurfaces { surfaces }));
    assert_eq!(nearest(&Index::default(), &[], DVec2::ZERO, DVec2::X), None);
}

#[test]
fn grids_that_divide_surfaces_too_much_are_not_counted_to_the_end() {
    let arcs: Vec<Shape> = (0..500)
        .map(|k| {
            let x = 0.001 * f64::from(k);
            let chord = Segment::new(DVec2::new(x, -500.0), DVec2::new(x, 500.0)).unwrap();
            Arc::new(chord, 600.0).unwrap().into()
        })
        .collect();
    let asked = AtomicUsize::new(0);
    let index = Index::build(arcs.len(), 0.0, |i| {
        asked.fetch_add(1, Ordering::Relaxed);
        &arcs[i as usize]
    });
    assert!(!index.grids.is_empty());
    let for_each = asked.into_inner() as f64 / arcs.len() as f64;
    assert!(for_each < 600.0, "each was looked at {for_each} times");
}
