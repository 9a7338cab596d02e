//! x
#[path = "../benches/scenes/mod.rs"]
mod scenes;
use optiverse_core::trace::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (s, o) = match a[1].as_str() {
        "1k" => (scenes::maze_1_000(2000), TraceOptions::default()),
        "20k" => (scenes::maze_20_000(2000), TraceOptions::default()),
        "100k" => (scenes::growing_maze(100_000, 2000), TraceOptions::default()),
        "30" => (scenes::maze(26, 20.0..100.0, 2000), TraceOptions::default()),
        "crowd" => (scenes::crowded(2000), TraceOptions::default()),
        "lens" => (scenes::lens_train(200), TraceOptions{max_events: 3000, min_intensity: 1e-3, ..TraceOptions::default()}),
        _ => (scenes::splitters(2000), TraceOptions{min_intensity: 1e-3, ..TraceOptions::default()}),
    };
    let o = TraceOptions { threads: Some(1), ..o };
    let n: usize = a[2].parse().unwrap();
    let mut total = 0; let ctl = TraceControl::new(); let mut room = RayPaths::default();
    let mut best = f64::INFINITY;
    let cpu = || { let s = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap(); s.split(' ').next().unwrap().parse::<f64>().unwrap() * 1e-9 };
    let c0 = cpu();
    for _ in 0..n { let c = cpu(); trace_into(&s, &o, &ctl, &mut room).unwrap(); total += room.vertex_count(); best = f64::min(best, cpu() - c); }
    println!("{} vertices, cpu mean {:.2} M/s best {:.2} M/s", total, total as f64 / (cpu() - c0) / 1e6, total as f64 / n as f64 / best / 1e6);
}
