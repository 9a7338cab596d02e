//! What can be wrong with the text of a scene, and what was odd but could be read.

use std::fmt;

use serde_json::Value;

use crate::scene::file::RepeatedKey;

/// Why a text is not a scene.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SceneError {
    /// The text is not JSON.
    #[error("the text is not valid JSON at line {line}, column {column}: {message}")]
    Syntax {
        /// Line, counted from 1.
        line: usize,
        /// Column in characters, counted from 1.
        column: usize,
        /// What was expected and what was found.
        message: String,
    },
    /// Lists and objects are nested too deep. In a text, that is an error of syntax with its place.
    #[error("{place} is nested more than {limit} levels deep")]
    Nesting {
        /// What is nested too deep.
        place: &'static str,
        /// [`MAX_NESTING`](crate::scene::MAX_NESTING).
        limit: usize,
    },
    /// The text is JSON, but a part of it has the wrong form.
    #[error("{place} is {found}, expected {expected}")]
    Form {
        /// The part, such as `items[3]`.
        place: String,
        /// What stands there.
        found: String,
        /// What belongs there.
        expected: &'static str,
    },
}

impl SceneError {
    pub(crate) fn form(place: impl Into<String>, found: &Value, expected: &'static str) -> SceneError {
        SceneError::Form { place: place.into(), found: describe(found), expected }
    }
}

/// Something odd that did not keep a scene from being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SceneWarning {
    place: String,
    message: String,
}

impl SceneWarning {
    pub(crate) fn new(place: impl Into<String>, message: impl Into<String>) -> SceneWarning {
        SceneWarning { place: place.into(), message: message.into() }
    }

    /// The same warning, met in the linked file `file`.
    pub(crate) fn within(self, file: &str) -> SceneWarning {
        SceneWarning { place: format!("{file}: {}", self.place), message: self.message }
    }

    /// Where it was met: a part of the document such as `items[3]`, or a line of the text.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What was odd and what was made of it.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<&RepeatedKey> for SceneWarning {
    fn from(repeated: &RepeatedKey) -> SceneWarning {
        SceneWarning::new(
            format!("line {}, column {}", repeated.line, repeated.column),
            format!("the key {:?} is repeated in one object; the last value is kept", repeated.key),
        )
    }
}

impl fmt::Display for SceneWarning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.message)
    }
}

/// A value in a few words, for messages: its type, and the value itself where it is short.
pub(crate) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {}", shortened(number.as_str())),
        Value::String(string) => format!("the text {:?}", shortened(string)),
        Value::Array(entries) => format!("a list of {}", entries.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// At most 60 characters of `text`, so that a message stays readable whatever the file holds.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
