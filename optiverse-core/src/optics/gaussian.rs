//! Gaussian beams by the complex beam parameter.
//!
//! A. E. Siegman, Lasers, chapters 15 to 17 and 20. The parameter here is the reduced one, q̂ = q/n with n the index of the
//! medium, so that 1/q̂ = n/R − iλ₀/(πw²): w follows from q̂ and the vacuum wavelength in any medium, and is the same on
//! both sides of a flat interface. Radii w are 1/e² radii of the intensity, in the plane of the layout.

use num_complex::Complex64;

/// Millimetres in a nanometre.
const MM_PER_NM: f64 = 1e-6;

/// The beam parameter at a waist of radius `waist_mm`: i·πw₀²/λ₀.
#[must_use]
pub fn at_waist(waist_mm: f64, wavelength_nm: f64) -> Complex64 {
    Complex64::new(0.0, rayleigh_range(waist_mm, wavelength_nm))
}

/// The Rayleigh range πw₀²/λ₀ in mm.
#[must_use]
pub fn rayleigh_range(waist_mm: f64, wavelength_nm: f64) -> f64 {
    std::f64::consts::PI * waist_mm * waist_mm / (wavelength_nm * MM_PER_NM)
}

/// The 1/e² radius w in mm; 0 where `q` is no beam.
#[must_use]
pub fn radius(q: Complex64, wavelength_nm: f64) -> f64 {
    let imaginary = q.inv().im;
    let squared = -(wavelength_nm * MM_PER_NM) / (std::f64::consts::PI * imaginary);
    if imaginary < 0.0 && squared > 0.0 { squared.sqrt() } else { 0.0 }
}

/// −1/Im(1/q) = πw²/λ₀: the Rayleigh range a waist of the present radius would have.
fn local_rayleigh_range(q: Complex64, wavelength_nm: f64) -> f64 {
    let imaginary = q.inv().im;
    if imaginary >= -1e-30 { rayleigh_range(0.1, wavelength_nm) } else { -1.0 / imaginary }
}

/// A ray matrix in the plane of incidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RayMatrix {
    /// Height from height.
    pub a: f64,
    /// Height from angle.
    pub b: f64,
    /// Angle from height, in 1/mm.
    pub c: f64,
    /// Angle from angle.
    pub d: f64,
}

impl RayMatrix {
    /// Leaves the beam as it is.
    pub const IDENTITY: RayMatrix = RayMatrix { a: 1.0, b: 0.0, c: 0.0, d: 1.0 };

    /// q' = (Aq + B)/(Cq + D); `q` as it is where the denominator vanishes.
    #[must_use]
    pub fn apply(self, q: Complex64) -> Complex64 {
        let denominator = q * self.c + self.d;
        if denominator.norm() < 1e-30 { q } else { (q * self.a + self.b) / denominator }
    }

    /// A thin element that need not keep areas in phase space, as the ideal lens off its axis: the wavefront follows the
    /// rays, and w follows the width of the ray bundle. Equal to [`apply`](Self::apply) where AD = 1 and B = 0.
    #[must_use]
    pub fn apply_thin(self, q: Complex64) -> Complex64 {
        let inverse = q.inv();
        Complex64::new((self.c + self.d * inverse.re) / self.a, inverse.im / (self.a * self.a)).inv()
    }
}

/// Tangential matrix of an interface for the reduced parameter.
///
/// `curvature` is 1/R in 1/mm, positive where the centre lies downstream; from G. A. Massey and A. E. Siegman, Applied Optics
/// 8 (1969) 975, in reduced form: the 1/n₂ of the usual C is in q̂.
#[must_use]
pub fn refraction(n1: f64, n2: f64, cos1: f64, cos2: f64, curvature: f64) -> RayMatrix {
    RayMatrix { a: cos2 / cos1, b: 0.0, c: -(n2 * cos2 - n1 * cos1) * curvature / (cos1 * cos2), d: cos1 / cos2 }
}

/// Tangential matrix of a reflection for the reduced parameter, in a medium of index `n`.
///
/// `curvature` is 1/R in 1/mm, positive where the mirror is concave to the light.
#[must_use]
pub fn reflection(n: f64, cos: f64, curvature: f64) -> RayMatrix {
    RayMatrix { a: 1.0, b: 0.0, c: -2.0 * n * curvature / cos, d: 1.0 }
}

/// Tangential matrix of an ideal thin lens for the reduced parameter: the derivative of tan θ' = tan θ − y/f.
#[must_use]
pub fn lens(n: f64, focal_length_mm: f64, cos_in: f64, cos_out: f64) -> RayMatrix {
    let ratio = cos_out / cos_in;
    RayMatrix { a: ratio, b: 0.0, c: -n * cos_out * ratio / focal_length_mm, d: ratio * ratio }
}

/// The power that passes a round aperture of radius `aperture_mm`: 1 − e^{−2a²/w²} (Siegman, §17.1).
#[must_use]
pub fn aperture_transmission(radius_mm: f64, aperture_mm: f64) -> f64 {
    if radius_mm <= 1e-15 || aperture_mm <= 0.0 {
        return 1.0;
    }
    let exponent = 2.0 * (aperture_mm / radius_mm).powi(2);
    if exponent > 80.0 { 1.0 } else { (1.0 - (-exponent).exp()).clamp(0.0, 1.0) }
}

