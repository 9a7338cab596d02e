//! From a scene to a system: the only place that reads the file format's optical keys.

use std::fmt;

use glam::DVec2;
use num_complex::Complex64;

use super::assemble::{Part, assemble};
use super::colour;
use super::element::{
    BeamSplitter, Dichroic, Element, FaradayRotator, LinearPolariser, Medium, Mirror, PolarisingBeamSplitter,
    RefractiveInterface, ThinLens, Waveplate,
};
use super::jones::JonesVector;
use super::material::Material;
use super::read::{ItemReports, Reader};
use super::report::{Report, Severity};
use super::source::{Beam, SourceParameters};
use super::{OpticalSystem, Shape, Source, Surface};
use crate::geometry::{Arc, Rotation, Segment};
use crate::scene::{Item, ItemKind, Properties, Scene, Value};

/// What is done about items that cannot be traced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Strictness {
    /// The scene is refused.
    Strict,
    /// The item is left out, and reported.
    #[default]
    Lenient,
}

/// A system, and what was said on the way.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The system.
    pub system: OpticalSystem,
    /// What could not be used as it stands; empty for a clean scene.
    pub reports: Vec<Report>,
}

/// Why a scene was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    reports: Vec<Report>,
}

impl CompileError {
    /// Everything that was found, warnings too.
    #[must_use]
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut errors = self.reports.iter().filter(|report| report.severity == Severity::Error);
        let Some(first) = errors.next() else { return write!(f, "the scene cannot be traced") };
        write!(f, "{first}")?;
        match errors.count() {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

impl std::error::Error for CompileError {}

impl OpticalSystem {
    /// Compiles a scene: its own items and those its links have brought in.
    ///
    /// Annotations and decoration (no interfaces, or category `background`) are passed over.
    ///
    /// # Errors
    /// With [`Strictness::Strict`], where any item cannot be traced.
    pub fn compile(scene: &Scene, strictness: Strictness) -> Result<Compiled, CompileError> {
        let items: Vec<&Item> = scene.items().chain(scene.linked_items()).collect();
        let parts: Vec<Part> = items.iter().map(|item| Part::of(item)).collect();
        let ids = items.iter().map(|item| item.id());
        let compiled = assemble(scene, &scene.hidden_items(), ids.zip(&parts));
        let refused = compiled.reports.iter().any(|report| report.severity == Severity::Error);
        if refused && strictness == Strictness::Strict {
            return Err(CompileError { reports: compiled.reports });
        }
        Ok(compiled)
    }
}

/// A position of the format; `None` is reported.
fn read_point(reader: &mut Reader<'_, '_>, keys: [&'static str; 2], defaults: [f64; 2]) -> Option<DVec2> {
    let limit = OpticalSystem::MAX_COORDINATE_MM;
    let mut read = |key: &'static str, default: f64| {
        let number = reader.number(key, default)?;
        if number.abs() > limit {
            reader.refuse(key, "a finite number from -1e9 to 1e9");
            return None;
        }
        Some(number)
    };
    let (x, y) = (read(keys[0], defaults[0]), read(keys[1], defaults[1]));
    Some(DVec2::new(x?, y?))
}

pub(super) fn read_source<'a>(item: &'a Item, reports: &mut ItemReports<'a>) -> Option<Source> {
    let defaults = SourceParameters::default();
    let mut r = Reader::new(item.properties(), String::new(), reports);
    // Read everything before giving up, so that one look at the reports shows all that is wrong.
    let position = read_point(&mut r, ["x_mm", "y_mm"], [defaults.x_mm, defaults.y_mm]);
    let angle_deg = r.number("angle_deg", defaults.angle_deg);
    let size_mm = r.number("size_mm", defaults.size_mm);
    let n_rays = r.whole("n_rays", defaults.n_rays);
    let ray_length_mm = r.number("ray_length_mm", defaults.ray_length_mm);
    let spread_deg = r.number("spread_deg", defaults.spread_deg);
    let wavelength_nm = r.number("wavelength_nm", defaults.wavelength_nm);
    let jones = read_polarisation(&mut r);
    let beam = match r.text("source_type", "ray") {
        Some("ray") => Some(Beam::Rays),
        Some("gaussian") => r.number("beam_waist_mm", 0.5).map(|waist_mm| Beam::Gaussian { waist_mm }),
        Some(_) => {
            r.refuse("source_type", "\"ray\" or \"gaussian\"");
            None
        }
        None => None,
    };
    let rgb = item.properties().get("color_hex").map_or(Some(defaults.rgb), |v| colour::rgb(v.as_str()?));
    if rgb.is_none() {
        r.warn("color_hex", "a colour such as \"#DC143C\"");
    }
    let position = position?;
    let parameters = SourceParameters {
        x_mm: position.x,
        y_mm: position.y,
        angle_deg: angle_deg?,
        size_mm: size_mm?,
        n_rays: n_rays?,
        ray_length_mm: ray_length_mm?,
        spread_deg: spread_deg?,
        rgb: rgb.unwrap_or(defaults.rgb),
        wavelength_nm: wavelength_nm?,
        jones: jones?,
        beam: beam?,
    };
    r.check(Source::new(parameters))
}

fn read_polarisation(r: &mut Reader<'_, '_>) -> Option<JonesVector> {
    if r.boolean("use_custom_jones", false)? {
        let ex = (r.number("custom_jones_ex_real", 1.0), r.number("custom_jones_ex_imag", 0.0));
        let ey = (r.number("custom_jones_ey_real", 0.0), r.number("custom_jones_ey_imag", 0.0));
        return Some([Complex64::new(ex.0?, ex.1?), Complex64::new(ey.0?, ey.1?)]);
    }
    let real = |h: f64, v: f64| Some([Complex64::new(h, 0.0), Complex64::new(v, 0.0)]);
    // By division, as the app has it: the last bit decides about the alpha of light at half power.
    let half = 1.0 / std::f64::consts::SQRT_2;
    match r.text("polarization_type", "horizontal")?.to_lowercase().as_str() {
        "horizontal" => real(1.0, 0.0),
        "vertical" => real(0.0, 1.0),
        "+45" => real(half, half),
        "-45" => real(half, -half),
        "circular_right" => Some([Complex64::new(half, 0.0), Complex64::new(0.0, half)]),
        "circular_left" => Some([Complex64::new(half, 0.0), Complex64::new(0.0, -half)]),
        "linear" => {
            let (sin, cos) = r.number("polarization_angle_deg", 0.0)?.to_radians().sin_cos();
            real(cos, sin)
        }
        _ => {
            r.refuse(
                "polarization_type",
                "\"horizontal\", \"vertical\", \"+45\", \"-45\", \"circular_right\", \"circular_left\" or \"linear\"",
            );
            None
        }
    }
}

/// The surfaces of a component, of either format; `None` where any cannot be used. Their item is number 0 until there is a system.
pub(super) fn read_component<'a>(item: &'a Item, reports: &mut ItemReports<'a>) -> Option<Vec<Surface>> {
    let properties = item.properties();
    let interfaces = match properties.get("interfaces") {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(list)) => list.as_slice(),
        Some(_) => {
            Reader::new(properties, String::new(), reports).refuse("interfaces", "a list of interfaces");
            return None;
        }
    };
    if properties.get("category").and_then(Value::as_str) == Some("background") {
        return Some(Vec::new());
    }
    let old = OldKind::of(item.kind());
    if interfaces.is_empty() && old.is_none() {
        return Some(Vec::new());
    }
    let mut r = Reader::new(properties, String::new(), reports);
    let defaults = old.map_or(([0.0, 0.0], 0.0), |old| (old.position, old.angle_deg));
    let position = read_point(&mut r, ["x_mm", "y_mm"], defaults.0);
    let angle = r.number("angle_deg", defaults.1);
    let image = r.optional_text("image_path");

    if interfaces.is_empty() {
        // The older format: one straight surface along the item's own x axis.
        let old = old?;
        let height = r.number(if r.has("length_mm") { "length_mm" } else { "object_height_mm" }, old.height_mm);
        let element = read_element(&mut r, old.element_type);
        let half = DVec2::new(0.5 * height?.abs(), 0.0);
        let place = Place { position: position?, rotation: Rotation::from_degrees(-angle?), origin: DVec2::ZERO };
        let (p1, p2) = (place.apply(-half), place.apply(half));
        let segment = Segment::new(p1, p2);
        let (Ok(segment), true) = (segment, OpticalSystem::holds(p1) && OpticalSystem::holds(p2)) else {
            let mut r = Reader::new(properties, String::new(), reports);
            let key = if r.has("length_mm") { "length_mm" } else { "object_height_mm" };
            r.refuse(key, "a length over 1e-9 mm, with both ends within 1e9 mm of the origin");
            return None;
        };
        return Some(vec![Surface::new(Shape::Segment(segment), element?, 0, 0)]);
    }

    let mut parts = Vec::with_capacity(interfaces.len());
    for (i, interface) in interfaces.iter().enumerate() {
        let Value::Object(properties) = interface else {
            reports.push(Severity::Error, format!("interfaces[{i}]"), interface.to_string(), "an object");
            parts.push(None);
            continue;
        };
        let mut r = Reader::new(properties, format!("interfaces[{i}]."), reports);
        parts.push(read_interface(&mut r));
    }
    let parts: Vec<Interface> = parts.into_iter().collect::<Option<_>>()?;
    // Where an image is shown, the item's own position is the middle of its first interface; whether the file of the image can
    // be found makes no difference.
    let origin = if image?.is_empty() { DVec2::ZERO } else { 0.5 * (parts[0].p1 + parts[0].p2) };
    let place = Place { position: position?, rotation: Rotation::from_degrees(-angle?), origin };
    let mut surfaces = Vec::with_capacity(parts.len());
    for (i, (part, interface)) in parts.into_iter().zip(interfaces).enumerate() {
        let shape = part.shape(&place);
        let shape = match shape {
            Ok(shape) => shape,
            Err((key, expected)) => {
                let empty = Properties::new();
                let properties = interface.as_object().unwrap_or(&empty);
                let value = properties.get(key).map_or_else(|| "missing".to_owned(), Value::to_string);
                reports.push(Severity::Error, format!("interfaces[{i}].{key}"), value, &expected);
                return None;
            }
        };
        surfaces.push(Surface::new(shape, part.element, 0, i as u32));
    }
    Some(surfaces)
}

