//! The field's symbols, in pixels.

use std::fmt::Write as _;

use glam::DVec2;

use super::curve::Curve;
use super::markup::{PathData, hex, push_number};
use super::palette::{FARADAY, GLASS_EDGE, LONG_WAVES, POLARISER, Palette, SHORT_WAVES, WAVEPLATE};
use crate::optics::element::{Element, ThinLens};

/// Radius of the dial that shows an axis.
pub(super) const DIAL_PX: f64 = 8.0;
/// From the end of a surface to the middle of its dial.
pub(super) const DIAL_OFFSET_PX: f64 = 13.0;
/// Length of a source's mark.
pub(super) const SOURCE_PX: f64 = 24.0;
/// Distance of the hatches on a mirror's back.
const HATCH_PX: f64 = 6.0;

/// What a symbol needs to know besides the element.
pub(super) struct Setting<'a> {
    pub(super) curve: &'a Curve,
    /// Half the length of the surface in mm.
    pub(super) half_length_mm: f64,
    /// Whether light meets it on the side of its normal, and on the other.
    pub(super) lit: [bool; 2],
    pub(super) palette: &'a Palette,
}

/// Appends a path with attributes.
pub(super) fn push_path(out: &mut String, data: &PathData, attributes: &str) {
    out.push_str("<path d=\"");
    out.push_str(data.as_str());
    out.push('"');
    if !attributes.is_empty() {
        out.push(' ');
        out.push_str(attributes);
    }
    out.push_str("/>");
}

/// Appends the symbol of an element.
pub(super) fn push_symbol(out: &mut String, element: &Element, setting: &Setting<'_>) {
    let curve = setting.curve;
    let whole = curve.path(0.0, 1.0);
    match element {
        Element::ThinLens(lens) => push_lens(out, lens, setting),
        Element::Mirror(_) => push_mirror(out, setting),
        Element::BeamSplitter(_) => push_path(out, &whole, "stroke-width=\"1.5\""),
        Element::PolarisingBeamSplitter(splitter) => {
            push_path(out, &whole, "stroke-width=\"1.5\"");
            push_polarisation_marks(out, setting);
            let axis = splitter.transmission_axis_deg();
            if axis.abs() > 1e-6 {
                push_axis_dial(out, setting, axis, true);
            }
        }
        Element::Dichroic(_) => {
            push_path(out, &whole, &format!("stroke=\"{SHORT_WAVES}\" stroke-width=\"2.5\" stroke-linecap=\"butt\""));
            let dashes = format!(
                "stroke=\"{LONG_WAVES}\" stroke-width=\"2.5\" stroke-linecap=\"butt\" stroke-dasharray=\"6 6\""
            );
            push_path(out, &whole, &dashes);
        }
        Element::Waveplate(plate) => {
            push_plate(out, &whole, WAVEPLATE, 6.0);
            push_axis_dial(out, setting, plate.fast_axis_deg(), false);
        }
        Element::LinearPolariser(polariser) => {
            push_plate(out, &whole, POLARISER, 6.0);
            push_axis_dial(out, setting, polariser.axis_deg(), true);
        }
        Element::FaradayRotator(rotator) => {
            push_plate(out, &whole, FARADAY, 12.0);
            push_rotation_dial(out, setting, rotator.rotation_deg());
        }
        Element::RefractiveInterface(_) => {
            push_path(out, &whole, &format!("stroke=\"{GLASS_EDGE}\" stroke-width=\"1.5\""));
        }
        Element::BeamBlock => push_path(out, &whole, "stroke-width=\"7\" stroke-linecap=\"butt\""),
    }
}

/// Size of arrow heads and hatches on a surface.
fn mark_size(curve: &Curve) -> f64 {
    (0.12 * curve.length()).clamp(2.0, 9.0)
}

