//! Every documented limit at and one past it, and every value that cannot be used: refused by name.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test and its helpers fail by panicking")]

mod common;

use std::time::Duration;

use common::*;
use glam::DVec2;
use optiverse_core::geometry::Segment;
use optiverse_core::optics::element::Element;
use optiverse_core::optics::{
    Compiled, OpticalSystem, Report, Severity, Shape, Source, Strictness, Surface, SystemError,
};
use optiverse_core::scene::{Scene, Value};
use optiverse_core::trace::{Ending, Physics, TraceControl, TraceError, TraceOptions, trace, trace_with_control};
use serde_json::json;

/// Stands for a value that is written into the text of a scene, as `NaN` is not a JSON value.
const HOLE: &str = "@@";

/// A source, a component and another one of each kind that shall not be touched.
fn scene_with(item: &Value, raw: &str) -> Scene {
    let others = [
        with(ray_from(500.0, 0.0, 0.0), json!({"item_uuid": "other source"})),
        component("other", vec![vertical("mirror", 600.0, 5.0, 0.0, json!({}))]),
    ];
    let items = [vec![item.clone()], others.to_vec()].concat();
    let text = json!({"version": "2.0", "items": items}).to_string();
    Scene::from_json(&text.replace(&format!("\"{HOLE}\""), raw)).unwrap()
}

fn compile(item: &Value, raw: &str) -> Compiled {
    OpticalSystem::compile(&scene_with(item, raw), Strictness::Lenient).unwrap()
}

/// Checks that a value is reported once, by item, key, value and what was expected; that strict compiling refuses the scene; and
/// that lenient compiling leaves out the item and nothing else.
fn refused(item: &Value, key: &str, raw: &str) -> Report {
    let error = OpticalSystem::compile(&scene_with(item, raw), Strictness::Strict)
        .expect_err(&format!("{key} = {raw} should be refused"));
    let [report] = error.reports() else { panic!("{key} = {raw}: {:?}", error.reports()) };
    assert_eq!(report.severity, Severity::Error, "{key} = {raw}");
    assert_eq!(report.item.as_str(), item["item_uuid"].as_str().unwrap());
    assert_eq!((report.key.as_str(), report.value.as_str()), (key, raw));
    assert!(!report.expected.is_empty());
    let message = error.to_string();
    assert!(message.contains(key) && message.contains(raw) && message.contains(&report.expected), "{message}");

    let lenient = compile(item, raw);
    assert_eq!(lenient.reports, error.reports());
    assert_eq!((lenient.system.sources().len(), lenient.system.surfaces().len()), (1, 1), "{key} = {raw}");
    assert_eq!(lenient.system.items()[lenient.system.surfaces()[0].item()].as_str(), "other");
    report.clone()
}

fn taken(item: &Value, key: &str, raw: &str) {
    let compiled = compile(item, raw);
    assert_eq!(compiled.reports, [], "{key} = {raw} should be taken");
    assert_eq!(compiled.system.sources().len() + compiled.system.surfaces().len(), 3, "{key} = {raw}");
}

/// What is no number at all.
const NO_NUMBERS: [&str; 10] =
    ["null", "\"text\"", "\"1\"", "NaN", "Infinity", "-Infinity", "1e400", "true", "[1]", "{}"];
const NO_BOOLEANS: [&str; 6] = ["null", "\"true\"", "1", "0", "[]", "{}"];
const NO_TEXTS: [&str; 5] = ["null", "5", "true", "[\"lens\"]", "{}"];

