//! Follows one source ray, with everything it divides into, to the end.

use glam::DVec2;
use num_complex::Complex64;

use super::emit::Emitted;
use super::hit_rules::{Contact, STEP_MM};
use super::interact::{self, Child, Incident, Outcome};
use super::nearest_hit::{Hit, NearestHit};
use super::options::{TraceControl, TraceOptions};
use super::paths::{Ending, Jones, RayPaths};
use super::vertices::{PathRecord, Vertex};
use super::{BeamMatrices, LengthBudget, SelfHits, WeakRays};
use crate::optics::{OpticalSystem, Source, Surface, gaussian};

/// The smallest intensity of a child that Optiverse 0.3.4 follows.
const APP_WEAKEST: f64 = 0.02;

/// The length in mm that light has after each element in Optiverse 0.2.7.
const APP_STRETCH_MM: f64 = 1000.0;

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
    contact: Option<Contact>,
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
    beam_radius_mm: f64,
    prefix_start: usize,
    prefix_len: usize,
    branch: usize,
    parent_branch: Option<usize>,
    branch_vertex: usize,
}

/// Traces source rays one after the other into one result.
pub(super) struct Tracer<'a> {
    system: &'a OpticalSystem,
    options: &'a TraceOptions,
    control: &'a TraceControl,
    nearest: NearestHit<'a>,
    waiting: Vec<Waiting>,
    /// The path each branch of the present source ray became.
    branch_paths: Vec<i64>,
    /// Most vertices in `paths`.
    max_vertices: usize,
    pub(super) paths: RayPaths,
}

/// Why tracing a source ray stopped early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// It was cancelled.
    Cancelled,
    /// The limit on vertices was reached.
    Limit,
}

impl<'a> Tracer<'a> {
    pub(super) fn new(
        system: &'a OpticalSystem,
        options: &'a TraceOptions,
        control: &'a TraceControl,
        max_vertices: usize,
    ) -> Self {
        Tracer {
            system,
            options,
            control,
            nearest: NearestHit::new(system, options.physics, options.smallest_hit_mm),
            waiting: Vec::new(),
            branch_paths: Vec::new(),
            max_vertices,
            paths: RayPaths::empty(),
        }
    }

    /// Traces one source ray and all it divides into.
    pub(super) fn trace_ray(&mut self, source: &Source, ray_index: u64, emitted: Emitted) -> Result<(), Stopped> {
        let first_path = self.paths.len();
        self.branch_paths.clear();
        self.waiting.clear();
        self.paths.balance.emitted += 1.0;
        let ray = Ray {
            position: emitted.position,
            direction: emitted.direction,
            intensity: 1.0,
            jones: emitted.jones,
            wavelength_nm: source.parameters().wavelength_nm,
            q: emitted.beam.map(|(q, _)| q),
            index: 1.0,
            remaining_mm: emitted.length_mm,
            optical_path_mm: 0.0,
            events: 0,
            contact: None,
        };
        let radius = emitted.beam.map_or(f64::NAN, |(_, radius)| radius);
        let result = self.trace_branches(ray, radius, source, ray_index);
        for path in first_path..self.paths.len() {
            // Until here a parent is the number of a branch.
            let parent = &mut self.paths.parents[path];
            *parent = usize::try_from(*parent).ok().and_then(|b| self.branch_paths.get(b).copied()).unwrap_or(-1);
        }
        result
    }

