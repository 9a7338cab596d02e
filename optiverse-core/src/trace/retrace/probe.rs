//! Places where surfaces were changed, and whether light comes near them.

use glam::DVec2;
use wide::f32x4;

use crate::geometry::Aabb;
use crate::optics::Shape;

/// How near light must come to a surface to count as touching it, in mm: more than the tolerance of any rule of hits for
/// coordinates up to a metre, and [`RELATIVE_MARGIN`] for larger ones.
const MARGIN_MM: f64 = 1e-5;

/// How near, as a share of the largest coordinate.
const RELATIVE_MARGIN: f64 = 1e-12;

/// Probes under one box.
const GROUP: usize = 16;

/// How near is near for coordinates of this size.
pub(super) fn margin(size: f64) -> f64 {
    MARGIN_MM + RELATIVE_MARGIN * size
}

pub(super) fn size(point: DVec2) -> f64 {
    point.abs().max_element()
}

/// A rectangle along the chord of a surface that holds the surface, and what a rule of hits may find beyond its ends.
#[derive(Clone, Copy, Debug)]
struct Probe {
    centre: DVec2,
    along: DVec2,
    half: DVec2,
    /// Largest coordinate.
    size: f64,
    /// The box around it, with its margin.
    aabb: Aabb,
}

impl Probe {
    fn around(shape: &Shape) -> Probe {
        let chord = shape.chord();
        let beyond = shape.overshoot_mm();
        let (lift, half) = match shape {
            Shape::Segment(_) => (DVec2::ZERO, DVec2::new(chord.half_length(), 0.0)),
            Shape::Arc(_) if shape.may_be_a_circle() => (DVec2::ZERO, DVec2::splat(chord.half_length() + beyond)),
            // The arc is at most half a circle: it lies above its chord and nowhere beside it.
            Shape::Arc(arc) => {
                let height = 0.5 * arc.sagitta();
                // Beyond its ends it goes down by the sine of half its angle.
                let down = beyond * chord.half_length() * arc.curvature();
                (height * arc.axis(), DVec2::new(chord.half_length() + beyond, height + down))
            }
        };
        let aabb = shape.reached();
        let size = size(aabb.min).max(size(aabb.max));
        Probe { centre: chord.middle() + lift, along: chord.tangent(), half, size, aabb: aabb.grown(margin(size)) }
    }

    /// A vector in the directions of the rectangle's sides.
    fn turned(&self, v: DVec2) -> DVec2 {
        DVec2::new(v.dot(self.along), v.perp_dot(self.along))
    }

    /// Whether the line from `start` along `way` (of any length), up to `limit` times `way`, comes nearer than `margin`.
    fn meets(&self, start: DVec2, way: DVec2, limit: f64, margin: f64) -> bool {
        let (start, way) = (self.turned(start - self.centre), self.turned(way));
        let half = self.half + DVec2::splat(margin);
        let (mut enter, mut leave) = (0.0_f64, limit);
        for axis in 0..2 {
            if way[axis] == 0.0 {
                if start[axis].abs() > half[axis] {
                    return false;
                }
            } else {
                let (a, b) = ((-half[axis] - start[axis]) / way[axis], (half[axis] - start[axis]) / way[axis]);
                (enter, leave) = (enter.max(a.min(b)), leave.min(a.max(b)));
            }
        }
        enter <= leave
    }
}

/// The places of all surfaces that are there no more, or not as they were, or not yet.
#[derive(Clone, Debug)]
pub(super) struct Probes {
    probes: Vec<Probe>,
    /// Boxes around each [`GROUP`] of them, and around all.
    groups: Vec<Aabb>,
    all: Aabb,
    /// The box around all, to be compared with those of light.
    all_loosely: LooseBox,
}

