//! The peers from the registry: `parry2d` and `bvh`.

use bvh::aabb::{Aabb, Bounded};
use bvh::bounding_hierarchy::BHShape;
use bvh::bvh::Bvh;
use bvh::ray::Ray;
use nalgebra::{Point2, Vector2};
use parry2d_f64::math::Vector;
use parry2d_f64::query::Ray as ParryRay;
use parry2d_f64::shape::{CompositeShapeRef, Polyline};

/// Where a new ray begins, in mm: both would meet the wall it leaves.
const STEP: f64 = 1e-6;

/// The scene as one polyline of separate segments.
pub struct Parry(Polyline);

impl Parry {
    pub fn new(segments: &[[[f64; 2]; 2]]) -> Self {
        let points = segments.iter().flatten().map(|&[x, y]| Vector::new(x, y)).collect();
        let ends = (0..segments.len() as u32).map(|i| [2 * i, 2 * i + 1]).collect();
        Parry(Polyline::new(points, Some(ends)))
    }

    /// Reflects each ray up to `events` times; the number of hits.
    pub fn trace(&self, starts: &[[f64; 4]], events: usize, vertices: &mut [[f64; 2]]) -> usize {
        let scene = CompositeShapeRef(&self.0);
        let mut hits = 0;
        for (start, row) in starts.iter().zip(vertices.chunks_mut(events)) {
            let (mut position, mut direction) = (Vector::new(start[0], start[1]), Vector::new(start[2], start[3]));
            for vertex in row {
                let ray = ParryRay::new(position + direction * STEP, direction);
                let Some((_, hit)) = scene.cast_local_ray_and_get_normal(&ray, f64::MAX, false) else { break };
                position = ray.point_at(hit.time_of_impact);
                direction = (direction - hit.normal * (2.0 * direction.dot(hit.normal))).normalize();
                *vertex = [position.x, position.y];
                hits += 1;
            }
        }
        hits
    }
}

/// A segment in a hierarchy of the crate `bvh`.
struct Wall {
    a: Vector2<f64>,
    b: Vector2<f64>,
    node: usize,
}

impl Bounded<f64, 2> for Wall {
    fn aabb(&self) -> Aabb<f64, 2> {
        Aabb::with_bounds(self.a.inf(&self.b).into(), self.a.sup(&self.b).into())
    }
}

impl BHShape<f64, 2> for Wall {
    fn set_bh_node_index(&mut self, node: usize) {
        self.node = node;
    }

    fn bh_node_index(&self) -> usize {
        self.node
    }
}

/// The scene in a hierarchy of the crate `bvh`, with a segment test of ours.
pub struct Hierarchy {
    walls: Vec<Wall>,
    bvh: Bvh<f64, 2>,
}

impl Hierarchy {
    pub fn new(segments: &[[[f64; 2]; 2]]) -> Self {
        let wall = |&[a, b]: &[[f64; 2]; 2]| Wall { a: a.into(), b: b.into(), node: 0 };
        let mut walls: Vec<Wall> = segments.iter().map(wall).collect();
        let bvh = Bvh::build(&mut walls);
        Hierarchy { walls, bvh }
    }

    /// Reflects each ray up to `events` times; the number of hits.
    pub fn trace(&self, starts: &[[f64; 4]], events: usize, vertices: &mut [[f64; 2]]) -> usize {
        let mut hits = 0;
        for (start, row) in starts.iter().zip(vertices.chunks_mut(events)) {
            let (mut position, mut direction) = (Vector2::new(start[0], start[1]), Vector2::new(start[2], start[3]));
            for vertex in row {
                let origin = position + direction * STEP;
                let ray = Ray::new(Point2::from(origin), direction);
                let mut best: Option<(f64, &Wall)> = None;
                // Boxes come in the order in which the ray enters them.
                for wall in self.bvh.nearest_traverse_iterator(&ray, &self.walls) {
                    if let Some((nearest, _)) = best {
                        let entry = ray.intersection_slice_for_aabb(&wall.aabb()).map_or(f64::INFINITY, |(t, _)| t);
                        if entry > nearest {
                            break;
                        }
                    }
                    let (along, to) = (wall.b - wall.a, wall.a - origin);
                    let across = direction.perp(&along);
                    let (t, u) = (to.perp(&along) / across, to.perp(&direction) / across);
                    if t > 0.0 && (0.0..=1.0).contains(&u) && best.is_none_or(|(nearest, _)| t < nearest) {
                        best = Some((t, wall));
                    }
                }
                let Some((t, wall)) = best else { break };
                position = origin + direction * t;
                let tangent = (wall.b - wall.a).normalize();
                direction = (tangent * (2.0 * direction.dot(&tangent)) - direction).normalize();
                *vertex = [position.x, position.y];
                hits += 1;
            }
        }
        hits
    }
}
