//! A tracer that follows edits has, after each of them, what a trace of the edited scene gives, to the last bit.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test and its helpers fail by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::bits::{bits, by_ray};
use common::edits::{Editor, RandomEdit, any_edit, scene_of};
use common::random::{any_options, any_scene};
use optiverse_core::optics::{OpticalSystem, Strictness};
use optiverse_core::scene::Scene;
use optiverse_core::trace::{RayPaths, TraceOptions, Tracer, Update, trace};
use proptest::prelude::*;

fn full_trace(scene: &Scene, options: &TraceOptions) -> (RayPaths, Vec<optiverse_core::optics::Report>) {
    let compiled = OpticalSystem::compile(scene, Strictness::Lenient).unwrap();
    (trace(&compiled.system, options).unwrap(), compiled.reports)
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
    let (mut before, _) = full_trace(&plain, options);
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
        let (after, reports) = full_trace(&plain, options);
        prop_assert_eq!(&tracer.compiled().reports, &reports);
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
}
