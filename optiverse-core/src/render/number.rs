//! Numbers as CSV and JSON want them.

use std::fmt::Write as _;

/// Appends the shortest decimal text that reads back as `value`, with an exponent where that is shorter; `missing` where it is not
/// finite.
pub(super) fn push_float(out: &mut String, value: f64, missing: &str) {
    if value.is_finite() {
        // Writing to a string cannot fail.
        let _ = write!(out, "{value:?}");
    } else {
        out.push_str(missing);
    }
}

/// Appends a whole number.
pub(super) fn push_integer(out: &mut String, value: impl Into<i64>) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{}", value.into());
}
