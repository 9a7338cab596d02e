//! The layout as a picture.

mod cube;
mod curve;
mod describe;
mod frame;
mod glass;
mod labels;
mod markup;
mod palette;
mod rays;
mod scale_bar;
mod symbols;

use std::collections::HashMap;
use std::fmt::Write as _;

use glam::DVec2;

pub use self::describe::{description, label};

use self::cube::cube_corners;
use self::curve::Curve;
use self::frame::{Frame, source_ends};
use self::labels::Labels;
use self::markup::{PathData, push_escaped, push_number, push_title};
use self::palette::{GLASS, Palette};
use self::rays::SurfaceNumbers;
use self::symbols::{DIAL_OFFSET_PX, DIAL_PX, Setting, push_path};
use crate::optics::element::Element;
use crate::optics::{OpticalSystem, Source, Surface};
use crate::trace::RayPaths;

/// What lies behind the picture. Lines and text take a colour that contrasts with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Background {
    /// Red, green and blue.
    Colour([u8; 3]),
    /// Nothing: for pages of unknown colour.
    Transparent,
}

impl Background {
    /// White.
    pub const WHITE: Background = Background::Colour([255; 3]);
}

/// Which part of the plane is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Crop {
    /// All visible elements and sources, all light between them, and light that leaves over a length of at least 0.3 times the longer
    /// side of that; what goes on beyond is cut at the edge of the picture. A system without visible surfaces is shown as by
    /// [`Everything`](Self::Everything).
    #[default]
    Setup,
    /// All of every path too.
    Everything,
}

/// How the picture is made.
#[derive(Clone, Debug, PartialEq)]
pub struct SvgOptions {
    /// Width in pixels; 0 counts as 1. The height follows from the layout: at most as much, and the strip of the scale bar.
    pub width_px: u32,
    /// What lies behind it.
    pub background: Background,
    /// Whether parameters such as focal lengths stand beside the symbols. A label that would cover another is left out.
    pub labels: bool,
    /// Whether a scale bar stands under the picture.
    pub scale_bar: bool,
    /// Which part of the plane is shown.
    pub crop: Crop,
}

impl Default for SvgOptions {
    /// 960 pixels wide on white, with labels and scale bar, cropped to the setup.
    fn default() -> Self {
        SvgOptions { width_px: 960, background: Background::WHITE, labels: true, scale_bar: true, crop: Crop::Setup }
    }
}

/// The layout as an SVG document, with the light of `paths` where there are any; `paths` must come from `system`.
///
/// Hidden items are not drawn. One user unit is one pixel; the root element says where millimetres lie: a point (x, y) in mm is at
/// ((x − `data-left-mm`) / `data-mm-per-px`, (`data-top-mm` − y) / `data-mm-per-px`).
///
/// - Elements are groups of class `element` and of a class such as `lens` or `polarising-beam-splitter`, with `data-item` and
///   `data-interface`, and a title that browsers show on hovering.
/// - Lens: arrow heads outwards for f > 0, inwards for f < 0, thick mount beyond a smaller clear aperture. Mirror: hatches on
///   the side light does not meet; none where light meets both. Beam splitters: the diagonal of a cube, with a double arrow (in
///   plane) and a circled dot (out of plane) where they polarise; the cube is left out where the item has surfaces of its own. Dichroic: blue
///   and red dashes. Plates: a slab, with a dial that shows the axis in the plane across the beam, h to the right and v up: a line
///   for a fast axis, a double arrow for a transmission axis, a curved arrow for a rotation. Glass between the interfaces of one
///   item is filled. Beam block: a thick line.
/// - Rays are of class `ray`, in the colour of their source with the intensity of each stretch as opacity (at least 0.08, so that it
///   shows). A Gaussian beam has an `envelope` of ±w around its axis. What a path has in common with the one it divided
///   from is drawn once, and stretches of equal colour and opacity share a path element.
///
/// The text is the same for the same input.
#[must_use]
pub fn svg(system: &OpticalSystem, paths: Option<&RayPaths>, options: &SvgOptions) -> String {
    let frame = Frame::new(system, paths, options);
    let palette = Palette::on(options.background);
    let mut labels = Labels::new(&frame);
    let mut out = String::new();
    push_root(&mut out, system, paths, &frame);
    if let Some(paper) = &palette.paper {
        out.push_str(&format!("<rect class=\"background\" width=\"100%\" height=\"100%\" fill=\"{paper}\"/>"));
    }
    push_bodies(&mut out, system, &frame, &palette);
    let mut lit = vec![[false; 2]; system.surfaces().len()];
    if let Some(paths) = paths {
        let numbers = SurfaceNumbers::new(system);
        lit = rays::lit_sides(system, paths, &numbers);
        let width = rays::line_width(paths);
        out.push_str(&format!("<g class=\"rays\" fill=\"none\" stroke-width=\"{width}\" stroke-linejoin=\"round\">"));
        rays::push_rays(&mut out, system, paths, &numbers, &frame);
        out.push_str("</g>");
    }
    push_elements(&mut out, system, &frame, &palette, &lit, &mut labels);
    push_sources(&mut out, system, &frame, &palette, &mut labels);
    if options.labels {
        labels.push(&mut out, &palette);
    }
    if options.scale_bar {
        scale_bar::push_scale_bar(&mut out, &frame, &palette);
    }
    out.push_str("</svg>\n");
    out
}

