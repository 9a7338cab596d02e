//! One source ray on its way, with everything it divides into.
//!
//! A walker never searches for surfaces: it is asked where its light goes on, and told what that meets. So a tracer has several under way
//! at once, and the search for one does not wait for the other.

use glam::DVec2;
use num_complex::Complex64;

use super::emit::Emitted;
use super::hit_rules::{Contact, STEP_MM};
use super::interact::{self, Child, Incident, Outcome};
use super::nearest_hit::Hit;
use super::options::{TraceControl, TraceOptions};
use super::paths::{Ending, Jones, RayPaths};
use super::vertices::{PathRecord, Vertex};
use super::{BeamMatrices, LengthBudget, Physics, PowerBalance, SelfHits, WeakRays};
use crate::optics::{OpticalSystem, Source, gaussian};

/// The smallest intensity of a child that Optiverse 0.3.4 follows.
const APP_WEAKEST: f64 = 0.02;

/// The length in mm that light has after each element in Optiverse 0.2.7.
const APP_STRETCH_MM: f64 = 1000.0;

/// What all walkers of a trace go by.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) system: &'a OpticalSystem,
    pub(super) options: &'a TraceOptions,
    pub(super) control: &'a TraceControl,
    /// Most vertices of a source ray.
    pub(super) max_vertices: usize,
}

/// Light on its way.
#[derive(Clone, Copy, Debug)]
struct Ray {
    position: DVec2,
    direction: DVec2,
    intensity: f64,
    jones: Jones,
    wavelength_nm: f64,
    q: Option<Complex64>,
    /// Index of the medium, as far as it is known.
    index: f64,
    remaining_mm: f64,
    optical_path_mm: f64,
    events: u32,
}

/// A path that is being traced.
#[derive(Clone, Copy, Debug)]
struct OpenPath {
    /// Where its vertices begin.
    start: usize,
    /// Its number among the branches of the source ray.
    branch: usize,
    parent_branch: Option<usize>,
    branch_vertex: usize,
}

/// A child that waits, with the way up to where it divided.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    ray: Ray,
    contact: Contact,
    beam_radius_mm: f64,
    prefix_len: usize,
    open: OpenPath,
}

/// No more room for vertices.
#[derive(Clone, Copy, Debug)]
struct Full;

/// The trace was cancelled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cancelled;

/// A closed path: where its vertices begin, and what it has besides them.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClosedPath {
    pub(super) start: usize,
    pub(super) record: PathRecord,
}

/// What a source ray and everything it divides into have become.
#[derive(Clone, Debug, Default)]
pub(super) struct Traced {
    pub(super) vertices: Vec<Vertex>,
    /// One after the other; parents are numbers of branches.
    pub(super) paths: Vec<ClosedPath>,
    /// The path each branch became; −1 for none.
    pub(super) branch_paths: Vec<i64>,
    pub(super) balance: PowerBalance,
    /// Whether the limit on vertices was reached.
    pub(super) cut: bool,
}

/// A source ray on its way; keeps its memory from one ray to the next.
#[derive(Debug)]
pub(super) struct Walker {
    ray: Ray,
    contact: Contact,
    open: OpenPath,
    waiting: Vec<Waiting>,
    /// What is the same for all paths of the source ray.
    common: PathRecord,
    traced: Traced,
}

/// Whether there is more light to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Going {
    /// Its light goes on, to the next surface.
    On,
    /// All paths are closed.
    Done,
}

impl Walker {
    pub(super) fn new() -> Self {
        Walker {
            ray: Ray {
                position: DVec2::ZERO,
                direction: DVec2::X,
                intensity: 0.0,
                jones: [Complex64::ZERO; 2],
                wavelength_nm: 0.0,
                q: None,
                index: 1.0,
                remaining_mm: 0.0,
                optical_path_mm: 0.0,
                events: 0,
            },
            contact: Contact::NONE,
            open: OpenPath { start: 0, branch: 0, parent_branch: None, branch_vertex: 0 },
            waiting: Vec::new(),
            common: PathRecord {
                rgba: [0; 4],
                wavelength_nm: 0.0,
                source_index: 0,
                ray_index: 0,
                parent: -1,
                branch_vertex: 0,
                ending: Ending::Left,
            },
            traced: Traced::default(),
        }
    }

