//! The class `Report`.

use std::hash::{DefaultHasher, Hash, Hasher};

use optiverse_core::optics;
use pyo3::prelude::*;

/// One value of one item that cannot be used as it stands; `str()` of it is a sentence.
///
/// Attributes:
///     severity: "error" where the item is left out, "warning" where it is traced all the same.
///     item: the id of the item.
///     name: the item's `name`; empty where it has none.
///     key: where in the item, such as `interfaces[1].n2`.
///     value: the value as it stands in the file, cut to 80 characters; `missing` where there is none.
///     expected: what can be used.
#[pyclass(module = "optiverse_engine", frozen, eq)]
#[derive(PartialEq)]
pub(crate) struct Report {
    inner: optics::Report,
}

impl Report {
    pub(crate) fn all(reports: &[optics::Report]) -> Vec<Report> {
        reports.iter().map(|report| Report { inner: report.clone() }).collect()
    }
}

#[pymethods]
impl Report {
    #[getter]
    fn severity(&self) -> &'static str {
        match self.inner.severity {
            optics::Severity::Error => "error",
            optics::Severity::Warning => "warning",
        }
    }

    #[getter]
    fn item(&self) -> &str {
        &self.inner.item
    }

    #[getter]
    fn name(&self) -> &str {
        &self.inner.name
    }

    #[getter]
    fn key(&self) -> &str {
        &self.inner.key
    }

    #[getter]
    fn value(&self) -> &str {
        &self.inner.value
    }

    #[getter]
    fn expected(&self) -> &str {
        &self.inner.expected
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.inner.item, &self.inner.key, &self.inner.value).hash(&mut hasher);
        hasher.finish()
    }

    fn __str__(&self) -> String {
        self.inner.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Report {}: {}>", self.severity(), self.inner)
    }
}