/// The thin-lens symbol: heads outwards where it focuses, inwards where it spreads; the mount beyond a smaller clear aperture.
fn push_lens(out: &mut String, lens: &ThinLens, setting: &Setting<'_>) {
    let curve = setting.curve;
    let open = lens.half_aperture_mm(setting.half_length_mm) / setting.half_length_mm;
    let (t0, t1) = (0.5 - 0.5 * open, 0.5 + 0.5 * open);
    let size = (0.12 * curve.length() * open).clamp(2.0, 9.0);
    let mut data = curve.path(t0, t1);
    for (t, outwards) in [(t0, -curve.tangent(t0)), (t1, curve.tangent(t1))] {
        let (end, across) = (curve.at(t), curve.normal(t) * (0.75 * size));
        let behind = end - outwards * size;
        data = if lens.focal_length_mm() > 0.0 {
            data.move_to(behind + across).line_to(end).line_to(behind - across)
        } else {
            data.move_to(end + across).line_to(behind).line_to(end - across)
        };
    }
    push_path(out, &data, "stroke-width=\"2\"");
    if open < 1.0 {
        for (from, to) in [(0.0, t0), (t1, 1.0)] {
            push_path(out, &curve.path(from, to), "class=\"mount\" stroke-width=\"5\" stroke-linecap=\"butt\"");
        }
    }
}

/// A line with hatches on the back: the side no light meets, or the side of n2 where none meets either. A mirror met from both
/// sides has no back.
fn push_mirror(out: &mut String, setting: &Setting<'_>) {
    let curve = setting.curve;
    push_path(out, &curve.path(0.0, 1.0), "stroke-width=\"2.5\"");
    let back = match setting.lit {
        [true, true] => return,
        [false, true] => 1.0,
        [true, false] | [false, false] => -1.0,
    };
    let depth = 0.7 * mark_size(curve);
    // A picture is no wider than some thousand pixels.
    let count = (curve.length() / HATCH_PX).round().clamp(1.0, 10_000.0) as u32;
    let mut data = PathData::new();
    for i in 0..count {
        let t = (f64::from(i) + 0.5) / f64::from(count);
        let foot = curve.at(t);
        data = data.move_to(foot).line_to(foot + (curve.normal(t) * back - curve.tangent(t) * 0.7) * depth);
    }
    push_path(out, &data, "class=\"hatching\" stroke-width=\"1\"");
}

/// A slab along the surface.
fn push_plate(out: &mut String, along: &PathData, colours: [&str; 2], width: f64) {
    for (colour, width) in colours.into_iter().zip([width, width - 2.5]) {
        push_path(out, along, &format!("stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linecap=\"butt\""));
    }
}

/// Light in the plane of the layout (a double arrow) passes a polarising beam splitter, light out of it (a dot) does not: the marks
/// to either side of the surface, away from the beams.
fn push_polarisation_marks(out: &mut String, setting: &Setting<'_>) {
    let curve = setting.curve;
    let (middle, along, normal) = (curve.at(0.5), curve.tangent(0.5), curve.normal(0.5));
    let reach = 0.25 * curve.length();
    let size = (0.09 * curve.length()).clamp(2.0, 9.0);
    let arrow = middle + normal * reach;
    push_path(out, &double_arrow(arrow - along * size, arrow + along * size, 0.5 * size), "class=\"in-plane\"");
    let dot = middle - normal * reach;
    push_circle(out, dot, 0.5 * size, "class=\"out-of-plane\"");
    push_circle(out, dot, 0.15 * size, &format!("fill=\"{}\"", setting.palette.ink));
}

fn push_circle(out: &mut String, centre: DVec2, radius: f64, attributes: &str) {
    for (name, value) in [("<circle cx=\"", centre.x), ("\" cy=\"", centre.y), ("\" r=\"", radius)] {
        out.push_str(name);
        push_number(out, value);
    }
    out.push_str("\" ");
    out.push_str(attributes);
    out.push_str("/>");
}

fn double_arrow(from: DVec2, to: DVec2, head: f64) -> PathData {
    let mut data = PathData::new().move_to(from).line_to(to);
    for (tip, towards) in [(from, from - to), (to, to - from)] {
        let (behind, across) = (towards.normalize_or_zero() * head, towards.normalize_or_zero().perp() * (0.7 * head));
        data = data.move_to(tip - behind + across).line_to(tip).line_to(tip - behind - across);
    }
    data
}

