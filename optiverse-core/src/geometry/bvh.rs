//! A hierarchy of boxes over the surfaces of a system.
//!
//! Built top down with the surface-area heuristic over binned centres (I. Wald, "On fast Construction of SAH-based Bounding
//! Volume Hierarchies", IEEE Symposium on Interactive Ray Tracing 2007), with the half perimeter in place of the area.

use glam::DVec2;

use super::Aabb;

const BINS: usize = 16;
const LEAF_SIZE: usize = 2;

/// What a box of the hierarchy holds.
#[derive(Clone, Copy, Debug)]
struct Node {
    aabb: Aabb,
    /// Of a leaf: the first of its primitives. Of a branch: its second child; the first stands right behind it.
    first: u32,
    /// Number of primitives in a leaf; 0 for a branch.
    count: u32,
}

/// A hierarchy of boxes over primitives that are known by their number.
#[derive(Clone, Debug, Default)]
pub struct Bvh {
    nodes: Vec<Node>,
    primitives: Vec<u32>,
}

/// The boxes a query has put aside, with the distances at which the ray enters them.
#[derive(Clone, Debug, Default)]
pub struct Scratch(Vec<(u32, f64)>);

/// A ray as the hierarchy needs it.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// Where it starts.
    pub origin: DVec2,
    /// 1/direction by component.
    pub inverse: DVec2,
}

impl Query {
    /// The ray from `origin` along `direction`.
    #[must_use]
    pub fn new(origin: DVec2, direction: DVec2) -> Self {
        Query { origin, inverse: direction.recip() }
    }
}

impl Bvh {
    /// The hierarchy over these boxes; primitive `i` lies within the box `boxes[i]` and does not touch its edge.
    #[must_use]
    pub fn build(boxes: &[Aabb]) -> Self {
        let Ok(count) = u32::try_from(boxes.len()) else { return Bvh::default() };
        let mut primitives: Vec<u32> = (0..count).collect();
        let mut nodes = Vec::with_capacity(2 * boxes.len() / LEAF_SIZE + 1);
        if !boxes.is_empty() {
            let centres: Vec<DVec2> = boxes.iter().map(|aabb| aabb.centre()).collect();
            build_node(&mut nodes, boxes, &centres, &mut primitives, 0);
        }
        Bvh { nodes, primitives }
    }

    /// The primitive with the smallest `(distance, number)` for which `distance` gives a finite value, and that distance.
    ///
    /// `distance` is asked for at least every primitive whose box the ray meets before the nearest hit; the number breaks
    /// ties, so that the answer does not depend on the shape of the hierarchy. `scratch` keeps its memory between queries.
    #[inline]
    pub fn nearest(
        &self,
        query: &Query,
        scratch: &mut Scratch,
        mut distance: impl FnMut(u32) -> f64,
    ) -> Option<(u32, f64)> {
        let root = self.nodes.first()?;
        let mut best = (u32::MAX, f64::INFINITY);
        let stack = &mut scratch.0;
        stack.clear();
        let mut current = (0_u32, root.aabb.entry(query.origin, query.inverse, best.1)?);
        loop {
            let node = &self.nodes[current.0 as usize];
            if current.1 > best.1 {
                // A nearer hit has been found since this box was put aside.
            } else if node.count > 0 {
                let first = node.first as usize;
                for &primitive in &self.primitives[first..first + node.count as usize] {
                    let found = distance(primitive);
                    if found < best.1 || (found == best.1 && primitive < best.0 && found.is_finite()) {
                        best = (primitive, found);
                    }
                }
            } else {
                let (near, far) = (current.0 + 1, node.first);
                let enter = |index: u32| self.nodes[index as usize].aabb.entry(query.origin, query.inverse, best.1);
                match (enter(near), enter(far)) {
                    (Some(a), Some(b)) => {
                        let (first, second) = if a <= b { ((near, a), (far, b)) } else { ((far, b), (near, a)) };
                        stack.push(second);
                        current = first;
                        continue;
                    }
                    (Some(a), None) => {
                        current = (near, a);
                        continue;
                    }
                    (None, Some(b)) => {
                        current = (far, b);
                        continue;
                    }
                    (None, None) => {}
                }
            }
            match stack.pop() {
                Some(next) => current = next,
                None => return (best.0 != u32::MAX).then_some(best),
            }
        }
    }
}

/// Appends the node over `primitives`, whose first stands at `offset` in the whole list, and all nodes below it.
fn build_node(nodes: &mut Vec<Node>, boxes: &[Aabb], centres: &[DVec2], primitives: &mut [u32], offset: u32) {
    let aabb = primitives.iter().fold(Aabb::EMPTY, |sum, &p| sum.union(boxes[p as usize]));
    let index = nodes.len();
    // Cannot be cut off: `Bvh::build` has checked that the number of all primitives fits.
    nodes.push(Node { aabb, first: offset, count: primitives.len() as u32 });
    if primitives.len() <= LEAF_SIZE {
        return;
    }
    let middle = partition(boxes, centres, primitives);
    let (left, right) = primitives.split_at_mut(middle);
    build_node(nodes, boxes, centres, left, offset);
    nodes[index].first = nodes.len() as u32;
    nodes[index].count = 0;
    build_node(nodes, boxes, centres, right, offset + middle as u32);
}

