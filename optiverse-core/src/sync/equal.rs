//! Whether values are the same, though written by another's program.

use crate::scene::{Value, property, read};
use crate::sync::operation::coordinates;

/// Whether two values are the same in another's program: `1.0` and `1` are, and so are objects in any order of keys.
///
/// Both are texts that were read before, or the members that a position group is.
pub(crate) fn same_value(left: Option<&str>, right: Option<&str>) -> bool {
    if left == right {
        return true;
    }
    let (Some(left), Some(right)) = (left, right) else { return false };
    match (Kind::of(left), Kind::of(right)) {
        (Kind::Number, Kind::Number) => same_number(left.parse().ok(), right.parse().ok()),
        (Kind::Position, Kind::Position) => {
            let (left, right) = (coordinates(left), coordinates(right));
            same_value(left.0, right.0) && same_value(left.1, right.1)
        }
        (Kind::Text, Kind::Text) if !left.contains('\\') && !right.contains('\\') => false,
        (Kind::Text, Kind::Text) | (Kind::Tree, Kind::Tree) => same_tree(left, right),
        _ => false,
    }
}

/// What the start of a text tells of the value.
#[derive(PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    /// A list or an object.
    Tree,
    /// `true`, `false` or `null`.
    Word,
    /// The members of a position group.
    Position,
}

impl Kind {
    fn of(text: &str) -> Kind {
        match text.as_bytes() {
            [b'"', b'x' | b'y', b'_', b'm', b'm', b'"', b':', ..] => Kind::Position,
            [b'"', ..] => Kind::Text,
            [b'[' | b'{', ..] => Kind::Tree,
            [b't' | b'f' | b'n', ..] => Kind::Word,
            _ => Kind::Number,
        }
    }
}

fn same_tree(left: &str, right: &str) -> bool {
    matches!((read(left), read(right)), (Ok(left), Ok(right)) if same(&left.value, &right.value))
}

fn same_number(left: Option<f64>, right: Option<f64>) -> bool {
    left == right || (left.is_some_and(f64::is_nan) && right.is_some_and(f64::is_nan))
}

fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(_), Value::Number(_)) => same_number(property::to_f64(left), property::to_f64(right)),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let agrees = |(key, value): (&String, &Value)| right.get(key).is_some_and(|other| same(value, other));
            left.len() == right.len() && left.iter().all(agrees)
        }
        (left, right) => left == right,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_compared_as_programs_do() {
        let same = |left, right| same_value(Some(left), Some(right));
        assert!(same("1", "1.0") && same("1e3", "1000") && same("NaN", "NaN"));
        assert!(same(r#"{"a":1,"b":[2]}"#, r#"{"b": [2.0], "a": 1}"#));
        assert!(same(r#""x_mm":1,"y_mm":2"#, r#""x_mm":1.0,"y_mm":2.0"#));
        assert!(!same("1", "2") && !same("1", "\"1\"") && !same("[1]", "[1,2]"));
        assert!(!same_value(Some("1"), None) && same_value(None, None));
        assert!(!same(r#""x_mm":1,"y_mm":2"#, r#""x_mm":1"#) && !same(r#""x_mm":1"#, r#""y_mm":1"#));
        assert!(
            same(r#""\u0061""#, r#""a""#)
                && !same(r#""b""#, r#""a""#)
                && !same("true", "null")
                && same("-Infinity", "-Infinity")
        );
    }

    proptest! {
        #[test]
        fn values_are_compared_as_trees_are(
            left in r#"(-?[0-9]{1,2}(\.[05])?(e[01])?|"(a|\\u0061|b)?"|true|null|NaN|-?Infinity|\[[01](,1\.0)?\]|\{"a":[01](,"b":1)?\})"#,
            right in r#"(-?[0-9]{1,2}(\.[05])?(e[01])?|"(a|\\u0061|b)?"|true|null|NaN|-?Infinity|\[[01](,1\.0)?\]|\{"b":1(,"a":1)?\})"#,
        ) {
            prop_assume!(read(&left).is_ok() && read(&right).is_ok());
            prop_assert_eq!(same_value(Some(&left), Some(&right)), same_tree(&left, &right), "{} {}", left, right);
        }
    }
}
