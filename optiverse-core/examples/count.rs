#[path = "../benches/scenes/mod.rs"]
mod scenes;
use optiverse_core::trace::*;
fn main() {
    let s = scenes::maze_1_000(200);
    let o = TraceOptions { threads: Some(1), ..TraceOptions::default() };
    let p = trace(&s, &o).unwrap();
    std::process::exit(i32::from(p.vertex_count() != 16_200));
}
