//! A tracer that follows edits has, after each of them, what a trace of the edited scene gives, to the last bit.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test and its helpers fail by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::bits::{bits, by_ray};
use common::edits::{Editor, RandomEdit, any_edit, scene_of};
use common::random::{any_options, any_scene};
use common::*;
use optiverse_core::optics::{Compiled, OpticalSystem, Strictness};
use optiverse_core::scene::{Edit, PropertyChange, Scene};
use optiverse_core::trace::{RayPaths, TraceControl, TraceError, TraceOptions, Tracer, Update, UpdateError, trace};
use proptest::prelude::*;
use serde_json::json;

fn compiled(scene: &Scene) -> Compiled {
    OpticalSystem::compile(scene, Strictness::Lenient).unwrap()
}

/// Checks that two systems are the same.
fn check_system(found: &Compiled, expected: &Compiled) -> Result<(), TestCaseError> {
    prop_assert_eq!(&found.reports, &expected.reports);
    prop_assert_eq!(found.system.surfaces(), expected.system.surfaces());
    prop_assert_eq!(found.system.sources(), expected.system.sources());
    prop_assert_eq!(found.system.items(), expected.system.items());
    prop_assert_eq!(found.system.source_items(), expected.system.source_items());
    Ok(())
}

/// Checks that an update names what differs between two results, and no more.
fn check_update(update: &Update, before: &RayPaths, after: &RayPaths) -> Result<(), TestCaseError> {
    let named: BTreeSet<(usize, u64)> = update.rays().iter().map(|id| (id.source, id.ray)).collect();
    prop_assert!(update.rays().windows(2).all(|pair| pair[0] < pair[1]), "{:?}", update.rays());
    prop_assert_eq!(update.indices().len(), update.paths().len());
    let (old, new) = (by_ray(before), by_ray(after));
    if update.is_whole() {
        prop_assert_eq!(bits(update.paths()), bits(after));
        prop_assert_eq!(named, new.keys().copied().collect::<BTreeSet<_>>());
        return Ok(());
    }
    let all: BTreeSet<&(usize, u64)> = old.keys().chain(new.keys()).collect();
    let differ: BTreeSet<(usize, u64)> = all.into_iter().filter(|ray| old.get(ray) != new.get(ray)).copied().collect();
    prop_assert_eq!(&named, &differ);
    let told = by_ray(update.paths());
    let expected: BTreeMap<_, _> = new.into_iter().filter(|(ray, _)| named.contains(ray)).collect();
    prop_assert!(told == expected, "the paths of an update are not those of its rays");
    for (path, &index) in update.paths().iter().zip(update.indices()) {
        prop_assert_eq!(path.points(), after.get(index).unwrap().points());
        prop_assert_eq!(update.paths().ray_indices()[path.index()], after.ray_indices()[index]);
    }
    Ok(())
}

fn check(scene: Scene, edits: &[(RandomEdit, bool)], snap: bool, options: &TraceOptions) -> Result<(), TestCaseError> {
    let mut tracer = Tracer::new(scene.clone(), options.clone()).unwrap();
    let mut plain = scene;
    let mut editor = Editor { snap, added: 0, undo: None };
    let mut before = trace(&compiled(&plain).system, options).unwrap();
    prop_assert!(bits(&tracer.clone().paths()) == bits(&before), "the first trace differs");
    for (step, (random, read)) in edits.iter().enumerate() {
        let Some(edit) = editor.edit(&plain, random) else { continue };
        let applied = plain.apply(&edit);
        let updated = tracer.update(&edit);
        prop_assert_eq!(applied.is_ok(), updated.is_ok());
        let (Ok(inverse), Ok(update)) = (applied, updated) else { continue };
        prop_assert_eq!(update.inverse(), Some(&inverse));
        editor.undo = Some(inverse);
        prop_assert_eq!(tracer.scene().to_json(), plain.to_json());
        let fresh = compiled(&plain);
        check_system(tracer.compiled(), &fresh)?;
        let after = trace(&fresh.system, options).unwrap();
        // Reading puts the parts together: both are to be met, tracers that were read and tracers that were not.
        let found = if *read { tracer.paths() } else { tracer.clone().paths() };
        prop_assert!(bits(&found) == bits(&after), "step {} differs: {:?}", step, edit);
        prop_assert_eq!(found.items(), after.items());
        prop_assert_eq!(found.source_items(), after.source_items());
        check_update(&update, &before, &after)?;
        before = after;
    }
    Ok(())
}

#[test]
fn moving_a_mirror_traces_the_rays_that_meet_it_before_or_after() {
    let fan = source(json!({"n_rays": 101, "size_mm": 100.0, "ray_length_mm": 200.0}));
    let mirror = component("mirror", vec![vertical("mirror", 50.0, 5.0, 0.0, json!({}))]);
    let mut tracer = Tracer::new(scene(vec![fan, mirror]), TraceOptions::default()).unwrap();
    let update = tracer.update(&Edit::Move { id: "mirror".into(), x_mm: 0.0, y_mm: 3.0 }).unwrap();
    // The rays are 1 mm apart; those at −5 to −3 meet it no more, those at 6 to 8 do now, and those between meet it as before.
    let rays: Vec<u64> = update.rays().iter().map(|id| id.ray).collect();
    assert_eq!(rays, [45, 46, 47, 56, 57, 58]);
    assert_eq!(update.traced_rays(), 14);
    let annotated = Edit::Set { id: "mirror".into(), changes: vec![PropertyChange::set("name", "M1")] };
    let update = tracer.update(&annotated).unwrap();
    assert_eq!((update.rays().len(), update.traced_rays()), (0, 0));
}

