//! The class `Surface`.

use std::f64::consts::FRAC_PI_2;

use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray2};
use optiverse_core::geometry::Arc;
use optiverse_core::optics::{self, OpticalSystem, Shape};
use pyo3::prelude::*;

/// Chords by which an arc is drawn; 64 of a half circle stray from it by 0.03 % of its radius.
const CHORDS: usize = 64;

/// A surface as the tracer sees it.
///
/// Attributes:
///     item: the id of the item it belongs to.
///     interface: its place among the `interfaces` of that item.
///     element: what it is, such as "lens" or "refractive interface".
///     hidden: whether a layer hides it.
///     points: its line, shape (k, 2), float64, in mm, y up: 2 points where it is straight, 65 on an arc.
#[pyclass(module = "optiverse_engine", frozen)]
pub(crate) struct Surface {
    item: String,
    inner: optics::Surface,
}

impl Surface {
    pub(crate) fn all(system: &OpticalSystem) -> Vec<Surface> {
        let surface = |surface: &optics::Surface| {
            let item = system.items().get(surface.item()).map_or_else(String::new, ToString::to_string);
            Surface { item, inner: surface.clone() }
        };
        system.surfaces().iter().map(surface).collect()
    }
}

#[pymethods]
impl Surface {
    #[getter]
    fn item(&self) -> &str {
        &self.item
    }

    #[getter]
    fn interface(&self) -> usize {
        self.inner.interface()
    }

    #[getter]
    fn element(&self) -> &'static str {
        self.inner.element().name()
    }

    #[getter]
    fn hidden(&self) -> bool {
        self.inner.is_hidden()
    }

    #[getter]
    fn points<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        let chord = self.inner.shape().chord();
        let points = match self.inner.shape() {
            Shape::Segment(_) => vec![[chord.p1().x, chord.p1().y], [chord.p2().x, chord.p2().y]],
            Shape::Arc(arc) => arc_points(arc),
        };
        Array2::from(points).into_pyarray(py)
    }

    fn __repr__(&self) -> String {
        format!("<Surface {}, interface {} of item {:?}>", self.element(), self.interface(), self.item)
    }
}

/// Points at equal distances along an arc, from p1 to p2.
fn arc_points(arc: &Arc) -> Vec<[f64; 2]> {
    let (p1, p2) = (arc.chord().p1(), arc.chord().p2());
    let half_angle = (arc.arc_length() / (2.0 * arc.radius())).min(FRAC_PI_2);
    let from_axis = p1 - arc.centre();
    let turn = if arc.axis().perp_dot(from_axis) > 0.0 { -1.0 } else { 1.0 };
    let mut points: Vec<_> = (0..=CHORDS)
        .map(|step| {
            let angle = half_angle * turn * (2.0 * step as f64 / CHORDS as f64 - 1.0);
            let (sin, cos) = angle.sin_cos();
            let axis = arc.axis();
            let point = arc.centre()
                + arc.radius() * glam::DVec2::new(axis.x * cos - axis.y * sin, axis.x * sin + axis.y * cos);
            [point.x, point.y]
        })
        .collect();
    // The ends are given: they need not be computed.
    points[0] = [p1.x, p1.y];
    points[CHORDS] = [p2.x, p2.y];
    points
}
