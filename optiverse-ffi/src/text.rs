//! Text that the library hands out.

use std::ffi::c_char;

use crate::border;
use crate::handle::{self, object};
use crate::result::ResultCode;

/// UTF-8 text that belongs to the library. A NUL follows the last byte, so that it is C text as well, unless it holds a NUL
/// itself.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Str {
    /// The first byte; never null.
    pub data: *const c_char,
    /// The number of bytes without the NUL at the end.
    pub length: usize,
}

// SAFETY: it is an address and a number. Reading what is there is done in C, whose documentation says for how long.
unsafe impl Send for Str {}
// SAFETY: as for `Send`.
unsafe impl Sync for Str {}

impl Str {
    pub(crate) const EMPTY: Str = Str { data: c"".as_ptr(), length: 0 };
}

/// Text of the library, held by a handle.
pub struct Text {
    /// Ends with a NUL.
    bytes: Box<[u8]>,
}

object!(Text, "optiverse_text", 1);

impl From<String> for Text {
    fn from(text: String) -> Text {
        let mut bytes = text.into_bytes();
        bytes.reserve_exact(1);
        bytes.push(0);
        Text { bytes: bytes.into_boxed_slice() }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        text.to_owned().into()
    }
}

impl Text {
    pub(crate) fn view(&self) -> Str {
        Str { data: self.bytes.as_ptr().cast(), length: self.bytes.len() - 1 }
    }
}

/// Several texts, and the list of them that C sees.
pub(crate) struct Texts {
    // Keeps alive what the views point to.
    _texts: Vec<Text>,
    views: Vec<Str>,
}

impl Texts {
    pub(crate) fn new(texts: impl Iterator<Item = Text>) -> Texts {
        let texts: Vec<Text> = texts.collect();
        let views = texts.iter().map(Text::view).collect();
        Texts { _texts: texts, views }
    }

    pub(crate) fn views(&self) -> &[Str] {
        &self.views
    }
}

/// Looks at a text. What is written to `view` is good until the text is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_text_view(text: *const Text, view: *mut Str) -> ResultCode {
    border::call(|| {
        let view = border::output(view, "view")?;
        border::write(view, handle::get(text, "text")?.view());
        Ok(())
    })
}

/// Frees a text. Null is no text, and is let pass.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_text_free(text: *mut Text) -> ResultCode {
    border::call(|| handle::free(text, "text"))
}
