//! CSV and JSON hold the arrays of a trace, to the last bit.
#![allow(clippy::unwrap_used, clippy::panic, reason = "output of another shape fails the test, as it should")]

use optiverse_core::optics::{OpticalSystem, Strictness};
use optiverse_core::render::{csv, json, raytrace_json};
use optiverse_core::scene::{Scene, Value};
use optiverse_core::trace::{RayPaths, TraceOptions, trace};

/// A fan and a Gaussian beam through a beam splitter and glass; one id needs quotes in CSV and escapes in JSON.
fn paths() -> RayPaths {
    let scene = Scene::from_json(
        r#"{"version": "2.0", "items": [
            {"_type": "source", "item_uuid": "fan, \"wide\"\n", "x_mm": -100, "n_rays": 3, "polarization_type": "circular_right"},
            {"_type": "source", "item_uuid": "beam", "x_mm": -90, "source_type": "gaussian", "beam_waist_mm": 0.3},
            {"_type": "component", "item_uuid": "BS \"1\", α", "x_mm": 0, "y_mm": 0, "angle_deg": 40, "interfaces": [
                {"element_type": "beam_splitter", "x1_mm": 0, "y1_mm": 20, "x2_mm": 0, "y2_mm": -20}]},
            {"_type": "component", "item_uuid": "window", "x_mm": 50, "y_mm": 0, "angle_deg": 10, "interfaces": [
                {"x1_mm": 0, "y1_mm": 20, "x2_mm": 0, "y2_mm": -20, "n1": 1, "n2": 1.5},
                {"x1_mm": 5, "y1_mm": 20, "x2_mm": 5, "y2_mm": -20, "n1": 1.5, "n2": 1}]}]}"#,
    )
    .unwrap();
    let compiled = OpticalSystem::compile(&scene, Strictness::Strict).unwrap();
    let paths = trace(&compiled.system, &TraceOptions::default()).unwrap();
    assert!(paths.iter().any(|path| path.is_gaussian()) && paths.iter().any(|path| !path.is_gaussian()));
    assert!(paths.iter().any(|path| path.parent().is_some()));
    paths
}

#[test]
fn csv_read_back_is_the_arrays() {
    let paths = paths();
    let text = csv(&paths);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), paths.vertex_count());
    let column = |row: usize, name: &str| {
        let at = header.iter().position(|column| column == name).unwrap();
        rows[row][at].to_owned()
    };
    let float = |row, name| column(row, name).parse::<f64>().unwrap();
    let whole = |row, name| column(row, name).parse::<usize>().unwrap();
    for path in paths.iter() {
        for (vertex, row) in path.vertices().enumerate() {
            assert_eq!((whole(row, "path"), whole(row, "vertex")), (path.index(), vertex));
            assert_eq!((float(row, "x_mm"), float(row, "y_mm")), path.points()[vertex].into());
            assert_eq!(float(row, "intensity"), path.intensities()[vertex]);
            let [h, v] = path.jones()[vertex];
            assert_eq!((float(row, "jones_h_re"), float(row, "jones_h_im")), (h.re, h.im));
            assert_eq!((float(row, "jones_v_re"), float(row, "jones_v_im")), (v.re, v.im));
            assert_eq!(float(row, "optical_path_mm"), path.optical_paths_mm()[vertex]);
            let radius = path.beam_radii_mm()[vertex];
            if radius.is_nan() {
                assert_eq!(column(row, "beam_radius_mm"), "");
            } else {
                assert_eq!(float(row, "beam_radius_mm"), radius);
            }
            let (item, interface) =
                path.hit(vertex).map_or_else(Default::default, |(item, i)| (item.to_string(), i.to_string()));
            assert_eq!((column(row, "item"), column(row, "interface")), (item, interface));
            assert_eq!(column(row, "source"), paths.source_items()[path.source_index()].as_str());
            assert_eq!(whole(row, "source_index"), path.source_index());
            assert_eq!(column(row, "ray_index"), paths.ray_indices()[path.index()].to_string());
            assert_eq!(float(row, "wavelength_nm"), path.wavelength_nm());
            assert_eq!(column(row, "parent"), path.parent().map_or(String::new(), |parent| parent.to_string()));
            assert_eq!(whole(row, "branch_vertex"), path.branch_vertex());
            assert_eq!(column(row, "ending"), path.ending().name());
        }
    }
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

