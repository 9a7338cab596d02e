//! Numbers as property values.

use serde_json::{Number, Value};

use crate::scene::file::unchecked_number;

/// The number in a property, as double precision.
///
/// `NaN`, `Infinity` and `-Infinity` are what they say; a number beyond the range of `f64` becomes infinite. `None` if
/// the value is not a number.
///
/// `Value::as_f64` gives `None` for all of those, and so cannot tell a number that is not finite from a text.
pub fn to_f64(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_str().parse().ok(),
        _ => None,
    }
}

/// A property value from a number: the shortest text that reads back as the same number, or `NaN`, `Infinity`,
/// `-Infinity`, which the app reads as well.
pub fn from_f64(number: f64) -> Value {
    match Number::from_f64(number) {
        Some(number) => Value::Number(number),
        None if number.is_nan() => unchecked_number("NaN"),
        None if number > 0.0 => unchecked_number("Infinity"),
        None => unchecked_number("-Infinity"),
    }
}

/// The first two numbers of a list, in millimetres.
pub(crate) fn to_point(value: &Value) -> Option<(f64, f64)> {
    match value.as_array()?.as_slice() {
        [x, y, ..] => Some((to_f64(x)?, to_f64(y)?)),
        _ => None,
    }
}

/// The list `value` with its first two entries replaced.
pub(crate) fn with_point(value: &Value, (x, y): (f64, f64)) -> Value {
    let rest = value.as_array().into_iter().flatten().skip(2).cloned();
    Value::Array([from_f64(x), from_f64(y)].into_iter().chain(rest).collect())
}