    fn trace_branches(&mut self, mut ray: Ray, radius: f64, source: &Source, ray_index: u64) -> Result<(), Stopped> {
        let mut open = OpenPath { start: self.paths.vertex_count(), branch: 0, parent_branch: None, branch_vertex: 0 };
        self.branch_paths.push(-1);
        let mut room = self.push(ray.position, &ray, radius, (-1, -1));
        loop {
            let ended = room.and_then(|()| self.follow(&mut ray, &mut open));
            self.close(&open, &ray, ended.unwrap_or(Ending::Limit), source, ray_index);
            if let Err(stopped) = ended {
                self.paths.balance.limit += self.waiting.iter().map(|waiting| waiting.ray.intensity).sum::<f64>();
                return Err(stopped);
            }
            let Some(next) = self.waiting.pop() else { return Ok(()) };
            open = OpenPath {
                start: self.paths.vertex_count(),
                branch: next.branch,
                parent_branch: next.parent_branch,
                branch_vertex: next.branch_vertex,
            };
            ray = next.ray;
            room = if open.start + next.prefix_len > self.max_vertices {
                Err(Stopped::Limit)
            } else {
                self.paths.repeat_vertices(next.prefix_start, next.prefix_len);
                self.paths.set_last(ray.intensity, ray.jones, next.beam_radius_mm);
                Ok(())
            };
        }
    }

    /// Follows a ray until its path ends; where it divides, the reflected light goes on and the transmitted light waits.
    fn follow(&mut self, ray: &mut Ray, open: &mut OpenPath) -> Result<Ending, Stopped> {
        loop {
            if self.control.is_cancelled() {
                return Err(Stopped::Cancelled);
            }
            if ray.events >= self.options.max_events {
                return Ok(Ending::TooManyEvents);
            }
            if ray.intensity < self.options.min_intensity {
                return Ok(Ending::TooWeak);
            }
            if ray.remaining_mm <= 0.0 {
                return Ok(Ending::TooLong);
            }
            let found = self.nearest.find(&ray.incident(), ray.contact.as_ref());
            let Some(hit) = found.filter(|hit| hit.distance <= ray.remaining_mm) else {
                self.run_out(ray)?;
                return Ok(if found.is_some() { Ending::TooLong } else { Ending::Left });
            };
            // The system outlives the tracer: its surface can be held while the tracer changes.
            let system: &'a OpticalSystem = self.system;
            let surface = &system.surfaces()[hit.surface as usize];
            if let Some(ending) = self.meet(ray, hit, surface, open)? {
                return Ok(ending);
            }
        }
    }

    /// The last stretch of a ray that meets nothing more within its length.
    fn run_out(&mut self, ray: &mut Ray) -> Result<(), Stopped> {
        let end = ray.position + ray.direction * ray.remaining_mm;
        self.travel(ray, ray.remaining_mm, end, ray.index)?;
        self.push(end, ray, ray.beam_radius(), (-1, -1))
    }

    /// Brings a ray along free space of index `index` to `end`, with vertices in between where a Gaussian beam's envelope needs them.
    fn travel(&mut self, ray: &mut Ray, distance: f64, end: DVec2, index: f64) -> Result<(), Stopped> {
        let start = self.paths.points.last().copied().unwrap_or(ray.position);
        let optical_path = index * start.distance(end);
        if let Some(q) = ray.q {
            let reduced = match self.options.physics.beam_matrices {
                BeamMatrices::Signed => distance / index,
                BeamMatrices::Unsigned => distance,
            };
            let count = gaussian::samples(q, reduced, ray.wavelength_nm);
            for k in 1..count {
                let part = f64::from(k) / f64::from(count);
                let sample = Ray {
                    optical_path_mm: ray.optical_path_mm + optical_path * part,
                    q: Some(q + part * reduced),
                    ..*ray
                };
                self.push(start + (end - start) * part, &sample, sample.beam_radius(), (-1, -1))?;
            }
            if reduced > 1e-12 {
                ray.q = Some(q + reduced);
            }
        }
        ray.optical_path_mm += optical_path;
        Ok(())
    }

