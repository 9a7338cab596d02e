//! Reads typed values out of an item's properties and reports those that cannot be used.

use crate::scene::{Item, Properties, Value};

use super::report::{InvalidValue, Report, Severity};

/// Longest value quoted in a report, in characters.
const QUOTED: usize = 80;

/// The reports on one item.
pub(super) struct ItemReports<'a> {
    item: &'a Item,
    reports: Vec<Report>,
}

impl<'a> ItemReports<'a> {
    pub(super) fn new(item: &'a Item) -> Self {
        ItemReports { item, reports: Vec::new() }
    }

    pub(super) fn push(&mut self, severity: Severity, key: String, value: String, expected: &str) {
        let name = self.item.properties().get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let id = self.item.id().clone();
        self.reports.push(Report { severity, item: id, name, key, value, expected: expected.to_owned() });
    }

    /// The reports so far.
    pub(super) fn finish(self) -> Vec<Report> {
        self.reports
    }
}

/// A set of properties with the way to it, such as `interfaces[2].`.
pub(super) struct Reader<'r, 'a> {
    properties: &'a Properties,
    prefix: String,
    reports: &'r mut ItemReports<'a>,
}

impl<'r, 'a> Reader<'r, 'a> {
    pub(super) fn new(properties: &'a Properties, prefix: String, reports: &'r mut ItemReports<'a>) -> Self {
        Reader { properties, prefix, reports }
    }

    /// Says that the value of `key` cannot be used.
    pub(super) fn refuse(&mut self, key: &str, expected: &str) {
        let value = self.properties.get(key).map_or_else(|| "missing".to_owned(), quoted);
        self.reports.push(Severity::Error, format!("{}{key}", self.prefix), value, expected);
    }

    /// Says that the value of `key` is passed over.
    pub(super) fn warn(&mut self, key: &str, expected: &str) {
        let value = self.properties.get(key).map_or_else(|| "missing".to_owned(), quoted);
        self.reports.push(Severity::Warning, format!("{}{key}", self.prefix), value, expected);
    }

    /// What a constructor made, or `None` with its refusal reported under the value as the file has it.
    pub(super) fn check<T>(&mut self, result: Result<T, InvalidValue>) -> Option<T> {
        result
            .map_err(|refusal| {
                if self.properties.contains_key(refusal.key) {
                    self.refuse(refusal.key, refusal.expected);
                } else {
                    let key = format!("{}{}", self.prefix, refusal.key);
                    self.reports.push(Severity::Error, key, refusal.value, refusal.expected);
                }
            })
            .ok()
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.properties.contains_key(key)
    }

    /// A finite number; the default where the key is missing.
    pub(super) fn number(&mut self, key: &str, default: f64) -> Option<f64> {
        let Some(value) = self.properties.get(key) else { return Some(default) };
        let number = value.as_f64().filter(|number| number.is_finite());
        if number.is_none() {
            self.refuse(key, "a finite number");
        }
        number
    }

    /// A whole number, also when it is written as 9.0.
    pub(super) fn whole(&mut self, key: &str, default: i64) -> Option<i64> {
        let number = self.number(key, default as f64)?;
        if number.fract() == 0.0 && number.abs() <= 9e15 {
            Some(number as i64)
        } else {
            self.refuse(key, "a whole number");
            None
        }
    }

    pub(super) fn boolean(&mut self, key: &str, default: bool) -> Option<bool> {
        let Some(value) = self.properties.get(key) else { return Some(default) };
        let boolean = value.as_bool();
        if boolean.is_none() {
            self.refuse(key, "true or false");
        }
        boolean
    }

    pub(super) fn text(&mut self, key: &str, default: &'a str) -> Option<&'a str> {
        let Some(value) = self.properties.get(key) else { return Some(default) };
        let text = value.as_str();
        if text.is_none() {
            self.refuse(key, "a text");
        }
        text
    }

    /// A text that may be missing, `null` or empty.
    pub(super) fn optional_text(&mut self, key: &str) -> Option<&'a str> {
        match self.properties.get(key) {
            None | Some(Value::Null) => Some(""),
            Some(_) => self.text(key, ""),
        }
    }
}

/// A value as the file has it, cut to a length that a line can hold.
fn quoted(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= QUOTED {
        return text;
    }
    let mut cut: String = text.chars().take(QUOTED - 1).collect();
    cut.push('…');
    cut
}
