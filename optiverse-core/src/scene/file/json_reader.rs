//! JSON text to [`Value`], without loss.
//!
//! `serde_json`'s own reader is not used for scene files for four reasons: it rewrites exponents (`1E3` becomes `1e+3`)
//! even with arbitrary precision; it then also takes an object whose key is its private number marker for a number; it
//! refuses the bare `NaN`, `Infinity` and `-Infinity` that Python's `json` module writes; and it drops repeated keys
//! without telling. The grammar here is that of RFC 8259 plus
//! the three words, and tests hold it to `serde_json` on everything that both accept.

use serde_json::{Map, Number, Value};

use crate::scene::error::SceneError;

/// The deepest nesting of lists and objects that is read or written, the outermost one counted.
///
/// It is the limit of `serde_json`, so that whatever is written here can be read by programs built on it.
pub const MAX_NESTING: usize = 127;

/// A document and what was odd about its text.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) value: Value,
    /// Keys written more than once in one object, in the order of the text. The last value was kept.
    pub(crate) repeated_keys: Vec<RepeatedKey>,
}

/// A key written a second time in one object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RepeatedKey {
    pub(crate) key: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// Reads one JSON document. A byte order mark at the start is ignored.
pub(crate) fn read(text: &str) -> Result<Document, SceneError> {
    let mut reader = Reader { text, position: 0, repeated: Vec::new() };
    if text.starts_with('\u{feff}') {
        reader.position = '\u{feff}'.len_utf8();
    }
    let read = reader.document();
    match read {
        Ok(value) => Ok(Document { value, repeated_keys: locate(text, reader.repeated) }),
        Err(Syntax { offset, message }) => {
            let (line, column) = Cursor::default().advance(text, offset);
            Err(SceneError::Syntax { line, column, message })
        }
    }
}

/// Turns offsets, which grow along the text, into lines and columns in a single pass.
fn locate(text: &str, repeated: Vec<(usize, String)>) -> Vec<RepeatedKey> {
    let mut cursor = Cursor::default();
    let place = |(offset, key)| {
        let (line, column) = cursor.advance(text, offset);
        RepeatedKey { key, line, column }
    };
    repeated.into_iter().map(place).collect()
}

/// Lines and columns counted so far, both from zero; a column is one character.
#[derive(Default)]
struct Cursor {
    offset: usize,
    line: usize,
    column: usize,
}

impl Cursor {
    /// Moves on to `offset` and returns its line and column, counted from one.
    fn advance(&mut self, text: &str, offset: usize) -> (usize, usize) {
        for character in text.get(self.offset..offset).unwrap_or_default().chars() {
            if character == '\n' {
                self.line += 1;
                self.column = 0;
            } else {
                self.column += 1;
            }
        }
        self.offset = offset;
        (self.line + 1, self.column + 1)
    }
}

struct Syntax {
    offset: usize,
    message: String,
}

