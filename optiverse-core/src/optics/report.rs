//! What is said about values that cannot be used.

use std::fmt;

use crate::scene::ItemId;

/// A value that a constructor refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} is {value}, expected {expected}")]
pub struct InvalidValue {
    /// The key of the file format, such as `efl_mm`.
    pub key: &'static str,
    /// The value as it was given.
    pub value: String,
    /// What can be used.
    pub expected: &'static str,
}

impl InvalidValue {
    pub(crate) fn new(key: &'static str, value: impl fmt::Display, expected: &'static str) -> Self {
        InvalidValue { key, value: value.to_string(), expected }
    }
}

/// `value` where it is a number in the range, or a refusal that says `expected`.
pub(crate) fn number_in(
    key: &'static str,
    value: f64,
    range: impl std::ops::RangeBounds<f64>,
    expected: &'static str,
) -> Result<f64, InvalidValue> {
    if value.is_finite() && range.contains(&value) { Ok(value) } else { Err(InvalidValue::new(key, value, expected)) }
}

/// How grave a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The item cannot be traced: strict compiling refuses the scene, lenient compiling leaves the item out.
    Error,
    /// The item is traced; something about it is not as written.
    Warning,
}

/// One value of one item that cannot be used as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How grave it is.
    pub severity: Severity,
    /// The item.
    pub item: ItemId,
    /// The item's `name`; empty where it has none.
    pub name: String,
    /// Where in the item, such as `interfaces[1].n2`.
    pub key: String,
    /// The value as it stands in the file, cut to 80 characters; `missing` where there is none.
    pub value: String,
    /// What can be used.
    pub expected: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {}", self.item)?;
        if !self.name.is_empty() {
            write!(f, " ({})", self.name)?;
        }
        write!(f, ": {} is {}, expected {}", self.key, self.value, self.expected)?;
        if self.severity == Severity::Error { Ok(()) } else { write!(f, " (traced all the same)") }
    }
}