/// The beam with radius `radius_mm` and the wavefront it had.
#[must_use]
pub fn with_radius(q: Complex64, radius_mm: f64, wavelength_nm: f64) -> Complex64 {
    if radius_mm <= 1e-15 {
        return q;
    }
    let imaginary = -(wavelength_nm * MM_PER_NM) / (std::f64::consts::PI * radius_mm * radius_mm);
    Complex64::new(q.inv().re, imaginary).inv()
}

/// Most parts a stretch of free space is drawn in.
pub const MAX_SAMPLES: u32 = 200;

/// In how many equal parts a stretch of `distance` (reduced, mm) is drawn so that its envelope looks smooth.
///
/// A part is no longer than a quarter of the Rayleigh range or 5 mm, whichever is more; a stretch over which w changes by more than 6 %, or
/// which holds the waist, has more. This is the rule of Optiverse 0.3.4, whose pictures the preset of that name must equal.
#[must_use]
pub fn samples(q: Complex64, distance: f64, wavelength_nm: f64) -> u32 {
    if distance <= 1e-12 {
        return 1;
    }
    let start = radius(q, wavelength_nm);
    let end = radius(q + distance, wavelength_nm);
    let mut range = local_rayleigh_range(q, wavelength_nm);
    let mut change = (end - start).abs();
    let to_waist = -q.re;
    if to_waist > 0.0 && to_waist < distance {
        range = range.min(q.im.max(1e-12));
        let waist = radius(Complex64::new(0.0, q.im), wavelength_nm);
        change = change.max((start - waist).abs()).max((end - waist).abs());
    }
    let step = distance.min((range / 4.0).max(5.0));
    let mut count = (distance / step).ceil().max(1.0);
    let relative = change / start.max(end).max(1e-9);
    if relative > 0.06 {
        count = count.max((6.0 * relative * (distance / step.max(1e-6)).max(8.0)).ceil());
    }
    if change > 1e-12 {
        count = count.max((change / distance.max(1e-9) * 80.0).ceil());
    }
    // The cast cannot fail: the number lies between 1 and MAX_SAMPLES, and a NaN becomes 1.
    count.max(1.0).min(f64::from(MAX_SAMPLES)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helium_neon_beam() {
        // 632.8 nm, w₀ = 0.5 mm: z_R = 1241.147540 mm; a lens of f = 100 at the waist makes a waist at 99.355025 of
        // 0.040155174; with the waist in its front focus, 0.040285299.
        let q = at_waist(0.5, 632.8);
        assert!((q.im - 1_241.147_540).abs() < 5e-7);
        let focused = lens(1.0, 100.0, 1.0, 1.0).apply(q);
        assert!((-focused.re - 99.355_025).abs() < 5e-7);
        assert!((radius(Complex64::new(0.0, focused.im), 632.8) - 0.040_155_174).abs() < 5e-10);
        let from_focus = lens(1.0, 100.0, 1.0, 1.0).apply(q + 100.0);
        assert!((radius(Complex64::new(0.0, from_focus.im), 632.8) - 0.040_285_299).abs() < 5e-10);
        assert!((rayleigh_range(1.0, 500.0) - 6283.185).abs() < 5e-4);
    }

    #[test]
    fn a_flat_interface_keeps_the_radius() {
        let q = at_waist(0.3, 1064.0) + 250.0;
        let inside = refraction(1.0, 1.5, 1.0, 1.0, 0.0).apply(q);
        assert_eq!(radius(inside, 1064.0), radius(q, 1064.0));
    }

    #[test]
    fn a_convex_mirror_spreads_and_a_concave_one_focuses() {
        let q = at_waist(0.5, 632.8);
        assert!(reflection(1.0, 1.0, 1.0 / 200.0).apply(q).re < 0.0, "the waist lies ahead");
        assert!(reflection(1.0, 1.0, -1.0 / 200.0).apply(q).re > 0.0, "the waist lies behind");
    }

    #[test]
    fn thin_and_general_form_agree_where_both_hold() {
        let q = at_waist(0.5, 632.8) + 17.0;
        let matrix = refraction(1.0, 1.5, 0.9, 0.95, 0.01);
        assert!((matrix.apply(q) - matrix.apply_thin(q)).norm() < 1e-9 * q.norm());
    }

    #[test]
    fn an_aperture_of_the_beams_radius_passes_86_percent() {
        assert!((aperture_transmission(1.0, 1.0) - 0.864_664_716_763_387_3).abs() < 1e-15);
        assert_eq!(aperture_transmission(1.0, 7.0), 1.0);
        assert_eq!(aperture_transmission(0.0, 1.0), 1.0);
        assert!((radius(with_radius(at_waist(0.5, 633.0) + 40.0, 0.2, 633.0), 633.0) - 0.2).abs() < 1e-15);
    }

    #[test]
    fn a_waist_between_two_vertices_is_sampled() {
        let focused = lens(1.0, 100.0, 1.0, 1.0).apply(at_waist(2.0, 633.0));
        assert_eq!(samples(focused, 200.0, 633.0), MAX_SAMPLES);
        assert_eq!(samples(at_waist(5.0, 633.0), 100.0, 633.0), 1);
        assert_eq!(samples(focused, 0.0, 633.0), 1);
    }
}
