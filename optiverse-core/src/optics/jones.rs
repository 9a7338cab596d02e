//! Jones vectors and matrices.
//!
//! A Jones vector is [E_h, E_v]: h lies in the plane of the layout and is what is called p at an interface, v stands out of
//! it and is s. Phases follow e^{i(kz − ωt)}: what lags has a positive phase, and circular_right is (1, i)/√2, as in the
//! files. The axis h is carried along unfolded: a reflection at normal incidence leaves it as it is, so that an ideal mirror is
//! −1 for both components and an element's axes mean the same to light of either direction.

use num_complex::Complex64;

/// A Jones vector [E_h, E_v].
pub type JonesVector = [Complex64; 2];

/// Squared length.
#[must_use]
pub fn power(jones: JonesVector) -> f64 {
    jones[0].norm_sqr() + jones[1].norm_sqr()
}

/// The vector times a real number.
#[must_use]
pub fn scaled(jones: JonesVector, factor: f64) -> JonesVector {
    [jones[0] * factor, jones[1] * factor]
}

/// A 2×2 complex matrix, by rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JonesMatrix(pub [[Complex64; 2]; 2]);

impl JonesMatrix {
    /// A retarder: the axis at `fast_axis_deg` from h keeps its phase, the other lags by `retardance_deg`.
    ///
    /// R(−θ)·diag(1, e^{iδ})·R(θ); Hecht, Optics, 5th ed., §8.13.
    #[must_use]
    pub fn retarder(retardance_deg: f64, fast_axis_deg: f64) -> Self {
        let (s, c) = fast_axis_deg.to_radians().sin_cos();
        let slow = Complex64::cis(retardance_deg.to_radians());
        let cross = (Complex64::ONE - slow) * (c * s);
        JonesMatrix([[c * c + slow * (s * s), cross], [cross, s * s + slow * (c * c)]])
    }

    /// A rotation of the polarisation by `angle_deg` from h towards v.
    #[must_use]
    pub fn rotator(angle_deg: f64) -> Self {
        let (s, c) = angle_deg.to_radians().sin_cos();
        JonesMatrix([[c.into(), (-s).into()], [s.into(), c.into()]])
    }

    /// The vector this makes of `jones`.
    #[must_use]
    pub fn apply(&self, jones: JonesVector) -> JonesVector {
        let [[a, b], [c, d]] = self.0;
        [a * jones[0] + b * jones[1], c * jones[0] + d * jones[1]]
    }
}

/// A direction of linear polarisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolarisationAxis {
    cos: f64,
    sin: f64,
}

impl PolarisationAxis {
    /// At `angle_deg` from h towards v.
    #[must_use]
    pub fn new(angle_deg: f64) -> Self {
        let (sin, cos) = angle_deg.to_radians().sin_cos();
        PolarisationAxis { cos, sin }
    }

    /// The components of `jones` along the axis and along the axis 90° further.
    #[must_use]
    pub fn split(self, jones: JonesVector) -> (JonesVector, JonesVector) {
        let along = jones[0] * self.cos + jones[1] * self.sin;
        let across = jones[1] * self.cos - jones[0] * self.sin;
        ([along * self.cos, along * self.sin], [-across * self.sin, across * self.cos])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const H: JonesVector = [Complex64::ONE, Complex64::ZERO];

    fn close(a: JonesVector, b: JonesVector) -> bool {
        (a[0] - b[0]).norm() < 1e-15 && (a[1] - b[1]).norm() < 1e-15
    }

    #[test]
    fn quarter_wave_at_45_degrees_makes_circular_light() {
        // Up to a common phase, H becomes (1, −i)/√2 behind a plate whose fast axis stands at +45°.
        let out = JonesMatrix::retarder(90.0, 45.0).apply(H);
        let ratio = out[1] / out[0];
        assert!((ratio - Complex64::new(0.0, -1.0)).norm() < 1e-15, "{ratio}");
    }

    #[test]
    fn half_wave_turns_by_twice_its_angle() {
        let out = JonesMatrix::retarder(180.0, 22.5).apply(H);
        let diagonal = std::f64::consts::FRAC_1_SQRT_2;
        assert!(close(out, [diagonal.into(), diagonal.into()]));
    }

    #[test]
    fn rotator_turns_from_h_to_v() {
        assert!(close(JonesMatrix::rotator(90.0).apply(H), [Complex64::ZERO, Complex64::ONE]));
    }

    #[test]
    fn the_parts_of_a_split_add_up() {
        let jones = [Complex64::new(0.6, 0.1), Complex64::new(-0.2, 0.7)];
        let (along, across) = PolarisationAxis::new(33.0).split(jones);
        assert!(close([along[0] + across[0], along[1] + across[1]], jones));
        assert!((power(along) + power(across) - power(jones)).abs() < 1e-15);
    }
}