/// Where an item lies in the scene.
struct Place {
    position: DVec2,
    rotation: Rotation,
    origin: DVec2,
}

impl Place {
    fn apply(&self, point: DVec2) -> DVec2 {
        self.position + self.rotation.apply(point - self.origin)
    }
}

/// An interface in the coordinates of its item.
struct Interface {
    p1: DVec2,
    p2: DVec2,
    /// 0 where it is straight.
    radius_mm: f64,
    element: Element,
}

impl Interface {
    /// Its shape in the scene, or the key that prevents it and what was expected.
    fn shape(&self, place: &Place) -> Result<Shape, (&'static str, String)> {
        let (p1, p2) = (place.apply(self.p1), place.apply(self.p2));
        for (key, point) in [("x1_mm", p1), ("x2_mm", p2)] {
            if !OpticalSystem::holds(point) {
                return Err((key, "a place in the scene within 1e9 mm of the origin".to_owned()));
            }
        }
        let chord = Segment::new(p1, p2).map_err(|_| ("x2_mm", "end points at least 1e-9 mm apart".to_owned()))?;
        if self.radius_mm == 0.0 {
            return Ok(Shape::Segment(chord));
        }
        let half = chord.half_length();
        Arc::new(chord, self.radius_mm)
            .map(Shape::from)
            .map_err(|_| ("radius_of_curvature_mm", format!("0, or a radius of at least half the chord ({half} mm)")))
    }
}

