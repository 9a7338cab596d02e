use super::super::report::{InvalidValue, number_in};

/// A mirror; what it does not reflect it absorbs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mirror {
    reflectance: f64,
}

impl Mirror {
    /// A mirror that reflects `reflectivity` per cent of the power.
    ///
    /// # Errors
    /// A reflectivity that is not from 0 to 100.
    pub fn new(reflectivity: f64) -> Result<Self, InvalidValue> {
        let percent = number_in("reflectivity", reflectivity, 0.0..=100.0, "a number from 0 to 100 (per cent)")?;
        Ok(Mirror { reflectance: percent / 100.0 })
    }

    /// The share of the power that is reflected, 0 to 1.
    #[must_use]
    pub fn reflectance(&self) -> f64 {
        self.reflectance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_share() {
        assert!(Mirror::new(0.0).is_ok() && Mirror::new(100.0).is_ok());
        for percent in [-0.001, 100.001, f64::NAN, f64::INFINITY] {
            assert_eq!(Mirror::new(percent).unwrap_err().key, "reflectivity");
        }
    }
}
