//! Light: rays as lines, Gaussian beams as envelopes around their axis.

use std::collections::{BTreeMap, HashMap};

use glam::DVec2;

use super::frame::Frame;
use super::markup::{PathData, hex};
use super::symbols::push_path;
use crate::optics::OpticalSystem;
use crate::trace::{RayPath, RayPaths};

/// Light weaker than this, in per cent, is drawn as if it had this much: it would not show.
const FAINTEST_PERCENT: u8 = 8;
/// A path of SVG is begun anew beyond this many bytes; renderers are slow with very long ones.
const LONGEST_PATH: usize = 16_384;
/// Up to this many paths, lines are of full width.
const FEW_PATHS: usize = 100;
/// How far the outline of an envelope may be off, in pixels.
const SMOOTH_PX: f64 = 0.05;
/// Cosine of the angle of incidence below which an envelope ends across its beam, not along the surface.
const GRAZING: f64 = 0.2;

/// Light of one look. Weaker light comes first, so that stronger light is drawn over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Look {
    percent: u8,
    source: usize,
    rgb: [u8; 3],
}

/// The surfaces by item and interface.
pub(super) struct SurfaceNumbers(HashMap<(usize, usize), usize>);

impl SurfaceNumbers {
    pub(super) fn new(system: &OpticalSystem) -> Self {
        let numbers = system.surfaces().iter().enumerate();
        SurfaceNumbers(numbers.map(|(number, surface)| ((surface.item(), surface.interface()), number)).collect())
    }

    /// The number of the surface that vertex `at` of the flat arrays is at.
    fn at(&self, paths: &RayPaths, at: usize) -> Option<usize> {
        let item = usize::try_from(*paths.hit_items().get(at)?).ok()?;
        let interface = usize::try_from(*paths.hit_interfaces().get(at)?).ok()?;
        self.0.get(&(item, interface)).copied()
    }
}

/// For each surface, whether light meets it on the side of its normal, and on the other.
pub(super) fn lit_sides(system: &OpticalSystem, paths: &RayPaths, numbers: &SurfaceNumbers) -> Vec<[bool; 2]> {
    let mut lit = vec![[false; 2]; system.surfaces().len()];
    for path in paths.iter() {
        let (vertices, points) = (path.vertices(), path.points());
        for vertex in path.branch_vertex() + 1..points.len() {
            let Some(number) = numbers.at(paths, vertices.start + vertex) else { continue };
            let normal = system.surfaces()[number].shape().normal_at(points[vertex]);
            let against = (points[vertex] - points[vertex - 1]).dot(normal) < 0.0;
            lit[number][usize::from(!against)] = true;
        }
    }
    lit
}

/// Appends all light.
pub(super) fn push_rays(
    out: &mut String,
    system: &OpticalSystem,
    paths: &RayPaths,
    numbers: &SurfaceNumbers,
    frame: &Frame,
) {
    let mut lines: BTreeMap<Look, Vec<PathData>> = BTreeMap::new();
    let mut envelopes: BTreeMap<Look, Vec<PathData>> = BTreeMap::new();
    for path in paths.iter() {
        let [r, g, b, _] = path.rgba();
        for stretch in stretches(paths, &path) {
            let percent = percent(path.intensities()[stretch.from]);
            let look = Look { percent, source: path.source_index(), rgb: [r, g, b] };
            let (start, end) = (path.points()[stretch.from], path.points()[stretch.to]);
            if let Some((a, b)) = frame.clip(start, end) {
                let data = lines.entry(look).or_default();
                if data.last().is_none_or(|last| last.len() > LONGEST_PATH) {
                    data.push(PathData::new());
                }
                if let Some(last) = data.last_mut() {
                    last.push_stretch(a, b);
                }
            }
            if path.is_gaussian() {
                let [left, right] = envelope(system, paths, numbers, &path, stretch)
                    .map(|side| thinned(&side.into_iter().map(|point| frame.project(point)).collect::<Vec<_>>()));
                let outline = frame.clip_polygon(left.into_iter().chain(right.into_iter().rev()).collect());
                if outline.len() > 2 {
                    envelopes.entry(look).or_default().push(PathData::new().polygon(&outline));
                }
            }
        }
    }
    for (name, looks) in [("envelope", &envelopes), ("ray", &lines)] {
        for (look, data) in looks {
            let opacity = f64::from(look.percent) / 100.0;
            let (colour, source) = (hex(look.rgb), look.source);
            for data in data.iter().filter(|data| !data.is_empty()) {
                let paint = if name == "ray" {
                    format!("stroke=\"{colour}\" stroke-opacity=\"{opacity}\"")
                } else {
                    format!("fill=\"{colour}\" fill-opacity=\"{:.3}\" stroke=\"none\"", 0.35 * opacity)
                };
                push_path(out, data, &format!("class=\"{name}\" data-source=\"{source}\" {paint}"));
            }
        }
    }
}

/// Width of a ray's line in pixels.
pub(super) fn line_width(paths: &RayPaths) -> f64 {
    if paths.len() <= FEW_PATHS { 2.0 } else { 0.75 }
}

fn percent(intensity: f64) -> u8 {
    // The cast saturates.
    ((100.0 * intensity).round() as u8).clamp(FAINTEST_PERCENT, 100)
}

/// A stretch of free space, by its first and last vertex in the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    from: usize,
    to: usize,
}