#[test]
fn a_result_at_the_limit_on_vertices_is_traced_whole() {
    // Two rays of two vertices each. At the limit itself a whole trace is made, as it may stop at a path that comes to nothing.
    let items = |y: f64| {
        let ray = source(json!({"item_uuid": "a", "ray_length_mm": 100.0, "y_mm": y}));
        scene(vec![ray, source(json!({"item_uuid": "b"}))])
    };
    for (max_vertices, whole) in [(3, true), (4, true), (5, false)] {
        let options = TraceOptions { max_vertices, ..TraceOptions::default() };
        let mut tracer = Tracer::new(items(0.0), options.clone()).unwrap();
        let update = tracer.update(&Edit::Move { id: "a".into(), x_mm: 0.0, y_mm: 1.0 }).unwrap();
        assert_eq!(update.is_whole(), whole, "{max_vertices}");
        assert_eq!(update.traced_rays(), if whole { 2 } else { 1 });
        let expected = trace(&compiled(&items(1.0)).system, &options).unwrap();
        assert!(bits(&tracer.paths()) == bits(&expected));
    }
}

#[test]
fn a_cancelled_update_leaves_all_as_it_was() {
    let fan = source(json!({"n_rays": 11, "size_mm": 10.0}));
    let mirror = component("mirror", vec![vertical("mirror", 50.0, 5.0, 0.0, json!({}))]);
    let before = scene(vec![fan, mirror]);
    let mut tracer = Tracer::new(before.clone(), TraceOptions::default()).unwrap();
    let control = TraceControl::new();
    control.cancel();
    let cancelled = Tracer::with_control(before.clone(), TraceOptions::default(), &control);
    assert_eq!(cancelled.unwrap_err(), TraceError::Cancelled);
    let edit = Edit::Move { id: "mirror".into(), x_mm: 0.0, y_mm: 3.0 };
    assert_eq!(tracer.update_with_control(&edit, &control).unwrap_err(), UpdateError::Cancelled);
    let other = scene(vec![source(json!({"n_rays": 3, "size_mm": 10.0}))]);
    assert_eq!(tracer.replace(other, &control).unwrap_err(), TraceError::Cancelled);
    assert_eq!(tracer.scene().to_json(), before.to_json());
    assert!(bits(&tracer.paths()) == bits(&trace(&compiled(&before).system, &TraceOptions::default()).unwrap()));
    // The rays at −5 to −3 meet it no more.
    assert_eq!(tracer.update(&edit).unwrap().rays().len(), 3);
}

#[test]
fn an_update_is_made_only_if_the_system_is_wanted() {
    let before = scene(vec![
        source(json!({"n_rays": 3, "size_mm": 10.0})),
        component("mirror", vec![vertical("mirror", 50.0, 20.0, 0.0, json!({}))]),
    ]);
    let mut tracer = Tracer::new(before.clone(), TraceOptions::default()).unwrap();
    let edit = Edit::Remove { id: "mirror".into() };
    let control = TraceControl::new();
    let refused = tracer.update_if(&edit, &control, |system| system.surfaces().len() == 1);
    assert_eq!(refused.unwrap_err(), UpdateError::Cancelled);
    assert_eq!(tracer.scene().to_json(), before.to_json());
    assert!(bits(&tracer.paths()) == bits(&trace(&compiled(&before).system, &TraceOptions::default()).unwrap()));
    assert_eq!(control.progress(), (0, 0));
    let update = tracer.update_if(&edit, &control, |system| system.surfaces().is_empty()).unwrap();
    assert_eq!(update.rays().len(), 3);
}

#[test]
fn what_is_refused_changes_nothing() {
    let bad = TraceOptions { min_intensity: f64::NAN, ..TraceOptions::default() };
    assert!(matches!(Tracer::new(Scene::new(), bad), Err(TraceError::InvalidOption { option: "min_intensity", .. })));
    let mut tracer = Tracer::new(scene(vec![source(json!({}))]), TraceOptions::default()).unwrap();
    let refused = tracer.update(&Edit::Remove { id: "nobody".into() }).unwrap_err();
    assert_eq!(refused.to_string(), "there is no item nobody");
    assert_eq!(tracer.paths().len(), 1);
}

