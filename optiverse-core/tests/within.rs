//! A trace within a time: coarse first, the rays it says, and the whole trace where time is enough.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test and its helpers fail by panicking")]

mod common;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use common::bits::{bits, by_ray};
use common::random::{any_options, any_scene};
use common::*;
use optiverse_core::optics::OpticalSystem;
use optiverse_core::trace::{
    PartialTrace, RayId, TraceControl, TraceError, TraceOptions, trace, trace_with_control, trace_within,
};
use proptest::prelude::*;
use serde_json::json;

/// Time is up when it was asked for the time so often.
fn after(questions: u64) -> impl Fn() -> bool + Sync {
    let asked = AtomicU64::new(0);
    move || asked.fetch_add(1, Ordering::Relaxed) >= questions
}

fn within(system: &OpticalSystem, options: &TraceOptions, questions: u64) -> PartialTrace {
    trace_within(system, options, &TraceControl::new(), &after(questions)).unwrap()
}

/// A splitter in a fan of `n_rays` rays, and a beam of one ray.
fn splitter(n_rays: i64) -> OpticalSystem {
    let fan = source(json!({"item_uuid": "fan", "n_rays": n_rays, "size_mm": 10.0, "ray_length_mm": 100.0}));
    let one = source(json!({"item_uuid": "one", "y_mm": 30.0}));
    system(vec![fan, one, component("splitter", vec![vertical("beam_splitter", 50.0, 10.0, 0.0, json!({}))])])
}

fn one_thread() -> TraceOptions {
    TraceOptions { threads: Some(1), ..Default::default() }
}

#[test]
fn coarse_rays_come_first() {
    let system = splitter(10_000);
    // Both sources are asked once before each ray, and once before each chunk of 16.
    for (questions, stride) in
        [(0, None), (100, None), (250, Some(64)), (400, Some(32)), (1_000, Some(16)), (8_000, Some(2))]
    {
        let partial = within(&system, &one_thread(), questions);
        assert!(!partial.is_complete());
        assert_eq!(partial.stride(), stride, "after {questions} questions");
        assert_eq!(partial.ray_count(), 10_001);
        let rays: BTreeSet<RayId> = partial.rays().iter().copied().collect();
        assert_eq!(rays.len(), partial.rays().len());
        assert!(rays.len() as u64 <= questions);
        assert!(partial.rays().is_sorted());
        if let Some(stride) = stride {
            assert!((0..10_000).step_by(stride as usize).all(|ray| rays.contains(&RayId { source: 0, ray })));
            assert!(rays.contains(&RayId { source: 1, ray: 0 }));
        }
        let found: BTreeSet<RayId> =
            by_ray(partial.paths()).keys().map(|&(source, ray)| RayId { source, ray }).collect();
        assert_eq!(found, rays);
    }
}

#[test]
fn no_time_gives_nothing_and_no_rays_take_none() {
    let partial = within(&splitter(10), &one_thread(), 0);
    assert_eq!((partial.paths().len(), partial.rays().len(), partial.is_complete()), (0, 0, false));
    let empty = within(&system(vec![]), &one_thread(), 0);
    assert!(empty.is_complete());
    assert_eq!((empty.stride(), empty.ray_count()), (Some(1), 0));
}

#[test]
fn power_is_that_of_the_rays_that_were_traced() {
    let partial = within(&splitter(1_000), &one_thread(), 300);
    let balance = partial.paths().power_balance();
    assert_eq!(balance.emitted, partial.rays().len() as f64);
    assert_close(balance.accounted(), balance.emitted, 1e-9);
}

#[test]
fn the_limit_on_vertices_ends_it_and_is_told() {
    let system = splitter(1_000);
    let whole = trace(&system, &one_thread()).unwrap().vertex_count();
    for (max_vertices, complete, truncated) in
        [(whole + 1, true, false), (whole, false, false), (whole - 1, false, true)]
    {
        let partial = within(&system, &TraceOptions { max_vertices, ..one_thread() }, u64::MAX);
        assert_eq!((partial.is_complete(), partial.paths().is_truncated()), (complete, truncated), "{max_vertices}");
        assert!(partial.paths().vertex_count() <= max_vertices);
    }
    // It also ends where a pass is full, not only in the last one.
    let early = within(&system, &TraceOptions { max_vertices: 100, ..one_thread() }, u64::MAX);
    assert!(early.paths().is_truncated() && early.stride().is_none());
}

#[test]
fn it_is_cancelled() {
    let control = TraceControl::new();
    control.cancel();
    let cancelled = trace_within(&splitter(10), &one_thread(), &control, &|| false);
    assert_eq!(cancelled.unwrap_err(), TraceError::Cancelled);
    let refused = TraceOptions { min_intensity: -1.0, ..one_thread() };
    let refused = trace_within(&splitter(10), &refused, &TraceControl::new(), &|| false);
    assert!(matches!(refused.unwrap_err(), TraceError::InvalidOption { option: "min_intensity", .. }));
}

#[test]
fn progress_counts_the_rays_that_were_traced() {
    let system = splitter(1_000);
    for questions in [300, u64::MAX] {
        let control = TraceControl::new();
        let partial = trace_within(&system, &one_thread(), &control, &after(questions)).unwrap();
        assert_eq!(control.progress(), (partial.rays().len() as u64, 1_001));
    }
    let control = TraceControl::new();
    trace_with_control(&system, &one_thread(), &control).unwrap();
    assert_eq!(control.progress(), (1_001, 1_001));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn enough_time_gives_the_whole_trace_and_less_gives_rays_of_it(
        random in any_scene(8, 2_000),
        options in any_options(),
        questions in 0..3_000_u64,
    ) {
        let system = random.system();
        let options = TraceOptions { max_vertices: options.max_vertices * 50, ..options };
        let whole = trace(&system, &options).unwrap();
        let all = within(&system, &options, u64::MAX);
        prop_assert_eq!(all.is_complete(), whole.vertex_count() < options.max_vertices && !whole.is_truncated());
        if all.is_complete() {
            prop_assert!(bits(all.paths()) == bits(&whole), "the complete result differs");
        }
        let some = within(&system, &options, questions);
        prop_assert!(some.paths().vertex_count() <= options.max_vertices);
        prop_assert_eq!(some.is_complete(), all.is_complete() && some.rays().len() as u64 == some.ray_count());
        if all.is_complete() {
            let whole = by_ray(&whole);
            for (ray, paths) in by_ray(some.paths()) {
                prop_assert!(whole[&ray] == paths, "ray {:?} differs", ray);
            }
            let there = |id: &&RayId| whole.contains_key(&(id.source, id.ray));
            prop_assert_eq!(by_ray(some.paths()).len(), some.rays().iter().filter(there).count());
        }
    }
}
