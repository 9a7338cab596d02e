//! Pictures are well-formed, show every kind of element, and put light where and as strong as it is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a picture of another shape fails the test, as it should")]

use glam::DVec2;
use optiverse_core::geometry::Segment;
use optiverse_core::optics::element::{Element, Mirror};
use optiverse_core::optics::{OpticalSystem, Shape, Strictness, Surface};
use optiverse_core::render::{Background, Crop, SvgOptions, svg};
use optiverse_core::scene::Scene;
use optiverse_core::trace::{RayPaths, TraceOptions, trace};
use roxmltree::{Document, Node};

const SOURCE: &str = r#"{"_type": "source", "item_uuid": "laser", "x_mm": -50, "y_mm": 0, "n_rays": 1}"#;

/// A component at (x, 0) with one interface, upright, 20 mm high.
fn component(id: &str, x: f64, angle: f64, interface: &str) -> String {
    format!(
        r#"{{"_type": "component", "item_uuid": "{id}", "x_mm": {x}, "y_mm": 0, "angle_deg": {angle}, "interfaces": [
            {{"x1_mm": 0, "y1_mm": 10, "x2_mm": 0, "y2_mm": -10, {interface}}}]}}"#
    )
}

fn traced(items: &[String]) -> (OpticalSystem, RayPaths) {
    let scene = Scene::from_json(&format!(r#"{{"version": "2.0", "items": [{}]}}"#, items.join(","))).unwrap();
    let system = OpticalSystem::compile(&scene, Strictness::Strict).unwrap().system;
    let paths = trace(&system, &TraceOptions::default()).unwrap();
    (system, paths)
}

fn picture(items: &[String], options: &SvgOptions) -> String {
    let (system, paths) = traced(items);
    svg(&system, Some(&paths), options)
}

fn has_class(node: &Node<'_, '_>, class: &str) -> bool {
    node.attribute("class").is_some_and(|classes| classes.split(' ').any(|c| c == class))
}

fn all<'a>(document: &'a Document<'a>, class: &'a str) -> Vec<Node<'a, 'a>> {
    document.descendants().filter(|node| has_class(node, class)).collect()
}

/// A number of the root element.
fn root_number(document: &Document<'_>, name: &str) -> f64 {
    document.root_element().attribute(name).unwrap().trim_end_matches('%').parse().unwrap()
}

/// The points of paths made of `M` and `L`, each subpath by itself.
fn subpaths(data: &str) -> Vec<Vec<DVec2>> {
    let spaced = data.replace('-', " -").replace('M', " M ").replace('L', " L ");
    let mut paths: Vec<Vec<DVec2>> = Vec::new();
    let mut tokens = spaced.split_whitespace().peekable();
    while let Some(command) = tokens.next() {
        let mut number = || tokens.next().unwrap().parse::<f64>().unwrap();
        let point = DVec2::new(number(), number());
        match command {
            "M" => paths.push(vec![point]),
            "L" => paths.last_mut().unwrap().push(point),
            other => panic!("{other} in {data}"),
        }
    }
    paths
}

/// The stretches of light in mm, with their opacity.
fn stretches(document: &Document<'_>) -> Vec<(DVec2, DVec2, f64)> {
    let scale = root_number(document, "data-mm-per-px");
    let corner = DVec2::new(root_number(document, "data-left-mm"), root_number(document, "data-top-mm"));
    let to_mm = |point: DVec2| corner + DVec2::new(point.x, -point.y) * scale;
    let mut stretches = Vec::new();
    for ray in all(document, "ray") {
        let opacity: f64 = ray.attribute("stroke-opacity").unwrap().parse().unwrap();
        for points in subpaths(ray.attribute("d").unwrap()) {
            stretches.extend(points.windows(2).map(|pair| (to_mm(pair[0]), to_mm(pair[1]), opacity)));
        }
    }
    stretches
}

/// Of every element its interface and the classes within its symbol that tell it from others.
const KINDS: [(&str, &str, &[&str]); 12] = [
    ("lens", r#""element_type": "lens", "efl_mm": 50, "clear_aperture_mm": 12"#, &["mount"]),
    ("lens", r#""element_type": "lens", "efl_mm": -50"#, &[]),
    ("mirror", r#""element_type": "mirror""#, &["hatching"]),
    ("beam-splitter", r#""element_type": "beam_splitter""#, &[]),
    (
        "polarising-beam-splitter",
        r#""element_type": "beam_splitter", "is_polarizing": true"#,
        &["in-plane", "out-of-plane"],
    ),
    ("dichroic", r#""element_type": "dichroic""#, &[]),
    ("waveplate", r#""element_type": "waveplate""#, &["dial", "axis"]),
    (
        "linear-polariser",
        r#""element_type": "polarizing_interface", "polarizer_subtype": "linear_polarizer""#,
        &["dial", "axis"],
    ),
    (
        "faraday-rotator",
        r#""element_type": "polarizing_interface", "polarizer_subtype": "faraday_rotator""#,
        &["rotation"],
    ),
    ("refractive-interface", r#""element_type": "refractive_interface""#, &[]),
    ("beam-block", r#""element_type": "beam_block""#, &[]),
    ("mirror", r#""element_type": "slm""#, &["hatching"]),
];

#[test]
fn every_kind_of_element_has_its_symbol_on_lines_and_arcs() {
    for curvature in ["", r#", "is_curved": true, "radius_of_curvature_mm": 15"#] {
        let mut pictures = Vec::new();
        for (class, interface, marks) in KINDS {
            let text =
                picture(&[component("it", 0.0, 0.0, &format!("{interface}{curvature}"))], &SvgOptions::default());
            let document = Document::parse(&text).unwrap();
            let elements = all(&document, "element");
            assert_eq!(elements.len(), 1);
            assert!(has_class(&elements[0], class), "{class}");
            assert_eq!(elements[0].attribute("data-item"), Some("it"));
            let title = elements[0].children().find(|node| node.has_tag_name("title")).unwrap().text().unwrap();
            assert!(title.starts_with("it: "), "{title}");
            for mark in marks {
                assert!(!all(&document, mark).is_empty(), "{class}: {mark}");
            }
            let cubes = usize::from(class.ends_with("beam-splitter"));
            assert_eq!(all(&document, "cube").len(), cubes, "{class}");
            let symbol = &text[text.find("<g class=\"elements\"").unwrap()..];
            let shapes: String = symbol.split("</title>").nth(1).unwrap().split("</g>").next().unwrap().to_owned();
            let outline = shapes.split("/>").next().unwrap();
            assert_eq!(outline.contains('A'), !curvature.is_empty(), "{shapes}");
            pictures.push(shapes);
        }
        // A spatial light modulator is a mirror; all others look different.
        assert_eq!(pictures.pop().as_ref(), Some(&pictures[2]));
        pictures.sort();
        pictures.dedup();
        assert_eq!(pictures.len(), KINDS.len() - 1);
    }
}

#[test]
fn opacity_follows_the_intensity_of_each_stretch() {
    let splitter = component("BS", 0.0, 45.0, r#""element_type": "beam_splitter", "split_T": 70, "split_R": 20"#);
    let mirror = component("M", 50.0, 0.0, r#""element_type": "mirror", "reflectivity": 50"#);
    let text = picture(&[SOURCE.into(), splitter, mirror], &SvgOptions::default());
    let document = Document::parse(&text).unwrap();
    let stretches = stretches(&document);
    let at = |from: (f64, f64), to: (f64, f64)| {
        let near = |a: DVec2, b: (f64, f64)| a.distance(b.into()) < 0.05;
        let found: Vec<f64> = stretches.iter().filter(|s| near(s.0, from) && near(s.1, to)).map(|s| s.2).collect();
        assert_eq!(found.len(), 1, "{from:?} to {to:?}: {stretches:?}");
        found[0]
    };
    assert_eq!(at((-50.0, 0.0), (0.0, 0.0)), 1.0);
    assert_eq!(at((0.0, 0.0), (50.0, 0.0)), 0.7);
    assert_eq!(at((50.0, 0.0), (0.0, 0.0)), 0.35);
    let up = stretches.iter().find(|s| s.0.length() < 0.05 && s.1.y > 1.0).unwrap();
    assert_eq!(up.2, 0.2);
}

#[test]
fn what_paths_have_in_common_is_drawn_once() {
    let splitter = |id, x| component(id, x, 45.0, r#""element_type": "beam_splitter", "split_T": 60, "split_R": 40"#);
    let (system, paths) = traced(&[SOURCE.into(), splitter("A", 0.0), splitter("B", 30.0), splitter("C", 60.0)]);
    assert_eq!(paths.len(), 4);
    let text = svg(&system, Some(&paths), &SvgOptions::default());
    let document = Document::parse(&text).unwrap();
    // In from the source, on from A and from B and from C, and one away from each.
    assert_eq!(stretches(&document).len(), 7);
}

#[test]
fn light_that_leaves_is_cut_and_elements_are_inside() {
    let items = [SOURCE.into(), component("L", 0.0, 0.0, r#""element_type": "lens", "efl_mm": 50"#)];
    let width_mm = |crop| {
        let text = picture(&items, &SvgOptions { crop, ..Default::default() });
        let document = Document::parse(&text).unwrap();
        let (left, scale) = (root_number(&document, "data-left-mm"), root_number(&document, "data-mm-per-px"));
        let right = left + 960.0 * scale;
        assert!(left < -50.0, "the source is inside");
        let end = stretches(&document).into_iter().fold(f64::MIN, |end, s| end.max(s.1.x));
        assert!(end <= right + 0.01);
        (right, end)
    };
    // The setup is 50 mm long: 15 mm more are shown, and the padding of 44 pixels; the ray is cut at the edge.
    let (right, end) = width_mm(Crop::Setup);
    assert!(right > 15.0 && right < 25.0, "{right}");
    assert!((end - right).abs() < 0.01);
    // The ray of 1000 mm ends in the picture.
    let (right, end) = width_mm(Crop::Everything);
    assert!((end - 950.0).abs() < 0.6 && right > 951.0, "{end} {right}");
}

#[test]
fn the_scale_bar_is_as_long_as_it_says() {
    for (x, width_px) in [(-50.0, 960), (-4e-4, 300), (-7e5, 2000), (0.031, 10)] {
        let source = format!(r#"{{"_type": "source", "item_uuid": "s", "x_mm": {x}, "y_mm": 0, "n_rays": 1}}"#);
        let items = [source, component("M", 0.0, 90.0, r#""element_type": "mirror""#)];
        let text = picture(&items, &SvgOptions { width_px, ..Default::default() });
        let document = Document::parse(&text).unwrap();
        let bar = all(&document, "bar")[0];
        let ends = &subpaths(bar.attribute("d").unwrap())[0];
        let length = (ends[1].x - ends[0].x) * root_number(&document, "data-mm-per-px");
        let said: f64 = all(&document, "scale-bar")[0].attribute("data-length-mm").unwrap().parse().unwrap();
        // Two decimals of a pixel.
        assert!((length - said).abs() <= 0.0101 * root_number(&document, "data-mm-per-px"), "{length} {said}");
        let digits = format!("{said:e}");
        assert!(["1e", "2e", "5e"].iter().any(|round| digits.starts_with(round)), "{digits}");
    }
    let text = picture(&[SOURCE.into()], &SvgOptions { scale_bar: false, ..Default::default() });
    assert!(!text.contains("scale-bar"));
}

#[test]
fn hostile_ids_are_only_text() {
    let id = r#"\"/><script>alert(1)</script>&amp;\u0000\u0007'\uffff<![CDATA["#;
    let source = format!(r#"{{"_type": "source", "item_uuid": "s{id}", "x_mm": -50, "y_mm": 0}}"#);
    let text = picture(&[source, component(id, 0.0, 0.0, r#""element_type": "mirror""#)], &SvgOptions::default());
    let document = Document::parse(&text).unwrap();
    assert!(!document.descendants().any(|node| node.has_tag_name("script")));
    let shown = "\"/><script>alert(1)</script>&amp;\u{fffd}\u{fffd}'\u{fffd}<![CDATA[";
    assert_eq!(all(&document, "element")[0].attribute("data-item"), Some(shown));
    let title = all(&document, "source")[0].first_element_child().unwrap().text().unwrap();
    assert!(title.starts_with(&format!("s{shown}: source")), "{title}");
}

#[test]
fn odd_scenes_give_sound_pictures() {
    let point = r#"{"_type": "source", "item_uuid": "s", "x_mm": 0, "y_mm": 0, "size_mm": 0, "n_rays": 1}"#;
    let far = r#"{"_type": "source", "item_uuid": "s", "x_mm": 1e9, "y_mm": -1e9, "ray_length_mm": 1e9}"#;
    let tiny = r#"{"_type": "component", "item_uuid": "t", "x_mm": 5, "y_mm": 5, "interfaces": [
        {"element_type": "mirror", "x1_mm": 0, "y1_mm": 0, "x2_mm": 0, "y2_mm": 1e-8}]}"#;
    let there = r#"{"_type": "component", "item_uuid": "t", "x_mm": 1e6, "y_mm": 1e6, "interfaces": [
        {"element_type": "lens", "x1_mm": 0, "y1_mm": 0, "x2_mm": 0, "y2_mm": 25}]}"#;
    let none: &[&str] = &[];
    for items in [none, &[point], &[far], &[tiny], &[there], &[point, there], &[far, tiny]] {
        let items: Vec<String> = items.iter().map(|&item| item.to_owned()).collect();
        let (system, paths) = traced(&items);
        for paths in [None, Some(&paths)] {
            for (width_px, crop) in
                [(0, Crop::Setup), (1, Crop::Everything), (960, Crop::Setup), (u32::MAX, Crop::Setup)]
            {
                let text = svg(&system, paths, &SvgOptions { width_px, crop, ..Default::default() });
                let document = Document::parse(&text).unwrap();
                assert_eq!(root_number(&document, "width"), f64::from(width_px.max(1)));
                assert!(root_number(&document, "height") > 0.0);
                assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
                assert_eq!(all(&document, "element").len(), system.surfaces().len());
            }
        }
    }
}

#[test]
fn a_surface_at_the_largest_coordinate_is_drawn() {
    let limit = OpticalSystem::MAX_COORDINATE_MM;
    let segment = Segment::new(DVec2::new(0.0, limit), DVec2::new(10.0, limit)).unwrap();
    let surface = Surface::new(Shape::Segment(segment), Element::Mirror(Mirror::new(100.0).unwrap()), 0, 0);
    let system = OpticalSystem::new(vec![surface], vec![], vec!["M".into()], vec![]).unwrap();
    let text = svg(&system, None, &SvgOptions::default());
    assert_eq!(all(&Document::parse(&text).unwrap(), "element").len(), 1);
}

#[test]
fn hidden_items_are_not_drawn() {
    let scene = format!(
        r#"{{"version": "2.0", "items": [{SOURCE}, {}], "layer_state": {{"version": 1, "nodes": [
            {{"uuid": "M", "type": "item", "visible": false}}]}}}}"#,
        component("M", 0.0, 0.0, r#""element_type": "mirror""#)
    );
    let system = OpticalSystem::compile(&Scene::from_json(&scene).unwrap(), Strictness::Strict).unwrap().system;
    assert!(system.surfaces()[0].is_hidden());
    let text = svg(&system, None, &SvgOptions::default());
    assert_eq!(all(&Document::parse(&text).unwrap(), "element").len(), 0);
}

#[test]
fn glass_is_filled_between_the_interfaces_of_an_item() {
    let item = |interfaces: &str| {
        format!(r#"{{"_type": "component", "item_uuid": "g", "x_mm": 0, "y_mm": 0, "interfaces": [{interfaces}]}}"#)
    };
    let face = |x: f64, n1: f64, n2: f64| {
        format!(r#"{{"x1_mm": {x}, "y1_mm": 10, "x2_mm": {x}, "y2_mm": -10, "n1": {n1}, "n2": {n2}}}"#)
    };
    let side = |a: (f64, f64), b: (f64, f64)| {
        format!(r#"{{"x1_mm": {}, "y1_mm": {}, "x2_mm": {}, "y2_mm": {}, "n1": 1, "n2": 1.5}}"#, a.0, a.1, b.0, b.1)
    };
    let (a, b, c) = ((-10.0, 0.0), (10.0, 0.0), (0.0, 15.0));
    let bodies = |interfaces: &[String]| {
        let text = picture(&[item(&interfaces.join(","))], &SvgOptions::default());
        all(&Document::parse(&text).unwrap(), "glass").len()
    };
    assert_eq!(bodies(&[face(0.0, 1.0, 1.5)]), 0, "one interface encloses nothing");
    assert_eq!(bodies(&[face(0.0, 1.0, 1.5), face(5.0, 1.5, 1.0)]), 1, "a window");
    assert_eq!(bodies(&[face(0.0, 1.0, 1.5), face(5.0, 1.5, 1.7), face(8.0, 1.7, 1.0)]), 2, "a doublet");
    assert_eq!(bodies(&[face(0.0, 1.5, 1.0), face(5.0, 1.0, 1.5)]), 0, "a gap of air");
    assert_eq!(bodies(&[face(0.0, 1.0, 1.5), face(5.0, 1.7, 1.0)]), 0, "two media");
    assert_eq!(bodies(&[face(0.0, 1.0, 1.5), face(500.0, 1.5, 1.0)]), 0, "too far apart");
    assert_eq!(bodies(&[side(a, b), side(b, c), side(c, a)]), 1, "a prism");
    let half = |n1: f64, n2: f64, radius: f64| {
        face(0.0, n1, n2).replace('}', &format!(r#", "is_curved": true, "radius_of_curvature_mm": {radius}}}"#))
    };
    assert_eq!(bodies(&[half(1.0, 1.5, 10.0), half(1.5, 1.0, -10.0)]), 1, "a ball");
    // The same prism with a face written the other way round, and out of order.
    let turned = r#"{"x1_mm": 0, "y1_mm": 15, "x2_mm": 10, "y2_mm": 0, "n1": 1.5, "n2": 1}"#.to_owned();
    assert_eq!(bodies(&[side(a, b), side(c, a), turned]), 1, "a prism with a face turned");
}

#[test]
fn mirrors_are_hatched_on_the_side_without_light() {
    let mirror = |angle| component("M", 0.0, angle, r#""element_type": "mirror""#);
    // x of the feet and of the tips of the hatches.
    let hatches = |items: &[String]| {
        let text = picture(items, &SvgOptions::default());
        let document = Document::parse(&text).unwrap();
        all(&document, "hatching").first().map(|node| {
            let hatch = &subpaths(node.attribute("d").unwrap())[0];
            hatch[1].x - hatch[0].x
        })
    };
    let other = r#"{"_type": "source", "item_uuid": "other", "x_mm": 50, "y_mm": 1, "angle_deg": 180, "n_rays": 1}"#;
    assert!(hatches(&[SOURCE.into(), mirror(0.0)]).unwrap() > 1.0);
    assert!(hatches(&[SOURCE.into(), mirror(180.0)]).unwrap() > 1.0);
    assert!(hatches(&[other.into(), mirror(0.0)]).unwrap() < -1.0);
    assert_eq!(hatches(&[SOURCE.into(), other.into(), mirror(0.0)]), None);
}

#[test]
fn an_envelope_is_two_radii_wide() {
    let source = r#"{"_type": "source", "item_uuid": "s", "x_mm": -50, "y_mm": 0, "source_type": "gaussian",
        "beam_waist_mm": 2, "ray_length_mm": 60}"#;
    let items = [source.to_owned(), component("M", 0.0, 45.0, r#""element_type": "mirror""#)];
    let text = picture(&items, &SvgOptions::default());
    let document = Document::parse(&text).unwrap();
    let scale = root_number(&document, "data-mm-per-px");
    let envelope = all(&document, "envelope")[0].attribute("d").unwrap().trim_end_matches('Z').to_owned();
    let points = &subpaths(&envelope)[0];
    let (start, end) = (points[0], points[points.len() - 1]);
    assert!((start.distance(end) * scale - 4.0).abs() < 0.01, "across the beam at the source");
    // At the mirror it ends along the surface, √2 times as wide.
    let widest = points.windows(2).map(|pair| (pair[1] - pair[0]) * scale).max_by(|a, b| a.y.total_cmp(&b.y)).unwrap();
    assert!((widest.length() - 4.0 * 2.0_f64.sqrt()).abs() < 0.01, "{widest}");
    assert!((widest.x.abs() - widest.y.abs()).abs() < 0.02, "{widest}");
}

#[test]
fn options_say_what_is_shown() {
    let items = [SOURCE.into(), component("L", 0.0, 0.0, r#""element_type": "lens", "efl_mm": 50"#)];
    let text = picture(&items, &SvgOptions::default());
    assert!(text.contains(">f = 50 mm</text>") && text.contains(">633 nm</text>"));
    assert!(text.contains(r##"class="background" width="100%" height="100%" fill="#ffffff""##));
    let bare = SvgOptions { labels: false, background: Background::Transparent, ..Default::default() };
    let text = picture(&items, &bare);
    assert!(!text.contains(">f = 50 mm</text>") && !text.contains("class=\"background\""));
    let dark = picture(&items, &SvgOptions { background: Background::Colour([13, 17, 23]), ..Default::default() });
    assert!(dark.contains("#0d1117") && !dark.contains("#1f2430"));
    assert_eq!(text, picture(&items, &bare), "the same every time");
}

/// Labels of 60 crowded lenses: those that are shown do not cover each other.
#[test]
fn labels_do_not_cover_each_other() {
    let lens = |i: i32| component(&format!("L{i}"), f64::from(i), 0.0, r#""element_type": "lens", "efl_mm": 50"#);
    let items: Vec<String> = (0..60).map(lens).collect();
    let text = picture(&items, &SvgOptions::default());
    let document = Document::parse(&text).unwrap();
    let mut places: Vec<(i64, f64)> = all(&document, "labels")[0]
        .children()
        .map(|text| ["x", "y"].map(|name| text.attribute(name).unwrap().parse::<f64>().unwrap()))
        .map(|[x, y]| (y.round() as i64, x))
        .collect();
    assert!(places.len() > 5 && places.len() < 60, "{}", places.len());
    places.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    assert!(places.windows(2).all(|pair| pair[0].0 != pair[1].0 || pair[1].1 - pair[0].1 > 60.0), "{places:?}");
}

/// 10,000 rays through a splitter and a lens: 30,000 stretches of three opacities.
#[test]
fn many_rays_make_a_small_file() {
    let source = r#"{"_type": "source", "item_uuid": "s", "x_mm": -50, "y_mm": 0, "n_rays": 10000, "size_mm": 10}"#;
    let items = [
        source.to_owned(),
        component("BS", 0.0, 45.0, r#""element_type": "beam_splitter""#),
        component("L", 50.0, 0.0, r#""element_type": "lens", "efl_mm": 80"#),
    ];
    let text = picture(&items, &SvgOptions::default());
    assert!(text.len() < 1_200_000, "{} bytes", text.len());
    assert!(Document::parse(&text).unwrap().descendants().count() < 400);
}

#[test]
fn sources_in_one_place_have_one_label() {
    let source = |id: &str, x: f64, wavelength: f64| {
        format!(r#"{{"_type": "source", "item_uuid": "{id}", "x_mm": {x}, "wavelength_nm": {wavelength}}}"#)
    };
    let items =
        [source("C", 0.0, 656.3), source("g", 0.0, 435.8), source("d", 0.0, 587.6), source("other", 50.0, 1064.0)];
    let scene = Scene::from_json(&format!(r#"{{"version": "2.0", "items": [{}]}}"#, items.join(","))).unwrap();
    let system = OpticalSystem::compile(&scene, Strictness::Strict).unwrap().system;
    let text = svg(&system, None, &SvgOptions::default());
    let labels: Vec<&str> = text.matches(" nm</text>").collect();
    assert_eq!(labels.len(), 2);
    assert!(text.contains(">435.8 … 656.3 nm</text>") && text.contains(">1064 nm</text>"));
}
