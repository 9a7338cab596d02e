//! Sources: fans of rays and Gaussian beams.

use glam::DVec2;

use super::jones::{JonesVector, power};
use super::report::{InvalidValue, number_in};

/// What a source sends out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Beam {
    /// Rays.
    Rays,
    /// One Gaussian beam with its waist of this 1/e² radius in mm at the source.
    Gaussian {
        /// 1/e² radius of the waist in mm.
        waist_mm: f64,
    },
}

/// The parameters of a source under the names of the file format; [`Default`] has the format's defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceParameters {
    /// Position in mm.
    pub x_mm: f64,
    /// Position in mm, up.
    pub y_mm: f64,
    /// Direction, clockwise from +x.
    pub angle_deg: f64,
    /// Width of the fan at the source in mm.
    pub size_mm: f64,
    /// Number of rays; 0 and 1 both mean one.
    pub n_rays: i64,
    /// Length after which a path ends, in mm.
    pub ray_length_mm: f64,
    /// Half the angle of the fan.
    pub spread_deg: f64,
    /// Colour in pictures.
    pub rgb: [u8; 3],
    /// Vacuum wavelength in nm; 0 or less where it is not given, which Gaussian beams refuse.
    pub wavelength_nm: f64,
    /// Jones vector [E_h, E_v] of any length from 1e-145 on.
    pub jones: JonesVector,
    /// Rays or a Gaussian beam.
    pub beam: Beam,
}

impl Default for SourceParameters {
    fn default() -> Self {
        SourceParameters {
            x_mm: -400.0,
            y_mm: 0.0,
            angle_deg: 0.0,
            size_mm: 10.0,
            n_rays: 9,
            ray_length_mm: 1000.0,
            spread_deg: 0.0,
            rgb: [0xdc, 0x14, 0x3c],
            wavelength_nm: 633.0,
            jones: [1.0.into(), 0.0.into()],
            beam: Beam::Rays,
        }
    }
}

/// A source with checked parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    parameters: SourceParameters,
    /// Unit vector of the middle of the fan; kept, since the sine takes as long as a hit.
    axis: DVec2,
    pub(crate) hidden: bool,
    /// Its place among all sources of the scene, those left out counted too.
    pub(crate) index: u32,
}

impl Source {
    /// Most rays of one source.
    pub const MAX_RAYS: i64 = 10_000_000;

    /// A visible source, number 0.
    ///
    /// # Errors
    /// Values that are not finite; coordinates over [`MAX_COORDINATE_MM`](super::OpticalSystem::MAX_COORDINATE_MM); a number of rays below 0 or over
    /// [`MAX_RAYS`](Self::MAX_RAYS); a length that is not over 0; for a Gaussian beam, a waist under 1e-9 mm or a wavelength
    /// under 1e-3 nm or over 1e9 nm; a Jones vector shorter than 1e-145.
    pub fn new(parameters: SourceParameters) -> Result<Self, InvalidValue> {
        const FINITE: &str = "a finite number";
        const LENGTH: &str = "a number over 0 and up to 1e9";
        let p = &parameters;
        let limit = super::OpticalSystem::MAX_COORDINATE_MM;
        let coordinate = "a finite number from -1e9 to 1e9";
        number_in("x_mm", p.x_mm, -limit..=limit, coordinate)?;
        number_in("y_mm", p.y_mm, -limit..=limit, coordinate)?;
        number_in("angle_deg", p.angle_deg, .., FINITE)?;
        number_in("size_mm", p.size_mm, -limit..=limit, coordinate)?;
        number_in("spread_deg", p.spread_deg, .., FINITE)?;
        number_in("wavelength_nm", p.wavelength_nm, .., FINITE)?;
        number_in("ray_length_mm", p.ray_length_mm, f64::MIN_POSITIVE..=limit, LENGTH)?;
        if !(0..=Self::MAX_RAYS).contains(&p.n_rays) {
            return Err(InvalidValue::new("n_rays", p.n_rays, "a whole number from 0 to 10000000"));
        }
        if let Beam::Gaussian { waist_mm } = p.beam {
            number_in("beam_waist_mm", waist_mm, 1e-9..=limit, "a number from 1e-9 to 1e9")?;
            number_in("wavelength_nm", p.wavelength_nm, 1e-3..=1e9, "a number from 1e-3 to 1e9")?;
        }
        let length = power(p.jones);
        // Of a smaller square, too few digits are left.
        if !(length.is_finite() && length >= 1e-290) {
            let value = format!("({}, {})", p.jones[0], p.jones[1]);
            return Err(InvalidValue::new("custom_jones", value, "finite numbers, not all under 1e-145"));
        }
        let axis = DVec2::from_angle(Self::axis_rad(&parameters));
        Ok(Source { parameters, axis, hidden: false, index: 0 })
    }