struct Reader<'t> {
    text: &'t str,
    position: usize,
    repeated: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<Value, Syntax> {
        let value = self.value(0)?;
        match self.next_token() {
            None => Ok(value),
            Some(_) => Err(self.unexpected("the end of the text")),
        }
    }

    /// The byte at the current position.
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    /// The next byte that is not white space; the position is left on it.
    fn next_token(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.position += 1;
        }
        self.peek()
    }

    fn error(&self, message: impl Into<String>) -> Syntax {
        Syntax { offset: self.position, message: message.into() }
    }

    fn unexpected(&self, expected: &str) -> Syntax {
        let found = match self.text.get(self.position..).and_then(|rest| rest.chars().next()) {
            None => "the end of the text".to_owned(),
            Some(character) => format!("`{}`", character.escape_debug()),
        };
        self.error(format!("expected {expected}, found {found}"))
    }

    fn value(&mut self, depth: usize) -> Result<Value, Syntax> {
        match self.next_token() {
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.list(depth + 1),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'N') => self.word("NaN", unchecked_number("NaN")),
            Some(b'I') => self.word("Infinity", unchecked_number("Infinity")),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn check_depth(&self, depth: usize) -> Result<(), Syntax> {
        if depth > MAX_NESTING {
            return Err(self.error(format!("lists and objects are nested more than {MAX_NESTING} levels deep")));
        }
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Result<Value, Syntax> {
        self.check_depth(depth)?;
        self.position += 1;
        let mut entries = Map::new();
        if self.next_token() == Some(b'}') {
            self.position += 1;
            return Ok(Value::Object(entries));
        }
        loop {
            if self.next_token() != Some(b'"') {
                return Err(self.unexpected("a key in double quotes"));
            }
            let offset = self.position;
            let key = self.string()?;
            if self.next_token() != Some(b':') {
                return Err(self.unexpected("`:` after the key"));
            }
            self.position += 1;
            if entries.contains_key(&key) {
                self.repeated.push((offset, key.clone()));
            }
            let value = self.value(depth)?;
            entries.insert(key, value);
            match self.next_token() {
                Some(b',') => self.position += 1,
                Some(b'}') => {
                    self.position += 1;
                    return Ok(Value::Object(entries));
                }
                _ => return Err(self.unexpected("`,` or `}`")),
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Syntax> {
        self.check_depth(depth)?;
        self.position += 1;
        let mut entries = Vec::new();
        if self.next_token() == Some(b']') {
            self.position += 1;
            return Ok(Value::Array(entries));
        }
        loop {
            entries.push(self.value(depth)?);
            match self.next_token() {
                Some(b',') => self.position += 1,
                Some(b']') => {
                    self.position += 1;
                    return Ok(Value::Array(entries));
                }
                _ => return Err(self.unexpected("`,` or `]`")),
            }
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Syntax> {
        if !self.text.as_bytes().get(self.position..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            return Err(self.unexpected("a value"));
        }
        self.position += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Syntax> {
        let start = self.position;
        if self.peek() == Some(b'-') {
            self.position += 1;
            if self.peek() == Some(b'I') {
                return self.word("Infinity", unchecked_number("-Infinity"));
            }
        }
        match self.peek() {
            // JSON has no leading zeros; `01` fails at the 1.
            Some(b'0') => self.position += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.position += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.position += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.position += 1;
            }
            self.digits()?;
        }
        Ok(unchecked_number(&self.text[start..self.position]))
    }

    fn digits(&mut self) -> Result<(), Syntax> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.unexpected("a digit"));
        }
        while let Some(b'0'..=b'9') = self.peek() {
            self.position += 1;
        }
        Ok(())
    }

    /// A string; the position is on the opening quote.
    fn string(&mut self) -> Result<String, Syntax> {
        self.position += 1;
        let mut string = String::new();
        loop {
            let start = self.position;
            while let Some(byte) = self.peek() {
                if byte == b'"' || byte == b'\\' || byte < 0x20 {
                    break;
                }
                self.position += 1;
            }
            string.push_str(&self.text[start..self.position]);
            match self.peek() {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(string);
                }
                Some(b'\\') => string.push(self.escape()?),
                Some(_) => {
                    return Err(self.unexpected("a character (control characters are written as escapes)"));
                }
                None => return Err(self.unexpected("`\"` at the end of the string")),
            }
        }
    }

    /// An escape sequence; the position is on the backslash.
    fn escape(&mut self) -> Result<char, Syntax> {
        self.position += 1;
        let character = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.unexpected("one of `\"\\/bfnrtu` after a backslash")),
        };
        self.position += 1;
        Ok(character)
    }

    /// One code unit, or two that form a surrogate pair; the position is on the `u`.
    fn unicode_escape(&mut self) -> Result<char, Syntax> {
        let offset = self.position - 1;
        let lone = || Syntax {
            offset,
            message: "half of a surrogate pair stands alone, which is no Unicode character".to_owned(),
        };
        let unit = self.code_unit()?;
        let code_point = match unit {
            0xd800..=0xdbff => {
                if !self.text.as_bytes().get(self.position..).is_some_and(|rest| rest.starts_with(b"\\u")) {
                    return Err(lone());
                }
                self.position += 1;
                let low = self.code_unit()?;
                if !(0xdc00..=0xdfff).contains(&low) {
                    return Err(lone());
                }
                0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
            }
            _ => unit,
        };
        char::from_u32(code_point).ok_or_else(lone)
    }

    /// Four hexadecimal digits; the position is on the `u` before them.
    fn code_unit(&mut self) -> Result<u32, Syntax> {
        self.position += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return Err(self.unexpected("four hexadecimal digits after `\\u`"));
            };
            unit = unit * 16 + digit;
            self.position += 1;
        }
        Ok(unit)
    }
}

