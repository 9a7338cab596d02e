//! Pictures: the options of SVG, and PNG from SVG.

use std::sync::{Arc, OnceLock};

use optiverse_core::render::{Background, Crop, SvgOptions};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Group, Node, Options, Tree};

use crate::error;

/// Most pixels along either side of a PNG: 1 GiB of memory where it is square.
const MAX_SIDE_PX: u32 = 16_384;

/// The options of `to_svg`.
///
/// # Errors
/// Where one cannot be used.
pub(crate) fn options(
    width_px: i64,
    background: Option<&str>,
    labels: bool,
    scale_bar: bool,
    crop: &str,
) -> PyResult<SvgOptions> {
    let refused = |message: String| Err(error::render_error(message));
    let width_px = width(width_px)?;
    let background = match background {
        None => Background::Transparent,
        Some(text) => match rgb(text) {
            Some(rgb) => Background::Colour(rgb),
            None => return refused(format!("background is {text:?}, expected None or a colour such as \"#ffffff\"")),
        },
    };
    let crop = match crop {
        "setup" => Crop::Setup,
        "everything" => Crop::Everything,
        _ => return refused(format!("crop is {crop:?}, expected \"setup\" or \"everything\"")),
    };
    Ok(SvgOptions { width_px, background, labels, scale_bar, crop })
}

fn width(width_px: i64) -> PyResult<u32> {
    let range = 1..=i64::from(MAX_SIDE_PX);
    let message = || format!("width_px is {width_px}, expected a whole number from 1 to {MAX_SIDE_PX}");
    let usable = u32::try_from(width_px).ok().filter(|_| range.contains(&width_px));
    usable.ok_or_else(|| error::render_error(message()))
}

/// The colour written as `#rrggbb`.
fn rgb(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let number = digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(digits)?;
    let [_, red, green, blue] = u32::from_str_radix(number, 16).ok()?.to_be_bytes();
    Some([red, green, blue])
}

/// An SVG text as a PNG file of this width, its height in proportion.
///
/// # Errors
/// Where a side would have no pixel or more than [`MAX_SIDE_PX`].
pub(crate) fn png<'py>(py: Python<'py>, svg: &str, width_px: i64) -> PyResult<Bound<'py, PyBytes>> {
    let width_px = width(width_px)? as f32;
    let bytes = py.detach(|| draw(svg, width_px)).map_err(error::render_error)?;
    Ok(PyBytes::new(py, &bytes))
}

fn draw(svg: &str, width_px: f32) -> Result<Vec<u8>, String> {
    let options = Options { font_family: FONT.to_owned(), fontdb: fonts(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error| format!("the picture cannot be drawn: {error}"))?;
    if let Some(text) = vanished_text(tree.root()) {
        return Err(format!("the picture cannot be drawn: there is no glyph for the label {text:?}"));
    }
    let scale = width_px / tree.size().width();
    let height_px = (tree.size().height() * scale).ceil();
    if !(1.0..=MAX_SIDE_PX as f32).contains(&height_px) {
        return Err(format!("the picture would be {height_px} pixels high, expected 1 to {MAX_SIDE_PX}"));
    }
    // Both are whole and in range.
    let mut pixmap = Pixmap::new(width_px as u32, height_px as u32).ok_or("the picture has no pixels")?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|error| format!("the picture cannot be written: {error}"))
}

const FONT: &str = "DejaVu Sans";

/// The one font that is shipped, under every generic name: the machine may have none.
fn fonts() -> Arc<Database> {
    static FONTS: OnceLock<Arc<Database>> = OnceLock::new();
    let load = || {
        let mut fonts = Database::new();
        fonts.load_font_data(dejavu::sans::regular().to_vec());
        fonts.set_sans_serif_family(FONT);
        fonts.set_serif_family(FONT);
        fonts.set_monospace_family(FONT);
        Arc::new(fonts)
    };
    Arc::clone(FONTS.get_or_init(load))
}

/// A label that left no outline: text without a font is dropped in silence otherwise.
fn vanished_text(group: &Group) -> Option<String> {
    group.children().iter().find_map(|node| match node {
        Node::Group(group) => vanished_text(group),
        Node::Text(text) if text.flattened().children().is_empty() => {
            Some(text.chunks().iter().map(|chunk| chunk.text()).collect())
        }
        _ => None,
    })
}
