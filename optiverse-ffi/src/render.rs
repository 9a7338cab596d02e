//! Results as pictures and tables.

use optiverse_core::render;

use crate::border;
use crate::handle;
use crate::paths::Paths;
use crate::result::{Failure, ResultCode};
use crate::system::System;
use crate::text::Text;

/// Which part of the plane is shown.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum Crop {
    /// All visible elements and sources, and light between them; light that goes far beyond is cut.
    Setup = 0,
    /// All of every path too.
    Everything = 1,
}

/// How a picture is made. Fill it by `optiverse_svg_options_init`, then change what is to be different.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SvgOptions {
    /// The size of this structure; tells one that was not initialised.
    pub size: usize,
    /// Width in pixels, 1 or more. Default: 960.
    pub width_px: u32,
    /// Which part of the plane is shown: an `optiverse_crop`. Default: `OPTIVERSE_CROP_SETUP`.
    pub crop: u32,
    /// Colour of the background: red, green, blue. Default: white.
    pub background: [u8; 3],
    /// 1: there is no background, whatever its colour; 0: there is. Default: 0.
    pub is_transparent: u8,
    /// 1: parameters such as focal lengths stand beside the symbols; 0: they do not. Default: 1.
    pub has_labels: u8,
    /// 1: a scale bar stands under the picture; 0: it does not. Default: 1.
    pub has_scale_bar: u8,
}

impl SvgOptions {
    fn new() -> SvgOptions {
        let render::SvgOptions { width_px, labels, scale_bar, .. } = render::SvgOptions::default();
        SvgOptions {
            size: size_of::<SvgOptions>(),
            width_px,
            crop: Crop::Setup as u32,
            background: [255; 3],
            is_transparent: 0,
            has_labels: u8::from(labels),
            has_scale_bar: u8::from(scale_bar),
        }
    }

    fn to_core(self) -> Result<render::SvgOptions, Failure> {
        if self.width_px == 0 {
            return Err(Failure::option("width_px", "0", "1 or more"));
        }
        Ok(render::SvgOptions {
            width_px: self.width_px,
            background: match flag("is_transparent", self.is_transparent)? {
                true => render::Background::Transparent,
                false => render::Background::Colour(self.background),
            },
            labels: flag("has_labels", self.has_labels)?,
            scale_bar: flag("has_scale_bar", self.has_scale_bar)?,
            crop: match self.crop {
                0 => render::Crop::Setup,
                1 => render::Crop::Everything,
                other => return Err(Failure::option("crop", other.to_string(), "0 or 1")),
            },
        })
    }
}

fn flag(option: &'static str, value: u8) -> Result<bool, Failure> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(Failure::option(option, other.to_string(), "0 or 1")),
    }
}

/// Fills in the defaults.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_svg_options_init(options: *mut SvgOptions) -> ResultCode {
    border::call(|| {
        let options = border::output(options, "options")?;
        border::write(options, SvgOptions::new());
        Ok(())
    })
}

/// Draws a layout as an SVG document, with the light of `paths` unless that is null; `paths` must come from `system`.
/// `options` may be null for the defaults. The text is the caller's to free, and the same for the same input.
///
/// Codes: `INVALID_OPTION`, `INVALID_ARGUMENT` (the paths come from a system with other items).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_svg(
    system: *const System,
    paths: *const Paths,
    options: *const SvgOptions,
    svg: *mut *mut Text,
) -> ResultCode {
    border::call(|| {
        let out = border::output(svg, "svg")?;
        let options = if options.is_null() {
            render::SvgOptions::default()
        } else {
            border::read_sized(options, "options", "optiverse_svg_options_init")?.to_core()?
        };
        let system = handle::get(system, "system")?;
        let paths = handle::get_if_any(paths, "paths")?;
        let paths = paths.as_ref().map(|paths| paths.paths());
        if paths.is_some_and(|paths| paths.items() != system.system().items()) {
            return Err(Failure::argument("paths", "of a system with other items", "the result of tracing `system`"));
        }
        let text = render::svg(system.system(), paths, &options);
        border::give(out, Text::from(text))
    })
}

/// Gives a result as a CSV table with a row for each vertex. The text is the caller's to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_csv(paths: *const Paths, csv: *mut *mut Text) -> ResultCode {
    border::call(|| {
        let out = border::output(csv, "csv")?;
        let text = render::csv(handle::get(paths, "paths")?.paths());
        border::give(out, Text::from(text))
    })
}
