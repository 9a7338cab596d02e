//! What the border costs: one trace of a scene with 100 rays through C's functions, over the same trace without them.
//!
//! Without arguments it times both in turn and prints the ratio. With `rust` or `c` and a number it makes that many traces in
//! one way and nothing else, for a tool that counts instructions.

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::ptr;
use std::time::{Duration, Instant};

use optiverse::options::optiverse_trace_options_init;
use optiverse::paths::{optiverse_paths_arrays, optiverse_paths_free};
use optiverse::result::ResultCode;
use optiverse::scene::optiverse_scene_parse;
use optiverse::system::{System, optiverse_system_new};
use optiverse::trace::optiverse_trace;
use optiverse_core::optics::{OpticalSystem, Strictness};
use optiverse_core::scene::Scene;
use optiverse_core::trace::{TraceOptions, trace};

/// 100 rays through a lens onto a mirror and back.
const SCENE: &str = r#"{"items": [
    {"_type": "source", "item_uuid": "laser", "x_mm": -100, "n_rays": 100, "size_mm": 8},
    {"_type": "component", "item_uuid": "lens", "x_mm": 0, "interfaces": [
        {"element_type": "lens", "x1_mm": 0, "y1_mm": 12.7, "x2_mm": 0, "y2_mm": -12.7, "efl_mm": 200}]},
    {"_type": "component", "item_uuid": "mirror", "x_mm": 100, "interfaces": [
        {"element_type": "mirror", "x1_mm": 0, "y1_mm": 12.7, "x2_mm": 0, "y2_mm": -12.7}]}]}"#;

fn rust_system() -> OpticalSystem {
    let scene = Scene::from_json(SCENE).expect("a scene");
    OpticalSystem::compile(&scene, Strictness::Strict).expect("a system").system
}

fn in_rust(system: &OpticalSystem) {
    let options = TraceOptions { threads: Some(1), ..TraceOptions::default() };
    let paths = trace(system, &options).expect("a trace");
    black_box(paths.points().as_ptr());
}

fn c_system() -> *mut System {
    let (mut scene, mut system) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: text with its length, and places of the right types.
    let results = unsafe {
        let parsed = optiverse_scene_parse(SCENE.as_ptr().cast(), SCENE.len(), ptr::null(), &mut scene);
        [parsed, optiverse_system_new(scene, 1, &mut system)]
    };
    assert_eq!(results, [ResultCode::Ok; 2]);
    system
}

fn in_c(system: *const System) {
    let (mut options, mut paths, mut arrays) = (MaybeUninit::uninit(), ptr::null_mut(), MaybeUninit::uninit());
    // SAFETY: places of the right types; each is written before it is read.
    unsafe {
        let initialised = optiverse_trace_options_init(options.as_mut_ptr());
        let mut options = options.assume_init();
        options.threads = 1;
        let traced = optiverse_trace(system, &options, ptr::null(), None, ptr::null_mut(), &mut paths);
        let shown = optiverse_paths_arrays(paths, arrays.as_mut_ptr());
        black_box(arrays.assume_init().points);
        let results = [initialised, traced, shown, optiverse_paths_free(paths)];
        assert_eq!(results, [ResultCode::Ok; 4]);
    }
}

fn time(body: impl Fn()) -> Duration {
    let start = Instant::now();
    for _ in 0..50 {
        body();
    }
    start.elapsed()
}

#[expect(clippy::print_stdout, reason = "a benchmark says what it found")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let (rust, c) = (rust_system(), c_system());
    if let [way, count] = &arguments[..] {
        for _ in 0..count.parse().expect("a number of traces") {
            if way == "c" { in_c(c) } else { in_rust(&rust) }
        }
        return;
    }
    // In turn, so that whatever slows the machine down slows both; the least of many, since noise only adds.
    let (mut least_rust, mut least_c) = (Duration::MAX, Duration::MAX);
    for _ in 0..400 {
        least_rust = least_rust.min(time(|| in_rust(&rust)));
        least_c = least_c.min(time(|| in_c(c)));
    }
    println!("trace of 100 rays: {:.2} µs in Rust, {:.2} µs through C", micros(least_rust), micros(least_c));
    println!("ratio {:.4}", least_c.as_secs_f64() / least_rust.as_secs_f64());
}

fn micros(of_fifty: Duration) -> f64 {
    of_fifty.as_secs_f64() / 50.0 * 1e6
}
