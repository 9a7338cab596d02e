use super::super::Source;
use super::super::material::{Material, OutOfRange};
use super::super::report::{InvalidValue, number_in};

/// What lies on one side of a refractive interface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Medium {
    index: f64,
    material: Option<&'static Material>,
}

impl Medium {
    /// A medium of one index whatever the wavelength; `key` is `n1` or `n2`, for the error.
    ///
    /// # Errors
    /// An index under 1 or over 1e6.
    pub fn with_index(key: &'static str, index: f64) -> Result<Self, InvalidValue> {
        let index = number_in(key, index, 1.0..=1e6, "a number from 1 to 1e6")?;
        Ok(Medium { index, material: None })
    }

    /// The same medium with the dispersion of a material; the plain index stays for the rules of Optiverse 0.3.4.
    #[must_use]
    pub fn with_material(self, material: &'static Material) -> Self {
        Medium { material: Some(material), ..self }
    }

    /// The index without regard to the wavelength.
    #[must_use]
    pub fn plain_index(&self) -> f64 {
        self.index
    }

    /// The material, where one is named.
    #[must_use]
    pub fn material(&self) -> Option<&'static Material> {
        self.material
    }

    /// The index at a vacuum wavelength.
    ///
    /// # Errors
    /// Where the material's dispersion is not known there.
    pub fn index(&self, wavelength_nm: f64) -> Result<f64, OutOfRange> {
        self.material.map_or(Ok(self.index), |material| material.index(wavelength_nm))
    }

    /// Whether it has an index at the wavelengths of all these sources.
    pub(crate) fn serves(&self, sources: &[Source]) -> Result<(), OutOfRange> {
        let Some(material) = self.material else { return Ok(()) };
        sources.iter().try_for_each(|source| material.index(source.parameters().wavelength_nm).map(drop))
    }
}

/// The boundary of two transparent media: light that travels against the normal meets the first one first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RefractiveInterface {
    first: Medium,
    second: Medium,
}

impl RefractiveInterface {
    /// The boundary from `first` (n1) to `second` (n2).
    #[must_use]
    pub fn new(first: Medium, second: Medium) -> Self {
        RefractiveInterface { first, second }
    }

    /// The boundary of two media of fixed index.
    ///
    /// # Errors
    /// An index under 1 or over 1e6.
    pub fn with_indices(n1: f64, n2: f64) -> Result<Self, InvalidValue> {
        Ok(Self::new(Medium::with_index("n1", n1)?, Medium::with_index("n2", n2)?))
    }

    /// The medium that light against the normal comes from.
    #[must_use]
    pub fn first(&self) -> &Medium {
        &self.first
    }

    /// The medium that light against the normal goes to.
    #[must_use]
    pub fn second(&self) -> &Medium {
        &self.second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_an_index_under_one() {
        assert!(RefractiveInterface::with_indices(1.0, 1.5).is_ok());
        assert_eq!(RefractiveInterface::with_indices(0.999, 1.5).unwrap_err().key, "n1");
        assert_eq!(RefractiveInterface::with_indices(1.0, f64::NAN).unwrap_err().key, "n2");
        assert_eq!(RefractiveInterface::with_indices(1.0, f64::INFINITY).unwrap_err().key, "n2");
    }

    #[test]
    fn a_material_disperses() {
        let glass = Medium::with_index("n2", 1.5).unwrap().with_material(Material::named("N-BK7").unwrap());
        assert!(glass.index(486.1).unwrap() > glass.index(656.3).unwrap());
        assert_eq!(glass.plain_index(), 1.5);
        assert!(glass.index(100.0).is_err());
    }
}