    /// Brings a ray to a surface and lets them interact; the ending, where the path ends there.
    fn meet(
        &mut self,
        ray: &mut Ray,
        hit: Hit,
        surface: &Surface,
        open: &mut OpenPath,
    ) -> Result<Option<Ending>, Stopped> {
        let physics = self.options.physics;
        let mut incident = Incident { point: hit.point, ..ray.incident() };
        incident.index = interact::media(surface, &incident, physics).map_or(ray.index, |(near, _)| near);
        self.travel(ray, hit.distance, hit.point, incident.index)?;
        // Numbers of items and interfaces come from vectors in memory; the format of the result bounds them at 2³¹.
        let hit_ids = (surface.item as i32, surface.interface as i32);
        self.push(hit.point, ray, f64::NAN, hit_ids)?;
        ray.remaining_mm -= hit.distance;
        ray.events += 1;
        let mut drawn_limit = f64::INFINITY;
        if let Some(q) = ray.q {
            let radius = gaussian::radius(q, ray.wavelength_nm);
            let (share, half) = interact::aperture(surface, &incident, radius, physics);
            self.paths.balance.clipped += ray.intensity * (1.0 - share);
            ray.intensity *= share;
            incident.intensity = ray.intensity;
            let clipped = half > 1e-12 && radius > half + 1e-9;
            incident.q = Some(if clipped { gaussian::with_radius(q, half, ray.wavelength_nm) } else { q });
            if physics.beam_matrices == BeamMatrices::Unsigned && half > 1e-12 {
                drawn_limit = half;
            }
        }

        let contact = match ray.contact {
            Some(contact) if contact.reaches(hit.distance) => {
                contact.and(ray.direction, hit.surface, surface.shape(), hit.point)
            }
            _ => Contact::new(ray.direction, hit.distance, hit.surface, surface.shape(), hit.point),
        };
        let before = *ray;
        let leave = |child: &Child, passed: bool| Ray {
            position: match physics.self_hits {
                SelfHits::Geometric => hit.point,
                SelfHits::StepAndSkip => hit.point + child.direction * STEP_MM,
            },
            direction: child.direction,
            intensity: before.intensity * child.share,
            jones: child.jones,
            q: child.q,
            index: child.index,
            remaining_mm: match physics.length_budget {
                LengthBudget::Path => before.remaining_mm,
                LengthBudget::FirstStretch => APP_STRETCH_MM,
            },
            contact: Some(if passed { contact.passed() } else { contact }),
            ..before
        };
        let outcome = interact::interact(surface, &incident, physics);
        // Where nothing leaves, the vertex shows the beam as it would have left.
        let shown = match &outcome {
            Outcome::One { child, .. } | Outcome::Two { transmitted: child, .. } => child.q,
            Outcome::Blocked | Outcome::Absorbed => incident.q,
        };
        let radius = Ray { q: shown, ..before }.beam_radius().min_or_nan(drawn_limit);
        self.paths.set_last(before.intensity, before.jones, radius);

        match outcome {
            Outcome::Blocked => Ok(Some(Ending::Blocked)),
            Outcome::Absorbed => Ok(Some(Ending::Absorbed)),
            Outcome::One { child, passed } => {
                self.paths.balance.absorbed += before.intensity * (1.0 - child.share);
                if child.share == 0.0 && physics.weak_rays == WeakRays::MinIntensity {
                    ray.intensity = 0.0; // already in the books
                    return Ok(Some(Ending::Absorbed));
                }
                *ray = leave(&child, passed);
                self.paths.set_last(ray.intensity, ray.jones, ray.beam_radius().min_or_nan(drawn_limit));
                Ok(None)
            }
            Outcome::Two { transmitted, reflected } => {
                let share = transmitted.share + reflected.share;
                self.paths.balance.absorbed += before.intensity * (1.0 - share);
                let transmitted = self.strong_enough(leave(&transmitted, true), transmitted.share, before.intensity);
                let reflected = self.strong_enough(leave(&reflected, false), reflected.share, before.intensity);
                *ray = match (reflected, transmitted) {
                    (Some(reflected), Some(transmitted)) => {
                        self.divide(&transmitted, transmitted.beam_radius().min_or_nan(drawn_limit), open);
                        reflected
                    }
                    (Some(only), None) | (None, Some(only)) => only,
                    (None, None) => {
                        ray.intensity = 0.0; // already in the books
                        return Ok(Some(if share > 1e-12 { Ending::TooWeak } else { Ending::Absorbed }));
                    }
                };
                self.paths.set_last(ray.intensity, ray.jones, ray.beam_radius().min_or_nan(drawn_limit));
                Ok(None)
            }
        }
    }

