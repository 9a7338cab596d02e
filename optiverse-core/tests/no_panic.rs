//! Whatever values a file holds, it is compiled and traced without a panic, and the books of power balance.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test and its helpers fail by panicking")]

mod common;

use common::*;
use optiverse_core::optics::{OpticalSystem, Severity, Strictness};
use optiverse_core::scene::Value;
use optiverse_core::trace::{Physics, TraceOptions, trace};
use proptest::prelude::*;
use serde_json::json;

/// One of everything, so that a change anywhere matters.
fn one_of_everything() -> Vec<Value> {
    let kinds = [
        json!({"element_type": "lens", "efl_mm": 80.0, "clear_aperture_mm": 15.0}),
        json!({"element_type": "mirror", "reflectivity": 98.0}),
        json!({"element_type": "beam_splitter", "split_T": 50.0, "split_R": 50.0, "is_polarizing": false}),
        json!({"element_type": "beam_splitter", "is_polarizing": true, "pbs_transmission_axis_deg": 10.0}),
        json!({"element_type": "dichroic", "cutoff_wavelength_nm": 550.0, "transition_width_nm": 50.0, "pass_type": "longpass"}),
        json!({"element_type": "refractive_interface", "n1": 1.0, "n2": 1.5, "n2_material": "N-BK7"}),
        json!({"element_type": "waveplate", "phase_shift_deg": 90.0, "fast_axis_deg": 45.0}),
        json!({"element_type": "polarizing_interface", "polarizer_subtype": "linear_polarizer", "transmission_axis_deg": 30.0,
            "extinction_ratio_db": 40.0}),
        json!({"element_type": "polarizing_interface", "polarizer_subtype": "faraday_rotator", "rotation_angle_deg": 45.0}),
        json!({"element_type": "slm"}),
        json!({"element_type": "beam_block"}),
    ];
    let place = |(i, element): (usize, Value)| {
        let radius = [0.0, 40.0, -40.0][i % 3];
        let item = component(&format!("c{i}"), vec![vertical("mirror", 10.0 * i as f64, 10.0, radius, element)]);
        with(item, json!({"angle_deg": 7.0 * i as f64, "image_path": "", "category": "optics"}))
    };
    let beam = json!({"item_uuid": "beam", "source_type": "gaussian", "beam_waist_mm": 0.5, "x_mm": -30.0});
    let fan = json!({"item_uuid": "fan", "n_rays": 5, "size_mm": 4.0, "spread_deg": 3.0, "use_custom_jones": true,
        "custom_jones_ex_real": 0.6, "custom_jones_ey_imag": 0.8, "color_hex": "#DC143C", "x_mm": -20.0});
    let sources = [source(beam), source(fan)];
    sources.into_iter().chain(kinds.into_iter().enumerate().map(place)).collect()
}

fn any_value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(|x| json!(x)),
        prop::sample::select(vec![0.0, -0.0, 1.0, -1.0, 5e-324, 1e-300, 1e-9, 1e9, 1e15, 1e150, f64::MAX])
            .prop_map(|x| json!(x)),
        (-100.0..100.0_f64).prop_map(|x| json!(x)),
        any::<i64>().prop_map(|x| json!(x)),
    ];
    let words =
        ["", "ray", "gaussian", "linear", "lens", "mirror", "refractive_interface", "polarizing_interface", "é\u{0}"];
    let text = prop::sample::select(words.to_vec()).prop_map(|word| json!(word));
    prop_oneof![
        6 => number,
        1 => any::<bool>().prop_map(|b| json!(b)),
        2 => text,
        1 => Just(json!(null)),
        1 => Just(json!([])),
        1 => Just(json!({"a": 1})),
        1 => Just(json!([{"element_type": "mirror"}])),
    ]
}

/// Sets one property of an item, or of its interface.
fn mutate(item: &mut Value, key: usize, value: Value) {
    let own: Vec<String> = item.as_object().unwrap().keys().cloned().collect();
    let inner: Vec<String> = item["interfaces"][0].as_object().map(|o| o.keys().cloned().collect()).unwrap_or_default();
    let at = key % (own.len() + inner.len());
    if at < own.len() {
        item[own[at].as_str()] = value;
    } else {
        item["interfaces"][0][inner[at - own.len()].as_str()] = value;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn no_value_anywhere_makes_a_trace_panic(
        changes in prop::collection::vec((0..13_usize, 0..40_usize, any_value()), 1..5),
    ) {
        let mut items = one_of_everything();
        for (item, key, value) in changes {
            mutate(&mut items[item], key, value);
        }
        let scene = scene(items);
        let compiled = OpticalSystem::compile(&scene, Strictness::Lenient).unwrap();
        let errors = compiled.reports.iter().any(|report| report.severity == Severity::Error);
        prop_assert_eq!(OpticalSystem::compile(&scene, Strictness::Strict).is_err(), errors);
        for physics in [Physics::EXACT, Physics::OPTIVERSE_034] {
            let options = TraceOptions { physics, max_vertices: 3000, threads: Some(1), ..Default::default() };
            let paths = trace(&compiled.system, &options).unwrap();
            if physics == Physics::EXACT {
                let balance = paths.power_balance();
                prop_assert!((balance.accounted() - balance.emitted).abs() <= 1e-9 * balance.emitted, "{:?}", balance);
                prop_assert!(paths.points().iter().all(|p| p.is_finite()));
                prop_assert!(paths.intensities().iter().all(|i| (0.0..=1.0 + 1e-9).contains(i)));
            }
        }
    }
}
