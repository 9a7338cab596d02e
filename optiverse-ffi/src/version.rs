//! Which library this is.

use std::ffi::{CStr, c_char};

/// Traces run on several threads.
pub const FEATURE_PARALLEL: u32 = 1;
/// There are clients: sessions with a thread and a socket of their own. The header that is installed with it defines `OPTIVERSE_CLIENT`.
pub const FEATURE_CLIENT: u32 = 2;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// The version of the library, as C text that is always there. The header's is `OPTIVERSE_VERSION`.
#[unsafe(no_mangle)]
pub extern "C" fn optiverse_version() -> *const c_char {
    VERSION.as_ptr()
}

/// What the library was built with: the sum of `OPTIVERSE_FEATURE_…`.
#[unsafe(no_mangle)]
pub extern "C" fn optiverse_features() -> u32 {
    if cfg!(feature = "client") { FEATURE_PARALLEL | FEATURE_CLIENT } else { FEATURE_PARALLEL }
}
