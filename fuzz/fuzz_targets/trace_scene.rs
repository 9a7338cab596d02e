//! Any scene is compiled or refused, drawn and traced by both presets, and the result is well formed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use optiverse_core::optics::{OpticalSystem, Strictness};
use optiverse_core::render::{SvgOptions, csv, json, svg};
use optiverse_core::scene::Scene;
use optiverse_core::trace::{Physics, TraceOptions, trace};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(scene) = Scene::from_json(text) else { return };
    let Ok(compiled) = OpticalSystem::compile(&scene, Strictness::Lenient) else { return };
    for (_, physics) in Physics::PRESETS {
        let options =
            TraceOptions { physics, max_events: 12, max_vertices: 3_000, threads: Some(1), ..TraceOptions::default() };
        let paths = trace(&compiled.system, &options).expect("the options can be used");
        assert!(paths.vertex_count() <= options.max_vertices);
        assert!(paths.offsets().windows(2).all(|pair| pair[1] >= pair[0] + 2), "a path has two vertices at least");
        assert!(paths.points().iter().all(|point| point.is_finite()), "every vertex has a place");
        if physics == Physics::EXACT {
            let balance = paths.power_balance();
            let error = (balance.accounted() - balance.emitted).abs();
            assert!(error <= 1e-9 * balance.emitted.max(1.0), "power is kept: {balance:?}");
            let drawn = svg(&compiled.system, Some(&paths), &SvgOptions::default());
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "every number of a picture is finite");
            assert!(!csv(&paths).is_empty() && !json(&paths).is_empty());
        }
    }
});
