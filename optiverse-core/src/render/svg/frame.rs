//! Which part of the plane is shown, and where it lies on the page.

use glam::DVec2;

use super::cube::cube_corners;
use super::{Crop, SvgOptions};
use crate::geometry::Aabb;
use crate::optics::{Beam, OpticalSystem, Source};
use crate::trace::{RayPath, RayPaths};

/// Light that leaves is shown over this share of the setup's longer side.
const LEAVING_SHARE: f64 = 0.3;

/// What is shown in mm where everything lies at one point.
const POINT_SIZE_MM: DVec2 = DVec2::new(10.0, 4.0);

/// Space around the setup for symbols and labels, in pixels, where the picture is large enough.
const PADDING_PX: f64 = 44.0;

/// Height of the strip under the picture that holds the scale bar.
pub(super) const FOOTER_PX: f64 = 34.0;

/// Where millimetres lie on the page: pixels, y down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// The corner at the upper left in mm, y up.
    pub(super) origin_mm: DVec2,
    pub(super) px_per_mm: f64,
    /// What is drawn on, without the strip of the scale bar.
    pub(super) canvas: DVec2,
    /// Height of the picture.
    pub(super) height: f64,
}

impl Frame {
    pub(super) fn new(system: &OpticalSystem, paths: Option<&RayPaths>, options: &SvgOptions) -> Self {
        let shown = shown_box(system, paths, options.crop);
        let width = f64::from(options.width_px.max(1));
        let padding = PADDING_PX.min(0.125 * width);
        let inner_width = width - 2.0 * padding;
        let mut size = shown.max - shown.min;
        // What is too small for double precision at its place is a point too.
        let reach = shown.min.abs().max(shown.max.abs()).max_element();
        if size.max_element() <= 1e-12 * reach || size.max_element() <= 0.0 {
            size = POINT_SIZE_MM.max(DVec2::splat(1e-9 * reach));
        }
        // A long, low setup gets some height, and a high one is no higher than it is wide.
        let px_per_mm = (inner_width / size.x).min(inner_width / size.y);
        let inner_height = (size.y * px_per_mm).max(0.15 * inner_width);
        // A fraction of a pixel would show as a seam under a dark picture.
        let canvas = DVec2::new(width, (inner_height + 2.0 * padding).ceil());
        let origin_mm = shown.centre() + DVec2::new(-0.5, 0.5) * canvas / px_per_mm;
        let height = canvas.y + if options.scale_bar { FOOTER_PX } else { 0.0 };
        Frame { origin_mm, px_per_mm, canvas, height }
    }

    /// A point of the scene on the page.
    pub(super) fn project(&self, point: DVec2) -> DVec2 {
        let offset = (point - self.origin_mm) * self.px_per_mm;
        DVec2::new(offset.x, -offset.y)
    }

    /// The part of a stretch that lies on the canvas, with end points in pixels.
    pub(super) fn clip(&self, start: DVec2, end: DVec2) -> Option<(DVec2, DVec2)> {
        let (a, b) = (self.project(start), self.project(end));
        let along = b - a;
        // Liang and Barsky, ACM Trans. Graphics 3 (1984) 1.
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        for (step, room) in
            [(-along.x, a.x), (along.x, self.canvas.x - a.x), (-along.y, a.y), (along.y, self.canvas.y - a.y)]
        {
            if step == 0.0 {
                if room < 0.0 {
                    return None;
                }
            } else if step < 0.0 {
                enter = enter.max(room / step);
            } else {
                leave = leave.min(room / step);
            }
        }
        // The end points themselves where nothing is cut: stretches must meet exactly.
        let cut = |share: f64| {
            if share <= 0.0 {
                a
            } else if share >= 1.0 {
                b
            } else {
                a + along * share
            }
        };
        (enter <= leave).then(|| (cut(enter), cut(leave)))
    }

    /// The part of a polygon (in pixels) that lies on the canvas; empty where none does.
    pub(super) fn clip_polygon(&self, mut polygon: Vec<DVec2>) -> Vec<DVec2> {
        // Sutherland and Hodgman, Comm. ACM 17 (1974) 32.
        let sides: [(DVec2, f64); 4] =
            [(DVec2::X, 0.0), (DVec2::NEG_X, -self.canvas.x), (DVec2::Y, 0.0), (DVec2::NEG_Y, -self.canvas.y)];
        for (inwards, offset) in sides {
            let height = |p: DVec2| p.dot(inwards) - offset;
            let mut kept = Vec::with_capacity(polygon.len() + 2);
            for (i, &b) in polygon.iter().enumerate() {
                let a = polygon[(i + polygon.len() - 1) % polygon.len()];
                let (from, to) = (height(a), height(b));
                if (from < 0.0) != (to < 0.0) {
                    kept.push(a + (b - a) * (from / (from - to)));
                }
                if to >= 0.0 {
                    kept.push(b);
                }
            }
            polygon = kept;
        }
        polygon
    }
}