    /// What has become of the source ray.
    pub(super) fn traced(&self) -> &Traced {
        &self.traced
    }

    /// Where the light is and where it goes.
    #[inline]
    pub(super) fn position_and_direction(&self) -> (DVec2, DVec2) {
        (self.ray.position, self.ray.direction)
    }

    /// The surfaces it has met where it is.
    #[inline]
    pub(super) fn contact(&self) -> Option<&Contact> {
        self.contact.met_any()
    }

    /// The light as it starts from where it is.
    pub(super) fn incident(&self) -> Incident {
        self.ray.incident()
    }

    /// Begins a source ray.
    pub(super) fn begin(
        &mut self,
        source: &Source,
        ray_index: u64,
        emitted: &Emitted,
        rules: &Rules<'_>,
    ) -> Result<Going, Cancelled> {
        let parameters = source.parameters();
        let [r, g, b] = parameters.rgb;
        self.common = PathRecord {
            rgba: [r, g, b, 0],
            wavelength_nm: parameters.wavelength_nm,
            source_index: source.index() as i64,
            ray_index: ray_index as i64,
            ..self.common
        };
        self.ray = Ray {
            position: emitted.position,
            direction: emitted.direction,
            intensity: 1.0,
            jones: emitted.jones,
            wavelength_nm: parameters.wavelength_nm,
            q: emitted.beam.map(|(q, _)| q),
            index: 1.0,
            remaining_mm: emitted.length_mm,
            optical_path_mm: 0.0,
            events: 0,
        };
        self.contact = Contact::NONE;
        self.open = OpenPath { start: 0, branch: 0, parent_branch: None, branch_vertex: 0 };
        self.waiting.clear();
        self.traced.vertices.clear();
        self.traced.paths.clear();
        self.traced.branch_paths.clear();
        self.traced.branch_paths.push(-1);
        self.traced.balance = PowerBalance { emitted: 1.0, ..PowerBalance::default() };
        self.traced.cut = false;
        let radius = emitted.beam.map_or(f64::NAN, |(_, radius)| radius);
        let room = self.push(emitted.position, radius, (-1, -1), rules);
        self.settle(room.map(|()| None), rules)
    }

    /// Takes the light to what it meets next, or to its end where that is nothing.
    pub(super) fn proceed(&mut self, found: Option<Hit>, rules: &Rules<'_>) -> Result<Going, Cancelled> {
        let ended = match found {
            Some(hit) if hit.distance <= self.ray.remaining_mm => self.meet(hit, rules),
            _ => {
                let ending = if found.is_some() { Ending::TooLong } else { Ending::Left };
                self.run_out(rules).map(|()| Some(ending))
            }
        };
        self.settle(ended, rules)
    }

    /// Closes paths that have ended, and goes on with the light that waits, until there is light that goes on.
    fn settle(&mut self, mut ended: Result<Option<Ending>, Full>, rules: &Rules<'_>) -> Result<Going, Cancelled> {
        loop {
            match ended.map(|ending| ending.or_else(|| self.exhausted(rules.options))) {
                Ok(None) if rules.control.is_cancelled() => return Err(Cancelled),
                Ok(None) => return Ok(Going::On),
                Ok(Some(ending)) => self.close(ending),
                Err(Full) => {
                    self.close(Ending::Limit);
                    self.traced.balance.limit += self.waiting.iter().map(|waiting| waiting.ray.intensity).sum::<f64>();
                    self.traced.cut = true;
                    return Ok(Going::Done);
                }
            }
            let Some(next) = self.waiting.pop() else { return Ok(Going::Done) };
            let from = next.open.start;
            self.open = OpenPath { start: self.traced.vertices.len(), ..next.open };
            self.ray = next.ray;
            self.contact = next.contact;
            ended = if self.open.start + next.prefix_len > rules.max_vertices {
                Err(Full)
            } else {
                self.traced.vertices.extend_from_within(from..from + next.prefix_len);
                self.show(self.ray.intensity, self.ray.jones, next.beam_radius_mm);
                Ok(None)
            };
        }
    }

