//! Refractive indices of optical glasses and crystals by wavelength.
//!
//! Sellmeier's equation n² = 1 + Σ Bᵢλ²/(λ² − Cᵢ), λ in µm, at 20 °C relative to air. Coefficients: SCHOTT optical glass data
//! sheets; I. H. Malitson, J. Opt. Soc. Am. 55 (1965) 1205 (fused silica) and Appl. Opt. 2 (1963) 1103 (CaF₂);
//! M. J. Dodge, Appl. Opt. 23 (1984) 1980 (MgF₂, ordinary ray).

/// A transparent material with its dispersion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Material {
    name: &'static str,
    b: [f64; 3],
    c: [f64; 3],
    /// Where the coefficients hold, in nm.
    range_nm: (f64, f64),
}

/// Why a material gives no index.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{material} has no index at {wavelength_nm} nm: its coefficients hold from {min_nm} to {max_nm} nm")]
pub struct OutOfRange {
    material: &'static str,
    wavelength_nm: f64,
    min_nm: f64,
    max_nm: f64,
}

impl Material {
    /// The material of that name, whatever its case.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Material> {
        CATALOGUE.iter().find(|material| material.name.eq_ignore_ascii_case(name))
    }

    /// Every material that is known.
    #[must_use]
    pub fn all() -> &'static [Material] {
        &CATALOGUE
    }

    /// Its name in the catalogue.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The wavelengths in nm at which [`index`](Self::index) answers, both ends included.
    #[must_use]
    pub fn range_nm(&self) -> (f64, f64) {
        self.range_nm
    }

    /// The refractive index at a vacuum wavelength in nm.
    ///
    /// # Errors
    /// Outside the wavelengths the coefficients were fitted to: an index from there would be a guess.
    pub fn index(&self, wavelength_nm: f64) -> Result<f64, OutOfRange> {
        let (min_nm, max_nm) = self.range_nm;
        if !(min_nm..=max_nm).contains(&wavelength_nm) {
            return Err(OutOfRange { material: self.name, wavelength_nm, min_nm, max_nm });
        }
        let squared = (wavelength_nm * 1e-3).powi(2);
        let sum: f64 = self.b.iter().zip(self.c).map(|(b, c)| b * squared / (squared - c)).sum();
        Ok((1.0 + sum).sqrt())
    }
}

const fn material(name: &'static str, b: [f64; 3], c: [f64; 3], range_nm: (f64, f64)) -> Material {
    Material { name, b, c, range_nm }
}

static CATALOGUE: [Material; 8] = [
    material(
        "N-BK7",
        [1.039_612_12, 0.231_792_344, 1.010_469_45],
        [0.006_000_698_67, 0.020_017_914_4, 103.560_653],
        (300.0, 2500.0),
    ),
    material(
        "N-SF11",
        [1.737_596_95, 0.313_747_346, 1.898_781_01],
        [0.013_188_707, 0.062_306_814_2, 155.236_29],
        (370.0, 2500.0),
    ),
    material(
        "N-F2",
        [1.397_570_37, 0.159_201_403, 1.268_654_3],
        [0.009_959_061_43, 0.054_693_175_2, 119.248_346],
        (365.0, 2500.0),
    ),
    material(
        "N-SK16",
        [1.343_177_74, 0.241_144_399, 0.994_317_969],
        [0.007_046_873_39, 0.022_900_500_0, 92.750_852_6],
        (310.0, 2500.0),
    ),
    material(
        "F2",
        [1.345_333_59, 0.209_073_176, 0.937_357_162],
        [0.009_977_438_71, 0.047_045_076_7, 111.886_764],
        (320.0, 2500.0),
    ),
    material(
        "fused silica",
        [0.696_166_3, 0.407_942_6, 0.897_479_4],
        [0.068_404_3 * 0.068_404_3, 0.116_241_4 * 0.116_241_4, 9.896_161 * 9.896_161],
        (210.0, 6700.0),
    ),
    material(
        "CaF2",
        [0.567_588_8, 0.471_091_4, 3.848_472_3],
        [0.050_263_605 * 0.050_263_605, 0.100_390_9 * 0.100_390_9, 34.649_04 * 34.649_04],
        (230.0, 9700.0),
    ),
    material(
        "MgF2",
        [0.487_551_08, 0.398_750_31, 2.312_035_3],
        [0.043_384_08 * 0.043_384_08, 0.094_614_42 * 0.094_614_42, 23.793_604 * 23.793_604],
        (200.0, 7000.0),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn index(name: &str, wavelength_nm: f64) -> f64 {
        Material::named(name).unwrap().index(wavelength_nm).unwrap()
    }

    #[test]
    fn n_bk7_at_the_lines_of_its_data_sheet() {
        for (wavelength, n) in [
            (486.1327, 1.522_376_29),
            (546.074, 1.518_721_97),
            (587.5618, 1.516_800_03),
            (632.8, 1.515_089_20),
            (656.2725, 1.514_322_35),
            (1014.0, 1.507_307_79),
            (1064.0, 1.506_634_80),
        ] {
            assert!((index("N-BK7", wavelength) - n).abs() < 1e-8, "{wavelength} nm");
        }
    }

    #[test]
    fn every_material_has_its_published_index_at_the_d_line() {
        for (name, n) in [
            ("N-BK7", 1.516_80),
            ("N-SF11", 1.784_72),
            ("N-F2", 1.620_05),
            ("N-SK16", 1.620_41),
            ("F2", 1.620_04),
            ("fused silica", 1.458_46),
            ("CaF2", 1.433_85),
            ("MgF2", 1.377_74),
        ] {
            let found = index(name, 587.5618);
            assert!((found - n).abs() < 2e-5, "{name}: {found}");
        }
        assert_eq!(Material::all().len(), 8);
    }

    #[test]
    fn no_index_beyond_the_range() {
        let glass = Material::named("n-bk7").unwrap();
        assert!(glass.index(300.0).is_ok() && glass.index(2500.0).is_ok());
        assert!(glass.index(299.9).is_err() && glass.index(2500.1).is_err() && glass.index(f64::NAN).is_err());
        assert!(Material::named("window glass").is_none());
    }
}