    /// Direction of the middle of the fan, counter-clockwise from +x.
    pub(crate) fn axis_rad(parameters: &SourceParameters) -> f64 {
        -(parameters.angle_deg.to_radians())
    }

    /// Unit vector of the middle of the fan.
    pub(crate) fn axis(&self) -> DVec2 {
        self.axis
    }

    /// Its parameters.
    #[must_use]
    pub fn parameters(&self) -> &SourceParameters {
        &self.parameters
    }

    /// Its position in mm.
    #[must_use]
    pub fn position(&self) -> DVec2 {
        DVec2::new(self.parameters.x_mm, self.parameters.y_mm)
    }

    /// Whether a layer hides it.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// Its place among all sources of the scene.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut SourceParameters)) -> &'static str {
        let mut parameters = SourceParameters::default();
        change(&mut parameters);
        Source::new(parameters).unwrap_err().key
    }

    #[test]
    fn refuses_each_value_that_cannot_be_used() {
        assert_eq!(refused(|p| p.x_mm = f64::NAN), "x_mm");
        assert_eq!(refused(|p| p.y_mm = f64::INFINITY), "y_mm");
        assert_eq!(refused(|p| p.y_mm = 1.000_001e9), "y_mm");
        assert_eq!(refused(|p| p.angle_deg = f64::NAN), "angle_deg");
        assert_eq!(refused(|p| p.size_mm = f64::NAN), "size_mm");
        assert_eq!(refused(|p| p.spread_deg = f64::INFINITY), "spread_deg");
        assert_eq!(refused(|p| p.wavelength_nm = f64::NAN), "wavelength_nm");
        assert_eq!(refused(|p| p.ray_length_mm = 0.0), "ray_length_mm");
        assert_eq!(refused(|p| p.ray_length_mm = -5.0), "ray_length_mm");
        assert_eq!(refused(|p| p.n_rays = -1), "n_rays");
        assert_eq!(refused(|p| p.n_rays = Source::MAX_RAYS + 1), "n_rays");
        assert_eq!(refused(|p| p.beam = Beam::Gaussian { waist_mm: 0.0 }), "beam_waist_mm");
        assert_eq!(refused(|p| p.beam = Beam::Gaussian { waist_mm: 9.9e-10 }), "beam_waist_mm");
        assert_eq!(refused(|p| p.jones = [0.0.into(); 2]), "custom_jones");
        assert_eq!(refused(|p| p.jones = [0.99e-145.into(), 0.0.into()]), "custom_jones");
        let dark = |p: &mut SourceParameters| {
            p.beam = Beam::Gaussian { waist_mm: 0.5 };
            p.wavelength_nm = 0.0;
        };
        assert_eq!(refused(dark), "wavelength_nm");
    }

    #[test]
    fn takes_the_limits() {
        let at_limit = SourceParameters {
            x_mm: 1e9,
            y_mm: -1e9,
            n_rays: Source::MAX_RAYS,
            wavelength_nm: 0.0,
            jones: [0.0.into(), 1.01e-145.into()],
            ..Default::default()
        };
        assert!(Source::new(at_limit).is_ok());
        assert!(Source::new(SourceParameters { n_rays: 0, ..Default::default() }).is_ok());
    }
}
