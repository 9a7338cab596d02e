//! Fresnel's equations at the boundary of two transparent media.
//!
//! M. Born and E. Wolf, Principles of Optics, 7th ed., §1.5.2 and §1.5.4; the sign of r_p is that of the unfolded frame of
//! [`jones`](super::jones): at normal incidence r_p = r_s, as it must be where s and p cannot be told apart. Born and Wolf's
//! own r_∥ is −r_p, so that their phase of total reflection δ = δ_⊥ − δ_∥ is arg r_s − arg r_p up to half a turn.

use num_complex::Complex64;

/// Amplitudes at an interface of which something is transmitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amplitudes {
    /// Reflected, in the plane of incidence.
    pub r_p: f64,
    /// Reflected, out of the plane.
    pub r_s: f64,
    /// Transmitted in the plane, over 2 n₁cos θ₁.
    pub t_p: f64,
    /// Transmitted out of the plane, likewise.
    pub t_s: f64,
    /// 2·√(n₁cos θ₁ · n₂cos θ₂): the square of a transmitted amplitude times this is the transmitted power.
    pub power: f64,
    /// Cosine of the angle of refraction.
    pub cos: f64,
}

/// The square of the sine of the angle of refraction, 1 or more where there is none.
#[inline]
fn sin2_squared(n1: f64, n2: f64, cos1: f64) -> f64 {
    (n1 / n2).powi(2) * (1.0 - cos1 * cos1).max(0.0)
}

/// The amplitudes for light that comes from index `n1` at an angle of incidence of cosine `cos1` ≥ 0 and meets index `n2`; `None` at total reflection.
#[must_use]
#[inline]
pub fn amplitudes(n1: f64, n2: f64, cos1: f64) -> Option<Amplitudes> {
    let sin2_squared = sin2_squared(n1, n2, cos1);
    if sin2_squared >= 1.0 {
        return None;
    }
    let cos2 = (1.0 - sin2_squared).sqrt();
    let (a, b) = (n1 * cos1, n2 * cos2);
    let (c, d) = (n1 * cos2, n2 * cos1);
    // Written so that nothing divides by cos θ₁ at grazing incidence.
    let (t_p, t_s) = ((c + d).recip(), (a + b).recip());
    Some(Amplitudes { r_p: (c - d) * t_p, r_s: (a - b) * t_s, t_p, t_s, power: 2.0 * (a * b).sqrt(), cos: cos2 })
}

/// The amplitudes r_p and r_s at total reflection, where [`amplitudes`] has none; NaN elsewhere.
#[must_use]
pub fn total_reflection(n1: f64, n2: f64, cos1: f64) -> (Complex64, Complex64) {
    // With e^{−iωt} the field beyond dies away where cos θ₂ = +i·√(sin²θ₂ − 1).
    let cos2 = Complex64::new(0.0, (sin2_squared(n1, n2, cos1) - 1.0).sqrt());
    let r_s = (n1 * cos1 - n2 * cos2) / (n1 * cos1 + n2 * cos2);
    let r_p = (n1 * cos2 - n2 * cos1) / (n1 * cos2 + n2 * cos1);
    (r_p, r_s)
}

/// The mean of the reflectances of s and p, the rule of Optiverse 0.3.4; 1 at total reflection.
#[must_use]
pub fn mean_reflectance(n1: f64, n2: f64, cos1: f64) -> f64 {
    amplitudes(n1, n2, cos1).map_or(1.0, |a| (0.5 * (a.r_p * a.r_p + a.r_s * a.r_s)).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflectances_of_glass() {
        // Air to n = 1.5, Rs and Rp by angle: computed from the closed form, to nine digits.
        for (degrees, rs, rp) in [
            (0.0_f64, 0.04, 0.04),
            (30.0, 0.057796105, 0.025249147),
            (45.0, 0.092013363, 0.008466459),
            (60.0, 0.176571488, 0.001801938),
        ] {
            let a = amplitudes(1.0, 1.5, degrees.to_radians().cos()).unwrap();
            assert!((a.r_s.powi(2) - rs).abs() < 5e-10, "Rs at {degrees}");
            assert!((a.r_p.powi(2) - rp).abs() < 5e-10, "Rp at {degrees}");
            assert!(((a.t_s * a.power).powi(2) + a.r_s.powi(2) - 1.0).abs() < 1e-15);
            assert!(((a.t_p * a.power).powi(2) + a.r_p.powi(2) - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn no_p_at_brewsters_angle() {
        let a = amplitudes(1.0, 1.5, 1.5_f64.atan().cos()).unwrap();
        assert!(a.r_p.powi(2) < 1e-30);
        assert!((a.r_s.powi(2) - 0.147928994).abs() < 5e-10);
    }

    #[test]
    fn total_reflection_begins_at_the_critical_angle() {
        let critical = 41.810_315_f64;
        assert!(amplitudes(1.5, 1.0, (critical - 1e-5).to_radians().cos()).is_some());
        assert!(amplitudes(1.5, 1.0, (critical + 1e-5).to_radians().cos()).is_none());
    }

    #[test]
    fn total_reflection_shifts_p_and_s_as_a_fresnel_rhomb_needs() {
        for (degrees, delta) in [(48.62_f64, 44.9966), (54.62, 45.0016)] {
            assert_eq!(amplitudes(1.51, 1.0, degrees.to_radians().cos()), None);
            let (r_p, r_s) = total_reflection(1.51, 1.0, degrees.to_radians().cos());
            assert!((r_p.norm() - 1.0).abs() < 1e-15 && (r_s.norm() - 1.0).abs() < 1e-15);
            // In the unfolded frame the retardance of one bounce carries the half turn of the frame.
            let shift = (-r_p / r_s).arg().to_degrees().abs();
            assert!((shift - delta).abs() < 5e-5, "{shift} at {degrees}");
        }
    }

    #[test]
    fn grazing_light_is_reflected() {
        let a = amplitudes(1.0, 1.5, 0.0).unwrap();
        assert_eq!((a.r_s, a.r_p, a.power), (-1.0, 1.0, 0.0));
    }

    #[test]
    fn mean_is_the_half_of_both() {
        assert!((mean_reflectance(1.0, 1.5, 1.5_f64.atan().cos()) - 0.073964497).abs() < 5e-10);
        assert_eq!(mean_reflectance(1.5, 1.0, 0.1), 1.0);
    }
}