/// Sorts the primitives into two parts, neither empty, and returns the size of the first.
fn partition(boxes: &[Aabb], centres: &[DVec2], primitives: &mut [u32]) -> usize {
    let extent = Aabb::from_points(primitives.iter().map(|&p| centres[p as usize]));
    let size = extent.max - extent.min;
    let axis = usize::from(size.y > size.x);
    let scale = BINS as f64 / size[axis];
    let halves = primitives.len() / 2;
    if !scale.is_finite() {
        return halves; // all centres in one place
    }
    let bin_of = |p: u32| (((centres[p as usize][axis] - extent.min[axis]) * scale) as usize).min(BINS - 1);
    let mut bins = [(Aabb::EMPTY, 0_usize); BINS];
    for &p in primitives.iter() {
        let bin = &mut bins[bin_of(p)];
        *bin = (bin.0.union(boxes[p as usize]), bin.1 + 1);
    }
    // The cost of the part at or above each bin, from the right; then sweep from the left.
    let mut above = [0.0; BINS];
    let mut part = (Aabb::EMPTY, 0_usize);
    for i in (1..BINS).rev() {
        part = (part.0.union(bins[i].0), part.1 + bins[i].1);
        above[i] = part.0.half_perimeter() * part.1 as f64;
    }
    let mut best = (f64::INFINITY, 0);
    let mut part = (Aabb::EMPTY, 0_usize);
    for i in 0..BINS - 1 {
        part = (part.0.union(bins[i].0), part.1 + bins[i].1);
        let cost = part.0.half_perimeter() * part.1 as f64 + above[i + 1];
        if part.1 > 0 && part.1 < primitives.len() && cost < best.0 {
            best = (cost, i + 1);
        }
    }
    if best.1 == 0 {
        return halves;
    }
    let mut middle = 0;
    for i in 0..primitives.len() {
        if bin_of(primitives[i]) < best.1 {
            primitives.swap(i, middle);
            middle += 1;
        }
    }
    middle
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The distance at which a ray enters a box, edges included, ∞ where it misses: a stand-in for a surface.
    fn distance(aabb: &Aabb, origin: DVec2, direction: DVec2) -> f64 {
        let (mut enter, mut leave) = (0.0_f64, f64::INFINITY);
        for axis in 0..2 {
            let (low, high, o, d) = (aabb.min[axis], aabb.max[axis], origin[axis], direction[axis]);
            if d == 0.0 {
                if o < low || o > high {
                    return f64::INFINITY;
                }
            } else {
                let (a, b) = ((low - o) / d, (high - o) / d);
                (enter, leave) = (enter.max(a.min(b)), leave.min(a.max(b)));
            }
        }
        if enter <= leave { enter } else { f64::INFINITY }
    }

    fn nearest_by_scan(boxes: &[Aabb], origin: DVec2, direction: DVec2) -> Option<(u32, f64)> {
        let mut best: Option<(u32, f64)> = None;
        for (i, aabb) in boxes.iter().enumerate() {
            let t = distance(aabb, origin, direction);
            if t.is_finite() && best.is_none_or(|(_, nearest)| t < nearest) {
                best = Some((i as u32, t));
            }
        }
        best
    }

    proptest! {
        #[test]
        fn the_hierarchy_finds_what_a_scan_finds(
            corners in prop::collection::vec((-50.0..50.0_f64, -50.0..50.0_f64, 0.0..5.0_f64, 0.0..5.0_f64), 0..200),
            origin in (-60.0..60.0_f64, -60.0..60.0_f64),
            angle in 0.0..std::f64::consts::TAU,
            quantised in any::<bool>(),
        ) {
            // Half of the cases on whole numbers, where ties and shared edges are common.
            let q = |x: f64| if quantised { x.round() } else { x };
            let boxes: Vec<Aabb> = corners.iter().map(|&(x, y, w, h)| Aabb {
                min: DVec2::new(q(x), q(y)), max: DVec2::new(q(x) + q(w), q(y) + q(h)),
            }).collect();
            let direction = if quantised { DVec2::X } else { DVec2::from_angle(angle) };
            let origin = DVec2::new(q(origin.0), q(origin.1));
            let grown: Vec<Aabb> = boxes.iter().map(|aabb| aabb.grown(1e-9)).collect();
            let bvh = Bvh::build(&grown);
            let found = bvh.nearest(&Query::new(origin, direction), &mut Scratch::default(), |i| {
                distance(&boxes[i as usize], origin, direction)
            });
            prop_assert_eq!(found, nearest_by_scan(&boxes, origin, direction));
        }
    }

    #[test]
    fn equal_boxes_are_split_all_the_same() {
        let boxes = vec![Aabb { min: DVec2::ZERO, max: DVec2::ONE }; 100];
        let bvh = Bvh::build(&boxes);
        let query = Query::new(DVec2::new(-1.0, 0.5), DVec2::X);
        assert_eq!(
            bvh.nearest(&query, &mut Scratch::default(), |i| if i < 7 { f64::INFINITY } else { 1.0 }),
            Some((7, 1.0))
        );
        assert_eq!(Bvh::build(&[]).nearest(&query, &mut Scratch::default(), |_| 0.0), None);
    }
}
