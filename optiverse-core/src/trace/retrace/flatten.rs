//! Puts the paths of rays from several batches into flat arrays, and compares paths of two batches.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use glam::DVec2;

use super::super::paths::{Jones, RayPaths};
use super::store::{Batch, Numbering};
use crate::scene::ItemId;

/// From the numbers of items and sources in one numbering to those in another; none where they are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Translation {
    items: Option<Vec<i32>>,
    sources: Option<Vec<i64>>,
}

impl Translation {
    pub(super) fn new(from: &Arc<Numbering>, to: &Arc<Numbering>) -> Translation {
        if Arc::ptr_eq(from, to) {
            return Translation::default();
        }
        Translation { items: renumber(&from.items, &to.items), sources: renumber(&from.source_items, &to.source_items) }
    }

    pub(super) fn is_identity(&self) -> bool {
        self.items.is_none() && self.sources.is_none()
    }

    fn item(&self, number: i32) -> i32 {
        match &self.items {
            Some(items) if number >= 0 => items[number as usize],
            _ => number,
        }
    }

    fn source(&self, number: i64) -> i64 {
        self.sources.as_ref().map_or(number, |sources| sources[number as usize])
    }
}

/// The number each id of `from` has in `to`, −1 where it is gone; none where all that are there kept theirs.
fn renumber<N: From<i32> + Copy>(from: &[ItemId], to: &[ItemId]) -> Option<Vec<N>> {
    if from.iter().zip(to).all(|(a, b)| a == b) {
        return None;
    }
    // The format of the result bounds the numbers at 2³¹.
    let numbers: HashMap<&ItemId, i32> = to.iter().enumerate().map(|(number, id)| (id, number as i32)).collect();
    Some(from.iter().map(|id| numbers.get(id).copied().unwrap_or(-1).into()).collect())
}

/// Flat arrays that grow by the paths of rays.
pub(super) struct Flattener {
    numbering: Arc<Numbering>,
    /// From the numberings met so far.
    translations: Vec<(Arc<Numbering>, Translation)>,
    paths: RayPaths,
}

impl Flattener {
    pub(super) fn new(numbering: &Arc<Numbering>, vertices: usize) -> Flattener {
        let mut paths = RayPaths::with_capacity(vertices);
        paths.items.clone_from(&numbering.items);
        paths.source_items.clone_from(&numbering.source_items);
        Flattener { numbering: Arc::clone(numbering), translations: Vec::new(), paths }
    }

    /// Appends the paths `range` of a batch, those of whole rays.
    pub(super) fn append(&mut self, batch: &Batch, range: Range<usize>) {
        let known = self.translations.iter().position(|(from, _)| Arc::ptr_eq(from, &batch.numbering));
        let known = known.unwrap_or_else(|| {
            let translation = Translation::new(&batch.numbering, &self.numbering);
            self.translations.push((Arc::clone(&batch.numbering), translation));
            self.translations.len() - 1
        });
        let translation = &self.translations[known].1;
        let (from, to) = (&*batch.paths, &mut self.paths);
        let vertices = from.offsets[range.start] as usize..from.offsets[range.end] as usize;
        let shift = to.points.len() as i64 - vertices.start as i64;
        let path_shift = to.len() as i64 - range.start as i64;
        to.points.extend_from_slice(&from.points[vertices.clone()]);
        to.intensities.extend_from_slice(&from.intensities[vertices.clone()]);
        to.jones.extend_from_slice(&from.jones[vertices.clone()]);
        to.optical_paths_mm.extend_from_slice(&from.optical_paths_mm[vertices.clone()]);
        to.beam_radii_mm.extend_from_slice(&from.beam_radii_mm[vertices.clone()]);
        to.hit_interfaces.extend_from_slice(&from.hit_interfaces[vertices.clone()]);
        match &translation.items {
            None => to.hit_items.extend_from_slice(&from.hit_items[vertices]),
            Some(_) => to.hit_items.extend(from.hit_items[vertices].iter().map(|&item| translation.item(item))),
        }
        to.offsets.extend(from.offsets[range.start + 1..=range.end].iter().map(|offset| offset + shift));
        let parent = |&parent: &i64| if parent < 0 { parent } else { parent + path_shift };
        to.parents.extend(from.parents[range.clone()].iter().map(parent));
        to.rgba.extend_from_slice(&from.rgba[range.clone()]);
        to.wavelengths_nm.extend_from_slice(&from.wavelengths_nm[range.clone()]);
        let source = |&source: &i64| translation.source(source);
        to.source_indices.extend(from.source_indices[range.clone()].iter().map(source));
        to.ray_indices.extend_from_slice(&from.ray_indices[range.clone()]);
        to.branch_vertices.extend_from_slice(&from.branch_vertices[range.clone()]);
        to.endings.extend_from_slice(&from.endings[range]);
    }

    pub(super) fn finish(self) -> RayPaths {
        self.paths
    }
}

/// Whether the paths of two rays are the same to the last bit, the items they meet by `translation` from the first numbering to the
/// second.
pub(super) fn same_paths(
    a: (&RayPaths, Range<usize>),
    b: (&RayPaths, Range<usize>),
    translation: &Translation,
) -> bool {
    let ((a, a_range), (b, b_range)) = (a, b);
    if a_range.len() != b_range.len() {
        return false;
    }
    let vertices =
        |paths: &RayPaths, range: &Range<usize>| paths.offsets[range.start] as usize..paths.offsets[range.end] as usize;
    let (av, bv) = (vertices(a, &a_range), vertices(b, &b_range));
    let relative = |number: i64, start: i64| if number < 0 { number } else { number - start };
    let all = |one: &dyn Fn(usize, usize) -> bool| a_range.clone().zip(b_range.clone()).all(|(i, j)| one(i, j));
    av.len() == bv.len()
        && same_points(&a.points[av.clone()], &b.points[bv.clone()])
        && all(&|i, j| {
            relative(a.offsets[i + 1], av.start as i64) == relative(b.offsets[j + 1], bv.start as i64)
                && relative(a.parents[i], a_range.start as i64) == relative(b.parents[j], b_range.start as i64)
                && a.branch_vertices[i] == b.branch_vertices[j]
                && a.endings[i] == b.endings[j]
                && a.rgba[i] == b.rgba[j]
                && a.wavelengths_nm[i].to_bits() == b.wavelengths_nm[j].to_bits()
        })
        && same_numbers(&a.intensities[av.clone()], &b.intensities[bv.clone()])
        && same_numbers(&a.optical_paths_mm[av.clone()], &b.optical_paths_mm[bv.clone()])
        && same_numbers(&a.beam_radii_mm[av.clone()], &b.beam_radii_mm[bv.clone()])
        && same_jones(&a.jones[av.clone()], &b.jones[bv.clone()])
        && a.hit_interfaces[av.clone()] == b.hit_interfaces[bv.clone()]
        && a.hit_items[av].iter().zip(&b.hit_items[bv]).all(|(&a, &b)| translation.item(a) == b)
}

fn same_numbers(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

fn same_points(a: &[DVec2], b: &[DVec2]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.x.to_bits() == b.x.to_bits() && a.y.to_bits() == b.y.to_bits())
}

fn same_jones(a: &[Jones], b: &[Jones]) -> bool {
    a.as_flattened()
        .iter()
        .zip(b.as_flattened())
        .all(|(a, b)| a.re.to_bits() == b.re.to_bits() && a.im.to_bits() == b.im.to_bits())
}