    /// Why the light goes no further, where it does not.
    fn exhausted(&self, options: &TraceOptions) -> Option<Ending> {
        if self.ray.events >= options.max_events {
            Some(Ending::TooManyEvents)
        } else if self.ray.intensity < options.min_intensity {
            Some(Ending::TooWeak)
        } else if self.ray.remaining_mm <= 0.0 {
            Some(Ending::TooLong)
        } else {
            None
        }
    }

    /// The last stretch of light that meets nothing more within its length.
    fn run_out(&mut self, rules: &Rules<'_>) -> Result<(), Full> {
        let end = self.ray.position + self.ray.direction * self.ray.remaining_mm;
        self.travel(self.ray.remaining_mm, end, self.ray.index, rules)?;
        self.push(end, self.ray.beam_radius(), (-1, -1), rules)
    }

    /// Brings the light along free space of index `index` to `end`, with vertices in between where a Gaussian beam's envelope needs them.
    #[inline]
    fn travel(&mut self, distance: f64, end: DVec2, index: f64, rules: &Rules<'_>) -> Result<(), Full> {
        let start = self.traced.vertices.last().map_or(self.ray.position, |vertex| vertex.point);
        let optical_path = index * start.distance(end);
        if let Some(q) = self.ray.q {
            let reduced = match rules.options.physics.beam_matrices {
                BeamMatrices::Signed => distance / index,
                BeamMatrices::Unsigned => distance,
            };
            let begun_mm = self.ray.optical_path_mm;
            let count = gaussian::samples(q, reduced, self.ray.wavelength_nm);
            for k in 1..count {
                let part = f64::from(k) / f64::from(count);
                self.ray.optical_path_mm = begun_mm + optical_path * part;
                self.ray.q = Some(q + part * reduced);
                self.push(start + (end - start) * part, self.ray.beam_radius(), (-1, -1), rules)?;
            }
            self.ray.optical_path_mm = begun_mm;
            self.ray.q = Some(if reduced > 1e-12 { q + reduced } else { q });
        }
        self.ray.optical_path_mm += optical_path;
        Ok(())
    }

