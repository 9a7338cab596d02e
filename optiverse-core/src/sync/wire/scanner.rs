//! JSON text taken apart in place: strings and values are borrowed from the text wherever they can be.
//!
//! The way of an operation into a document must not build a tree of values first. The grammar is that of the scene's own
//! reader, with Python's `NaN`, `Infinity` and `-Infinity`; a test holds the two together, because values are kept as
//! the text that was checked here and read by it later.

use std::borrow::Cow;

use crate::sync::wire::error::FrameError;

/// Takes apart one text.
#[derive(Debug)]
pub(crate) struct Scanner<'t> {
    text: &'t str,
    position: usize,
}

type Scanned<T> = Result<T, FrameError>;

impl<'t> Scanner<'t> {
    pub(crate) fn new(text: &'t str) -> Scanner<'t> {
        Scanner { text, position: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn next_token(&mut self) -> Option<u8> {
        while let Some(byte) = self.peek() {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.position += 1;
        }
        None
    }

    pub(crate) fn error(&self, expected: &'static str) -> FrameError {
        FrameError::Syntax { offset: self.position, expected }
    }

    /// Takes `token`, or says what was expected there.
    pub(crate) fn take(&mut self, token: u8, expected: &'static str) -> Scanned<()> {
        if self.next_token() != Some(token) {
            return Err(self.error(expected));
        }
        self.position += 1;
        Ok(())
    }

    fn take_if(&mut self, token: u8) -> bool {
        let found = self.next_token() == Some(token);
        self.position += usize::from(found);
        found
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Scanned<()> {
        match self.next_token() {
            None => Ok(()),
            Some(_) => Err(self.error("the end of the text")),
        }
    }

    /// Calls `member` for each key of an object, with the scanner before its value.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Scanner<'t>, Cow<'t, str>) -> Scanned<()>,
    ) -> Scanned<()> {
        self.take(b'{', "an object")?;
        if self.take_if(b'}') {
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.take(b':', "`:`")?;
            member(self, key)?;
            if !self.take_if(b',') {
                return self.take(b'}', "`,` or `}`");
            }
        }
    }

    /// Calls `entry` for each entry of a list, with the scanner before it.
    pub(crate) fn list(&mut self, mut entry: impl FnMut(&mut Scanner<'t>) -> Scanned<()>) -> Scanned<()> {
        self.take(b'[', "a list")?;
        if self.take_if(b']') {
            return Ok(());
        }
        loop {
            entry(self)?;
            if !self.take_if(b',') {
                return self.take(b']', "`,` or `]`");
            }
        }
    }

    /// Whether another entry follows within a list that is read entry by entry; takes the comma.
    pub(crate) fn another(&mut self) -> bool {
        self.take_if(b',')
    }

    /// A whole number that is not negative, without fraction or exponent.
    pub(crate) fn unsigned(&mut self) -> Scanned<u64> {
        const EXPECTED: &str = "a whole number that is not negative";
        self.next_token();
        let start = self.position;
        let mut number = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            let next = number.checked_mul(10).and_then(|number| number.checked_add(u64::from(digit - b'0')));
            number = next.ok_or_else(|| self.error(EXPECTED))?;
            self.position += 1;
        }
        let digits = self.position - start;
        let leading_zero = digits > 1 && self.text.as_bytes()[start] == b'0';
        if digits == 0 || leading_zero || matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            self.position = start;
            return Err(self.error(EXPECTED));
        }
        Ok(number)
    }

    /// Takes `null`, if it is next.
    pub(crate) fn null(&mut self) -> Scanned<bool> {
        if self.next_token() != Some(b'n') {
            return Ok(false);
        }
        self.skip_word("null").map(|()| true)
    }

    pub(crate) fn boolean(&mut self) -> Scanned<bool> {
        match self.value(0)? {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.error("true or false")),
        }
    }

    /// A string, its escapes replaced.
    pub(crate) fn string(&mut self) -> Scanned<Cow<'t, str>> {
        if self.next_token() != Some(b'"') {
            return Err(self.error("a text"));
        }
        let start = self.position + 1;
        let has_escapes = self.skip_string()?;
        let inner = &self.text[start..self.position - 1];
        Ok(if has_escapes { Cow::Owned(unescape(inner)) } else { Cow::Borrowed(inner) })
    }

