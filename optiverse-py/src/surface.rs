//! The class `Surface`.

use std::f64::consts::FRAC_PI_2;

use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray2};
use optiverse_core::geometry::Arc;
use optiverse_core::optics::element::{Element, Medium, PassType};
use optiverse_core::optics::{self, OpticalSystem, Shape};
use optiverse_core::render;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Chords by which an arc is drawn; 64 of a half circle stray from it by 0.03 % of its radius.
const CHORDS: usize = 64;

/// A surface as the tracer sees it.
///
/// Attributes:
///     item: the id of the item it belongs to.
///     interface: its place among the `interfaces` of that item.
///     element: what it is, such as "lens" or "refractive interface".
///     hidden: whether a layer hides it.
///     label: what stands beside it in a picture, such as "f = 100 mm"; None where its symbol says it all.
///     description: the same in words, with its width: "lens, f = 100 mm, 25.4 mm wide".
///     parameters: what the tracer reckons with, a new dict: `focal_length_mm` and `half_aperture_mm` of a lens, `reflectance`
///         of a mirror, `transmittance` and `reflectance` of a beam splitter, `transmission_axis_deg` of a polarising one and of
///         a polariser, `cutoff_nm` and `pass_type` of a dichroic, `retardance_deg` and `fast_axis_deg` of a waveplate,
///         `rotation_deg` of a Faraday rotator, `n1`, `n2`, `n1_material` and `n2_material` (None where the index is given) of a
///         refractive interface. Shares are from 0 to 1, axes in degrees from h towards v.
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

    #[getter]
    fn label(&self) -> Option<String> {
        render::label(self.inner.element())
    }

    #[getter]
    fn description(&self) -> String {
        render::description(self.inner.element(), self.inner.shape())
    }

    #[getter]
    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        match self.inner.element() {
            Element::ThinLens(lens) => {
                let half_length = self.inner.shape().half_length();
                dict.set_item("focal_length_mm", lens.focal_length_mm())?;
                dict.set_item("half_aperture_mm", lens.half_aperture_mm(half_length))?;
            }
            Element::Mirror(mirror) => dict.set_item("reflectance", mirror.reflectance())?,
            Element::BeamSplitter(splitter) => {
                dict.set_item("transmittance", splitter.transmittance())?;
                dict.set_item("reflectance", splitter.reflectance())?;
            }
            Element::PolarisingBeamSplitter(splitter) => {
                dict.set_item("transmission_axis_deg", splitter.transmission_axis_deg())?;
            }
            Element::Dichroic(dichroic) => {
                let pass_type = match dichroic.pass_type() {
                    PassType::Longpass => "longpass",
                    PassType::Shortpass => "shortpass",
                };
                dict.set_item("cutoff_nm", dichroic.cutoff_nm())?;
                dict.set_item("pass_type", pass_type)?;
            }
            Element::Waveplate(plate) => {
                dict.set_item("retardance_deg", plate.retardance_deg())?;
                dict.set_item("fast_axis_deg", plate.fast_axis_deg())?;
            }
            Element::LinearPolariser(polariser) => dict.set_item("transmission_axis_deg", polariser.axis_deg())?,
            Element::FaradayRotator(rotator) => dict.set_item("rotation_deg", rotator.rotation_deg())?,
            Element::RefractiveInterface(interface) => {
                let material = |medium: &Medium| medium.material().map(|material| material.name());
                dict.set_item("n1", interface.first().plain_index())?;
                dict.set_item("n2", interface.second().plain_index())?;
                dict.set_item("n1_material", material(interface.first()))?;
                dict.set_item("n2_material", material(interface.second()))?;
            }
            // A beam block has none.
            _ => {}
        }
        Ok(dict)
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