    /// Brings the light to a surface and lets them interact; the ending, where the path ends there.
    #[inline]
    fn meet(&mut self, hit: Hit, rules: &Rules<'_>) -> Result<Option<Ending>, Full> {
        let physics = rules.options.physics;
        let surface = &rules.system.surfaces()[hit.surface as usize];
        let mut incident = Incident { point: hit.point, ..self.ray.incident() };
        incident.index = interact::media(surface, &incident, physics).map_or(self.ray.index, |(near, _)| near);
        self.travel(hit.distance, hit.point, incident.index, rules)?;
        // Numbers of items and interfaces come from vectors in memory; the format of the result bounds them at 2³¹.
        self.push(hit.point, f64::NAN, (surface.item as i32, surface.interface as i32), rules)?;
        self.ray.remaining_mm -= hit.distance;
        self.ray.events += 1;
        let mut drawn_limit = f64::INFINITY;
        if let Some(q) = self.ray.q {
            let radius = gaussian::radius(q, self.ray.wavelength_nm);
            let (share, half) = interact::aperture(surface, &incident, radius, physics);
            self.traced.balance.clipped += self.ray.intensity * (1.0 - share);
            self.ray.intensity *= share;
            incident.intensity = self.ray.intensity;
            let clipped = half > 1e-12 && radius > half + 1e-9;
            incident.q = Some(if clipped { gaussian::with_radius(q, half, self.ray.wavelength_nm) } else { q });
            if physics.beam_matrices == BeamMatrices::Unsigned && half > 1e-12 {
                drawn_limit = half;
            }
        }
        self.contact.meet(self.ray.direction, hit.distance, hit.surface, surface.shape(), hit.point);

        let outcome = interact::interact(surface, &incident, physics);
        let before = self.ray.intensity;
        match outcome {
            Outcome::Blocked | Outcome::Absorbed => {
                // Where nothing leaves, the vertex shows the beam as it would have left.
                self.ray.q = incident.q;
                self.show(before, self.ray.jones, self.ray.beam_radius().min_or_nan(drawn_limit));
                Ok(Some(if matches!(outcome, Outcome::Blocked) { Ending::Blocked } else { Ending::Absorbed }))
            }
            Outcome::One { child, passed } => {
                self.traced.balance.absorbed += before * (1.0 - child.share);
                if child.share == 0.0 && physics.weak_rays == WeakRays::MinIntensity {
                    self.ray.q = child.q;
                    self.show(before, self.ray.jones, self.ray.beam_radius().min_or_nan(drawn_limit));
                    self.ray.intensity = 0.0; // already in the books
                    return Ok(Some(Ending::Absorbed));
                }
                self.go_on_as(&child, passed, hit.point, physics);
                self.show(self.ray.intensity, self.ray.jones, self.ray.beam_radius().min_or_nan(drawn_limit));
                Ok(None)
            }
            Outcome::Two { transmitted, reflected } => {
                let share = transmitted.share + reflected.share;
                self.traced.balance.absorbed += before * (1.0 - share);
                let transmitted_on = self.strong_enough(&transmitted, before, rules);
                let reflected_on = self.strong_enough(&reflected, before, rules);
                match (reflected_on, transmitted_on) {
                    (true, true) => {
                        let (ray, contact) = (self.ray, self.contact);
                        self.go_on_as(&transmitted, true, hit.point, physics);
                        self.divide(drawn_limit);
                        (self.ray, self.contact) = (ray, contact);
                        self.go_on_as(&reflected, false, hit.point, physics);
                    }
                    (true, false) => self.go_on_as(&reflected, false, hit.point, physics),
                    (false, true) => self.go_on_as(&transmitted, true, hit.point, physics),
                    (false, false) => {
                        self.ray.q = transmitted.q;
                        self.show(before, self.ray.jones, self.ray.beam_radius().min_or_nan(drawn_limit));
                        self.ray.intensity = 0.0; // already in the books
                        return Ok(Some(if share > 1e-12 { Ending::TooWeak } else { Ending::Absorbed }));
                    }
                }
                self.show(self.ray.intensity, self.ray.jones, self.ray.beam_radius().min_or_nan(drawn_limit));
                Ok(None)
            }
        }
    }

    /// The light leaves the surface at `point` as this child.
    #[inline]
    fn go_on_as(&mut self, child: &Child, passed: bool, point: DVec2, physics: Physics) {
        let ray = &mut self.ray;
        ray.position = match physics.self_hits {
            SelfHits::Geometric => point,
            SelfHits::StepAndSkip => point + child.direction * STEP_MM,
        };
        ray.direction = child.direction;
        ray.intensity *= child.share;
        ray.jones = child.jones;
        ray.q = child.q;
        ray.index = child.index;
        if physics.length_budget == LengthBudget::FirstStretch {
            ray.remaining_mm = APP_STRETCH_MM;
        }
        if passed {
            self.contact.pass();
        }
    }

    /// Whether a child of light of intensity `incident` is to be followed; its power is booked where it is not.
    fn strong_enough(&mut self, child: &Child, incident: f64, rules: &Rules<'_>) -> bool {
        let intensity = incident * child.share;
        let followed = match rules.options.physics.weak_rays {
            WeakRays::MinIntensity => intensity >= rules.options.min_intensity && intensity > 0.0,
            WeakRays::FixedShare => child.share > APP_WEAKEST / incident,
        };
        if !followed {
            self.traced.balance.too_weak += intensity;
        }
        followed
    }