/// The stretches of a path that are its own, from surface to surface: vertices in between only shape an envelope.
fn stretches(paths: &RayPaths, path: &RayPath<'_>) -> Vec<Stretch> {
    let (vertices, points) = (path.vertices(), path.points());
    let mut stretches = Vec::new();
    let mut from = path.branch_vertex();
    for to in from + 1..points.len() {
        let is_end = to + 1 == points.len() || paths.hit_items()[vertices.start + to] >= 0;
        if is_end {
            if points[from].is_finite() && points[to].is_finite() {
                stretches.push(Stretch { from, to });
            }
            from = to;
        }
    }
    stretches
}

/// The two sides of a Gaussian beam over a stretch, in mm: ±w across the axis, ending along the surfaces at its ends.
fn envelope(
    system: &OpticalSystem,
    paths: &RayPaths,
    numbers: &SurfaceNumbers,
    path: &RayPath<'_>,
    stretch: Stretch,
) -> [Vec<DVec2>; 2] {
    let Stretch { from, to } = stretch;
    let (points, radii, first) = (path.points(), path.beam_radii_mm(), path.vertices().start);
    let direction = (points[to] - points[from]).normalize_or_zero();
    let left = direction.perp();
    let mut sides = [Vec::new(), Vec::new()];
    for vertex in from..=to {
        let radius = if vertex == to { radius_before(&radii[from..to], radii[to]) } else { radii[vertex] };
        let mut across = left * radius;
        if (vertex == from || vertex == to)
            && let Some(number) = numbers.at(paths, first + vertex)
        {
            let tangent = system.surfaces()[number].shape().normal_at(points[vertex]).perp();
            let cosine = tangent.dot(left);
            if cosine.abs() > GRAZING {
                across = tangent * (radius / cosine);
            }
        }
        if across.is_finite() && points[vertex].is_finite() {
            sides[0].push(points[vertex] + across);
            sides[1].push(points[vertex] - across);
        }
    }
    sides
}

/// The points without which the line would look different (D. H. Douglas and T. K. Peucker, Cartographica 10 (1973) 112).
fn thinned(points: &[DVec2]) -> Vec<DVec2> {
    let mut kept = vec![false; points.len()];
    let mut parts = vec![(0, points.len().saturating_sub(1))];
    while let Some((from, to)) = parts.pop() {
        let Some((&a, &b)) = points.get(from).zip(points.get(to)) else { break };
        (kept[from], kept[to]) = (true, true);
        let across = (b - a).normalize_or_zero().perp();
        let away = |&i: &usize| {
            let offset = points[i] - a;
            if across == DVec2::ZERO { offset.length() } else { offset.dot(across).abs() }
        };
        let farthest = (from + 1..to).max_by(|i, j| away(i).total_cmp(&away(j)));
        if let Some(middle) = farthest.filter(|i| away(i) > SMOOTH_PX) {
            parts.extend([(from, middle), (middle, to)]);
        }
    }
    points.iter().zip(kept).filter_map(|(point, kept)| kept.then_some(*point)).collect()
}

/// The radius with which a beam arrives: the vertex itself holds the one with which it leaves.
///
/// w² is a polynomial of second order along the axis, and the samples before are equally spaced; a stretch with less than three
/// of them is one over which w hardly changes.
fn radius_before(samples: &[f64], leaving: f64) -> f64 {
    let squared = match samples {
        [.., a, b, c] => 3.0 * c * c - 3.0 * b * b + a * a,
        [a, b] => 2.0 * b * b - a * a,
        [a] => a * a,
        [] => leaving * leaving,
    };
    squared.max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arriving_radius_follows_from_the_samples() {
        let w = |z: f64| (0.04 + 0.01 * (z - 3.0) * (z - 3.0)).sqrt();
        let samples: Vec<f64> = (0..8).map(|i| w(f64::from(i))).collect();
        assert!((radius_before(&samples, 99.0) - w(8.0)).abs() < 1e-12);
        assert_eq!(radius_before(&[], 0.5), 0.5);
        assert_eq!(radius_before(&[0.5], 0.1), 0.5);
    }

    #[test]
    fn thinning_keeps_the_shape() {
        let parabola: Vec<DVec2> = (0..=200).map(f64::from).map(|x| DVec2::new(x, 1e-3 * x * x)).collect();
        let kept = thinned(&parabola);
        assert!(kept.len() > 5 && kept.len() < 40, "{}", kept.len());
        for point in &parabola {
            let after = kept.partition_point(|k| k.x < point.x).max(1);
            let (a, b) = (kept[after - 1], kept[after]);
            let on_line = a.y + (b.y - a.y) * (point.x - a.x) / (b.x - a.x);
            assert!((on_line - point.y).abs() < 1.2 * SMOOTH_PX);
        }
        let line: Vec<DVec2> = (0..100).map(|i| DVec2::new(f64::from(i), 3.0)).collect();
        assert_eq!(thinned(&line), [line[0], line[99]]);
        assert!(thinned(&[]).is_empty());
    }

    #[test]
    fn opacity_is_the_intensity_down_to_what_shows() {
        assert_eq!(percent(1.0), 100);
        assert_eq!(percent(0.5), 50);
        assert_eq!(percent(0.08), 8);
        assert_eq!(percent(0.07), 8);
        assert_eq!(percent(f64::NAN), 8);
        assert_eq!(percent(3.0), 100);
    }
}
