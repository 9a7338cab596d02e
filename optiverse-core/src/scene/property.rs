//! Property values from and to numbers and text.

use serde_json::{Number, Value};

use crate::scene::SceneError;
use crate::scene::file::{self, unchecked_number};

/// The value that a JSON text stands for, without loss: numbers keep the way they were written, keys keep their order.
///
/// Bare `NaN`, `Infinity` and `-Infinity` are read as the numbers they name; of a key that is repeated in one object the
/// last value counts. `Value`'s own reader does neither, and rewrites exponents.
///
/// # Errors
/// If the text is not JSON, with line and column, or is nested deeper than [`MAX_NESTING`](crate::scene::MAX_NESTING).
pub fn from_json(text: &str) -> Result<Value, SceneError> {
    Ok(file::read(text)?.value)
}

/// The value as JSON text, written as [`Scene::to_json`](crate::scene::Scene::to_json) writes it. [`from_json`] reads it
/// back as the same value.
pub fn to_json(value: &impl serde::Serialize) -> String {
    file::write(value)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_way_through_text() {
        let text = "{\n  \"b\": 1.50e2,\n  \"a\": [\n    NaN,\n    -Infinity,\n    null\n  ]\n}";
        let value = from_json(text).unwrap();
        assert_eq!(to_json(&value), text);
        assert_eq!(to_f64(&value["b"]), Some(150.0));
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        let refused = from_json("[1,\n2,]").unwrap_err();
        assert!(refused.to_string().contains("line 2, column 3"), "{refused}");
    }
}
