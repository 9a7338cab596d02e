//! Bodies of requests: JSON objects whose members are read one by one.

use serde_json::{Map, Value};

/// The members of a body that have not been read yet.
#[derive(Debug)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    /// Reads a body, which is empty or an object.
    pub(super) fn read(bytes: &[u8]) -> Result<Body, String> {
        if bytes.is_empty() {
            return Ok(Body(Map::new()));
        }
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(members)) => Ok(Body(members)),
            Ok(_) => Err("the body is no object".to_owned()),
            Err(error) => Err(format!("the body is not JSON: {error}")),
        }
    }

    /// Takes out a member, which may be missing or null. `read` gives none for what it does not expect.
    pub(super) fn take<T>(
        &mut self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, String> {
        match self.0.shift_remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match read(&value) {
                Some(read) => Ok(Some(read)),
                None => Err(format!("`{key}` is {}, expected {expected}", shown(&value))),
            },
        }
    }

    /// Nothing else may be there.
    pub(super) fn end(self) -> Result<(), String> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(key) => Err(format!("`{}` is not known here", shortened(key))),
        }
    }
}

fn shown(value: &Value) -> String {
    shortened(&value.to_string())
}

fn shortened(text: &str) -> String {
    const LENGTH: usize = 60;
    match text.char_indices().nth(LENGTH) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_once_and_others_named() {
        let mut body = Body::read(br#"{"a": 1, "b": null, "c": "x", "d": 2}"#).unwrap();
        assert_eq!(body.take("a", "a number", Value::as_u64), Ok(Some(1)));
        assert_eq!(body.take("a", "a number", Value::as_u64), Ok(None));
        assert_eq!(body.take("b", "a number", Value::as_u64), Ok(None));
        let error = body.take("c", "a number", Value::as_u64).unwrap_err();
        assert_eq!(error, "`c` is \"x\", expected a number");
        assert_eq!(body.end(), Err("`d` is not known here".to_owned()));
        assert_eq!(Body::read(b"").unwrap().end(), Ok(()));
        assert_eq!(Body::read(b"[]").unwrap_err(), "the body is no object");
        assert!(Body::read(b"{").unwrap_err().starts_with("the body is not JSON: "));
        let mut long = Body::read(format!(r#"{{"a": "{}"}}"#, "\u{1f52c}".repeat(100)).as_bytes()).unwrap();
        assert!(long.take("a", "a number", Value::as_u64).unwrap_err().len() < 400);
    }
}
