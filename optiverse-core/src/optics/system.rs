//! The compiled system: surfaces, sources and the index over them.

use glam::DVec2;

use super::material::OutOfRange;
use super::{Source, Surface, element::Element};
use crate::geometry::bvh::Bvh;
use crate::scene::ItemId;

/// Why surfaces and sources make no system.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SystemError {
    /// A surface reaches beyond the largest coordinate.
    #[error("surface {surface} reaches more than 1e9 mm from the origin")]
    TooFar {
        /// Its number.
        surface: usize,
    },
    /// A material has no index at the wavelength of a source.
    #[error(transparent)]
    Material(#[from] OutOfRange),
}

/// Surfaces and sources, ready to be traced.
#[derive(Clone, Debug, Default)]
pub struct OpticalSystem {
    surfaces: Vec<Surface>,
    sources: Vec<Source>,
    items: Vec<ItemId>,
    source_items: Vec<ItemId>,
    index: Bvh,
}

impl OpticalSystem {
    /// Largest coordinate in mm of anything in a system: beyond it a double no longer tells a micrometre.
    pub const MAX_COORDINATE_MM: f64 = 1e9;

    /// A system of these surfaces and sources, for programs that have no scene.
    ///
    /// `items` are the ids the surfaces' item numbers point to, `source_items` those of the sources' numbers.
    ///
    /// # Errors
    /// Where a surface reaches beyond [`MAX_COORDINATE_MM`](Self::MAX_COORDINATE_MM), or a material has no index at the wavelength of a
    /// source.
    pub fn new(
        surfaces: Vec<Surface>,
        sources: Vec<Source>,
        items: Vec<ItemId>,
        source_items: Vec<ItemId>,
    ) -> Result<Self, SystemError> {
        for (number, surface) in surfaces.iter().enumerate() {
            let chord = surface.shape.chord();
            if !(Self::holds(chord.p1()) && Self::holds(chord.p2())) {
                return Err(SystemError::TooFar { surface: number });
            }
            if let Element::RefractiveInterface(interface) = &surface.element {
                interface.first().serves(&sources)?;
                interface.second().serves(&sources)?;
            }
        }
        Ok(Self::of_checked(surfaces, sources, items, source_items))
    }

    /// A system of what has been checked already.
    pub(super) fn of_checked(
        surfaces: Vec<Surface>,
        sources: Vec<Source>,
        items: Vec<ItemId>,
        source_items: Vec<ItemId>,
    ) -> Self {
        let index = index_over(&surfaces);
        OpticalSystem { index, surfaces, sources, items, source_items }
    }

    /// Puts surfaces that have been checked in the places of others, by number; returns each as it was and as it is.
    pub(super) fn exchange_surfaces(&mut self, surfaces: Vec<(usize, Surface)>) -> Vec<[Surface; 2]> {
        let exchange = |(number, surface): (usize, Surface)| {
            let before = std::mem::replace(&mut self.surfaces[number], surface.clone());
            [before, surface]
        };
        let exchanged = surfaces.into_iter().map(exchange).collect();
        self.index = index_over(&self.surfaces);
        exchanged
    }

    /// Whether a point lies within the largest coordinate.
    pub(super) fn holds(point: DVec2) -> bool {
        point.abs().max_element() <= Self::MAX_COORDINATE_MM
    }

    /// The surfaces, in the order of the file.
    #[must_use]
    pub fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    /// The sources that can be traced, in the order of the file.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The ids that the surfaces' item numbers point to.
    #[must_use]
    pub fn items(&self) -> &[ItemId] {
        &self.items
    }

    /// The ids of all sources in the order of the file, those left out included.
    #[must_use]
    pub fn source_items(&self) -> &[ItemId] {
        &self.source_items
    }

    pub(crate) fn index(&self) -> &Bvh {
        &self.index
    }
}

fn index_over(surfaces: &[Surface]) -> Bvh {
    // Grown by more than the tolerance of any hit rule, so that no box hides a hit at its edge.
    let boxes: Vec<_> = surfaces
        .iter()
        .map(|surface| {
            let aabb = surface.shape.aabb();
            let reach = aabb.min.abs().max(aabb.max.abs()).max_element();
            aabb.grown(1e-6 + 1e-12 * reach)
        })
        .collect();
    Bvh::build(&boxes)
}
