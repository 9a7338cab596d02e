//! What makes tracing fast must not show: no leaks, the same result for any number of threads and in used memory.

#[path = "../benches/scenes/mod.rs"]
mod scenes;

use optiverse_core::optics::OpticalSystem;
use optiverse_core::trace::{Ending, RayPaths, TraceControl, TraceOptions, trace, trace_into};

fn on_threads(threads: usize) -> TraceOptions {
    TraceOptions { max_events: scenes::MAZE_EVENTS, threads: Some(threads), ..TraceOptions::default() }
}

/// Whether two results hold the same, number by number.
fn assert_same(a: &RayPaths, b: &RayPaths) {
    assert_eq!(a.points(), b.points());
    assert_eq!(a.offsets(), b.offsets());
    assert_eq!(a.jones(), b.jones());
    assert_eq!(a.intensities(), b.intensities());
    assert_eq!(a.optical_paths_mm(), b.optical_paths_mm());
    assert_eq!((a.hit_items(), a.hit_interfaces()), (b.hit_items(), b.hit_interfaces()));
    assert_eq!((a.parents(), a.branch_vertices(), a.endings()), (b.parents(), b.branch_vertices(), b.endings()));
    assert_eq!((a.items(), a.source_items()), (b.items(), b.source_items()));
    assert_eq!(a.power_balance(), b.power_balance());
}

#[test]
fn no_ray_leaves_a_closed_box() {
    let mazes =
        [scenes::maze_1_000(500), scenes::maze_20_000(500), scenes::crowded(500), scenes::growing_maze(4_000, 500)];
    for system in mazes {
        let paths = trace(&system, &on_threads(1)).unwrap();
        assert_eq!(paths.len(), 500);
        assert!(paths.endings().iter().all(|&ending| ending == Ending::TooManyEvents));
    }
}

#[test]
fn threads_and_used_memory_leave_no_trace() {
    let mut used = RayPaths::default();
    let systems: [OpticalSystem; 3] = [scenes::maze_1_000(300), scenes::splitters(300), scenes::lens_train(50)];
    for system in systems {
        let one = trace(&system, &on_threads(1)).unwrap();
        assert!(one.vertex_count() > 1_000);
        for threads in [1, 2, 5] {
            trace_into(&system, &on_threads(threads), &TraceControl::new(), &mut used).unwrap();
            assert_same(&one, &used);
        }
    }
}

#[test]
fn a_refused_option_leaves_an_empty_result() {
    let mut used = trace(&scenes::maze_1_000(10), &on_threads(1)).unwrap();
    let refused = TraceOptions { min_intensity: -1.0, ..on_threads(1) };
    assert!(trace_into(&scenes::maze_1_000(10), &refused, &TraceControl::new(), &mut used).is_err());
    assert_eq!((used.len(), used.vertex_count(), used.offsets()), (0, 0, &[0][..]));
}