fn integers(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|v| v.as_i64().unwrap()).collect()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect()
}

/// Equal bit by bit, NaN to NaN.
fn same(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
}

#[test]
fn json_read_back_is_the_arrays() {
    let paths = paths();
    let value: Value = serde_json::from_str(&json(&paths)).unwrap();
    let rows = |key: &str| value[key].as_array().unwrap().iter().map(floats).collect::<Vec<_>>();
    assert_eq!(rows("points"), paths.points().iter().map(|p| vec![p.x, p.y]).collect::<Vec<_>>());
    assert_eq!(rows("jones"), paths.jones().iter().map(|[h, v]| vec![h.re, h.im, v.re, v.im]).collect::<Vec<_>>());
    assert_eq!(rows("rgba"), paths.rgba().iter().map(|c| c.map(f64::from).to_vec()).collect::<Vec<_>>());
    assert!(same(&floats(&value["intensities"]), paths.intensities()));
    assert!(same(&floats(&value["optical_path_mm"]), paths.optical_paths_mm()));
    assert!(same(&floats(&value["beam_radii_mm"]), paths.beam_radii_mm()));
    assert!(value["beam_radii_mm"].as_array().unwrap().iter().any(Value::is_null));
    assert!(same(&floats(&value["wavelengths_nm"]), paths.wavelengths_nm()));
    let hits: Vec<i64> = paths.hit_items().iter().map(|&item| item.into()).collect();
    assert_eq!(integers(&value["hit_item"]), hits);
    let interfaces: Vec<i64> = paths.hit_interfaces().iter().map(|&interface| interface.into()).collect();
    assert_eq!(integers(&value["hit_interface"]), interfaces);
    assert_eq!(integers(&value["offsets"]), paths.offsets());
    assert_eq!(integers(&value["source_index"]), paths.source_indices());
    assert_eq!(integers(&value["ray_index"]), paths.ray_indices());
    assert_eq!(integers(&value["parents"]), paths.parents());
    assert_eq!(integers(&value["branch_vertices"]), paths.branch_vertices());
    assert_eq!(texts(&value["endings"]), paths.endings().iter().map(|ending| ending.name()).collect::<Vec<_>>());
    assert_eq!(texts(&value["items"]), paths.items().iter().map(|id| id.as_str()).collect::<Vec<_>>());
    assert_eq!(texts(&value["sources"]), paths.source_items().iter().map(|id| id.as_str()).collect::<Vec<_>>());
    assert_eq!(value["power"]["emitted"].as_f64(), Some(4.0));
    assert_eq!(value["power"]["left"].as_f64(), Some(paths.power_balance().left));
    assert_eq!(value["truncated"], Value::Bool(false));
}

#[test]
fn raytrace_json_has_points_and_colours() {
    let paths = paths();
    let value: Value = serde_json::from_str(&raytrace_json(&paths)).unwrap();
    let rays = value["rays"].as_array().unwrap();
    assert_eq!(rays.len(), paths.len());
    for (ray, path) in rays.iter().zip(paths.iter()) {
        let points = ray["points"].as_array().unwrap();
        let read: Vec<_> = points.iter().map(|p| (p["x"].as_f64().unwrap(), p["y"].as_f64().unwrap())).collect();
        assert_eq!(read, path.points().iter().map(|p| (p.x, p.y)).collect::<Vec<_>>());
        let colour = ["r", "g", "b", "a"].map(|channel| ray["color"][channel].as_u64().unwrap());
        assert_eq!(colour, path.rgba().map(u64::from));
    }
}

#[test]
fn no_paths_are_a_header_and_empty_arrays() {
    let none = trace(&OpticalSystem::default(), &TraceOptions::default()).unwrap();
    assert_eq!(csv(&none).lines().count(), 1);
    let value: Value = serde_json::from_str(&json(&none)).unwrap();
    assert_eq!(value["points"], Value::Array(vec![]));
    assert_eq!(integers(&value["offsets"]), [0]);
    assert_eq!(raytrace_json(&none), r#"{"rays":[]}"#);
}
