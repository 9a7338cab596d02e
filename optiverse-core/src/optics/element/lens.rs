use super::super::report::{InvalidValue, number_in};

/// An ideal thin lens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThinLens {
    focal_length_mm: f64,
    clear_aperture_mm: f64,
}

impl ThinLens {
    /// A lens of focal length `efl_mm`, positive where it focuses, whose mount leaves a diameter of `clear_aperture_mm` open (0: all
    /// of the surface).
    ///
    /// # Errors
    /// A focal length below 1e-12 mm in size or not finite; a clear aperture that is negative or not finite.
    pub fn new(efl_mm: f64, clear_aperture_mm: f64) -> Result<Self, InvalidValue> {
        if !efl_mm.is_finite() || efl_mm.abs() < 1e-12 {
            return Err(InvalidValue::new("efl_mm", efl_mm, "a finite number other than 0"));
        }
        number_in("clear_aperture_mm", clear_aperture_mm, 0.0.., "a finite number, 0 or more")?;
        Ok(ThinLens { focal_length_mm: efl_mm, clear_aperture_mm })
    }

    /// Effective focal length in mm.
    #[must_use]
    pub fn focal_length_mm(&self) -> f64 {
        self.focal_length_mm
    }

    /// Radius of the clear aperture in mm, where it is smaller than the surface's half length.
    #[must_use]
    pub fn half_aperture_mm(&self, half_length_mm: f64) -> f64 {
        if self.clear_aperture_mm > 1e-12 { half_length_mm.min(0.5 * self.clear_aperture_mm) } else { half_length_mm }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_lens() {
        for efl in [0.0, -0.0, 1e-13, f64::NAN, f64::INFINITY] {
            assert_eq!(ThinLens::new(efl, 0.0).unwrap_err().key, "efl_mm");
        }
        for aperture in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(ThinLens::new(100.0, aperture).unwrap_err().key, "clear_aperture_mm");
        }
        assert!(ThinLens::new(-50.0, 0.0).is_ok());
        assert!(ThinLens::new(1e-12, 0.0).is_ok());
    }

    #[test]
    fn the_mount_narrows_the_surface() {
        assert_eq!(ThinLens::new(100.0, 25.4).unwrap().half_aperture_mm(15.25), 12.7);
        assert_eq!(ThinLens::new(100.0, 0.0).unwrap().half_aperture_mm(15.25), 15.25);
        assert_eq!(ThinLens::new(100.0, 50.0).unwrap().half_aperture_mm(15.25), 15.25);
    }
}
