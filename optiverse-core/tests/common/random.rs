//! Random scenes of all elements on lines and arcs.

use glam::DVec2;
use optiverse_core::optics::OpticalSystem;
use optiverse_core::scene::Value;
use optiverse_core::trace::{Physics, TraceOptions};
use proptest::prelude::*;
use serde_json::json;

use super::{component, interface, source, system, with};

/// The keys whose angles change their sign in a mirror image.
const ANGLES: [&str; 4] = ["pbs_transmission_axis_deg", "fast_axis_deg", "transmission_axis_deg", "rotation_angle_deg"];

/// A surface in the coordinates of the scene.
#[derive(Clone, Debug)]
pub(crate) struct RandomSurface {
    pub(crate) p1: DVec2,
    pub(crate) p2: DVec2,
    /// 0: straight.
    pub(crate) radius: f64,
    pub(crate) element: Value,
}

impl RandomSurface {
    /// The centre of the circle, by the formula of the file format.
    fn centre(&self) -> DVec2 {
        let chord = self.p2 - self.p1;
        let half = 0.5 * chord.length();
        let sagittal = (self.radius * self.radius - half * half).max(0.0).sqrt();
        0.5 * (self.p1 + self.p2) + self.radius.signum() * sagittal * chord.perp().normalize()
    }

    /// How far a point lies from the surface.
    pub(crate) fn distance_to(&self, point: DVec2) -> f64 {
        let to_ends = point.distance(self.p1).min(point.distance(self.p2));
        let (along, half) = (self.p1 - self.p2, 0.5 * self.p1.distance(self.p2));
        let from_middle = point - 0.5 * (self.p1 + self.p2);
        if self.radius == 0.0 {
            let unit = along.normalize();
            if from_middle.dot(unit).abs() <= half { from_middle.dot(unit.perp()).abs() } else { to_ends }
        } else {
            let bulge = along.perp() * self.radius.signum();
            let on_side = from_middle.dot(bulge) >= 0.0;
            if on_side { (point.distance(self.centre()) - self.radius.abs()).abs() } else { to_ends }
        }
    }

    /// The indices of the sides a ray comes from and would go to, where it meets a refractive interface.
    pub(crate) fn indices(&self, point: DVec2, direction: DVec2) -> Option<(f64, f64)> {
        if self.element["element_type"] != "refractive_interface" {
            return None;
        }
        let normal = if self.radius == 0.0 {
            (self.p1 - self.p2).perp()
        } else {
            (point - self.centre()) * self.radius.signum()
        };
        let (n1, n2) = (self.element["n1"].as_f64().unwrap(), self.element["n2"].as_f64().unwrap());
        Some(if direction.dot(normal) < 0.0 { (n1, n2) } else { (n2, n1) })
    }

    fn item(&self, number: usize) -> Value {
        let kind = self.element["element_type"].as_str().unwrap();
        let curved = json!({"is_curved": self.radius != 0.0, "radius_of_curvature_mm": self.radius});
        component(&format!("c{number}"), vec![interface(kind, self.p1, self.p2, with(self.element.clone(), curved))])
    }
}

/// A source in the coordinates of the scene.
#[derive(Clone, Debug)]
pub(crate) struct RandomSource {
    pub(crate) position: DVec2,
    /// Counter-clockwise from +x.
    pub(crate) degrees: f64,
    pub(crate) size: f64,
    pub(crate) spread: f64,
    pub(crate) n_rays: i64,
    pub(crate) wavelength: f64,
    /// Real and imaginary part of E_h, then of E_v.
    pub(crate) jones: [f64; 4],
    pub(crate) waist: Option<f64>,
    pub(crate) length: f64,
}

impl RandomSource {
    fn item(&self, number: usize) -> Value {
        let [ex, ei, ey, fi] = self.jones;
        source(json!({
            "item_uuid": format!("s{number}"), "x_mm": self.position.x, "y_mm": self.position.y,
            "angle_deg": -self.degrees, "size_mm": self.size, "spread_deg": self.spread, "n_rays": self.n_rays,
            "wavelength_nm": self.wavelength, "ray_length_mm": self.length, "use_custom_jones": true,
            "custom_jones_ex_real": ex, "custom_jones_ex_imag": ei,
            "custom_jones_ey_real": ey, "custom_jones_ey_imag": fi,
            "source_type": if self.waist.is_some() { "gaussian" } else { "ray" },
            "beam_waist_mm": self.waist.unwrap_or(0.5),
        }))
    }
}

