#[path = "../benches/scenes/mod.rs"]
mod scenes;
use std::hash::{Hash, Hasher};
use optiverse_core::trace::*;
use optiverse_core::optics::OpticalSystem;
fn hash(p: &RayPaths) -> u64 {
    let mut h = std::collections::hash_map::DefaultHasher::new();
    for v in p.points() { v.x.to_bits().hash(&mut h); v.y.to_bits().hash(&mut h); }
    for v in p.intensities() { v.to_bits().hash(&mut h); }
    for v in p.jones() { for c in v { c.re.to_bits().hash(&mut h); c.im.to_bits().hash(&mut h);} }
    for v in p.optical_paths_mm() { v.to_bits().hash(&mut h); }
    for v in p.beam_radii_mm() { v.to_bits().hash(&mut h); }
    p.hit_items().hash(&mut h); p.hit_interfaces().hash(&mut h); p.offsets().hash(&mut h); p.rgba().hash(&mut h);
    p.parents().hash(&mut h); p.branch_vertices().hash(&mut h); p.endings().hash(&mut h); p.ray_indices().hash(&mut h);
    if std::env::var("BALANCE").is_ok() { println!("{:?}", p.power_balance()); }
    h.finish()
}
fn main() {
    println!("Surface {} B", std::mem::size_of::<optiverse_core::optics::Surface>());
    let only = std::env::args().nth(1);
    let list: Vec<(&str, Box<dyn Fn() -> OpticalSystem>, TraceOptions)> = vec![
        ("maze30", Box::new(|| scenes::maze(26, 20.0..100.0, 2000)), TraceOptions::default()),
        ("maze1k", Box::new(|| scenes::maze_1_000(2000)), TraceOptions::default()),
        ("maze20k", Box::new(|| scenes::maze_20_000(2000)), TraceOptions::default()),
        ("maze100k", Box::new(|| scenes::growing_maze(100_000, 2000)), TraceOptions::default()),
        ("crowded", Box::new(|| scenes::crowded(2000)), TraceOptions::default()),
        ("lenses", Box::new(|| scenes::lens_train(200)), TraceOptions{max_events: 3000, min_intensity: 1e-3, ..TraceOptions::default()}),
        ("splitters", Box::new(|| scenes::splitters(2000)), TraceOptions{min_intensity: 1e-3, ..TraceOptions::default()}),
    ];
    for (name, make, opt) in list {
        if only.as_deref().is_some_and(|o| o != name) { continue; }
        let t0 = std::time::Instant::now();
        let s = make();
        let tb = t0.elapsed().as_secs_f64();
        for (pn, ph) in Physics::PRESETS {
          for threads in [1, 2] {
            let o = TraceOptions { physics: ph, threads: Some(threads), ..opt.clone() };
            let mut best = f64::INFINITY; let mut p = None;
            for _ in 0..5 { let t = std::time::Instant::now(); p = Some(trace(&s, &o).unwrap()); best = best.min(t.elapsed().as_secs_f64()); }
            let p = p.unwrap();
            println!("{name:10} {pn:16} {threads}  {:016x} {:9} vertices {:7} paths build {tb:.4} {:.2} M/s", hash(&p), p.vertex_count(), p.len(), p.vertex_count() as f64/best/1e6);
          }
        }
    }
}