    /// The text of any value, lists and objects nested at most `levels` deep.
    pub(crate) fn value(&mut self, levels: usize) -> Scanned<&'t str> {
        self.next_token();
        let start = self.position;
        self.skip_value(levels)?;
        Ok(&self.text[start..self.position])
    }

    fn skip_value(&mut self, levels: usize) -> Scanned<()> {
        match self.next_token() {
            Some(b'"') => self.skip_string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.skip_number(),
            Some(b'[') => {
                let levels = self.nested(levels)?;
                self.list(|scanner| scanner.skip_value(levels))
            }
            Some(b'{') => {
                let levels = self.nested(levels)?;
                self.object(|scanner, _| scanner.skip_value(levels))
            }
            Some(b't') => self.skip_word("true"),
            Some(b'f') => self.skip_word("false"),
            Some(b'n') => self.skip_word("null"),
            Some(b'N') => self.skip_word("NaN"),
            Some(b'I') => self.skip_word("Infinity"),
            _ => Err(self.error("a value")),
        }
    }

    fn nested(&self, levels: usize) -> Scanned<usize> {
        levels.checked_sub(1).ok_or(FrameError::Nesting { offset: self.position })
    }

    fn skip_word(&mut self, word: &'static str) -> Scanned<()> {
        if !self.text[self.position..].starts_with(word) {
            return Err(self.error("a value"));
        }
        self.position += word.len();
        Ok(())
    }

    fn skip_number(&mut self) -> Scanned<()> {
        if self.peek() == Some(b'-') {
            self.position += 1;
            if self.peek() == Some(b'I') {
                return self.skip_word("Infinity");
            }
        }
        if self.peek() == Some(b'0') {
            self.position += 1;
        } else {
            self.skip_digits()?;
        }
        if self.peek() == Some(b'.') {
            self.position += 1;
            self.skip_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.position += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.position += 1;
            }
            self.skip_digits()?;
        }
        Ok(())
    }

    fn skip_digits(&mut self) -> Scanned<()> {
        let start = self.position;
        while let Some(b'0'..=b'9') = self.peek() {
            self.position += 1;
        }
        if self.position == start { Err(self.error("a digit")) } else { Ok(()) }
    }

    /// Moves past a string; the position is on its first quotation mark. Returns whether it has escapes.
    fn skip_string(&mut self) -> Scanned<bool> {
        self.position += 1;
        let mut has_escapes = false;
        loop {
            self.position += plain_bytes(&self.text.as_bytes()[self.position..]);
            match self.peek() {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(has_escapes);
                }
                Some(b'\\') => {
                    has_escapes = true;
                    self.skip_escape()?;
                }
                _ => return Err(self.error("a character or the end of the text")),
            }
        }
    }

    fn skip_escape(&mut self) -> Scanned<()> {
        self.position += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.position += 1;
                Ok(())
            }
            Some(b'u') => {
                let first = self.skip_code_unit()?;
                match first {
                    0xD800..=0xDBFF if self.peek() == Some(b'\\') => {
                        self.position += 1;
                        match self.skip_code_unit()? {
                            0xDC00..=0xDFFF => Ok(()),
                            _ => Err(self.error("the second half of a surrogate pair")),
                        }
                    }
                    0xD800..=0xDFFF => Err(self.error("both halves of a surrogate pair")),
                    _ => Ok(()),
                }
            }
            _ => Err(self.error("an escape")),
        }
    }

    fn skip_code_unit(&mut self) -> Scanned<u32> {
        const EXPECTED: &str = "`u` and four hexadecimal digits";
        let digits = self.text.as_bytes().get(self.position..self.position + 5);
        let hex = digits.and_then(|bytes| bytes.strip_prefix(b"u")).ok_or_else(|| self.error(EXPECTED))?;
        let unit = hex.iter().try_fold(0, |unit, &byte| Some(unit * 16 + char::from(byte).to_digit(16)?));
        self.position += 5;
        unit.ok_or_else(|| self.error(EXPECTED))
    }
}

/// How many bytes at the start stand for themselves within a string: are no quotation mark, backslash or control character.
///
/// Eight at a time. Source: S. E. Anderson, "Bit Twiddling Hacks", "Determine if a word has a byte less than n" and "a zero byte";
/// the lowest bit that these find is exact.
fn plain_bytes(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const TOPS: u64 = u64::from_le_bytes([0x80; 8]);
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & TOPS;
    let (words, rest) = bytes.as_chunks();
    for (place, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
        let found = below(word, 0x20) | is(b'"') | is(b'\\');
        if found != 0 {
            return 8 * place + found.trailing_zeros() as usize / 8;
        }
    }
    let is_plain = |byte: &&u8| **byte >= 0x20 && !matches!(**byte, b'"' | b'\\');
    8 * words.len() + rest.iter().take_while(is_plain).count()
}

