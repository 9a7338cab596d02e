//! Whether values are the same, though written by another's program.

use crate::scene::{Value, property, read};

/// Whether two values are the same in another's program: `1.0` and `1` are, and so are objects in any order of keys.
pub(crate) fn same_value(left: Option<&str>, right: Option<&str>) -> bool {
    if left == right {
        return true;
    }
    let (Some(left), Some(right)) = (left, right) else { return false };
    // The position group is the members of an object.
    let value = |text: &str| read(text).or_else(|_| read(&format!("{{{text}}}"))).map(|document| document.value);
    matches!((value(left), value(right)), (Ok(left), Ok(right)) if same(&left, &right))
}

fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(_), Value::Number(_)) => {
            let (left, right) = (property::to_f64(left), property::to_f64(right));
            left == right || (left.is_some_and(f64::is_nan) && right.is_some_and(f64::is_nan))
        }
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
    use super::*;

    #[test]
    fn values_are_compared_as_programs_do() {
        let same = |left, right| same_value(Some(left), Some(right));
        assert!(same("1", "1.0") && same("1e3", "1000") && same("NaN", "NaN"));
        assert!(same(r#"{"a":1,"b":[2]}"#, r#"{"b": [2.0], "a": 1}"#));
        assert!(same(r#""x_mm":1,"y_mm":2"#, r#""x_mm":1.0,"y_mm":2.0"#));
        assert!(!same("1", "2") && !same("1", "\"1\"") && !same("[1]", "[1,2]"));
        assert!(!same_value(Some("1"), None) && same_value(None, None));
    }
}
