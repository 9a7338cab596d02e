//! A surface of a system: where it is, what it does, whose it is.

use super::Source;
use super::element::Element;
use crate::geometry::Shape;

/// A surface with what it does to light.
#[derive(Clone, Debug, PartialEq)]
pub struct Surface {
    pub(crate) shape: Shape,
    pub(crate) element: Element,
    pub(crate) item: u32,
    pub(crate) interface: u32,
    pub(crate) hidden: bool,
}

// What a million of them take is documented (docs/performance.md).
const _: () = assert!(size_of::<Surface>() <= 120);

impl Surface {
    /// A visible surface, interface number `interface` of item number `item`.
    #[must_use]
    pub fn new(shape: Shape, element: Element, item: u32, interface: u32) -> Self {
        Surface { shape, element, item, interface, hidden: false }
    }

    /// Where it is.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// What it does.
    #[must_use]
    pub fn element(&self) -> &Element {
        &self.element
    }

    /// The item it belongs to, as an index into [`OpticalSystem::items`](super::OpticalSystem::items).
    #[must_use]
    pub fn item(&self) -> usize {
        self.item as usize
    }

    /// Its place among the item's interfaces.
    #[must_use]
    pub fn interface(&self) -> usize {
        self.interface as usize
    }

    /// Whether a layer hides its item.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// Whether its materials have an index at the wavelengths of all these sources.
    pub(super) fn serves(&self, sources: &[Source]) -> bool {
        match &self.element {
            Element::RefractiveInterface(interface) => {
                [interface.first(), interface.second()].iter().all(|medium| medium.serves(sources).is_ok())
            }
            _ => true,
        }
    }
}