fn push_root(out: &mut String, system: &OpticalSystem, paths: Option<&RayPaths>, frame: &Frame) {
    let mut size = [String::new(), String::new()];
    push_number(&mut size[0], frame.canvas.x);
    push_number(&mut size[1], frame.height);
    let [width, height] = size;
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" data-mm-per-px=\"{:?}\" data-left-mm=\"{:?}\" data-top-mm=\"{:?}\" \
         font-family=\"Helvetica, Arial, sans-serif\" font-size=\"{}\">",
        1.0 / frame.px_per_mm,
        frame.origin_mm.x,
        frame.origin_mm.y,
        labels::FONT_PX,
    );
    push_title(out, "Optical layout");
    let surfaces = system.surfaces().iter().filter(|surface| !surface.is_hidden()).count();
    let sources = system.sources().iter().filter(|source| !source.is_hidden()).count();
    let counted = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let mut text = format!("{} and {}", counted(surfaces, "surface"), counted(sources, "source"));
    if let Some(paths) = paths {
        text.push_str(&format!(", {} of light", counted(paths.len(), "path")));
        if paths.is_truncated() {
            text.push_str(", cut off at the limit on vertices");
        }
    }
    out.push_str("<desc>");
    push_escaped(out, &text);
    out.push_str("</desc>");
}

/// What lies under the light: glass, and the cubes of beam splitters.
fn push_bodies(out: &mut String, system: &OpticalSystem, frame: &Frame, palette: &Palette) {
    let surfaces = system.surfaces();
    out.push_str("<g class=\"bodies\" stroke=\"none\">");
    for of_item in surfaces.chunk_by(|a, b| a.item() == b.item()) {
        for body in glass::bodies(of_item, frame) {
            push_path(out, &body, &format!("class=\"glass\" fill=\"{GLASS}\" fill-opacity=\"0.3\""));
        }
    }
    for number in (0..surfaces.len()).filter(|&number| !surfaces[number].is_hidden()) {
        if let Some(corners) = cube_corners(surfaces, number) {
            let outline = PathData::new().polygon(&corners.map(|corner| frame.project(corner)));
            let paint = format!(
                "class=\"cube\" fill=\"{GLASS}\" fill-opacity=\"0.18\" stroke=\"{}\" stroke-opacity=\"0.5\"",
                palette.ink
            );
            push_path(out, &outline, &paint);
        }
    }
    out.push_str("</g>");
}

fn push_elements(
    out: &mut String,
    system: &OpticalSystem,
    frame: &Frame,
    palette: &Palette,
    lit: &[[bool; 2]],
    labels: &mut Labels<'_>,
) {
    out.push_str(&format!(
        "<g class=\"elements\" fill=\"none\" stroke=\"{}\" stroke-linecap=\"round\" stroke-linejoin=\"round\">",
        palette.ink
    ));
    let drawn = || system.surfaces().iter().zip(lit).filter(|(surface, _)| !surface.is_hidden());
    for (surface, lit) in drawn() {
        let curve = Curve::new(surface.shape(), frame);
        let item = system.items().get(surface.item()).map_or("", |item| item.as_str());
        out.push_str("<g class=\"element ");
        out.push_str(&surface.element().name().to_lowercase().replace(' ', "-"));
        out.push_str("\" data-item=\"");
        push_escaped(out, item);
        out.push_str(&format!("\" data-interface=\"{}\">", surface.interface()));
        push_title(out, &describe::title(item, surface.element(), surface.shape()));
        // A thin line is hard to point at.
        push_path(out, &curve.path(0.0, 1.0), "stroke=\"none\" stroke-width=\"12\" pointer-events=\"stroke\"");
        let setting = Setting { curve: &curve, half_length_mm: surface.shape().half_length(), lit: *lit, palette };
        symbols::push_symbol(out, surface.element(), &setting);
        out.push_str("</g>");
        if has_dial(surface.element()) {
            let (end, outwards) = curve.upper_end();
            labels.keep_free(end + outwards * DIAL_OFFSET_PX, DIAL_PX);
        }
        labels.keep_off(&curve);
    }
    out.push_str("</g>");
    for (surface, _) in drawn() {
        if let Some(text) = describe::label(surface.element()) {
            let curve = Curve::new(surface.shape(), frame);
            let (upper, outwards) = curve.upper_end();
            let above = if has_dial(surface.element()) { DIAL_OFFSET_PX + DIAL_PX } else { 0.0 };
            labels.place(text, &[curve.lower_end(), (upper + outwards * above, outwards)]);
        }
    }
    for of_item in system.surfaces().chunk_by(|a, b| a.item() == b.item()) {
        place_glass_label(of_item, frame, labels);
    }
}

