//! The compiled system: surfaces, sources and the index over them.

use glam::DVec2;

use super::material::OutOfRange;
use super::{Source, Surface, element::Element};
use crate::geometry::index::{Index, TooManySurfaces};
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
    /// More surfaces than a system holds.
    #[error(transparent)]
    TooManySurfaces(#[from] TooManySurfaces),
}

/// Surfaces and sources, ready to be traced.
#[derive(Clone, Debug, Default)]
pub struct OpticalSystem {
    surfaces: Vec<Surface>,
    sources: Vec<Source>,
    items: Vec<ItemId>,
    source_items: Vec<ItemId>,
    index: Index,
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
        let reach_mm = sources.iter().map(|source| source.position().abs().max_element()).fold(0.0, f64::max);
        let index = Index::build(surfaces.len(), reach_mm, |surface| &surfaces[surface as usize].shape)?;
        Ok(OpticalSystem { index, surfaces, sources, items, source_items })
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

    /// Puts another surface in the place of number `number`, whose coordinates and materials have been checked. The index follows in place where it can, and
    /// is built anew where that is better.
    #[allow(dead_code, reason = "for the incremental retrace")]
    pub(crate) fn replace_surface(&mut self, number: usize, surface: Surface) {
        let old = std::mem::replace(&mut self.surfaces[number], surface);
        // The index holds as many surfaces as the system, so the number fits.
        if !self.index.update(number as u32, &old.shape, &self.surfaces[number].shape) {
            self.index.rebuild(|surface| &self.surfaces[surface as usize].shape);
        }
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }
}
