//! The arrays of vertices and paths while they grow.

use glam::DVec2;

use super::PowerBalance;
use super::paths::{Ending, Jones, RayPaths};

/// One vertex.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vertex {
    pub(super) point: DVec2,
    pub(super) intensity: f64,
    pub(super) jones: Jones,
    pub(super) optical_path_mm: f64,
    /// NaN for rays.
    pub(super) beam_radius_mm: f64,
    /// Item and interface; −1 where there is none.
    pub(super) hit: (i32, i32),
}

/// What a path has besides its vertices.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathRecord {
    pub(super) rgba: [u8; 4],
    pub(super) wavelength_nm: f64,
    pub(super) source_index: i64,
    pub(super) ray_index: i64,
    pub(super) parent: i64,
    pub(super) branch_vertex: i64,
    pub(super) ending: Ending,
}

impl RayPaths {
    /// Appends vertices.
    pub(super) fn push_vertices(&mut self, vertices: &[Vertex]) {
        self.points.extend(vertices.iter().map(|vertex| vertex.point));
        self.intensities.extend(vertices.iter().map(|vertex| vertex.intensity));
        self.jones.extend(vertices.iter().map(|vertex| vertex.jones));
        self.optical_paths_mm.extend(vertices.iter().map(|vertex| vertex.optical_path_mm));
        self.beam_radii_mm.extend(vertices.iter().map(|vertex| vertex.beam_radius_mm));
        self.hit_items.extend(vertices.iter().map(|vertex| vertex.hit.0));
        self.hit_interfaces.extend(vertices.iter().map(|vertex| vertex.hit.1));
    }

    /// Adds a path whose vertices end before number `end`.
    pub(super) fn push_path(&mut self, end: usize, record: PathRecord) {
        self.offsets.push(end as i64);
        self.rgba.push(record.rgba);
        self.wavelengths_nm.push(record.wavelength_nm);
        self.source_indices.push(record.source_index);
        self.ray_indices.push(record.ray_index);
        self.parents.push(record.parent);
        self.branch_vertices.push(record.branch_vertex);
        self.endings.push(record.ending);
    }

    /// A result without paths, with room for so many vertices.
    pub(super) fn with_capacity(vertices: usize) -> Self {
        let mut paths = RayPaths::empty();
        paths.reserve(vertices, 0);
        paths
    }

    /// Whether there is room for as many vertices again, or for 65,536.
    pub(super) fn has_room(&self) -> bool {
        let spare = self.points.capacity() - self.points.len();
        spare >= self.points.len().min(1 << 16)
    }

    /// Makes room for this many vertices and paths in all.
    pub(super) fn reserve(&mut self, vertices: usize, paths: usize) {
        let more = vertices.saturating_sub(self.points.len());
        self.points.reserve_exact(more);
        self.intensities.reserve_exact(more);
        self.jones.reserve_exact(more);
        self.optical_paths_mm.reserve_exact(more);
        self.beam_radii_mm.reserve_exact(more);
        self.hit_items.reserve_exact(more);
        self.hit_interfaces.reserve_exact(more);
        let more = paths.saturating_sub(self.endings.len());
        self.offsets.reserve(more);
        self.rgba.reserve(more);
        self.wavelengths_nm.reserve(more);
        self.source_indices.reserve(more);
        self.ray_indices.reserve(more);
        self.parents.reserve(more);
        self.branch_vertices.reserve(more);
        self.endings.reserve(more);
    }

    /// Takes everything out and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.points.clear();
        self.intensities.clear();
        self.jones.clear();
        self.optical_paths_mm.clear();
        self.beam_radii_mm.clear();
        self.hit_items.clear();
        self.hit_interfaces.clear();
        self.offsets.clear();
        self.offsets.push(0);
        self.rgba.clear();
        self.wavelengths_nm.clear();
        self.source_indices.clear();
        self.ray_indices.clear();
        self.parents.clear();
        self.branch_vertices.clear();
        self.endings.clear();
        self.items.clear();
        self.source_items.clear();
        self.balance = PowerBalance::default();
        self.truncated = false;
    }

    /// A result without paths.
    pub(super) fn empty() -> Self {
        RayPaths { offsets: vec![0], ..RayPaths::default() }
    }
}