impl Probes {
    pub(super) fn around<'a>(shapes: impl Iterator<Item = &'a Shape>) -> Probes {
        let probes: Vec<Probe> = shapes.map(Probe::around).collect();
        let union = |aabb: Aabb, other: &Aabb| aabb.union(*other);
        let groups: Vec<Aabb> =
            probes.chunks(GROUP).map(|group| group.iter().map(|probe| &probe.aabb).fold(Aabb::EMPTY, union)).collect();
        let all = groups.iter().fold(Aabb::EMPTY, union);
        Probes { probes, groups, all, all_loosely: LooseBox::around(&all) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.probes.is_empty()
    }

    /// Those whose boxes `may_meet`, each first by its group.
    fn near(&self, may_meet: impl Fn(&Aabb) -> bool) -> impl Iterator<Item = &Probe> {
        let near = !self.is_empty() && may_meet(&self.all);
        let groups = self.probes.chunks(GROUP).zip(&self.groups).take(if near { self.groups.len() } else { 0 });
        groups.filter_map(move |(probes, aabb)| may_meet(aabb).then_some(probes)).flatten()
    }

    /// Whether a box lies near the box around all.
    #[inline]
    pub(super) fn are_near(&self, other: LooseBox) -> bool {
        other.overlaps(self.all_loosely)
    }

    /// Whether any may be met by what lies in a box.
    pub(super) fn may_meet(&self, aabb: &Aabb) -> bool {
        self.near(|near| overlap(near, aabb)).any(|probe| overlap(&probe.aabb, aabb))
    }

    /// Whether light from `p` to `q` comes near any.
    pub(super) fn meet_segment(&self, p: DVec2, q: DVec2) -> bool {
        let reach = size(p).max(size(q));
        let aabb = Aabb::from_points([p, q]).grown(margin(reach));
        self.near(|near| overlap(near, &aabb)).any(|probe| probe.meets(p, q - p, 1.0, margin(reach.max(probe.size))))
    }

    /// Whether light that came from `p` to `q` would come near any if it went on.
    pub(super) fn meet_beyond(&self, p: DVec2, q: DVec2) -> bool {
        if self.probes.is_empty() {
            return false;
        }
        let way = q - p;
        let length = way.length();
        let reach = size(p).max(size(q));
        // How far the direction is off, by rounding of the two points.
        let skew = 4.0 * f64::EPSILON * reach / length;
        // No direction can be told from points this close.
        if skew.is_nan() || skew > 1e-3 {
            return true;
        }
        let direction = way / length;
        let query = direction.recip();
        let margin_at = |distance: DVec2, size: f64| margin(reach.max(size)) + skew * distance.element_sum();
        let entered = |aabb: &Aabb| {
            let farthest = (aabb.min - q).abs().max((aabb.max - q).abs());
            let size = size(aabb.min).max(size(aabb.max));
            aabb.grown(margin_at(farthest, size)).entry(q, query, f64::INFINITY).is_some()
        };
        self.near(entered).any(|probe| {
            let farthest = (probe.centre - q).abs() + DVec2::splat(probe.half.element_sum());
            probe.meets(q, direction, f64::INFINITY, margin_at(farthest, probe.size))
        })
    }
}

fn overlap(a: &Aabb, b: &Aabb) -> bool {
    a.min.x <= b.max.x && b.min.x <= a.max.x && a.min.y <= b.max.y && b.min.y <= a.max.y
}

/// A box in single precision, rounded outwards: half the memory of an [`Aabb`], and one comparison of four lanes, without a branch, tells whether two overlap.
#[derive(Clone, Copy, Debug)]
pub(super) struct LooseBox {
    /// The lower ends of x and y, and the upper ends with their signs turned.
    ends: f32x4,
}

impl LooseBox {
    pub(super) fn around(aabb: &Aabb) -> LooseBox {
        let Aabb { min, max } = *aabb;
        LooseBox { ends: f32x4::new([min.x, min.y, -max.x, -max.y].map(rounded_down)) }
    }

    /// The box itself.
    pub(super) fn aabb(self) -> Aabb {
        let [left, bottom, right, top] = self.ends.to_array().map(f64::from);
        Aabb { min: DVec2::new(left, bottom), max: DVec2::new(-right, -top) }
    }

    #[inline]
    fn overlaps(self, other: LooseBox) -> bool {
        let [left, bottom, right, top] = other.ends.to_array();
        self.ends.simd_le(-f32x4::new([right, top, left, bottom])).all()
    }
}

/// The largest number of single precision that is not larger.
fn rounded_down(value: f64) -> f32 {
    let nearest = value as f32;
    if f64::from(nearest) > value { nearest.next_down() } else { nearest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn boxes() -> impl Strategy<Value = Aabb> {
        let at = || prop_oneof![-1e9..1e9, -1.0..1.0, (-3..3).prop_map(f64::from)];
        [at(), at(), at(), at()].prop_map(|[a, b, c, d]| Aabb::from_points([DVec2::new(a, b), DVec2::new(c, d)]))
    }

    proptest! {
        #[test]
        fn a_loose_box_holds_the_box_and_little_more(aabb in boxes()) {
            let loose = LooseBox::around(&aabb).aabb();
            prop_assert_eq!(loose.union(aabb), loose);
            let more = (aabb.min - loose.min).max(loose.max - aabb.max);
            let most = size(aabb.min).max(size(aabb.max)) * f64::from(f32::EPSILON);
            prop_assert!(more.max_element() <= most, "{} over {}", more, most);
        }

        #[test]
        fn loose_boxes_overlap_where_the_boxes_do(a in boxes(), b in boxes()) {
            let (loose_a, loose_b) = (LooseBox::around(&a), LooseBox::around(&b));
            prop_assert_eq!(loose_a.overlaps(loose_b), overlap(&loose_a.aabb(), &loose_b.aabb()));
            prop_assert!(!overlap(&a, &b) || loose_a.overlaps(loose_b));
        }
    }

    #[test]
    fn nothing_overlaps_the_empty_box() {
        let all = LooseBox::around(&Aabb { min: DVec2::splat(-1e9), max: DVec2::splat(1e9) });
        assert!(!all.overlaps(LooseBox::around(&Aabb::EMPTY)) && !LooseBox::around(&Aabb::EMPTY).overlaps(all));
    }
}