/// Surfaces and sources.
#[derive(Clone, Debug)]
pub(crate) struct RandomScene {
    pub(crate) surfaces: Vec<RandomSurface>,
    pub(crate) sources: Vec<RandomSource>,
}

impl RandomScene {
    pub(crate) fn items(&self) -> Vec<Value> {
        let sources = self.sources.iter().enumerate().map(|(i, source)| source.item(i));
        sources.chain(self.surfaces.iter().enumerate().map(|(i, surface)| surface.item(i))).collect()
    }

    pub(crate) fn system(&self) -> OpticalSystem {
        system(self.items())
    }

    /// The scene turned counter-clockwise about the origin, then shifted.
    pub(crate) fn moved(&self, degrees: f64, shift: DVec2) -> RandomScene {
        let turn = DVec2::from_angle(degrees.to_radians());
        let place = |p: DVec2| turn.rotate(p) + shift;
        let mut scene = self.clone();
        for surface in &mut scene.surfaces {
            (surface.p1, surface.p2) = (place(surface.p1), place(surface.p2));
        }
        for source in &mut scene.sources {
            source.position = place(source.position);
            source.degrees += degrees;
        }
        scene
    }

    /// The scene with y → −y. The normal keeps its side where the end points are exchanged; h changes its sign.
    pub(crate) fn mirrored(&self) -> RandomScene {
        let flip = |p: DVec2| DVec2::new(p.x, -p.y);
        let mut scene = self.clone();
        for surface in &mut scene.surfaces {
            (surface.p1, surface.p2) = (flip(surface.p2), flip(surface.p1));
            for key in ANGLES {
                if let Some(angle) = surface.element.get(key).and_then(Value::as_f64) {
                    surface.element[key] = json!(-angle);
                }
            }
        }
        for source in &mut scene.sources {
            source.position = flip(source.position);
            source.degrees = -source.degrees;
            source.jones[0] *= -1.0;
            source.jones[1] *= -1.0;
        }
        scene
    }
}

/// Elements that keep linear polarisation in the plane as it is.
pub(crate) fn plain_element() -> impl Strategy<Value = Value> {
    let lens = (prop_oneof![10.0..200.0_f64, -200.0..-10.0_f64], prop_oneof![Just(0.0), 5.0..40.0_f64])
        .prop_map(|(f, aperture)| json!({"element_type": "lens", "efl_mm": f, "clear_aperture_mm": aperture}));
    let mirror = prop_oneof![Just(100.0), 0.0..100.0_f64]
        .prop_map(|percent| json!({"element_type": "mirror", "reflectivity": percent}));
    let splitter = (0.0..100.0_f64, 0.0..1.0_f64)
        .prop_map(|(t, share)| json!({"element_type": "beam_splitter", "split_T": t, "split_R": (100.0 - t) * share}));
    let dichroic = (300.0..900.0_f64, 0.0..100.0_f64, any::<bool>()).prop_map(|(cutoff, width, long)| {
        json!({"element_type": "dichroic", "cutoff_wavelength_nm": cutoff, "transition_width_nm": width,
            "pass_type": if long { "longpass" } else { "shortpass" }})
    });
    let glass = (1.0..2.5_f64, 1.0..2.5_f64)
        .prop_map(|(n1, n2)| json!({"element_type": "refractive_interface", "n1": n1, "n2": n2}));
    prop_oneof![1 => lens, 1 => mirror, 1 => splitter, 1 => dichroic, 3 => glass]
}

