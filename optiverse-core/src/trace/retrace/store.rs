//! The paths of a trace, kept so that those of single source rays can be exchanged.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::super::balance::PowerBalance;
use super::super::parallel::{CHUNK, Traced};
use super::super::paths::RayPaths;
use super::flatten::{Flattener, Translation, same_paths};
use super::index::Runs;
use super::probe::Probes;
use crate::optics::OpticalSystem;
use crate::scene::ItemId;

/// What the numbers of items and sources in paths point to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbering {
    pub(super) items: Vec<ItemId>,
    pub(super) source_items: Vec<ItemId>,
}

impl Numbering {
    pub(super) fn of(system: &OpticalSystem) -> Numbering {
        Numbering { items: system.items().to_vec(), source_items: system.source_items().to_vec() }
    }

    pub(super) fn is_of(&self, system: &OpticalSystem) -> bool {
        self.items == system.items() && self.source_items == system.source_items()
    }

    /// Whether an id stands in a list twice, so that it does not tell which of the two is meant.
    pub(super) fn has_twins(&self) -> bool {
        let twins = |ids: &[ItemId]| ids.iter().collect::<HashSet<_>>().len() < ids.len();
        twins(&self.items) || twins(&self.source_items)
    }
}

/// The paths of source rays that were traced together, ray by ray.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) paths: Arc<RayPaths>,
    pub(super) numbering: Arc<Numbering>,
    /// The first path of each ray, and the number of all paths.
    first_path: Vec<usize>,
    balances: Vec<PowerBalance>,
    runs: Runs,
}

impl Batch {
    /// With an index, by which [`Store::touches`] finds the rays that an edit touches.
    pub(super) fn new(traced: Traced, numbering: Arc<Numbering>) -> Batch {
        let mut batch = Batch::without_index(traced, numbering);
        batch.runs = Runs::of(&batch.paths, &batch.first_path);
        batch
    }

    fn without_index(traced: Traced, numbering: Arc<Numbering>) -> Batch {
        let mut first_path = Vec::with_capacity(traced.rays.len() + 1);
        let mut sum = 0;
        first_path.push(sum);
        for ray in &traced.rays {
            sum += ray.paths;
            first_path.push(sum);
        }
        let balances = traced.rays.iter().map(|ray| ray.balance).collect();
        Batch { paths: Arc::new(traced.paths), numbering, first_path, balances, runs: Runs::default() }
    }

    pub(super) fn paths_of(&self, ray: usize) -> Range<usize> {
        self.first_path[ray]..self.first_path[ray + 1]
    }

    fn vertices_of(&self, ray: usize) -> usize {
        let paths = self.paths_of(ray);
        (self.paths.offsets[paths.end] - self.paths.offsets[paths.start]) as usize
    }
}

/// Where the paths of a source ray are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    batch: usize,
    ray: usize,
}

impl Place {
    /// Of a ray that has not been traced yet.
    const NONE: Place = Place { batch: usize::MAX, ray: usize::MAX };
}

/// The paths of all source rays, each ray's in one of several batches.
///
/// A whole trace is one batch. What is traced again becomes a batch of its own, and places tell which paths count. The flat
/// arrays of all paths are put together when they are asked for, and are then the only batch again.
#[derive(Clone, Debug)]
pub(super) struct Store {
    batches: Vec<Batch>,
    /// Of each source ray.
    places: Vec<Place>,
    /// The power of each [`CHUNK`] of source rays, as a trace sums it.
    chunks: Vec<PowerBalance>,
    numbering: Arc<Numbering>,
    /// Vertices of all rays.
    vertices: usize,
    /// Whether the one batch is the whole result, tables included.
    is_flat: bool,
}

impl Store {
    /// All rays of a system, traced together.
    pub(super) fn new(batch: Batch) -> Store {
        let rays = batch.balances.len();
        let mut store = Store {
            places: (0..rays).map(|ray| Place { batch: 0, ray }).collect(),
            chunks: vec![PowerBalance::default(); rays.div_ceil(CHUNK as usize)],
            numbering: Arc::clone(&batch.numbering),
            vertices: batch.paths.vertex_count(),
            batches: vec![batch],
            is_flat: false,
        };
        (0..store.chunks.len()).for_each(|chunk| store.sum_chunk(chunk));
        store
    }

    pub(super) fn numbering(&self) -> &Arc<Numbering> {
        &self.numbering
    }

    fn batch_of(&self, ray: u64) -> (&Batch, usize) {
        let place = self.places[ray as usize];
        (&self.batches[place.batch], place.ray)
    }

    /// Number of paths of a ray.
    pub(super) fn path_count(&self, ray: u64) -> usize {
        let (batch, ray) = self.batch_of(ray);
        batch.paths_of(ray).len()
    }

