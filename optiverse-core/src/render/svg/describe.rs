//! Elements and sources in words: labels, and the titles that show on hovering.

use crate::optics::element::{Element, Medium, PassType};
use crate::optics::{Beam, Shape, Source};

/// A number for people: four decimals at most, with a true minus sign.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    let text = if size != 0.0 && !(1e-3..1e7).contains(&size) {
        format!("{size:.3e}")
    } else {
        let fixed = format!("{size:.4}");
        fixed.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    if value < 0.0 && text != "0" { format!("−{text}") } else { text }
}

fn percent(share: f64) -> String {
    short(100.0 * share)
}

/// λ/4, λ/2, λ or the retardance in degrees.
fn retardance(degrees: f64) -> String {
    let named = [(90.0, "λ/4"), (180.0, "λ/2"), (360.0, "λ")];
    named
        .iter()
        .find(|(value, _)| (degrees.abs() - value).abs() < 1e-6)
        .map_or_else(|| format!("{}°", short(degrees)), |(_, name)| (*name).to_owned())
}

/// The medium's name, or its index.
pub(super) fn medium(medium: &Medium) -> String {
    medium
        .material()
        .map_or_else(|| format!("n = {}", short(medium.plain_index())), |material| material.name().to_owned())
}

/// What stands beside an element in a picture, such as "f = 100 mm"; `None` where its symbol says it all.
#[must_use]
pub fn label(element: &Element) -> Option<String> {
    match element {
        Element::ThinLens(lens) => Some(format!("f = {} mm", short(lens.focal_length_mm()))),
        Element::Mirror(mirror) if mirror.reflectance() < 1.0 => {
            Some(format!("R = {} %", percent(mirror.reflectance())))
        }
        Element::BeamSplitter(splitter) => {
            Some(format!("{}:{}", percent(splitter.transmittance()), percent(splitter.reflectance())))
        }
        Element::PolarisingBeamSplitter(splitter) => {
            let axis = splitter.transmission_axis_deg();
            Some(if axis.abs() < 1e-6 { "PBS".to_owned() } else { format!("PBS {}°", short(axis)) })
        }
        Element::Dichroic(dichroic) => {
            let kind = match dichroic.pass_type() {
                PassType::Longpass => "LP",
                PassType::Shortpass => "SP",
            };
            Some(format!("{kind} {} nm", short(dichroic.cutoff_nm())))
        }
        Element::Waveplate(plate) => {
            Some(format!("{} @ {}°", retardance(plate.retardance_deg()), short(plate.fast_axis_deg())))
        }
        Element::LinearPolariser(polariser) => Some(format!("pol. {}°", short(polariser.axis_deg()))),
        Element::FaradayRotator(rotator) => Some(format!("FR {}°", short(rotator.rotation_deg()))),
        _ => None,
    }
}

/// The parameters of an element, separated by commas.
fn parameters(element: &Element) -> String {
    match element {
        Element::ThinLens(lens) => format!("f = {} mm", short(lens.focal_length_mm())),
        Element::Mirror(mirror) => format!("R = {} %", percent(mirror.reflectance())),
        Element::BeamSplitter(splitter) => {
            format!("T = {} %, R = {} %", percent(splitter.transmittance()), percent(splitter.reflectance()))
        }
        Element::PolarisingBeamSplitter(splitter) => {
            format!("transmission axis {}°", short(splitter.transmission_axis_deg()))
        }
        Element::Dichroic(dichroic) => {
            let kind = match dichroic.pass_type() {
                PassType::Longpass => "longpass",
                PassType::Shortpass => "shortpass",
            };
            format!("{kind}, cutoff {} nm", short(dichroic.cutoff_nm()))
        }
        Element::Waveplate(plate) => {
            let (retardance, axis) = (retardance(plate.retardance_deg()), short(plate.fast_axis_deg()));
            format!("retardance {retardance}, fast axis {axis}°")
        }
        Element::LinearPolariser(polariser) => format!("transmission axis {}°", short(polariser.axis_deg())),
        Element::FaradayRotator(rotator) => format!("rotation {}°", short(rotator.rotation_deg())),
        Element::RefractiveInterface(interface) => {
            format!("{} to {}", medium(interface.first()), medium(interface.second()))
        }
        Element::BeamBlock => String::new(),
    }
}

/// What shows on hovering over a surface.
pub(super) fn title(item: &str, element: &Element, shape: &Shape) -> String {
    format!("{item}: {}", description(element, shape))
}

/// An element in words, with its parameters and its width, such as "lens, f = 100 mm, 25.4 mm wide".
#[must_use]
pub fn description(element: &Element, shape: &Shape) -> String {
    let mut text = element.name().to_owned();
    let parameters = parameters(element);
    if !parameters.is_empty() {
        text.push_str(", ");
        text.push_str(&parameters);
    }
    match shape {
        Shape::Segment(segment) => text.push_str(&format!(", {} mm wide", short(2.0 * segment.half_length()))),
        Shape::Arc(arc) => {
            let (radius, chord) = (short(arc.signed_radius()), short(2.0 * arc.chord().half_length()));
            text.push_str(&format!(", radius {radius} mm, {chord} mm wide"));
        }
    }
    text
}

/// What shows on hovering over a source.
pub(super) fn source_title(item: &str, source: &Source) -> String {
    let p = source.parameters();
    let mut text = format!("{item}: source, ");
    text.push_str(&match p.beam {
        Beam::Rays if p.n_rays > 1 => format!("{} rays", p.n_rays),
        Beam::Rays => "1 ray".to_owned(),
        Beam::Gaussian { waist_mm } => format!("Gaussian beam, waist {} mm", short(waist_mm)),
    });
    if p.wavelength_nm > 0.0 {
        text.push_str(&format!(", {} nm", short(p.wavelength_nm)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(short(100.0), "100");
        assert_eq!(short(-50.0), "−50");
        assert_eq!(short(22.5), "22.5");
        assert_eq!(short(1.516_8), "1.5168");
        assert_eq!(short(0.0), "0");
        assert_eq!(short(-0.0), "0");
        assert_eq!(short(1e9), "1.000e9");
        assert_eq!(short(1e-6), "1.000e-6");
    }

    #[test]
    fn retardances_with_names() {
        assert_eq!(retardance(90.0), "λ/4");
        assert_eq!(retardance(180.0), "λ/2");
        assert_eq!(retardance(127.0), "127°");
    }
}
