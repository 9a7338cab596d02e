//! Boxes around runs of segments, by which the rays that an edit touches are found.

use glam::DVec2;

use super::super::paths::{Ending, RayPaths};
use super::probe::{LooseBox, Probes, margin, size};
use crate::geometry::Aabb;

/// Segments in one box. On the way through a scene a few segments keep together, and one box costs as much to look at as one segment.
const RUN: usize = 8;

/// The boxes of some rays' paths, ray by ray and path by path.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs {
    boxes: Vec<LooseBox>,
    /// Where those of each ray begin, and where those of the last one end.
    first: Vec<usize>,
    /// Of each ray, whether something beyond the end of a path would matter.
    open: Vec<bool>,
}

impl Runs {
    /// The boxes of paths of rays of which the first path of each is given, and behind the last.
    pub(super) fn of(paths: &RayPaths, first_path: &[usize]) -> Runs {
        let boxes = Vec::with_capacity(paths.vertex_count() / RUN);
        let mut runs = Runs { boxes, first: vec![0], open: Vec::with_capacity(first_path.len() - 1) };
        for ray in first_path.windows(2) {
            runs.open.push((ray[0]..ray[1]).any(|path| is_open(paths.endings[path])));
            for path in ray[0]..ray[1] {
                let points = own_points(paths, path);
                runs.boxes.extend((0..points.len() - 1).step_by(RUN).map(|at| run_box(run(points, at))));
            }
            runs.first.push(runs.boxes.len());
        }
        runs
    }

    /// Appends the boxes of rays `rays` of another.
    pub(super) fn extend_from(&mut self, other: &Runs, rays: std::ops::Range<usize>) {
        let boxes = other.first[rays.start]..other.first[rays.end];
        let (before, start) = (self.boxes.len(), boxes.start);
        self.boxes.extend_from_slice(&other.boxes[boxes]);
        if self.first.is_empty() {
            self.first.push(0);
        }
        self.open.extend_from_slice(&other.open[rays.clone()]);
        self.first.extend(other.first[rays.start + 1..=rays.end].iter().map(|first| first - start + before));
    }

    /// Whether light of a ray, number `ray` of these, comes near any of the probes, or would if it went on beyond its end.
    pub(super) fn touch(&self, ray: usize, paths: &RayPaths, of_ray: std::ops::Range<usize>, probes: &Probes) -> bool {
        let boxes = &self.boxes[self.first[ray]..self.first[ray + 1]];
        // Most rays are told by their boxes alone.
        (self.open[ray] || boxes.iter().any(|run| probes.are_near(*run))) && meet(paths, of_ray, boxes, probes)
    }
}

/// Looks at the paths of one ray, and their boxes, one by one.
fn meet(paths: &RayPaths, of_ray: std::ops::Range<usize>, boxes: &[LooseBox], probes: &Probes) -> bool {
    let mut boxes = boxes.iter();
    for path in of_ray {
        let points = own_points(paths, path);
        for (start, run_box) in (0..points.len() - 1).step_by(RUN).zip(&mut boxes) {
            let mut pairs = run(points, start).windows(2);
            if probes.may_meet(&run_box.aabb()) && pairs.any(|pair| probes.meet_segment(pair[0], pair[1])) {
                return true;
            }
        }
        if is_open(paths.endings[path])
            && let [.., p, q] = *points
            && probes.meet_beyond(p, q)
        {
            return true;
        }
    }
    false
}

/// Whether something beyond the end of a path would have ended it otherwise.
fn is_open(ending: Ending) -> bool {
    matches!(ending, Ending::Left | Ending::TooLong)
}

/// The points of a path from where it divided from its parent: two or more.
fn own_points(paths: &RayPaths, path: usize) -> &[DVec2] {
    // The way up to there is looked at as the parent's, which belongs to the same ray.
    let shared = if paths.parents[path] < 0 { 0 } else { paths.branch_vertices[path] as usize };
    let (start, end) = (paths.offsets[path] as usize, paths.offsets[path + 1] as usize);
    &paths.points[(start + shared).min(end - 2)..end]
}

/// The points of the run of segments that begins at point `at`.
fn run(points: &[DVec2], at: usize) -> &[DVec2] {
    &points[at..(at + RUN + 1).min(points.len())]
}

fn run_box(points: &[DVec2]) -> LooseBox {
    let aabb = Aabb::from_points(points.iter().copied());
    LooseBox::around(&aabb.grown(margin(size(aabb.min).max(size(aabb.max)))))
}