    /// The child where it is to be followed; its power is booked where it is not.
    fn strong_enough(&mut self, child: Ray, share: f64, incident: f64) -> Option<Ray> {
        let followed = match self.options.physics.weak_rays {
            WeakRays::MinIntensity => child.intensity >= self.options.min_intensity && child.intensity > 0.0,
            WeakRays::FixedShare => share > APP_WEAKEST / incident,
        };
        if followed {
            return Some(child);
        }
        self.paths.balance.too_weak += child.intensity;
        None
    }

    /// Puts the transmitted light aside; the present path goes on as the reflected light, a branch of its own.
    fn divide(&mut self, transmitted: &Ray, beam_radius_mm: f64, open: &mut OpenPath) {
        let prefix_len = self.paths.vertex_count() - open.start;
        self.waiting.push(Waiting {
            ray: *transmitted,
            beam_radius_mm,
            prefix_start: open.start,
            prefix_len,
            branch: open.branch,
            parent_branch: open.parent_branch,
            branch_vertex: open.branch_vertex,
        });
        open.parent_branch = Some(open.branch);
        open.branch = self.branch_paths.len();
        open.branch_vertex = prefix_len - 1;
        self.branch_paths.push(-1);
    }

    fn push(&mut self, point: DVec2, ray: &Ray, beam_radius_mm: f64, hit: (i32, i32)) -> Result<(), Stopped> {
        if self.paths.vertex_count() >= self.max_vertices {
            return Err(Stopped::Limit);
        }
        self.paths.push_vertex(Vertex {
            point,
            intensity: ray.intensity,
            jones: ray.jones,
            optical_path_mm: ray.optical_path_mm,
            beam_radius_mm,
            hit,
        });
        Ok(())
    }

    /// Ends the open path and books what is left of its power.
    fn close(&mut self, open: &OpenPath, ray: &Ray, ending: Ending, source: &Source, ray_index: u64) {
        let balance = &mut self.paths.balance;
        *match ending {
            Ending::Left => &mut balance.left,
            Ending::Absorbed => &mut balance.absorbed,
            Ending::Blocked => &mut balance.blocked,
            Ending::TooWeak => &mut balance.too_weak,
            Ending::TooManyEvents => &mut balance.too_many_events,
            Ending::TooLong => &mut balance.too_long,
            Ending::Limit => &mut balance.limit,
        } += ray.intensity;
        if self.paths.vertex_count() < open.start + 2 {
            // One point is no path: the ray had no length, no events or no power to begin with.
            self.paths.truncate_vertices(open.start);
            return;
        }
        let [r, g, b] = source.parameters().rgb;
        let last = self.paths.intensities.last().copied().unwrap_or(0.0);
        self.branch_paths[open.branch] = self.paths.len() as i64;
        self.paths.push_path(PathRecord {
            // The cast cuts, as the app's does.
            rgba: [r, g, b, (255.0 * last.clamp(0.0, 1.0)) as u8],
            wavelength_nm: source.parameters().wavelength_nm,
            source_index: source.index() as i64,
            ray_index: ray_index as i64,
            parent: open.parent_branch.map_or(-1, |branch| branch as i64),
            branch_vertex: open.branch_vertex as i64,
            ending,
        });
    }
}

impl Ray {
    /// The light as it starts from the ray's position; a Gaussian beam's parameter is filled in where it meets a surface.
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
    fn beam_radius(&self) -> f64 {
        self.q.map_or(f64::NAN, |q| gaussian::radius(q, self.wavelength_nm))
    }
}

trait MinOrNan {
    /// The smaller one, NaN staying NaN.
    fn min_or_nan(self, other: f64) -> f64;
}

impl MinOrNan for f64 {
    fn min_or_nan(self, other: f64) -> f64 {
        if self > other { other } else { self }
    }
}
