//! The class `PowerBalance`.

use optiverse_core::trace;
use pyo3::prelude::*;

/// Where the power went, in units of one source ray (every ray and every Gaussian beam starts with 1).
///
/// By exact physics `emitted` equals `accounted`, the sum of all others, to rounding. The rules of Optiverse 0.3.4 lose light
/// unseen, or make some.
///
/// Attributes:
///     emitted: sent out by the sources.
///     left: at the end of paths that left.
///     absorbed: in elements, such as mirrors below 100 % and polarisers.
///     blocked: in beam blocks and lens mounts.
///     clipped: cut off from Gaussian beams at apertures.
///     too_weak: in light too weak to be followed.
///     too_many_events: in paths with too many events.
///     too_long: in paths whose length was used up before the next surface.
///     limit: in paths that the limit on vertices cut or left out.
///     accounted: the sum of everything but `emitted`.
#[pyclass(module = "optiverse_engine", frozen)]
pub(crate) struct PowerBalance {
    inner: trace::PowerBalance,
}

impl PowerBalance {
    pub(crate) fn new(balance: &trace::PowerBalance) -> Self {
        PowerBalance { inner: *balance }
    }
}

#[pymethods]
impl PowerBalance {
    #[getter]
    fn emitted(&self) -> f64 {
        self.inner.emitted
    }

    #[getter]
    fn left(&self) -> f64 {
        self.inner.left
    }

    #[getter]
    fn absorbed(&self) -> f64 {
        self.inner.absorbed
    }

    #[getter]
    fn blocked(&self) -> f64 {
        self.inner.blocked
    }

    #[getter]
    fn clipped(&self) -> f64 {
        self.inner.clipped
    }

    #[getter]
    fn too_weak(&self) -> f64 {
        self.inner.too_weak
    }

    #[getter]
    fn too_many_events(&self) -> f64 {
        self.inner.too_many_events
    }

    #[getter]
    fn too_long(&self) -> f64 {
        self.inner.too_long
    }

    #[getter]
    fn limit(&self) -> f64 {
        self.inner.limit
    }

    #[getter]
    fn accounted(&self) -> f64 {
        self.inner.accounted()
    }

    fn __repr__(&self) -> String {
        let b = &self.inner;
        format!(
            "PowerBalance(emitted={:?}, left={:?}, absorbed={:?}, blocked={:?}, clipped={:?}, too_weak={:?}, \
             too_many_events={:?}, too_long={:?}, limit={:?})",
            b.emitted, b.left, b.absorbed, b.blocked, b.clipped, b.too_weak, b.too_many_events, b.too_long, b.limit
        )
    }
}