    /// Puts the light aside; the present path will go on as a branch of its own.
    fn divide(&mut self, drawn_limit: f64) {
        let prefix_len = self.traced.vertices.len() - self.open.start;
        self.waiting.push(Waiting {
            ray: self.ray,
            contact: self.contact,
            beam_radius_mm: self.ray.beam_radius().min_or_nan(drawn_limit),
            prefix_len,
            open: self.open,
        });
        self.open.parent_branch = Some(self.open.branch);
        self.open.branch = self.traced.branch_paths.len();
        self.open.branch_vertex = prefix_len - 1;
        self.traced.branch_paths.push(-1);
    }

    #[inline]
    fn push(&mut self, point: DVec2, beam_radius_mm: f64, hit: (i32, i32), rules: &Rules<'_>) -> Result<(), Full> {
        if self.traced.vertices.len() >= rules.max_vertices {
            return Err(Full);
        }
        self.traced.vertices.push(Vertex {
            point,
            intensity: self.ray.intensity,
            jones: self.ray.jones,
            optical_path_mm: self.ray.optical_path_mm,
            beam_radius_mm,
            hit,
        });
        Ok(())
    }

    /// Sets what an interaction changes at the last vertex.
    #[inline]
    fn show(&mut self, intensity: f64, jones: Jones, beam_radius_mm: f64) {
        if let Some(last) = self.traced.vertices.last_mut() {
            *last = Vertex { intensity, jones, beam_radius_mm, ..*last };
        }
    }

    /// Ends the open path and books what is left of its power.
    fn close(&mut self, ending: Ending) {
        *self.traced.balance.of(ending) += self.ray.intensity;
        let open = self.open;
        if self.traced.vertices.len() < open.start + 2 {
            // One point is no path: the ray had no length, no events or no power to begin with.
            self.traced.vertices.truncate(open.start);
            return;
        }
        let [r, g, b, _] = self.common.rgba;
        let last = self.traced.vertices.last().map_or(0.0, |vertex| vertex.intensity);
        self.traced.branch_paths[open.branch] = self.traced.paths.len() as i64;
        self.traced.paths.push(ClosedPath {
            start: open.start,
            record: PathRecord {
                // The cast cuts, as the app's does.
                rgba: [r, g, b, (255.0 * last.clamp(0.0, 1.0)) as u8],
                parent: open.parent_branch.map_or(-1, |branch| branch as i64),
                branch_vertex: open.branch_vertex as i64,
                ending,
                ..self.common
            },
        });
    }
}

impl Ray {
    /// The light as it starts from the ray's position; a Gaussian beam's parameter is filled in where it meets a surface.
    #[inline]
    fn incident(&self) -> Incident {
        Incident {
            point: self.position,
            direction: self.direction,
            intensity: self.intensity,
            jones: self.jones,
            wavelength_nm: self.wavelength_nm,
            index: self.index,
            q: None,
        }
    }

    /// 1/e² radius in mm; NaN where it is no Gaussian beam.
    #[inline]
    fn beam_radius(&self) -> f64 {
        self.q.map_or(f64::NAN, |q| gaussian::radius(q, self.wavelength_nm))
    }
}

trait MinOrNan {
    /// The smaller one, NaN staying NaN.
    fn min_or_nan(self, other: f64) -> f64;
}

impl MinOrNan for f64 {
    #[inline]
    fn min_or_nan(self, other: f64) -> f64 {
        if self > other { other } else { self }
    }
}

impl RayPaths {
    /// Appends all paths of a source ray; its balance is the caller's to add.
    pub(super) fn push_traced(&mut self, traced: &Traced) {
        let (vertices, paths) = (self.vertex_count(), self.len() as i64);
        self.push_vertices(&traced.vertices);
        let ends = traced.paths.iter().skip(1).map(|path| path.start).chain([traced.vertices.len()]);
        for (path, end) in traced.paths.iter().zip(ends) {
            let branch = usize::try_from(path.record.parent).ok();
            let parent = branch.and_then(|branch| traced.branch_paths.get(branch)).filter(|&&parent| parent >= 0);
            self.push_path(
                vertices + end,
                PathRecord { parent: parent.map_or(-1, |parent| paths + parent), ..path.record },
            );
        }
    }
}