    /// Vertices of all rays.
    pub(super) fn vertex_count(&self) -> usize {
        self.vertices
    }

    /// Number of vertices of a ray.
    pub(super) fn vertices_of(&self, ray: u64) -> usize {
        let (batch, ray) = self.batch_of(ray);
        batch.vertices_of(ray)
    }

    /// Where the paths of these rays, which must be in order, stand among all paths.
    pub(super) fn indices_of(&self, rays: &[u64]) -> Vec<usize> {
        let mut indices = Vec::new();
        let (mut ray, mut path) = (0, 0);
        for &wanted in rays {
            path += (ray..wanted).map(|ray| self.path_count(ray)).sum::<usize>();
            let count = self.path_count(wanted);
            indices.extend(path..path + count);
            (ray, path) = (wanted + 1, path + count);
        }
        indices
    }

    /// Whether light of a ray comes near any of the probes.
    pub(super) fn touches(&self, ray: u64, probes: &Probes) -> bool {
        let (batch, ray) = self.batch_of(ray);
        batch.runs.touch(ray, &batch.paths, batch.paths_of(ray), probes)
    }

    /// For pairs of a ray here and the place of a ray in another batch: whether their paths are the same to the last bit.
    pub(super) fn same_as<'a>(&'a self, batch: &'a Batch) -> impl Fn(u64, usize) -> bool + 'a {
        let mut translations: Vec<Translation> = Vec::new();
        for own in &self.batches {
            translations.push(Translation::new(&own.numbering, &batch.numbering));
        }
        move |ray, other| {
            let place = self.places[ray as usize];
            let own = &self.batches[place.batch];
            let (a, b) = ((&*own.paths, own.paths_of(place.ray)), (&*batch.paths, batch.paths_of(other)));
            same_paths(a, b, &translations[place.batch])
        }
    }

    /// Gives the source rays `rays` the paths of the batch, in that order.
    ///
    /// `kept` is there where the numbers of rays have changed: for each ray now, its number before, or none where it is new and in `rays`.
    pub(super) fn exchange(&mut self, batch: Batch, rays: &[u64], kept: Option<&[Option<u64>]>) {
        self.is_flat = false;
        if let Some(kept) = kept {
            let place = |was: &Option<u64>| was.map_or(Place::NONE, |ray| self.places[ray as usize]);
            self.places = kept.iter().map(place).collect();
            self.vertices =
                self.places.iter().filter(|&&place| place != Place::NONE).map(|&p| self.vertices_at(p)).sum();
            self.chunks.resize(self.places.len().div_ceil(CHUNK as usize), PowerBalance::default());
        }
        self.numbering = Arc::clone(&batch.numbering);
        self.batches.push(batch);
        let number = self.batches.len() - 1;
        for (at, &ray) in rays.iter().enumerate() {
            let place = Place { batch: number, ray: at };
            let before = std::mem::replace(&mut self.places[ray as usize], place);
            if before != Place::NONE {
                self.vertices -= self.vertices_at(before);
            }
            self.vertices += self.vertices_at(place);
        }
        let chunk_of = |&ray: &u64| (ray / CHUNK) as usize;
        match kept {
            Some(_) => (0..self.chunks.len()).for_each(|chunk| self.sum_chunk(chunk)),
            None => {
                rays.chunk_by(|a, b| chunk_of(a) == chunk_of(b)).for_each(|rays| self.sum_chunk(chunk_of(&rays[0])))
            }
        }
        if rays.is_empty() {
            self.batches.pop();
        }
        let held: usize = self.batches.iter().map(|batch| batch.paths.vertex_count()).sum();
        if held > self.vertices + self.vertices / 2 + 1024 {
            self.flatten();
        }
    }

    fn vertices_at(&self, place: Place) -> usize {
        self.batches[place.batch].vertices_of(place.ray)
    }

    fn sum_chunk(&mut self, chunk: usize) {
        let first = chunk * CHUNK as usize;
        let mut sum = PowerBalance::default();
        for place in &self.places[first..(first + CHUNK as usize).min(self.places.len())] {
            sum.add(&self.batches[place.batch].balances[place.ray]);
        }
        self.chunks[chunk] = sum;
    }

    /// Where the power of all rays went.
    pub(super) fn balance(&self) -> PowerBalance {
        let mut sum = PowerBalance::default();
        self.chunks.iter().for_each(|chunk| sum.add(chunk));
        sum
    }

    /// The paths of all rays as flat arrays.
    pub(super) fn flat(&mut self) -> &Arc<RayPaths> {
        if !self.is_flat {
            self.flatten();
        }
        &self.batches[0].paths
    }