/// Elements of every type.
pub(crate) fn any_element() -> impl Strategy<Value = Value> {
    let angle = || -180.0..180.0_f64;
    let plate = (angle(), angle(), any::<bool>()).prop_map(|(phase, axis, old)| {
        let kind = if old { "waveplate" } else { "polarizing_interface" };
        json!({"element_type": kind, "phase_shift_deg": phase, "fast_axis_deg": axis})
    });
    let polariser = (angle(), 0.0..60.0_f64).prop_map(|(axis, decibels)| {
        json!({"element_type": "polarizing_interface", "polarizer_subtype": "linear_polarizer",
            "transmission_axis_deg": axis, "extinction_ratio_db": decibels})
    });
    let faraday = angle().prop_map(|angle| {
        json!({"element_type": "polarizing_interface", "polarizer_subtype": "faraday_rotator",
            "rotation_angle_deg": angle})
    });
    let splitter = angle().prop_map(
        |axis| json!({"element_type": "beam_splitter", "is_polarizing": true, "pbs_transmission_axis_deg": axis}),
    );
    let block = Just(json!({"element_type": "beam_block"}));
    let slm = Just(json!({"element_type": "slm"}));
    prop_oneof![10 => plain_element(), 2 => plate, 1 => polariser, 1 => faraday, 2 => splitter, 1 => block, 1 => slm]
}

/// A straight or curved surface within 40 mm of the origin.
pub(crate) fn surface(element: impl Strategy<Value = Value>) -> impl Strategy<Value = RandomSurface> {
    let place = (-40.0..40.0_f64, -40.0..40.0_f64, 0.0..360.0_f64, 5.0..25.0_f64);
    let curvature = prop_oneof![1 => Just(0.0), 1 => 1.001..6.0_f64, 1 => -6.0..-1.001_f64];
    (place, curvature, element).prop_map(|((x, y, degrees, half), curvature, element)| {
        let (middle, along) = (DVec2::new(x, y), half * DVec2::from_angle(f64::to_radians(degrees)));

        let (p1, p2) = (middle + along, middle - along);
        RandomSurface { p1, p2, radius: curvature * 0.5 * (p1 - p2).length(), element }
    })
}

/// A fan of rays, or in one of four cases a Gaussian beam, polarised somehow.
pub(crate) fn any_source(max_rays: i64) -> impl Strategy<Value = RandomSource> {
    let place = (-60.0..60.0_f64, -60.0..60.0_f64, -180.0..180.0_f64);
    let fan = (prop_oneof![Just(0.0), 0.0..20.0_f64], prop_oneof![Just(0.0), 0.0..90.0_f64], 0..=max_rays);
    let jones = prop::array::uniform4(-1.0..1.0_f64).prop_filter("light", |j| j.iter().any(|x| x.abs() > 1e-3));
    let beam = prop_oneof![3 => Just(None), 1 => (0.01..3.0_f64).prop_map(Some)];
    (place, fan, 350.0..1100.0_f64, jones, beam, 50.0..500.0_f64).prop_map(
        |((x, y, degrees), (size, spread, n_rays), wavelength, jones, waist, length)| RandomSource {
            position: DVec2::new(x, y),
            degrees,
            size,
            spread,
            n_rays,
            wavelength,
            jones,
            waist,
            length,
        },
    )
}

/// Up to `surfaces` surfaces of all types and up to three sources.
pub(crate) fn any_scene(surfaces: usize, max_rays: i64) -> impl Strategy<Value = RandomScene> {
    let surfaces = prop::collection::vec(surface(any_element()), 1..=surfaces);
    let sources = prop::collection::vec(any_source(max_rays), 1..=3);
    (surfaces, sources).prop_map(|(surfaces, sources)| RandomScene { surfaces, sources })
}

/// All presets, and limits that are reached and that are not.
pub(crate) fn any_options() -> impl Strategy<Value = TraceOptions> {
    let physics = prop_oneof![Just(Physics::EXACT), Just(Physics::OPTIVERSE_034), Just(Physics::OPTIVERSE_027)];
    let intensity = prop_oneof![Just(0.0), Just(0.02), Just(0.6), Just(1.5)];
    let vertices = prop_oneof![1 => 0..300_usize, 4 => Just(20_000)];
    let length = prop_oneof![3 => Just(None), 1 => (1.0..200.0_f64).prop_map(Some)];
    (physics, 0..12_u32, intensity, vertices, length, 1..=3_usize).prop_map(
        |(physics, max_events, min_intensity, max_vertices, length_mm, threads)| TraceOptions {
            physics,
            max_events,
            min_intensity,
            length_mm,
            threads: Some(threads),
            max_vertices,
            ..TraceOptions::default()
        },
    )
}