/// Appends the disc of a dial and returns its middle. A dial is the plane across the beam: h to the right, v up.
fn push_disc(out: &mut String, setting: &Setting<'_>) -> DVec2 {
    let (end, outwards) = setting.curve.upper_end();
    let centre = end + outwards * DIAL_OFFSET_PX;
    let paper = setting.palette.paper.as_deref().unwrap_or("none");
    push_circle(out, centre, DIAL_PX, &format!("class=\"dial\" fill=\"{paper}\" stroke-width=\"1\""));
    centre
}

/// A dial with an axis: a double arrow for what passes, a plain line for a fast axis.
fn push_axis_dial(out: &mut String, setting: &Setting<'_>, degrees: f64, arrow: bool) {
    let centre = push_disc(out, setting);
    // The page has y down.
    let radians = degrees.to_radians();
    let axis = DVec2::new(radians.cos(), -radians.sin());
    let data = if arrow {
        double_arrow(centre - axis * (DIAL_PX - 1.0), centre + axis * (DIAL_PX - 1.0), 4.0)
    } else {
        PathData::new().move_to(centre - axis * DIAL_PX).line_to(centre + axis * DIAL_PX)
    };
    push_path(out, &data, "class=\"axis\" stroke-width=\"1.5\"");
}

/// A dial without its disc: a curved arrow, counter-clockwise for a rotation from h to v.
fn push_rotation_dial(out: &mut String, setting: &Setting<'_>, degrees: f64) {
    let (end, outwards) = setting.curve.upper_end();
    let centre = end + outwards * DIAL_OFFSET_PX;
    let radius = 0.85 * DIAL_PX;
    let clockwise = degrees < 0.0;
    let sense = if clockwise { 1.0 } else { -1.0 };
    let at = |turn: f64| centre + DVec2::from_angle(sense * turn) * radius;
    // Three quarters of a circle, from h on, in two arcs of which each is the shorter one.
    let end = std::f64::consts::PI * 1.5;
    let mut data = PathData::new().move_to(at(0.0));
    for turn in [0.5 * end, end] {
        data = data.arc_to(radius, clockwise, at(turn));
    }
    let forwards = DVec2::from_angle(sense * end).perp() * sense;
    let behind = at(end) - forwards * 4.5;
    let across = forwards.perp() * 3.5;
    data = data.move_to(behind + across).line_to(at(end)).line_to(behind - across);
    push_path(out, &data, "class=\"rotation\" stroke-width=\"1.5\"");
}

/// A small emitter behind `position`, with its nose there, and the width it sends light from.
pub(super) fn push_source(out: &mut String, position: DVec2, direction: DVec2, ends: [DVec2; 2], rgb: [u8; 3]) {
    let across = direction.perp();
    let corner = |along: f64, aside: f64| position + direction * along + across * aside;
    let body = [
        (-SOURCE_PX, 6.0),
        (-6.0, 6.0),
        (-6.0, 3.0),
        (0.0, 3.0),
        (0.0, -3.0),
        (-6.0, -3.0),
        (-6.0, -6.0),
        (-SOURCE_PX, -6.0),
    ];
    let outline: Vec<DVec2> = body.iter().map(|&(along, aside)| corner(along, aside)).collect();
    let mut attributes = String::new();
    // Infallible: the text is a string in memory.
    let _ = write!(attributes, "class=\"emitter\" fill=\"{}\" stroke-width=\"1\"", hex(rgb));
    push_path(out, &PathData::new().polygon(&outline), &attributes);
    let arrow = PathData::new()
        .move_to(corner(-20.0, 0.0))
        .line_to(corner(-10.0, 0.0))
        .move_to(corner(-13.0, 3.0))
        .line_to(corner(-10.0, 0.0))
        .line_to(corner(-13.0, -3.0));
    push_path(out, &arrow, "class=\"direction\" stroke=\"#ffffff\" stroke-width=\"1.5\"");
    if ends[0].distance(ends[1]) > 6.0 {
        push_path(out, &PathData::new().move_to(ends[0]).line_to(ends[1]), "class=\"width\" stroke-width=\"1.5\"");
    }
}
