use super::super::jones::PolarisationAxis;
use super::super::report::{InvalidValue, number_in};

/// A beam splitter that keeps the polarisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BeamSplitter {
    transmittance: f64,
    reflectance: f64,
}

impl BeamSplitter {
    /// A beam splitter that transmits `split_T` and reflects `split_R` per cent of the power and absorbs the rest.
    ///
    /// # Errors
    /// A share that is not from 0 to 100; shares that add up to more than 100.
    #[expect(non_snake_case, reason = "the names of the file format, by which errors speak")]
    pub fn new(split_T: f64, split_R: f64) -> Result<Self, InvalidValue> {
        let expected = "a number from 0 to 100 (per cent)";
        number_in("split_T", split_T, 0.0..=100.0, expected)?;
        number_in("split_R", split_R, 0.0..=100.0, expected)?;
        // Files hold shares such as 33.3 and 66.7 whose sum is over 100 by rounding.
        if split_T + split_R > 100.0 + 1e-9 {
            return Err(InvalidValue::new("split_R", split_R, "at most 100 − split_T"));
        }
        Ok(BeamSplitter { transmittance: split_T / 100.0, reflectance: split_R / 100.0 })
    }

    /// The share that passes, 0 to 1.
    #[must_use]
    pub fn transmittance(&self) -> f64 {
        self.transmittance
    }

    /// The share that is reflected, 0 to 1.
    #[must_use]
    pub fn reflectance(&self) -> f64 {
        self.reflectance
    }
}

/// A beam splitter that transmits one linear polarisation and reflects the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolarisingBeamSplitter {
    axis: PolarisationAxis,
}

impl PolarisingBeamSplitter {
    /// A splitter that transmits light polarised at `pbs_transmission_axis_deg` from h.
    ///
    /// # Errors
    /// An angle that is not finite.
    pub fn new(pbs_transmission_axis_deg: f64) -> Result<Self, InvalidValue> {
        let angle = number_in("pbs_transmission_axis_deg", pbs_transmission_axis_deg, .., "a finite number")?;
        Ok(PolarisingBeamSplitter { axis: PolarisationAxis::new(angle) })
    }

    /// The polarisation that passes.
    #[must_use]
    pub fn axis(&self) -> PolarisationAxis {
        self.axis
    }

    /// Direction of that polarisation in degrees from h, over −90 and up to 90.
    #[must_use]
    pub fn transmission_axis_deg(&self) -> f64 {
        let (along, _) = self.axis.split([1.0.into(), 0.0.into()]);
        // (cos², cos·sin), which leaves nothing of an axis along v.
        if along[0].re > 1e-12 { along[1].re.atan2(along[0].re).to_degrees() } else { 90.0 }
    }
}

/// Which light a dichroic transmits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PassType {
    /// Wavelengths over the cutoff.
    Longpass,
    /// Wavelengths under the cutoff.
    Shortpass,
}

/// A beam splitter by wavelength, without loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dichroic {
    cutoff_nm: f64,
    width_nm: f64,
    pass_type: PassType,
}

impl Dichroic {
    /// A dichroic that divides light in halves at `cutoff_wavelength_nm`; the share changes from 27 % to 73 % over
    /// `transition_width_nm` to either side (at least 1 nm).
    ///
    /// # Errors
    /// A cutoff or width that is negative or not finite; a pass type other than `longpass` and `shortpass`.
    pub fn new(cutoff_wavelength_nm: f64, transition_width_nm: f64, pass_type: &str) -> Result<Self, InvalidValue> {
        let expected = "a finite number, 0 or more";
        let pass_type = match pass_type {
            "longpass" => PassType::Longpass,
            "shortpass" => PassType::Shortpass,
            other => {
                return Err(InvalidValue::new("pass_type", format!("\"{other}\""), "\"longpass\" or \"shortpass\""));
            }
        };
        Ok(Dichroic {
            cutoff_nm: number_in("cutoff_wavelength_nm", cutoff_wavelength_nm, 0.0.., expected)?,
            width_nm: number_in("transition_width_nm", transition_width_nm, 0.0.., expected)?.max(1.0),
            pass_type,
        })
    }

    /// The share that is reflected at a wavelength; a half where the wavelength is not given (0 or less).
    ///
    /// 1/(1 + e^{±(λ − λc)/Δ}), the sign + for longpass.
    #[must_use]
    pub fn reflectance(&self, wavelength_nm: f64) -> f64 {
        if wavelength_nm <= 0.0 {
            return 0.5;
        }
        let distance = (wavelength_nm - self.cutoff_nm) / self.width_nm;
        match self.pass_type {
            PassType::Longpass => 1.0 / (1.0 + distance.exp()),
            PassType::Shortpass => 1.0 / (1.0 + (-distance).exp()),
        }
    }

    /// Which light passes.
    #[must_use]
    pub fn pass_type(&self) -> PassType {
        self.pass_type
    }

    /// The wavelength in nm at which light divides in halves.
    #[must_use]
    pub fn cutoff_nm(&self) -> f64 {
        self.cutoff_nm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_a_beam_splitter() {
        assert!(BeamSplitter::new(100.0, 0.0).is_ok() && BeamSplitter::new(33.3, 66.7).is_ok());
        assert_eq!(BeamSplitter::new(101.0, 0.0).unwrap_err().key, "split_T");
        assert_eq!(BeamSplitter::new(50.0, -1.0).unwrap_err().key, "split_R");
        assert_eq!(BeamSplitter::new(50.0, 50.1).unwrap_err().key, "split_R");
        assert_eq!(BeamSplitter::new(f64::NAN, 50.0).unwrap_err().key, "split_T");
    }

    #[test]
    fn a_longpass_transmits_long_waves() {
        let dichroic = Dichroic::new(550.0, 50.0, "longpass").unwrap();
        assert!(dichroic.reflectance(400.0) > 0.95 && dichroic.reflectance(700.0) < 0.05);
        assert_eq!(dichroic.reflectance(550.0), 0.5);
        assert_eq!(dichroic.reflectance(0.0), 0.5);
        let other = Dichroic::new(550.0, 50.0, "shortpass").unwrap();
        assert!((other.reflectance(633.0) + dichroic.reflectance(633.0) - 1.0).abs() < 1e-15);
        // A width under 1 nm counts as 1 nm: an edge filter, not a division by 0.
        assert!(
            (Dichroic::new(550.0, 0.0, "longpass").unwrap().reflectance(549.0) - 0.731_058_578_630_005).abs() < 1e-14
        );
    }

    #[test]
    fn the_axis_of_a_splitter_is_found_again() {
        for degrees in [0.0, 30.0, -45.0, 90.0] {
            let splitter = PolarisingBeamSplitter::new(degrees).unwrap();
            assert!((splitter.transmission_axis_deg() - degrees).abs() < 1e-9, "{degrees}");
        }
    }

    #[test]
    fn refuses_what_is_no_dichroic() {
        assert_eq!(Dichroic::new(-1.0, 50.0, "longpass").unwrap_err().key, "cutoff_wavelength_nm");
        assert_eq!(Dichroic::new(550.0, f64::NAN, "longpass").unwrap_err().key, "transition_width_nm");
        assert_eq!(Dichroic::new(550.0, 50.0, "bandpass").unwrap_err().value, "\"bandpass\"");
        assert_eq!(PolarisingBeamSplitter::new(f64::INFINITY).unwrap_err().key, "pbs_transmission_axis_deg");
    }
}
