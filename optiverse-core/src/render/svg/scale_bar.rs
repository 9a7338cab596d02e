//! The scale bar.

use glam::DVec2;

use super::frame::{FOOTER_PX, Frame};
use super::labels::push_text;
use super::markup::PathData;
use super::palette::Palette;
use super::symbols::push_path;

/// Longest bar, as a share of the picture's width.
const LONGEST_SHARE: f64 = 0.25;
/// From the edges of the picture.
const MARGIN_PX: f64 = 16.0;

/// The largest 1, 2 or 5 times a power of ten up to `limit`, as factor and exponent; `limit` over 0.
fn round_length(limit: f64) -> (u8, i32) {
    // log10 may be off by one in the last place at a power of ten.
    let mut exponent = limit.log10().floor() as i32;
    if 10_f64.powi(exponent) > limit {
        exponent -= 1;
    } else if 10_f64.powi(exponent + 1) <= limit {
        exponent += 1;
    }
    let factor = [5_u8, 2].into_iter().find(|&factor| length_mm(factor, exponent) <= limit).unwrap_or(1);
    (factor, exponent)
}

/// factor·10^exponent, the nearest double to it: what the decimal text means.
fn length_mm(factor: u8, exponent: i32) -> f64 {
    let power = 10_f64.powi(exponent.abs());
    if exponent < 0 { f64::from(factor) / power } else { f64::from(factor) * power }
}

/// The length in the unit that makes it a whole number of up to three digits, where there is one.
fn label(factor: u8, exponent: i32) -> String {
    let (unit, power) = match exponent {
        6.. => ("km", 6),
        3..6 => ("m", 3),
        0..3 => ("mm", 0),
        -3..0 => ("µm", -3),
        _ => ("nm", -6),
    };
    let number = length_mm(factor, exponent - power);
    format!("{number} {unit}")
}

/// Appends the bar in the strip under the canvas.
pub(super) fn push_scale_bar(out: &mut String, frame: &Frame, palette: &Palette) {
    let (factor, exponent) = round_length(LONGEST_SHARE * frame.canvas.x / frame.px_per_mm);
    let length = length_mm(factor, exponent);
    let start = DVec2::new(MARGIN_PX.min(0.1 * frame.canvas.x), frame.canvas.y + 0.5 * FOOTER_PX);
    let end = start + DVec2::X * (length * frame.px_per_mm);
    let tick = DVec2::Y * 4.0;
    let ink = palette.ink;
    out.push_str(&format!(
        "<g class=\"scale-bar\" data-length-mm=\"{length}\" fill=\"none\" stroke=\"{ink}\" stroke-width=\"1.5\">"
    ));
    let bar = PathData::new().move_to(start).line_to(end);
    push_path(out, &bar, "class=\"bar\"");
    let ticks = PathData::new().move_to(start - tick).line_to(start + tick).move_to(end - tick).line_to(end + tick);
    push_path(out, &ticks, "");
    out.push_str(&format!("<g fill=\"{ink}\" stroke=\"none\">"));
    push_text(out, end + DVec2::new(8.0, 4.5), "start", &label(factor, exponent));
    out.push_str("</g></g>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_round_and_fit() {
        assert_eq!(round_length(99.9), (5, 1));
        assert_eq!(round_length(100.0), (1, 2));
        assert_eq!(round_length(49.0), (2, 1));
        assert_eq!(round_length(0.3), (2, -1));
        assert_eq!(round_length(1000.0), (1, 3));
        assert_eq!(round_length(1e-6), (1, -6));
        for exponent in -9..=9 {
            for factor in [1, 2, 5] {
                assert_eq!(round_length(length_mm(factor, exponent)), (factor, exponent));
            }
        }
    }

    #[test]
    fn labels_have_a_fitting_unit() {
        assert_eq!(label(5, 1), "50 mm");
        assert_eq!(label(1, 3), "1 m");
        assert_eq!(label(2, -1), "200 µm");
        assert_eq!(label(5, -3), "5 µm");
        assert_eq!(label(1, 7), "10 km");
        assert_eq!(label(2, -7), "0.2 nm");
    }
}