fn read_interface(r: &mut Reader<'_, '_>) -> Option<Interface> {
    let p1 = read_point(r, ["x1_mm", "y1_mm"], [0.0, 0.0]);
    let p2 = read_point(r, ["x2_mm", "y2_mm"], [10.0, 0.0]);
    let radius_mm = match r.boolean("is_curved", false) {
        // Under a nanometre is how files write "flat" for a curved type of surface.
        Some(true) => {
            r.number("radius_of_curvature_mm", 0.0).map(|radius| if radius.abs() > 1e-6 { radius } else { 0.0 })
        }
        Some(false) => Some(0.0),
        None => None,
    };
    let element = match r.text("element_type", "refractive_interface") {
        Some(element_type) => read_element(r, element_type),
        None => None,
    };
    Some(Interface { p1: p1?, p2: p2?, radius_mm: radius_mm?, element: element? })
}

fn read_element(r: &mut Reader<'_, '_>, element_type: &str) -> Option<Element> {
    match element_type {
        "lens" => {
            let (efl, aperture) = (r.number("efl_mm", 100.0), r.number("clear_aperture_mm", 0.0));
            r.check(ThinLens::new(efl?, aperture?)).map(Element::ThinLens)
        }
        "mirror" | "slm" => {
            let reflectivity = r.number("reflectivity", 100.0)?;
            r.check(Mirror::new(reflectivity)).map(Element::Mirror)
        }
        "beam_splitter" | "beamsplitter" => {
            if r.boolean("is_polarizing", false)? {
                let axis = r.number("pbs_transmission_axis_deg", 0.0)?;
                return r.check(PolarisingBeamSplitter::new(axis)).map(Element::PolarisingBeamSplitter);
            }
            let (t, reflected) = (r.number("split_T", 50.0), r.number("split_R", 50.0));
            r.check(BeamSplitter::new(t?, reflected?)).map(Element::BeamSplitter)
        }
        "dichroic" => {
            let cutoff = r.number("cutoff_wavelength_nm", 550.0);
            let width = r.number("transition_width_nm", 50.0);
            let pass_type = r.text("pass_type", "longpass");
            r.check(Dichroic::new(cutoff?, width?, pass_type?)).map(Element::Dichroic)
        }
        "refractive_interface" => {
            let (first, second) = (read_medium(r, "n1", 1.0), read_medium(r, "n2", 1.5));
            Some(Element::RefractiveInterface(RefractiveInterface::new(first?, second?)))
        }
        "polarizing_interface" => match r.text("polarizer_subtype", "waveplate")? {
            "waveplate" => read_waveplate(r),
            "linear_polarizer" => {
                let axis = r.number("transmission_axis_deg", 0.0);
                let ratio = r.number("extinction_ratio_db", 40.0);
                r.check(LinearPolariser::new(axis?, ratio?)).map(Element::LinearPolariser)
            }
            "faraday_rotator" => {
                let rotation = r.number("rotation_angle_deg", 45.0)?;
                r.check(FaradayRotator::new(rotation)).map(Element::from)
            }
            _ => {
                r.refuse("polarizer_subtype", "\"waveplate\", \"linear_polarizer\" or \"faraday_rotator\"");
                None
            }
        },
        "waveplate" => read_waveplate(r),
        "beam_block" => Some(Element::BeamBlock),
        _ => {
            r.refuse(
                "element_type",
                "\"lens\", \"mirror\", \"slm\", \"beam_splitter\", \"dichroic\", \"refractive_interface\", \
                 \"polarizing_interface\", \"waveplate\" or \"beam_block\"",
            );
            None
        }
    }
}

