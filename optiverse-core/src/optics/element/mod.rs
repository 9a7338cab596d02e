//! What a surface does to light: ideal optical elements with checked parameters.
//!
//! The constructors take the values and the names of the file format and refuse what cannot be used.

mod lens;
mod mirror;
mod polarisation;
mod refractive;
mod splitter;

pub use lens::ThinLens;
pub use mirror::Mirror;
pub use polarisation::{FaradayRotator, LinearPolariser, Waveplate};
pub use refractive::{Medium, RefractiveInterface};
pub use splitter::{BeamSplitter, Dichroic, PassType, PolarisingBeamSplitter};

/// What a surface does to light. What is large stands elsewhere in memory, so that the surfaces of a large system lie close together.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Element {
    /// An ideal thin lens.
    ThinLens(ThinLens),
    /// A mirror; also a spatial light modulator, which reflects as one.
    Mirror(Mirror),
    /// A beam splitter that keeps the polarisation.
    BeamSplitter(BeamSplitter),
    /// A beam splitter by polarisation.
    PolarisingBeamSplitter(PolarisingBeamSplitter),
    /// A beam splitter by wavelength.
    Dichroic(Dichroic),
    /// A retarder.
    Waveplate(Box<Waveplate>),
    /// A linear polariser.
    LinearPolariser(LinearPolariser),
    /// A Faraday rotator.
    FaradayRotator(Box<FaradayRotator>),
    /// The boundary of two media.
    RefractiveInterface(RefractiveInterface),
    /// Takes all light.
    BeamBlock,
}

impl From<Waveplate> for Element {
    fn from(plate: Waveplate) -> Self {
        Element::Waveplate(Box::new(plate))
    }
}

impl From<FaradayRotator> for Element {
    fn from(rotator: FaradayRotator) -> Self {
        Element::FaradayRotator(Box::new(rotator))
    }
}

impl Element {
    /// The element's name in the field, in lower case.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Element::ThinLens(_) => "lens",
            Element::Mirror(_) => "mirror",
            Element::BeamSplitter(_) => "beam splitter",
            Element::PolarisingBeamSplitter(_) => "polarising beam splitter",
            Element::Dichroic(_) => "dichroic",
            Element::Waveplate(_) => "waveplate",
            Element::LinearPolariser(_) => "linear polariser",
            Element::FaradayRotator(_) => "Faraday rotator",
            Element::RefractiveInterface(_) => "refractive interface",
            Element::BeamBlock => "beam block",
        }
    }
}