/// A key with what makes it count, values of its own type that are refused, and values that are taken.
struct Row(&'static str, Value, &'static [&'static str], &'static [&'static str]);

fn source_rows() -> Vec<Row> {
    let gaussian = || json!({"source_type": "gaussian"});
    let custom = || json!({"use_custom_jones": true});
    vec![
        Row("x_mm", json!({}), &["1.000001e9", "-1.000001e9"], &["1e9", "-1e9", "0"]),
        Row("y_mm", json!({}), &["1.000001e9", "-1.000001e9"], &["1e9", "-1e9", "0"]),
        Row("angle_deg", json!({}), &[], &["-720.5", "1e300"]),
        Row("size_mm", json!({}), &["1.000001e9", "-1.000001e9"], &["0", "1e9", "-5"]),
        Row("n_rays", json!({}), &["-1", "2.5", "10000001", "1e300"], &["0", "1", "9.0", "10000000"]),
        Row("ray_length_mm", json!({}), &["0", "-0.0", "-5", "1.000001e9"], &["1e9", "1e-300"]),
        Row("spread_deg", json!({}), &[], &["-5", "0", "1e9"]),
        Row("wavelength_nm", json!({}), &[], &["0", "-5", "1e6"]),
        Row("wavelength_nm", gaussian(), &["0", "-5"], &["1e-3", "1e6"]),
        Row("beam_waist_mm", gaussian(), &["0", "-0.5", "1.000001e9"], &["1e9", "1e-3"]),
        Row("polarization_angle_deg", json!({"polarization_type": "linear"}), &[], &["0", "-1e6"]),
        Row("custom_jones_ex_real", custom(), &[], &["0.5", "-1e3"]),
        Row("custom_jones_ex_imag", custom(), &[], &["0.5", "-1e3"]),
        Row("custom_jones_ey_real", custom(), &[], &["0.5", "-1e3"]),
        Row("custom_jones_ey_imag", custom(), &[], &["0.5", "-1e3"]),
    ]
}

/// The rows of interfaces: the key with the element it belongs to.
fn interface_rows() -> Vec<Row> {
    let of = |kind: &str| json!({"element_type": kind});
    let polarising = |subtype: &str| json!({"element_type": "polarizing_interface", "polarizer_subtype": subtype});
    let curved = json!({"element_type": "mirror", "is_curved": true});
    let beyond: &[&str] = &["1.000001e9", "-1.000001e9"];
    vec![
        Row("x1_mm", of("mirror"), beyond, &["1e9", "-1e9", "0"]),
        Row("y1_mm", of("mirror"), beyond, &["1e9", "-1e9", "10"]),
        Row("x2_mm", of("mirror"), beyond, &["1e9", "-1e9", "0"]),
        Row("y2_mm", of("mirror"), beyond, &["1e9", "-1e9", "-10"]),
        // Half the chord is 10 mm; a radius up to 1e-6 is how files write "flat".
        Row("radius_of_curvature_mm", curved, &["9.9999", "-9.9999", "1.1e-6"], &["0", "1e-6", "10", "-10", "1e9"]),
        Row("efl_mm", of("lens"), &["0", "-0.0", "1e-13", "-9e-13"], &["1e-12", "-1e-12", "-50", "1e9"]),
        Row("clear_aperture_mm", of("lens"), &["-1", "-1e-9"], &["0", "25.4", "1e9"]),
        Row("reflectivity", of("mirror"), &["-0.001", "100.001"], &["0", "100"]),
        Row("reflectivity", of("slm"), &["-0.001", "100.001"], &["0", "100"]),
        Row("split_T", of("beam_splitter"), &["-1", "100.1"], &["0", "50"]),
        Row("split_R", of("beam_splitter"), &["-1", "100.1", "50.1"], &["0", "50"]),
        Row("split_R", of("beamsplitter"), &["50.1"], &["50"]),
        Row(
            "pbs_transmission_axis_deg",
            json!({"element_type": "beam_splitter", "is_polarizing": true}),
            &[],
            &["0", "-1e6"],
        ),
        Row("cutoff_wavelength_nm", of("dichroic"), &["-1"], &["0", "1e6"]),
        Row("transition_width_nm", of("dichroic"), &["-1"], &["0", "1e6"]),
        Row("n1", of("refractive_interface"), &["0.999", "0", "-1.5", "1000001"], &["1", "4", "1e6"]),
        Row("n2", of("refractive_interface"), &["0.999", "0", "-1.5", "1000001"], &["1", "4", "1e6"]),
        Row("phase_shift_deg", of("waveplate"), &[], &["-90", "0", "1e6"]),
        Row("fast_axis_deg", of("waveplate"), &[], &["-90", "0", "1e6"]),
        Row("phase_shift_deg", polarising("waveplate"), &[], &["-90"]),
        Row("fast_axis_deg", polarising("waveplate"), &[], &["-90"]),
        Row("transmission_axis_deg", polarising("linear_polarizer"), &[], &["-90", "1e6"]),
        Row("extinction_ratio_db", polarising("linear_polarizer"), &["-0.1"], &["0", "1e6"]),
        Row("rotation_angle_deg", polarising("faraday_rotator"), &[], &["-45", "1e6"]),
    ]
}

fn one_interface(extra: Value) -> Value {
    component("item", vec![vertical("mirror", 0.0, 10.0, 0.0, extra)])
}

#[test]
fn each_number_of_a_source_is_checked() {
    for Row(key, context, bad, good) in source_rows() {
        let item = with(with(source(json!({})), context), json!({key: HOLE}));
        for raw in NO_NUMBERS.iter().chain(bad) {
            refused(&item, key, raw);
        }
        good.iter().for_each(|raw| taken(&item, key, raw));
    }
}

#[test]
fn each_number_of_an_interface_is_checked() {
    for Row(key, context, bad, good) in interface_rows() {
        let item = one_interface(with(context, json!({key: HOLE})));
        for raw in NO_NUMBERS.iter().chain(bad) {
            refused(&item, &format!("interfaces[0].{key}"), raw);
        }
        good.iter().for_each(|raw| taken(&item, key, raw));
    }
}

#[test]
fn each_number_of_a_component_is_checked() {
    for (key, bad) in [("x_mm", "1.000001e9"), ("y_mm", "-1.000001e9"), ("angle_deg", "NaN")] {
        let item = with(one_interface(json!({})), json!({key: HOLE}));
        NO_NUMBERS.iter().chain([&bad]).for_each(|raw| {
            refused(&item, key, raw);
        });
        // The interface reaches 10 mm up and down.
        taken(&item, key, if key == "y_mm" { "999999990" } else { "1e9" });
    }
}

#[test]
fn what_is_placed_beyond_the_largest_coordinate_is_refused() {
    let far = with(one_interface(json!({"x1_mm": 1e9, "x2_mm": 0})), json!({"x_mm": HOLE}));
    taken(&far, "x_mm", "0");
    let error = OpticalSystem::compile(&scene_with(&far, "1"), Strictness::Strict).unwrap_err();
    assert_eq!((error.reports().len(), error.reports()[0].key.as_str()), (1, "interfaces[0].x1_mm"));
    let segment = Segment::new(DVec2::ZERO, DVec2::new(1.000_001e9, 0.0)).unwrap();
    let surface = Surface::new(Shape::Segment(segment), Element::BeamBlock, 0, 0);
    let error = OpticalSystem::new(vec![surface], vec![], vec!["far".into()], vec![]).unwrap_err();
    assert_eq!(error, SystemError::TooFar { surface: 0 });
}

#[test]
fn each_switch_is_checked() {
    let item = with(source(json!({})), json!({"use_custom_jones": HOLE}));
    NO_BOOLEANS.iter().for_each(|raw| {
        refused(&item, "use_custom_jones", raw);
    });
    for (key, kind) in [("is_curved", "mirror"), ("is_polarizing", "beam_splitter")] {
        let item = one_interface(json!({"element_type": kind, key: HOLE}));
        NO_BOOLEANS.iter().for_each(|raw| {
            refused(&item, &format!("interfaces[0].{key}"), raw);
        });
        taken(&item, key, "false");
    }
}

#[test]
fn each_name_is_checked() {
    let unknown = "\"unheard of\"";
    for key in ["source_type", "polarization_type"] {
        let item = with(source(json!({})), json!({key: HOLE}));
        NO_TEXTS.iter().chain([&unknown]).for_each(|raw| {
            refused(&item, key, raw);
        });
    }
    for (key, kind) in [("pass_type", "dichroic"), ("polarizer_subtype", "polarizing_interface")] {
        let item = one_interface(json!({"element_type": kind, key: HOLE}));
        NO_TEXTS.iter().chain([&unknown]).for_each(|raw| {
            refused(&item, &format!("interfaces[0].{key}"), raw);
        });
    }
    let item = one_interface(json!({"element_type": HOLE}));
    NO_TEXTS.iter().chain([&unknown]).for_each(|raw| {
        refused(&item, "interfaces[0].element_type", raw);
    });
    for key in ["n1_material", "n2_material"] {
        let item = one_interface(json!({"element_type": "refractive_interface", key: HOLE}));
        // No material is written as null or an empty text.
        NO_TEXTS[1..].iter().chain([&unknown]).for_each(|raw| {
            refused(&item, &format!("interfaces[0].{key}"), raw);
        });
        ["null", "\"\"", "\"n-bk7\""].iter().for_each(|raw| taken(&item, key, raw));
    }
}

#[test]
fn what_is_no_item_or_interface_is_reported() {
    for raw in ["5", "\"text\"", "{}", "true"] {
        let item = json!({"_type": "component", "item_uuid": "item", "interfaces": HOLE});
        refused(&item, "interfaces", raw);
    }
    for raw in ["5", "\"text\"", "null", "[]"] {
        let item = json!({"_type": "component", "item_uuid": "item", "interfaces": [HOLE]});
        refused(&item, "interfaces[0]", raw);
    }
    for raw in ["5", "\"hologram\"", "null", "[]"] {
        refused(&json!({"_type": HOLE, "item_uuid": "item"}), "_type", raw);
    }
}

#[test]
fn a_dark_jones_vector_is_refused() {
    let dark = json!({"use_custom_jones": true, "custom_jones_ex_real": 0.0});
    let error = OpticalSystem::compile(&scene(vec![with(source(json!({})), dark)]), Strictness::Strict).unwrap_err();
    assert_eq!((error.reports().len(), error.reports()[0].key.as_str()), (1, "custom_jones"));
}

#[test]
fn what_is_expected_tells_the_limit() {
    let beyond = [
        refused(&source(json!({"x_mm": HOLE})), "x_mm", "2e9"),
        refused(&source(json!({"ray_length_mm": HOLE})), "ray_length_mm", "2e9"),
        refused(&source(json!({"source_type": "gaussian", "beam_waist_mm": HOLE})), "beam_waist_mm", "2e9"),
    ];
    for report in beyond {
        assert!(report.expected.contains("1e9"), "{} = 2e9, expected {}", report.key, report.expected);
    }
}

#[test]
fn long_values_are_cut_in_reports() {
    for (length, cut) in [(78, false), (79, true)] {
        let item = source(json!({"source_type": "x".repeat(length)}));
        let report = &compile(&item, "").reports[0];
        assert_eq!((report.value.chars().count(), report.value.ends_with('…')), (80, cut));
    }
}

#[test]
fn end_points_are_at_least_a_billionth_of_a_millimetre_apart() {
    let at = |gap: f64| component("item", vec![interface("mirror", DVec2::ZERO, DVec2::new(gap, 0.0), json!({}))]);
    taken(&at(1e-9), "x2_mm", "");
    refused(&at(9.9e-10), "interfaces[0].x2_mm", "9.9e-10");
    refused(&at(0.0), "interfaces[0].x2_mm", "0.0");
}

#[test]
fn nothing_in_a_system_lies_beyond_the_largest_coordinate() {
    // Each number is within the limit; the place in the scene is not.
    let far = with(one_interface(json!({"x1_mm": 1e9, "x2_mm": 1e9})), json!({"x_mm": 1e9}));
    let system = compile(&far, "").system;
    for surface in system.surfaces() {
        let reach = surface.shape().aabb();
        assert!(reach.max.abs().max_element() <= OpticalSystem::MAX_COORDINATE_MM, "{:?}", reach.max);
    }
}

#[test]
fn a_material_answers_in_its_range_only() {
    let item = |wavelength: f64| {
        let glass = json!({"n2": 1.5, "n2_material": "N-BK7"});
        vec![
            with(source(json!({})), json!({"wavelength_nm": wavelength})),
            component("glass", vec![vertical("refractive_interface", 0.0, 10.0, 0.0, glass)]),
            component("mirror", vec![vertical("mirror", 20.0, 10.0, 0.0, json!({}))]),
        ]
    };
    for wavelength in [300.0, 2500.0] {
        assert_eq!(system(item(wavelength)).surfaces().len(), 2);
    }
    for wavelength in [299.9, 2500.1, 0.0] {
        let scene = scene(item(wavelength));
        let error = OpticalSystem::compile(&scene, Strictness::Strict).unwrap_err();
        let [report] = error.reports() else { panic!("{:?}", error.reports()) };
        assert_eq!((report.item.as_str(), report.key.as_str()), ("glass", "interfaces[0].n2_material"));
        assert_eq!(report.value, "\"N-BK7\"");
        assert!(report.expected.contains("300") && report.expected.contains("2500"), "{}", report.expected);
        let lenient = OpticalSystem::compile(&scene, Strictness::Lenient).unwrap();
        assert_eq!((lenient.system.surfaces().len(), lenient.system.sources().len()), (1, 1));
    }
}

/// A source and two beam splitters: several paths.
/// Enough for several threads to be started: they take sixteen at a time, once a thousand vertices are traced.
const RAYS: i64 = 400;

fn splitters() -> OpticalSystem {
    let halves = json!({"split_T": 50.0, "split_R": 50.0});
    system(vec![
        with(ray_from(-10.0, 0.0, 0.0), json!({"size_mm": 4.0, "n_rays": RAYS})),
        component("a", vec![vertical("beam_splitter", 0.0, 10.0, 0.0, halves.clone())]),
        component("b", vec![vertical("beam_splitter", 20.0, 10.0, 0.0, halves)]),
    ])
}

fn ends(options: &TraceOptions) -> Vec<Ending> {
    trace(&splitters(), options).unwrap().endings().to_vec()
}

#[test]
fn max_events_of_none_and_one() {
    let none = trace(&splitters(), &all_light(0)).unwrap();
    assert!(none.is_empty());
    assert_close(none.power_balance().too_many_events, RAYS as f64, 0.0);
    let one = ends(&all_light(1));
    assert_eq!(one.len(), 2 * RAYS as usize);
    assert!(one.iter().all(|ending| *ending == Ending::TooManyEvents));
    let two = ends(&all_light(2));
    assert!(two.contains(&Ending::Left));
}

#[test]
fn light_of_just_min_intensity_is_followed() {
    let strongest_not_followed = |min_intensity: f64| {
        let options = TraceOptions { min_intensity, ..all_light(80) };
        let paths = trace(&splitters(), &options).unwrap();
        paths.intensities().iter().fold(1.0_f64, |a, b| a.min(*b))
    };
    assert_eq!(strongest_not_followed(0.25), 0.25);
    assert_eq!(strongest_not_followed(0.250_000_001), 0.5);
    assert!(!ends(&TraceOptions { min_intensity: 1.0, ..all_light(80) }).is_empty());
    let nothing = trace(&splitters(), &TraceOptions { min_intensity: 1.000_001, ..all_light(80) }).unwrap();
    assert!(nothing.is_empty());
    assert_close(nothing.power_balance().too_weak, RAYS as f64, 0.0);
}

#[test]
fn min_intensity_0_follows_light_through_a_polariser_however_weak() {
    let polariser = json!({"polarizer_subtype": "linear_polarizer", "transmission_axis_deg": 0.0});
    let paths = trace_exact(vec![
        ray_from(-10.0, 0.0, 0.0),
        component(
            "filter",
            vec![
                vertical("beam_splitter", 0.0, 10.0, 0.0, json!({"split_T": 1e-5, "split_R": 0.0})),
                vertical("beam_splitter", 5.0, 10.0, 0.0, json!({"split_T": 1e-5, "split_R": 0.0})),
            ],
        ),
        component("polariser", vec![vertical("polarizing_interface", 20.0, 10.0, 0.0, polariser)]),
    ]);
    // The light is polarised along the axis: all of it passes.
    assert_eq!(paths.endings(), [Ending::Left]);
    assert_close(*paths.intensities().last().unwrap(), 1e-14, 1e-26);
}

#[test]
fn options_that_cannot_be_used_are_refused_by_name() {
    let min = |min_intensity: f64| TraceOptions { min_intensity, ..Default::default() };
    let length = |length_mm: f64| TraceOptions { length_mm: Some(length_mm), ..Default::default() };
    let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e-9];
    let hit = |smallest_hit_mm: f64| TraceOptions { smallest_hit_mm, ..Default::default() };
    let cases = bad.map(|v| ("min_intensity", min(v), v)).into_iter().chain(bad.map(|v| ("length_mm", length(v), v)));
    let cases = cases.chain(bad.map(|v| ("smallest_hit_mm", hit(v), v)));
    for (name, options, value) in cases.chain([("length_mm", length(0.0), 0.0)]) {
        let error = trace(&splitters(), &options).unwrap_err();
        assert!(matches!(error, TraceError::InvalidOption { option, .. } if option == name), "{error}");
        assert!(error.to_string().contains(&value.to_string()), "{error}");
    }
    assert!(trace(&splitters(), &length(1e-300)).is_ok());
    assert!(trace(&splitters(), &hit(0.0)).is_ok());
}

#[test]
fn hits_nearer_than_the_smallest_are_not_seen_by_the_rules_of_the_app() {
    let block = vec![vertical("beam_block", 10.0, 10.0, 0.0, json!({}))];
    let items = vec![ray_from(0.0, 0.0, 0.0), component("block", block)];
    let ending = |physics, smallest_hit_mm: f64| {
        let options = TraceOptions { physics, smallest_hit_mm, ..Default::default() };
        trace(&system(items.clone()), &options).unwrap().endings()[0]
    };
    for app in [Physics::OPTIVERSE_034, Physics::OPTIVERSE_027] {
        assert_eq!(ending(app, 10.0_f64.next_down()), Ending::Blocked);
        assert_eq!(ending(app, 10.0), Ending::Left);
    }
    assert_eq!(ending(Physics::EXACT, 10.0), Ending::Blocked);
}

#[test]
fn a_length_past_the_largest_coordinate_keeps_its_optical_path_finite_or_is_refused() {
    for length_mm in [1e9, 1e12, 1e200, f64::MAX] {
        let options = TraceOptions { length_mm: Some(length_mm), ..all_light(2) };
        match trace(&splitters(), &options) {
            Ok(paths) => assert!(
                paths.optical_paths_mm().iter().all(|l| l.is_finite()) && paths.points().iter().all(|p| p.is_finite()),
                "length {length_mm}"
            ),
            Err(error) => assert!(error.to_string().contains("length_mm"), "{error}"),
        }
    }
}

#[test]
fn max_vertices_holds_the_whole_result_or_marks_it() {
    let whole = trace(&splitters(), &all_light(4)).unwrap();
    let count = whole.vertex_count();
    assert!(count > 5_000, "{count}");
    for threads in [1, 4] {
        let at = |max_vertices: usize| {
            let options = TraceOptions { max_vertices, threads: Some(threads), ..all_light(4) };
            trace(&splitters(), &options).unwrap()
        };
        assert!(!at(count).is_truncated());
        assert_eq!(at(count).points(), whole.points());
        for most in [count - 1, count / 2, 1_500] {
            let cut = at(most);
            assert!(cut.is_truncated() && cut.vertex_count() <= most);
            // Where the limit falls between two paths, none is cut.
            assert!(most < count - 1 || *cut.endings().last().unwrap() == Ending::Limit);
            assert_eq!(cut.points(), &whole.points()[..cut.vertex_count()]);
        }
        let none = at(0);
        assert!(none.is_truncated() && none.is_empty());
        assert_close(none.power_balance().limit, RAYS as f64, 0.0);
    }
}

#[test]
fn a_ray_of_more_than_its_share_of_the_room_is_whole_all_the_same() {
    // Between two beam splitters, each of 400 passes leaves behind the way up to there.
    let half = json!({"split_T": 50.0, "split_R": 50.0});
    let facing =
        vec![vertical("beam_splitter", 1.0, 10.0, 0.0, half.clone()), vertical("beam_splitter", 2.0, 10.0, 0.0, half)];
    let rays = with(ray_from(0.0, 0.0, 0.0), json!({"ray_length_mm": 1e9, "n_rays": 3, "size_mm": 1.0}));
    let system = system(vec![rays, component("cavity", facing)]);
    let at = |max_vertices: usize, threads: usize| {
        let options = TraceOptions { max_vertices, threads: Some(threads), ..all_light(400) };
        trace(&system, &options).unwrap()
    };
    // A ray's share is the larger one of 65,536 vertices and a sixteenth of the room.
    let shared = at(TraceOptions::DEFAULT_MAX_VERTICES, 1);
    let of_one = shared.vertex_count() / 3;
    assert!((70_000..100_000).contains(&of_one), "{of_one}");
    for threads in [1, 2] {
        let alone = at(shared.vertex_count(), threads);
        assert!(!alone.is_truncated());
        assert_eq!((alone.points(), alone.jones()), (shared.points(), shared.jones()));
        let cut = at(shared.vertex_count() - 1, threads);
        assert!(cut.is_truncated());
        assert_eq!(cut.points(), &shared.points()[..cut.vertex_count()]);
    }
}

#[test]
fn any_number_of_threads_is_taken() {
    let points = |threads: Option<usize>| {
        trace(&splitters(), &TraceOptions { threads, ..all_light(4) }).unwrap().points().to_vec()
    };
    let one = points(Some(1));
    for threads in
        [None, Some(0), Some(TraceOptions::MAX_THREADS), Some(TraceOptions::MAX_THREADS + 1), Some(usize::MAX)]
    {
        assert_eq!(points(threads), one, "{threads:?}");
    }
}

#[test]
fn the_most_rays_are_counted_before_they_are_traced() {
    let many = source(json!({"n_rays": Source::MAX_RAYS, "size_mm": 1.0}));
    let control = TraceControl::new();
    control.cancel();
    let result = trace_with_control(&system(vec![many]), &TraceOptions::default(), &control);
    assert_eq!(result.unwrap_err(), TraceError::Cancelled);
    assert_eq!(control.progress(), (0, 10_000_000));
}

/// Traces light between two mirrors, and cancels that when so many rays are done.
fn cancelled(n_rays: u64, max_events: u32, threads: usize, when_done: u64) {
    let facing = vec![vertical("mirror", 0.0, 10.0, 0.0, json!({})), vertical("mirror", 1.0, 10.0, 0.0, json!({}))];
    let ray = with(ray_from(0.5, 0.0, 0.0), json!({"ray_length_mm": 1e9, "n_rays": n_rays, "size_mm": 1.0}));
    let system = system(vec![ray, component("mirrors", facing)]);
    let options = TraceOptions { max_vertices: 1 << 30, threads: Some(threads), ..all_light(max_events) };
    let control = TraceControl::new();
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            while control.progress().1 == 0 || control.progress().0 < when_done {
                std::thread::sleep(Duration::from_micros(100));
            }
            control.cancel();
        });
        trace_with_control(&system, &options, &control)
    });
    assert_eq!(result.unwrap_err(), TraceError::Cancelled);
    assert!(control.is_cancelled() && control.progress().0 < n_rays);
}

#[test]
fn a_trace_is_cancelled_from_another_thread() {
    for threads in [1, 4] {
        // In the midst of one ray, and of many on all threads.
        cancelled(64, u32::MAX, threads, 0);
        cancelled(1_000_000, 100, threads, 1_000);
    }
}

#[test]
fn progress_reaches_the_total_and_never_passes_it() {
    for threads in [1, 3] {
        for max_vertices in [100_000, 100, 700, 3_000, 1] {
            let control = TraceControl::new();
            assert_eq!(control.progress(), (0, 0));
            let options = TraceOptions { threads: Some(threads), max_vertices, ..all_light(4) };
            let paths = trace_with_control(&splitters(), &options, &control).unwrap();
            let (done, total) = control.progress();
            assert_eq!(total, RAYS as u64);
            if paths.is_truncated() {
                assert!(done <= total, "{done} of {total} on {threads} threads with {max_vertices} vertices");
            } else {
                assert_eq!(done, total);
            }
        }
    }
}
