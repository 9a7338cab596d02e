//! Colours of a picture on its background.

use super::Background;
use super::markup::hex;

pub(super) const GLASS: &str = "#7fb4e0";
pub(super) const GLASS_EDGE: &str = "#3f83bd";
/// Edge and inside of the slabs.
pub(super) const WAVEPLATE: [&str; 2] = ["#7b5cb8", "#d6c8f2"];
pub(super) const POLARISER: [&str; 2] = ["#5d6670", "#b9c0c8"];
pub(super) const FARADAY: [&str; 2] = ["#b07d1f", "#f5dca6"];
/// Light that a dichroic sends the shorter and the longer way.
pub(super) const SHORT_WAVES: &str = "#2f6fe4";
pub(super) const LONG_WAVES: &str = "#d6402f";

/// What depends on the background.
#[derive(Clone, Debug)]
pub(super) struct Palette {
    /// Lines and text.
    pub(super) ink: &'static str,
    /// The background, where there is one.
    pub(super) paper: Option<String>,
}

impl Palette {
    pub(super) fn on(background: Background) -> Self {
        match background {
            // Legible on white and on black: contrasts of 4.6 and 4.5.
            Background::Transparent => Palette { ink: "#767676", paper: None },
            Background::Colour(rgb) => {
                let ink = if luminance(rgb) > 0.18 { "#1f2430" } else { "#e6e9ef" };
                Palette { ink, paper: Some(hex(rgb)) }
            }
        }
    }
}

/// Relative luminance, 0 to 1 (W3C, Web Content Accessibility Guidelines 2.2).
fn luminance(rgb: [u8; 3]) -> f64 {
    let linear = |channel: u8| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_contrasts_with_the_paper() {
        assert_eq!(Palette::on(Background::Colour([255; 3])).ink, "#1f2430");
        assert_eq!(Palette::on(Background::Colour([13, 17, 23])).ink, "#e6e9ef");
        let grey = luminance([0x76; 3]);
        assert!(1.05 / (grey + 0.05) > 4.5 && (grey + 0.05) / 0.05 > 4.5);
    }
}