fn has_dial(element: &Element) -> bool {
    matches!(element, Element::Waveplate(_) | Element::LinearPolariser(_) | Element::FaradayRotator(_))
}

/// The media of an item, under its lowest point.
fn place_glass_label(of_item: &[Surface], frame: &Frame, labels: &mut Labels<'_>) {
    let mut names: Vec<String> = Vec::new();
    let mut lowest: Option<DVec2> = None;
    for surface in of_item.iter().filter(|surface| !surface.is_hidden()) {
        let Element::RefractiveInterface(interface) = surface.element() else { continue };
        for medium in [interface.first(), interface.second()] {
            let name = describe::medium(medium);
            if glass::is_drawn_medium(medium) && !names.contains(&name) {
                names.push(name);
            }
        }
        let (end, _) = Curve::new(surface.shape(), frame).lower_end();
        lowest = Some(lowest.filter(|lowest| lowest.y >= end.y).unwrap_or(end));
    }
    if let (Some(lowest), false) = (lowest, names.is_empty()) {
        labels.place(names.join(", "), &[(lowest, DVec2::Y)]);
    }
}

fn push_sources(out: &mut String, system: &OpticalSystem, frame: &Frame, palette: &Palette, labels: &mut Labels<'_>) {
    out.push_str(&format!(
        "<g class=\"sources\" fill=\"none\" stroke=\"{}\" stroke-linecap=\"round\" stroke-linejoin=\"round\">",
        palette.ink
    ));
    let shown = || system.sources().iter().filter(|source| !source.is_hidden());
    // Sources in one place, such as the lines of a lamp, have one label: the range of their wavelengths.
    let place = |source: &Source| frame.project(source.position()).round().to_array().map(f64::to_bits);
    let mut ranges: HashMap<_, (f64, f64)> = HashMap::new();
    for source in shown().filter(|source| source.parameters().wavelength_nm > 0.0) {
        let wavelength = source.parameters().wavelength_nm;
        let range = ranges.entry(place(source)).or_insert((wavelength, wavelength));
        *range = (range.0.min(wavelength), range.1.max(wavelength));
    }
    for source in shown() {
        let item = system.source_items().get(source.index()).map_or("", |item| item.as_str());
        let p = source.parameters();
        out.push_str("<g class=\"source\" data-item=\"");
        push_escaped(out, item);
        out.push_str("\">");
        push_title(out, &describe::source_title(item, source));
        let position = frame.project(source.position());
        // Clockwise with y up is clockwise on the page, where y is down and so is a positive angle.
        let direction = DVec2::from_angle(p.angle_deg.to_radians());
        let ends = source_ends(source).map(|end| frame.project(end));
        symbols::push_source(out, position, direction, ends, p.rgb);
        out.push_str("</g>");
        if let Some((shortest, longest)) = ranges.remove(&place(source)) {
            let body = position - direction * 0.5 * symbols::SOURCE_PX;
            let room = 0.5 * symbols::SOURCE_PX;
            // Beside the width from which light comes, not across it.
            let aside = if direction.y.abs() > 0.7 { DVec2::X * direction.y.signum() } else { DVec2::Y };
            let text = if shortest == longest {
                format!("{} nm", describe::short(shortest))
            } else {
                format!("{} … {} nm", describe::short(shortest), describe::short(longest))
            };
            let places = [aside, -aside].map(|aside| (body - direction * room + aside * 8.0, aside));
            labels.place(text, &places);
        }
    }
    out.push_str("</g>");
}