    /// The paths of these rays, which must be in order, as flat arrays.
    pub(super) fn select(&self, rays: &[u64]) -> RayPaths {
        let mut flat =
            Flattener::new(&self.numbering, rays.iter().map(|&ray| self.vertices_at(self.places[ray as usize])).sum());
        let mut balance = PowerBalance::default();
        for &ray in rays {
            let (batch, ray) = self.batch_of(ray);
            flat.append(batch, batch.paths_of(ray));
            balance.add(&batch.balances[ray]);
        }
        let mut paths = flat.finish();
        paths.balance = balance;
        paths
    }

    fn flatten(&mut self) {
        let in_order = |(ray, place): (usize, &Place)| *place == Place { batch: 0, ray };
        let is_first_batch = self.places.len() == self.batches.first().map_or(0, |batch| batch.balances.len())
            && self.places.iter().enumerate().all(in_order)
            && Translation::new(&self.batches[0].numbering, &self.numbering).is_identity();
        if is_first_batch {
            self.batches.truncate(1);
        } else {
            self.batches = vec![self.joined()];
            self.places.iter_mut().enumerate().for_each(|(ray, place)| *place = Place { batch: 0, ray });
        }
        let balance = self.balance();
        let batch = &mut self.batches[0];
        batch.numbering = Arc::clone(&self.numbering);
        let paths = Arc::make_mut(&mut batch.paths);
        paths.items.clone_from(&self.numbering.items);
        paths.source_items.clone_from(&self.numbering.source_items);
        paths.balance = balance;
        self.is_flat = true;
    }

    /// All rays in one batch.
    fn joined(&self) -> Batch {
        let (mut runs, mut first_path) = (Runs::default(), vec![0]);
        let mut balances = Vec::with_capacity(self.places.len());
        for (batch, rays) in stretches(&self.places) {
            let batch = &self.batches[batch];
            let (start, before) = (batch.first_path[rays.start], first_path[first_path.len() - 1]);
            first_path.extend(batch.first_path[rays.start + 1..=rays.end].iter().map(|first| first - start + before));
            balances.extend_from_slice(&batch.balances[rays.clone()]);
            runs.extend_from(&batch.runs, rays);
        }
        let paths = flat(&self.batches, &self.places, &self.numbering, self.vertices);
        Batch { paths: Arc::new(paths), numbering: Arc::clone(&self.numbering), first_path, balances, runs }
    }
}

/// Rays that stand one after the other in the same batch, as often as there are such.
fn stretches(places: &[Place]) -> impl Iterator<Item = (usize, Range<usize>)> {
    let together = |a: &Place, b: &Place| a.batch == b.batch && a.ray + 1 == b.ray;
    places.chunk_by(together).map(|places| (places[0].batch, places[0].ray..places[0].ray + places.len()))
}

/// The paths at these places, one after the other.
fn flat(batches: &[Batch], places: &[Place], numbering: &Arc<Numbering>, vertices: usize) -> RayPaths {
    let mut flat = Flattener::new(numbering, vertices);
    for (batch, rays) in stretches(places) {
        let batch = &batches[batch];
        flat.append(batch, batch.first_path[rays.start]..batch.first_path[rays.end]);
    }
    flat.finish()
}

/// The paths of rays that were traced in any order, in their order, and the numbers of these rays.
pub(in super::super) fn in_order(traced: Vec<Traced>, system: &OpticalSystem) -> (RayPaths, Vec<u64>) {
    let numbering = Arc::new(Numbering::of(system));
    let mut rays: Vec<(u64, Place)> = Vec::new();
    for (batch, traced) in traced.iter().enumerate() {
        rays.extend(traced.rays.iter().enumerate().map(|(ray, of)| (of.number, Place { batch, ray })));
    }
    rays.sort_unstable_by_key(|ray| ray.0);
    let vertices = traced.iter().map(|traced| traced.paths.vertex_count()).sum();
    let batches: Vec<Batch> =
        traced.into_iter().map(|traced| Batch::without_index(traced, Arc::clone(&numbering))).collect();
    // As a trace of all rays sums it, so that it is the same where these are all.
    let mut balance = PowerBalance::default();
    for chunk in rays.chunk_by(|a, b| a.0 / CHUNK == b.0 / CHUNK) {
        let mut sum = PowerBalance::default();
        chunk.iter().for_each(|(_, place)| sum.add(&batches[place.batch].balances[place.ray]));
        balance.add(&sum);
    }
    let (numbers, places): (Vec<u64>, Vec<Place>) = rays.into_iter().unzip();
    let mut paths = flat(&batches, &places, &numbering, vertices);
    paths.balance = balance;
    paths.truncated = batches.iter().any(|batch| batch.paths.truncated);
    (paths, numbers)
}
