use super::super::jones::{JonesMatrix, JonesVector, PolarisationAxis};
use super::super::report::{InvalidValue, number_in};

const FINITE: &str = "a finite number";

/// A retarder; its Jones matrix is symmetric, so it does the same to light of either direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waveplate {
    retardance_deg: f64,
    fast_axis_deg: f64,
    matrix: JonesMatrix,
}

impl Waveplate {
    /// A retarder of `phase_shift_deg` (90: quarter wave) with its fast axis at `fast_axis_deg` from h.
    ///
    /// # Errors
    /// Angles that are not finite.
    pub fn new(phase_shift_deg: f64, fast_axis_deg: f64) -> Result<Self, InvalidValue> {
        let retardance_deg = number_in("phase_shift_deg", phase_shift_deg, .., FINITE)?;
        let fast_axis_deg = number_in("fast_axis_deg", fast_axis_deg, .., FINITE)?;
        Ok(Waveplate { retardance_deg, fast_axis_deg, matrix: JonesMatrix::retarder(retardance_deg, fast_axis_deg) })
    }

    /// Phase by which the slow axis lags, in degrees.
    #[must_use]
    pub fn retardance_deg(&self) -> f64 {
        self.retardance_deg
    }

    /// Angle of the fast axis from h, in degrees.
    #[must_use]
    pub fn fast_axis_deg(&self) -> f64 {
        self.fast_axis_deg
    }

    /// The Jones matrix.
    #[must_use]
    pub fn matrix(&self) -> &JonesMatrix {
        &self.matrix
    }

    /// What a plate of the opposite retardance makes of `jones`: its matrix is the conjugate one.
    pub(crate) fn apply_opposite(&self, jones: JonesVector) -> JonesVector {
        self.matrix.apply(jones.map(|amplitude| amplitude.conj())).map(|amplitude| amplitude.conj())
    }
}

/// A Faraday rotator: turns the polarisation by the same angle in the same sense for light of either direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaradayRotator {
    rotation_deg: f64,
    matrix: JonesMatrix,
}

impl FaradayRotator {
    /// A rotator by `rotation_angle_deg` from h towards v.
    ///
    /// # Errors
    /// An angle that is not finite.
    pub fn new(rotation_angle_deg: f64) -> Result<Self, InvalidValue> {
        let rotation_deg = number_in("rotation_angle_deg", rotation_angle_deg, .., FINITE)?;
        Ok(FaradayRotator { rotation_deg, matrix: JonesMatrix::rotator(rotation_deg) })
    }

    /// Angle of rotation in degrees.
    #[must_use]
    pub fn rotation_deg(&self) -> f64 {
        self.rotation_deg
    }

    /// The Jones matrix.
    #[must_use]
    pub fn matrix(&self) -> &JonesMatrix {
        &self.matrix
    }
}

/// A linear polariser; what it does not transmit it absorbs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearPolariser {
    axis_deg: f64,
    axis: PolarisationAxis,
    /// Amplitude that passes across the axis.
    leakage: f64,
}

impl LinearPolariser {
    /// A polariser that transmits light polarised at `transmission_axis_deg` from h whole, and light across it with a power of
    /// 10^(−`extinction_ratio_db`/10).
    ///
    /// # Errors
    /// An angle that is not finite; an extinction ratio that is negative or not finite.
    pub fn new(transmission_axis_deg: f64, extinction_ratio_db: f64) -> Result<Self, InvalidValue> {
        let axis_deg = number_in("transmission_axis_deg", transmission_axis_deg, .., FINITE)?;
        let decibels = number_in("extinction_ratio_db", extinction_ratio_db, 0.0.., "a finite number, 0 or more (dB)")?;
        Ok(LinearPolariser { axis_deg, axis: PolarisationAxis::new(axis_deg), leakage: 10_f64.powf(-decibels / 20.0) })
    }

    /// Angle of the transmission axis from h, in degrees.
    #[must_use]
    pub fn axis_deg(&self) -> f64 {
        self.axis_deg
    }

    /// What passes, with a squared length that is the transmitted share where `jones` has length 1.
    #[must_use]
    pub fn transmit(&self, jones: JonesVector) -> JonesVector {
        let (along, across) = self.axis.split(jones);
        [along[0] + across[0] * self.leakage, along[1] + across[1] * self.leakage]
    }
}

#[cfg(test)]
mod tests {
    use num_complex::Complex64;

    use super::super::super::jones::power;
    use super::*;

    const H: JonesVector = [Complex64::ONE, Complex64::ZERO];

    #[test]
    fn malus() {
        for degrees in [0.0_f64, 17.0, 30.0, 45.0, 60.0, 90.0] {
            let polariser = LinearPolariser::new(degrees, 300.0).unwrap();
            assert!((power(polariser.transmit(H)) - degrees.to_radians().cos().powi(2)).abs() < 1e-15);
        }
    }

    #[test]
    fn crossed_polariser_leaks_by_its_extinction_ratio() {
        assert!((power(LinearPolariser::new(90.0, 40.0).unwrap().transmit(H)) - 1e-4).abs() < 1e-18);
        assert!((power(LinearPolariser::new(90.0, 0.0).unwrap().transmit(H)) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn refuses_angles_that_are_not_finite() {
        assert_eq!(Waveplate::new(f64::NAN, 0.0).unwrap_err().key, "phase_shift_deg");
        assert_eq!(Waveplate::new(90.0, f64::INFINITY).unwrap_err().key, "fast_axis_deg");
        assert_eq!(FaradayRotator::new(f64::NAN).unwrap_err().key, "rotation_angle_deg");
        assert_eq!(LinearPolariser::new(f64::NAN, 40.0).unwrap_err().key, "transmission_axis_deg");
        assert_eq!(LinearPolariser::new(0.0, -0.1).unwrap_err().key, "extinction_ratio_db");
        assert_eq!(LinearPolariser::new(0.0, f64::INFINITY).unwrap_err().key, "extinction_ratio_db");
    }
}
