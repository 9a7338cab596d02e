//! How long scenes take to be read, written and edited.

use std::fmt::Write as _;

use optiverse_core::scene::{Edit, ItemId, Scene};

fn main() {
    divan::main();
}

const SIZES: [usize; 2] = [1_000, 100_000];

/// An assembly of `items` lenses as the app writes them, about 800 bytes each.
fn assembly(items: usize) -> String {
    let mut text = String::from("{\n  \"version\": \"2.0\",\n  \"items\": [");
    for index in 0..items {
        let comma = if index == 0 { "" } else { "," };
        let written = write!(
            text,
            r#"{comma}
    {{
      "x_mm": {index}.25,
      "y_mm": -12.5,
      "angle_deg": 0.0,
      "object_height_mm": 30.5,
      "mm_per_pixel": 0.0305,
      "name": "Lens {index}",
      "image_path": "images/lens.png",
      "category": "lenses",
      "notes": null,
      "locked": false,
      "z_value": 0.0,
      "reference_line_mm": [0.0, -15.25, 0.0, 15.25],
      "interfaces": [
        {{
          "x1_mm": 0.0,
          "y1_mm": 15.25,
          "x2_mm": 0.0,
          "y2_mm": -15.25,
          "element_type": "lens",
          "efl_mm": 100.0,
          "clear_aperture_mm": 25.4
        }}
      ],
      "_type": "component",
      "item_uuid": "lens-{index}"
    }}"#
        );
        assert!(written.is_ok());
    }
    text.push_str("\n  ],\n  \"layer_state\": {}\n}");
    text
}

fn scene(items: usize) -> Scene {
    Scene::from_json(&assembly(items)).expect("the assembly is valid")
}

#[divan::bench(args = SIZES)]
fn read(bencher: divan::Bencher<'_, '_>, items: usize) {
    let text = assembly(items);
    bencher
        .counter(divan::counter::ItemsCount::new(items))
        .bench(|| Scene::from_json(divan::black_box(&text)).expect("the assembly is valid"));
}

#[divan::bench(args = SIZES)]
fn write(bencher: divan::Bencher<'_, '_>, items: usize) {
    let scene = scene(items);
    bencher.counter(divan::counter::ItemsCount::new(items)).bench(|| scene.to_json());
}

#[divan::bench(args = SIZES)]
fn look_up(bencher: divan::Bencher<'_, '_>, items: usize) {
    let scene = scene(items);
    let id = format!("lens-{}", items / 2);
    bencher.bench(|| scene.get(divan::black_box(&id)).is_some());
}

#[divan::bench(args = SIZES)]
fn move_one(bencher: divan::Bencher<'_, '_>, items: usize) {
    let id = ItemId::from(format!("lens-{}", items / 2));
    let edit = Edit::Move { id, x_mm: 1.0, y_mm: 2.0 };
    let mut scene = scene(items);
    bencher.bench_local(|| scene.apply(&edit).expect("the item is there"));
}

/// The slowest case: the first item goes, every other one shifts, and it comes back.
#[divan::bench(args = SIZES)]
fn remove_first_and_restore(bencher: divan::Bencher<'_, '_>, items: usize) {
    let edit = Edit::Remove { id: ItemId::from("lens-0") };
    let mut scene = scene(items);
    bencher.bench_local(|| {
        let inverse = scene.apply(&edit).expect("the item is there");
        scene.apply(&inverse).expect("an inverse applies")
    });
}
