//! Where arcs end: flat ones as sharply as others, and for everybody who looks for them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test and its helpers fail by panicking")]

mod common;

use common::bits::bits;
use common::*;
use glam::DVec2;
use optiverse_core::scene::{Edit, Value};
use optiverse_core::trace::{Ending, Physics, TraceOptions, Tracer, trace};
use proptest::prelude::*;
use serde_json::json;

/// Half the height of the block.
const HALF_MM: f64 = 10.0;

/// A block of this radius across the way of a ray that passes its end at a distance, `x` mm to the right of the origin.
fn passing(x: f64, radius_mm: f64, past_mm: f64, degrees: f64) -> Vec<Value> {
    let end =
        (x + HALF_MM * HALF_MM / (radius_mm + (radius_mm * radius_mm - HALF_MM * HALF_MM).sqrt()), HALF_MM + past_mm);
    let (sin, cos) = f64::to_radians(degrees).sin_cos();
    vec![
        ray_from(end.0 - 100.0 * cos, end.1 - 100.0 * sin, degrees),
        component("block", vec![vertical("beam_block", x, HALF_MM, radius_mm, json!({}))]),
    ]
}

fn physics() -> impl Strategy<Value = Physics> {
    prop_oneof![Just(Physics::EXACT), Just(Physics::OPTIVERSE_034), Just(Physics::OPTIVERSE_027)]
}

/// Of half a circle, the rules of the app find either half.
#[test]
fn an_update_sees_either_half_of_half_a_circle() {
    let mirror = |id: &str, radius_mm: f64| {
        let shape = json!({"is_curved": true, "radius_of_curvature_mm": radius_mm});
        component(id, vec![interface("mirror", DVec2::new(10.0, 0.0), DVec2::new(-10.0, 0.0), shape)])
    };
    for physics in [Physics::EXACT, Physics::OPTIVERSE_034, Physics::OPTIVERSE_027] {
        for radius_mm in [10.0, -10.0] {
            for degrees in [90.0, -90.0, 0.0] {
                let from = [(1.0, -60.0), (1.0, 60.0), (-60.0, 1.0)]
                    [[90.0, -90.0, 0.0].iter().position(|d| *d == degrees).unwrap()];
                let scene = scene(vec![ray_from(from.0, from.1, degrees), mirror("arc", radius_mm)]);
                let mut tracer = Tracer::new(scene, TraceOptions { physics, ..TraceOptions::default() }).unwrap();
                for x_mm in [1000.0, 0.0] {
                    tracer.update(&Edit::Move { id: "arc".into(), x_mm, y_mm: 0.0 }).unwrap();
                    let whole = trace(&tracer.compiled().system, tracer.options()).unwrap();
                    assert_eq!(bits(&tracer.paths()), bits(&whole), "{radius_mm} {degrees} moved to {x_mm}");
                }
            }
        }
    }
}

#[test]
fn a_flat_arc_ends_where_its_chord_does() {
    for x in [0.0, 1e6] {
        for radius_mm in [11.0, 3e4, 1e6, 1e9] {
            for (past_mm, ending) in [(1e-7, Ending::Left), (-1e-7, Ending::Blocked)] {
                let paths = trace_exact(passing(x, radius_mm, past_mm, 0.0));
                assert_eq!(paths.endings(), [ending], "R = {radius_mm} at {x}, {past_mm} mm past the end");
            }
        }
    }
}

/// A ray that goes on from the line of a flat arc, past its end, does not come from the arc.
#[test]
fn a_lens_past_the_end_of_a_flat_arc_is_not_on_it() {
    for radius_mm in [1e6, 1e9] {
        for (past_mm, ending) in [(1e-6, Ending::Left), (-1e-6, Ending::Blocked)] {
            let mut items = passing(0.0, radius_mm, past_mm, 0.0);
            // On the circle to rounding, and first in the file.
            let x = (HALF_MM + past_mm) * (HALF_MM + past_mm) / (2.0 * radius_mm);
            let ends = [DVec2::new(x, 9.0), DVec2::new(x, 11.0)];
            items.insert(1, component("lens", vec![interface("lens", ends[0], ends[1], json!({"efl_mm": 1e5}))]));
            let paths = trace_exact(items);
            assert_eq!(paths.endings(), [ending], "R = {radius_mm}, {past_mm} mm past the end");
            // Of two in one place, light along the normal of the first meets the second one first.
            assert_eq!(paths.hit_items().contains(&0), past_mm > 0.0, "R = {radius_mm}, {past_mm} mm past the end");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Of a ray that just meets or misses the end of an arc, an update says the same as a whole trace.
    #[test]
    fn an_update_sees_the_ends_of_arcs_as_a_trace_does(
        physics in physics(), exponent in 1.0..9.0_f64, past in -10.0..-1.0_f64, inside in any::<bool>(), far in any::<bool>(),
        degrees in -80.0..80.0_f64,
    ) {
        let past_mm = 10.0_f64.powf(past) * if inside { -1.0 } else { 1.0 };
        let x = if far { 1e6 } else { 0.0 };
        let scene = scene(passing(x, 10.0_f64.powf(exponent), past_mm, degrees));
        let options = TraceOptions { physics, ..TraceOptions::default() };
        let mut tracer = Tracer::new(scene, options).unwrap();
        for (x_mm, y_mm) in [(0.0, 500.0), (0.0, 0.0), (0.0, 2.0 * past_mm), (0.0, 0.0)] {
            tracer.update(&Edit::Move { id: "block".into(), x_mm, y_mm }).unwrap();
            let whole = trace(&tracer.compiled().system, tracer.options()).unwrap();
            prop_assert_eq!(bits(&tracer.paths()), bits(&whole), "moved to {}, {}", x_mm, y_mm);
        }
    }

    /// Other surfaces make other grids, and no difference to the ray.
    #[test]
    fn the_index_sees_the_ends_of_arcs_as_no_index_does(
        physics in physics(), exponent in 1.0..9.0_f64, past in -10.0..-1.0_f64, inside in any::<bool>(), degrees in -80.0..80.0_f64,
        others in prop::collection::vec((-200.0..200.0_f64, 60.0..5e4_f64), 1..20),
    ) {
        let past_mm = 10.0_f64.powf(past) * if inside { -1.0 } else { 1.0 };
        let mut items = passing(0.0, 10.0_f64.powf(exponent), past_mm, degrees);
        let options = TraceOptions { physics, length_mm: Some(150.0), ..TraceOptions::default() };
        let alone = trace(&system(items.clone()), &options).unwrap();
        // None of them is as near as the ray is long.
        let aside = |(number, &(x, y)): (usize, &(f64, f64))| {
            let y = y.copysign(x) + 200.0_f64.copysign(x);
            let flat = vertical("mirror", x, 1.0, 0.0, json!({}));
            with(component(&format!("m{number}"), vec![flat]), json!({"y_mm": y}))
        };
        items.extend(others.iter().enumerate().map(aside));
        let among = trace(&system(items), &options).unwrap();
        prop_assert_eq!(bits(&alone), bits(&among));
    }
}