fn read_waveplate(r: &mut Reader<'_, '_>) -> Option<Element> {
    let (retardance, axis) = (r.number("phase_shift_deg", 90.0), r.number("fast_axis_deg", 0.0));
    r.check(Waveplate::new(retardance?, axis?)).map(Element::from)
}

fn read_medium(r: &mut Reader<'_, '_>, key: &'static str, default: f64) -> Option<Medium> {
    let index = r.number(key, default);
    let material_key = if key == "n1" { "n1_material" } else { "n2_material" };
    let name = r.optional_text(material_key)?;
    let medium = r.check(Medium::with_index(key, index?))?;
    if name.is_empty() {
        return Some(medium);
    }
    let Some(material) = Material::named(name) else {
        let known: Vec<&str> = Material::all().iter().map(Material::name).collect();
        r.refuse(material_key, &format!("one of {}", known.join(", ")));
        return None;
    };
    Some(medium.with_material(material))
}

/// What the older format, and flat components, leave to their kind.
#[derive(Clone, Copy)]
struct OldKind {
    element_type: &'static str,
    position: [f64; 2],
    angle_deg: f64,
    height_mm: f64,
}

impl OldKind {
    fn of(kind: ItemKind) -> Option<OldKind> {
        let (element_type, x, angle_deg, height_mm) = match kind {
            ItemKind::Lens => ("lens", -150.0, 90.0, 60.0),
            ItemKind::Mirror => ("mirror", 150.0, 45.0, 80.0),
            ItemKind::BeamSplitter => ("beam_splitter", 0.0, 45.0, 80.0),
            ItemKind::Dichroic => ("dichroic", 0.0, 45.0, 80.0),
            ItemKind::Waveplate => ("waveplate", 0.0, 90.0, 36.6),
            ItemKind::Slm => ("slm", 150.0, 0.0, 80.0),
            _ => return None,
        };
        Some(OldKind { element_type, position: [x, 0.0], angle_deg, height_mm })
    }
}