/// Whether lists and objects are nested in `value` more than `levels` deep.
pub(crate) fn is_nested_deeper(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(entries) => levels == 0 || entries.iter().any(|entry| is_nested_deeper(entry, levels - 1)),
        Value::Object(entries) => levels == 0 || entries.values().any(|entry| is_nested_deeper(entry, levels - 1)),
        _ => false,
    }
}

/// A number kept as it was written, including the three words that JSON lacks.
pub(crate) fn unchecked_number(text: &str) -> Value {
    Value::Number(Number::from_string_unchecked(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Text near the grammar of JSON, valid about half the time.
    fn json_like() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "-?[0-9]{1,3}(\\.[0-9]{0,3})?([eE][+-]?[0-9]{0,2})?",
            "\"([ -~]|\\\\[bfnrtu\"/\\\\]|\\\\u[0-9a-fA-F]{4}|\\PC){0,3}\"",
            "true|false|null|nul|[ \t\r\n]{0,2}",
        ];
        leaf.prop_recursive(3, 16, 3, |inner| {
            let key = "\"[a-c]?\"";
            let entry = (key, inner.clone()).prop_map(|(key, value)| format!("{key}: {value}"));
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(|entries| format!("[{}]", entries.join(","))),
                prop::collection::vec(entry, 0..4).prop_map(|entries| format!("{{{}}} ", entries.join(", "))),
            ]
        })
    }

    /// The value with exponents as `serde_json` rewrites them: `e`, a sign, the digits.
    fn rewritten(value: Value) -> Value {
        match value {
            Value::Number(number) => match number.as_str().split_once(['e', 'E']) {
                Some((digits, exponent)) if exponent.starts_with('-') => {
                    unchecked_number(&format!("{digits}e{exponent}"))
                }
                Some((digits, exponent)) => {
                    unchecked_number(&format!("{digits}e+{}", exponent.trim_start_matches('+')))
                }
                None => Value::Number(number),
            },
            Value::Array(entries) => entries.into_iter().map(rewritten).collect(),
            Value::Object(entries) => entries.into_iter().map(|(key, value)| (key, rewritten(value))).collect(),
            other => other,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// `serde_json` is the judge wherever it and this reader mean the same.
        #[test]
        fn accepts_what_serde_json_accepts(text in json_like()) {
            match (read(&text), serde_json::from_str::<Value>(&text)) {
                (Ok(document), Ok(value)) => prop_assert_eq!(rewritten(document.value), value),
                (Err(_), Err(_)) => {}
                (ours, theirs) => prop_assert!(false, "{ours:?} is not {theirs:?}"),
            }
        }
    }

    #[test]
    fn refuses_what_json_has_not() {
        for text in [
            "",
            " ",
            "01",
            "-",
            "+1",
            "1.",
            ".5",
            "1e",
            "1e+",
            "0x10",
            "--1",
            "nan",
            "inf",
            "-NaN",
            "Inf",
            "NaNs",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\"}",
            "{\"a\":}",
            "[1 2]",
            "'a'",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\n\"",
            "\"a",
            "tru",
            "[",
            "{",
            "]",
            "1 1",
            "// c\n1",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\udc00\"",
            "\"\\ud800x\"",
        ] {
            assert!(read(text).is_err(), "{text:?} should be refused");
        }
    }

    #[test]
    fn reads_the_words_of_python() {
        for text in ["NaN", "Infinity", "-Infinity"] {
            assert_eq!(read(text).unwrap().value.to_string(), text);
        }
    }
}