#[test]
fn progress_counts_the_rays_that_are_traced_again() {
    let fan = source(json!({"n_rays": 101, "size_mm": 100.0, "ray_length_mm": 200.0}));
    let mirror = component("mirror", vec![vertical("mirror", 50.0, 5.0, 0.0, json!({}))]);
    let control = TraceControl::new();
    let mut tracer = Tracer::with_control(scene(vec![fan, mirror]), TraceOptions::default(), &control).unwrap();
    assert_eq!(control.progress(), (101, 101));
    tracer.update_with_control(&Edit::Remove { id: "mirror".into() }, &control).unwrap();
    assert_eq!(control.progress(), (11, 11));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn after_each_edit_the_paths_are_those_of_a_trace(
        random in any_scene(12, 20),
        edits in prop::collection::vec((any_edit(), prop::bool::weighted(0.3)), 1..10),
        snap in any::<bool>(),
        options in any_options(),
    ) {
        check(scene_of(&random, snap), &edits, snap, &options)?;
    }

    #[test]
    fn another_scene_takes_the_place_of_the_first(
        random in any_scene(12, 20),
        edits in prop::collection::vec(any_edit(), 1..5),
        snap in any::<bool>(),
        options in any_options(),
    ) {
        let first = scene_of(&random, snap);
        let mut tracer = Tracer::new(first.clone(), options.clone()).unwrap();
        let mut second = first.clone();
        let mut editor = Editor { snap, added: 0, undo: None };
        if let Some(edit) = editor.edit(&second, &RandomEdit::Batch(edits)) {
            second.apply(&edit).unwrap();
        }
        let before = trace(&compiled(&first).system, &options).unwrap();
        let fresh = compiled(&second);
        let after = trace(&fresh.system, &options).unwrap();
        let update = tracer.replace(second, &TraceControl::new()).unwrap();
        prop_assert_eq!(update.inverse(), None);
        check_system(tracer.compiled(), &fresh)?;
        prop_assert!(bits(&tracer.paths()) == bits(&after));
        check_update(&update, &before, &after)?;
    }
}

/// The order in the file says which of two surfaces in one place acts first.
#[test]
fn an_item_that_is_put_elsewhere_in_the_list_is_seen_there() {
    let lens = component("lens", vec![vertical("lens", 50.0, 6.0, 0.0, json!({"efl_mm": 100.0}))]);
    let mirror = component("mirror", vec![vertical("mirror", 50.0, 6.0, 0.0, json!({}))]);
    let scene = scene(vec![source(json!({"y_mm": 1.0})), lens, mirror]);
    let item = scene.get("mirror").unwrap().clone();
    let ahead = Edit::Batch(vec![Edit::Remove { id: "mirror".into() }, Edit::Add { item, position: Some(0) }]);
    let (mut tracer, mut plain) = (Tracer::new(scene.clone(), all_light(80)).unwrap(), scene);
    let before = tracer.paths();
    let mut edit = ahead;
    for _ in 0..2 {
        let undo = plain.apply(&edit).unwrap();
        let update = tracer.update(&edit).unwrap();
        check_system(tracer.compiled(), &compiled(&plain)).unwrap();
        assert_eq!(bits(&tracer.paths()), bits(&trace(&compiled(&plain).system, &all_light(80)).unwrap()));
        assert_eq!(update.rays().len(), 1);
        edit = undo;
    }
    assert_eq!(bits(&tracer.paths()), bits(&before));
}

/// Up to 60 % of the rays are traced again by themselves; where more may have changed, all are.
#[test]
fn where_most_rays_are_stale_all_are_traced() {
    for (met, traced) in [(1, 1), (59, 59), (60, 60), (61, 100), (100, 100)] {
        // A hundred rays 1 mm apart, the lowest of them at a mirror.
        let rays = source(json!({"n_rays": 100, "size_mm": 99.0, "y_mm": 49.5}));
        let half = 0.5 * f64::from(met);
        let mirror = with(
            component("mirror", vec![vertical("mirror", 50.0, half, 0.0, json!({}))]),
            json!({"y_mm": half - 0.5}),
        );
        let mut tracer = Tracer::new(scene(vec![rays, mirror]), all_light(80)).unwrap();
        let update = tracer.update(&Edit::Move { id: "mirror".into(), x_mm: 0.0, y_mm: 1e4 }).unwrap();
        assert_eq!((update.rays().len(), update.traced_rays()), (met as usize, traced), "{met} rays at the mirror");
    }
}

/// Who has not been told of an update is told of everything by the next one.
#[test]
fn an_update_may_be_told_as_one_of_everything() {
    let rays = source(json!({"n_rays": 10, "size_mm": 9.0}));
    let mirror = component("mirror", vec![vertical("mirror", 50.0, 1.0, 0.0, json!({}))]);
    let mut tracer = Tracer::new(scene(vec![rays, mirror]), all_light(80)).unwrap();
    let update = tracer.update(&Edit::Move { id: "mirror".into(), x_mm: 1.0, y_mm: 0.0 }).unwrap();
    assert_eq!((update.is_whole(), update.rays().len(), update.traced_rays()), (false, 2, 2));
    let inverse = update.inverse().cloned();
    let whole = tracer.as_whole(update);
    assert_eq!((whole.is_whole(), whole.rays().len(), whole.traced_rays()), (true, 10, 2));
    assert_eq!((whole.inverse(), whole.indices()), (inverse.as_ref(), &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9][..]));
    assert_eq!(bits(whole.paths()), bits(&tracer.paths()));
}