/// Replaces the escapes of a string that was checked.
fn unescape(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or(b'\\');
        rest = &rest[at + 2..];
        let character = match escape {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = |digits: &str| u16::from_str_radix(digits, 16).unwrap_or(0xFFFD);
                let first = unit(&rest[..4]);
                rest = &rest[4..];
                let mut units = vec![first];
                if (0xD800..0xDC00).contains(&first) {
                    units.push(unit(&rest[2..6]));
                    rest = &rest[6..];
                }
                char::decode_utf16(units).next().and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            other => char::from(other),
        };
        out.push(character);
    }
    out.push_str(rest);
    out
}

/// Writes `text` as a JSON string.
pub(crate) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    loop {
        let (plain, after) = rest.split_at(plain_bytes(rest.as_bytes()));
        out.push_str(plain);
        let Some(&byte) = after.as_bytes().first() else { break };
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            control => {
                out.push_str("\\u00");
                out.push(char::from(b"0123456789abcdef"[usize::from(control >> 4)]));
                out.push(char::from(b"0123456789abcdef"[usize::from(control & 15)]));
            }
        }
        rest = &after[1..];
    }
    out.push('"');
}

/// The length of `text` as [`write_string`] writes it, without the quotation marks.
pub(crate) fn string_bytes(text: &str) -> usize {
    let width = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(width).sum()
}

/// Writes a number.
pub(crate) fn write_unsigned(number: u64, out: &mut String) {
    write_padded(number, 1, out);
}

/// Writes a number with at least so many digits, at most 20.
pub(crate) fn write_padded(number: u64, least: usize, out: &mut String) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    let mut rest = number;
    // Two digits for each division of 64 bits.
    while rest >= 10 {
        let pair = (rest % 100) as u8;
        start -= 2;
        digits[start] = b'0' + pair / 10;
        digits[start + 1] = b'0' + pair % 10;
        rest /= 100;
    }
    if rest > 0 {
        start -= 1;
        digits[start] = b'0' + rest as u8;
    }
    let start = start.min(digits.len() - least);
    out.push_str(std::str::from_utf8(&digits[start..]).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scene::MAX_NESTING;
    use crate::scene::read;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn accepts_exactly_what_the_scene_reader_accepts(text in r#"[\[\]{}:,"\\u0-9a-eD\-+.NInfityrulsx \n]{0,12}"#) {
            let mut scanner = Scanner::new(&text);
            let scanned = scanner.value(MAX_NESTING).and_then(|_| scanner.end());
            prop_assert_eq!(scanned.is_ok(), read(&text).is_ok(), "{}", text);
        }

        #[test]
        fn strings_survive_writing_and_reading(text in any::<String>()) {
            let mut written = String::new();
            write_string(&text, &mut written);
            prop_assert_eq!(written.len(), string_bytes(&text) + 2);
            prop_assert_eq!(Scanner::new(&written).string().unwrap(), text);
        }

        #[test]
        fn escapes_are_read_as_the_scene_reader_does(text in r#""(\\[bfnrt/"\\]|\\u[0-9a-f]{4}|\\ud83d\\ude00|[a-z])*""#) {
            if let Ok(value) = serde_json::from_str::<String>(&text) {
                prop_assert_eq!(Scanner::new(&text).string().unwrap(), value);
            } else {
                prop_assert!(Scanner::new(&text).string().is_err());
            }
        }

        #[test]
        fn numbers_survive_writing_and_reading(number in any::<u64>()) {
            let mut written = String::new();
            write_unsigned(number, &mut written);
            prop_assert_eq!(&written, &number.to_string());
            prop_assert_eq!(Scanner::new(&written).unsigned().unwrap(), number);
        }
    }

    #[test]
    fn plain_bytes_end_where_one_does_not_stand_for_itself() {
        for at in 0..20 {
            for stop in [b'"', b'\\', 0, 0x1f, b'\n'] {
                let mut bytes = [b' ', b'~', 0x7f, 0x80, 0xff, b'!', b'#', b'[', b']'].repeat(3);
                assert_eq!(plain_bytes(&bytes), bytes.len());
                bytes[at] = stop;
                bytes[at + 3] = b'"';
                assert_eq!(plain_bytes(&bytes), at, "{stop} at {at}");
            }
        }
    }

    #[test]
    fn whole_numbers_are_whole() {
        for text in ["", "-1", "1.0", "1e2", "01", "18446744073709551616", "x"] {
            assert!(Scanner::new(text).unsigned().is_err(), "{text}");
        }
        assert_eq!(Scanner::new("18446744073709551615").unsigned().unwrap(), u64::MAX);
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Scanner::new(&nested(9)).value(9).is_ok());
        assert!(matches!(Scanner::new(&nested(10)).value(9), Err(FrameError::Nesting { offset: 9 })));
        assert!(Scanner::new(&nested(500_000)).value(MAX_NESTING).is_err());
    }
}