/// The ends of the width a source sends light from: that of its rays, or of its waist.
pub(super) fn source_ends(source: &Source) -> [DVec2; 2] {
    let p = source.parameters();
    let width = match p.beam {
        Beam::Rays if p.n_rays > 1 => p.size_mm,
        Beam::Rays => 0.0,
        Beam::Gaussian { waist_mm } => 2.0 * waist_mm,
    };
    let across = DVec2::from_angle(-p.angle_deg.to_radians()).perp() * (0.5 * width);
    [source.position() + across, source.position() - across]
}

fn shown_box(system: &OpticalSystem, paths: Option<&RayPaths>, crop: Crop) -> Aabb {
    let mut setup = Aabb::EMPTY;
    let mut has_surfaces = false;
    for (number, surface) in system.surfaces().iter().enumerate().filter(|(_, surface)| !surface.is_hidden()) {
        has_surfaces = true;
        setup = setup.union(surface.shape().aabb());
        if let Some(corners) = cube_corners(system.surfaces(), number) {
            setup = setup.union(Aabb::from_points(corners));
        }
    }
    for source in system.sources().iter().filter(|source| !source.is_hidden()) {
        setup = setup.union(Aabb::from_points(source_ends(source)));
    }
    let all = || paths.into_iter().flat_map(RayPaths::iter);
    if crop == Crop::Everything || !has_surfaces {
        let points = all().flat_map(|path| path.points().iter().copied()).filter(|point| point.is_finite());
        setup = setup.union(Aabb::from_points(points));
    } else {
        for path in all() {
            setup = setup.union(Aabb::from_points(inner_points(&path)));
        }
        let length = LEAVING_SHARE * (setup.max - setup.min).max_element();
        let ends: Vec<DVec2> = all().filter_map(|path| leaving_point(&path, length)).collect();
        setup = setup.union(Aabb::from_points(ends));
    }
    if setup.min.is_finite() && setup.max.is_finite() { setup } else { Aabb { min: DVec2::ZERO, max: DVec2::ZERO } }
}

/// The last vertex of a path that is at a surface, or its first vertex.
fn last_met(path: &RayPath<'_>) -> usize {
    (0..path.points().len()).rev().find(|&vertex| path.hit(vertex).is_some()).unwrap_or(0)
}

/// The points of a path up to its last surface, with the width of a Gaussian beam.
fn inner_points(path: &RayPath<'_>) -> Vec<DVec2> {
    let (points, radii) = (path.points(), path.beam_radii_mm());
    let mut inner = Vec::new();
    let last = last_met(path);
    let own = points.iter().zip(radii).enumerate().take(last + 1).skip(path.branch_vertex());
    for (vertex, (&point, &radius)) in own.filter(|(_, (point, _))| point.is_finite()) {
        inner.push(point);
        let neighbour = points.get(if vertex > 0 { vertex - 1 } else { 1 });
        if let (true, Some(&neighbour)) = (radius.is_finite(), neighbour) {
            let across = (point - neighbour).normalize_or_zero().perp() * radius;
            inner.extend([point + across, point - across]);
        }
    }
    inner
}

/// The point of a path's last stretch that lies `length` behind its last surface, or the path's end.
fn leaving_point(path: &RayPath<'_>, length: f64) -> Option<DVec2> {
    let start = *path.points().get(last_met(path))?;
    let end = *path.points().last()?;
    let distance = start.distance(end);
    let point = if distance > length { start + (end - start) * (length / distance) } else { end };
    point.is_finite().then_some(point)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame =
        Frame { origin_mm: DVec2::new(-50.0, 50.0), px_per_mm: 1.0, canvas: DVec2::new(100.0, 100.0), height: 100.0 };

    #[test]
    fn stretches_are_cut_at_the_canvas() {
        let clip = |a: (f64, f64), b: (f64, f64)| FRAME.clip(a.into(), b.into());
        assert_eq!(clip((0.0, 0.0), (1000.0, 0.0)), Some((DVec2::new(50.0, 50.0), DVec2::new(100.0, 50.0))));
        let (a, b) = clip((-1e9, 0.0), (1e9, 0.0)).unwrap();
        assert!(a.distance(DVec2::new(0.0, 50.0)) < 1e-6 && b.distance(DVec2::new(100.0, 50.0)) < 1e-6);
        assert_eq!(clip((60.0, 0.0), (70.0, 0.0)), None);
        assert_eq!(clip((0.0, 51.0), (10.0, 51.0)), None);
    }

    #[test]
    fn polygons_are_cut_at_the_canvas() {
        let square = [(-50.0, -50.0), (50.0, -50.0), (50.0, 50.0), (-50.0, 50.0)].map(DVec2::from);
        let cut = FRAME.clip_polygon(square.to_vec());
        let aabb = Aabb::from_points(cut);
        assert_eq!((aabb.min, aabb.max), (DVec2::ZERO, DVec2::splat(50.0)));
        let outside = square.map(|p| p - DVec2::splat(500.0));
        assert!(FRAME.clip_polygon(outside.to_vec()).is_empty());
    }
}
