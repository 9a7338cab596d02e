//! One source ray on its way, with everything it divides into.
//!
//! A walker never searches for surfaces: it is asked where its light goes on, and told what that meets. So a tracer has several under way
//! at once, and the search for one does not wait for the other.

use glam::DVec2;
use num_complex::Complex64;

use super::emit::Fan;
use super::hit_rules::{Contact, STEP_MM};
use super::interact::{self, Child, Frame, Light, Outcome};
use super::nearest_hit::{Hit, Start};
use super::options::{TraceControl, TraceOptions};
use super::paths::{Ending, RayPaths};
use super::vertices::{PathRecord, Vertex};
use super::{BeamMatrices, LengthBudget, Physics, PowerBalance, SelfHits, WeakRays};
use crate::optics::element::Element;
use crate::optics::{Surface, gaussian};

/// The smallest intensity of a child that Optiverse 0.3.4 follows.
const APP_WEAKEST: f64 = 0.02;

/// The length in mm that light has after each element in Optiverse 0.2.7.
const APP_STRETCH_MM: f64 = 1000.0;

/// Vertices for which a walker has room from the beginning, so that memory is asked for less often.
const FEW_VERTICES: usize = 12;

/// What all walkers of a trace go by.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) options: &'a TraceOptions,
    pub(super) control: &'a TraceControl,
    /// Most vertices of a source ray.
    pub(super) max_vertices: usize,
}

/// Light on its way, and how far it has come.
#[derive(Clone, Copy, Debug)]
struct Ray {
    light: Light,
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

/// A surface that light has met.
#[derive(Clone, Copy)]
struct Met<'a> {
    surface: &'a Surface,
    frame: Frame,
    point: DVec2,
    /// The radius in mm within which a Gaussian beam is drawn.
    drawn_limit: f64,
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
                light: Light {
                    position: DVec2::ZERO,
                    direction: DVec2::X,
                    intensity: 0.0,
                    jones: [Complex64::ZERO; 2],
                    wavelength_nm: 0.0,
                    index: 1.0,
                    q: None,
                },
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
            traced: Traced { vertices: Vec::with_capacity(FEW_VERTICES), ..Traced::default() },
        }
    }

    /// The memory that it keeps from one ray to the next, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.traced.vertices.capacity() * size_of::<Vertex>()
            + self.traced.paths.capacity() * size_of::<ClosedPath>()
            + self.traced.branch_paths.capacity() * size_of::<i64>()
            + self.waiting.capacity() * size_of::<Waiting>()
    }

    /// What has become of the source ray.
    pub(super) fn traced(&self) -> &Traced {
        &self.traced
    }

    /// Gives away what has become of the source ray, and takes memory for the next one.
    pub(super) fn give(&mut self, memory: &mut Traced) {
        std::mem::swap(&mut self.traced, memory);
    }

    /// Where its light goes on.
    #[inline]
    pub(super) fn start(&self) -> Start<'_> {
        Start { light: &self.ray.light, contact: &self.contact }
    }

    /// Begins a source ray.
    pub(super) fn begin(&mut self, fan: &Fan<'_>, number: u64, rules: &Rules<'_>) -> Result<Going, Cancelled> {
        let parameters = fan.source.parameters();
        let (position, direction) = fan.ray(number);
        let [r, g, b] = parameters.rgb;
        self.common = PathRecord {
            rgba: [r, g, b, 0],
            wavelength_nm: parameters.wavelength_nm,
            source_index: fan.source.index() as i64,
            ray_index: number as i64,
            ..self.common
        };
        self.ray = Ray {
            light: Light {
                position,
                direction,
                intensity: 1.0,
                jones: fan.jones,
                wavelength_nm: parameters.wavelength_nm,
                index: 1.0,
                q: fan.beam.map(|(q, _)| q),
            },
            remaining_mm: fan.length_mm,
            optical_path_mm: 0.0,
            events: 0,
        };
        self.contact.clear();
        self.open = OpenPath { start: 0, branch: 0, parent_branch: None, branch_vertex: 0 };
        self.waiting.clear();
        self.traced.vertices.clear();
        self.traced.paths.clear();
        self.traced.branch_paths.clear();
        self.traced.branch_paths.push(-1);
        self.traced.balance = PowerBalance { emitted: 1.0, ..PowerBalance::default() };
        self.traced.cut = false;
        let radius = fan.beam.map_or(f64::NAN, |(_, radius)| radius);
        let room = self.push(position, radius, rules);
        self.go_on(room.map(|()| None), rules)
    }

    /// Takes the light to what it meets next, or to its end where that is nothing.
    #[inline(always)]
    pub(super) fn proceed(&mut self, found: Option<Hit<'_>>, rules: &Rules<'_>) -> Result<Going, Cancelled> {
        let ended = match found {
            Some(hit) if hit.distance <= self.ray.remaining_mm => self.meet(hit, rules),
            _ => {
                let ending = if found.is_some() { Ending::TooLong } else { Ending::Left };
                self.run_out(rules).map(|()| Some(ending))
            }
        };
        self.go_on(ended, rules)
    }

    /// Goes on, as most light does, or settles what has ended.
    #[inline(always)]
    fn go_on(&mut self, ended: Result<Option<Ending>, Full>, rules: &Rules<'_>) -> Result<Going, Cancelled> {
        if matches!(ended, Ok(None)) && self.exhausted(rules.options).is_none() && !rules.control.is_cancelled() {
            return Ok(Going::On);
        }
        self.settle(ended, rules)
    }

    /// Closes paths that have ended, and goes on with the light that waits, until there is light that goes on.
    #[inline(never)]
    fn settle(&mut self, mut ended: Result<Option<Ending>, Full>, rules: &Rules<'_>) -> Result<Going, Cancelled> {
        loop {
            match ended.map(|ending| ending.or_else(|| self.exhausted(rules.options))) {
                Ok(None) if rules.control.is_cancelled() => return Err(Cancelled),
                Ok(None) => return Ok(Going::On),
                Ok(Some(ending)) => self.close(ending),
                Err(Full) => {
                    self.close(Ending::Limit);
                    self.traced.balance.limit +=
                        self.waiting.iter().map(|waiting| waiting.ray.light.intensity).sum::<f64>();
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
                self.show_as(next.beam_radius_mm);
                Ok(None)
            };
        }
    }

    /// Why the light goes no further, where it does not.
    #[inline(always)]
    fn exhausted(&self, options: &TraceOptions) -> Option<Ending> {
        if self.ray.events >= options.max_events {
            Some(Ending::TooManyEvents)
        } else if self.ray.light.intensity < options.min_intensity {
            Some(Ending::TooWeak)
        } else if self.ray.remaining_mm <= 0.0 {
            Some(Ending::TooLong)
        } else {
            None
        }
    }

    /// The last stretch of light that meets nothing more within its length.
    fn run_out(&mut self, rules: &Rules<'_>) -> Result<(), Full> {
        let end = self.ray.light.position + self.ray.light.direction * self.ray.remaining_mm;
        self.ray.light.position = end;
        self.travel(self.ray.remaining_mm, rules)?;
        self.push(end, self.beam_radius(), rules)
    }

    /// Brings the light along free space to its new position, with vertices in between where a Gaussian beam's envelope needs them.
    #[inline(always)]
    fn travel(&mut self, distance: f64, rules: &Rules<'_>) -> Result<(), Full> {
        let way = match rules.options.physics.self_hits {
            SelfHits::Geometric => distance,
            SelfHits::StepAndSkip => self.stretch().0.distance(self.ray.light.position),
        };
        let optical_path = self.ray.light.index * way;
        if let Some(q) = self.ray.light.q {
            self.spread(q, distance, optical_path, rules)?;
        }
        self.ray.optical_path_mm += optical_path;
        Ok(())
    }

    /// From the last vertex to where the light is.
    #[inline(always)]
    fn stretch(&self) -> (DVec2, DVec2) {
        let end = self.ray.light.position;
        (self.traced.vertices.last().map_or(end, |vertex| vertex.point), end)
    }

    /// Widens a Gaussian beam along its way.
    #[inline(never)]
    fn spread(&mut self, q: Complex64, distance: f64, optical_path: f64, rules: &Rules<'_>) -> Result<(), Full> {
        let (start, end) = self.stretch();
        let reduced = match rules.options.physics.beam_matrices {
            BeamMatrices::Signed => distance / self.ray.light.index,
            BeamMatrices::Unsigned => distance,
        };
        let begun_mm = self.ray.optical_path_mm;
        let count = gaussian::samples(q, reduced, self.ray.light.wavelength_nm);
        for k in 1..count {
            let part = f64::from(k) / f64::from(count);
            self.ray.optical_path_mm = begun_mm + optical_path * part;
            self.ray.light.q = Some(q + part * reduced);
            self.push(start + (end - start) * part, self.beam_radius(), rules)?;
        }
        self.ray.optical_path_mm = begun_mm;
        self.ray.light.q = Some(if reduced > 1e-12 { q + reduced } else { q });
        Ok(())
    }

    /// Brings the light to a surface and lets them interact; the ending, where the path ends there.
    #[inline(always)]
    fn meet(&mut self, hit: Hit<'_>, rules: &Rules<'_>) -> Result<Option<Ending>, Full> {
        let (physics, surface) = (rules.options.physics, hit.surface);
        self.ray.light.position = hit.point;
        let frame = interact::frame(surface, hit.reached, &self.ray.light, physics);
        self.ray.light.index = frame.near;
        self.travel(hit.distance, rules)?;
        self.check_room(rules)?;
        self.ray.remaining_mm -= hit.distance;
        self.ray.events += 1;
        let mut drawn_limit = f64::INFINITY;
        if let Some(q) = self.ray.light.q {
            drawn_limit = self.clip(q, surface, frame, physics);
        }
        self.contact.meet(self.ray.light.direction, &hit, surface.shape());
        let met = Met { surface, frame, point: hit.point, drawn_limit };
        // In line what most light meets. What is called out of line gets copies, here and below: what is not lent can stay in registers.
        Ok(match surface.element() {
            Element::Mirror(mirror) => self.follow(interact::mirrored(mirror, &self.ray.light, physics), &met, physics),
            Element::RefractiveInterface(_) => {
                self.become_of(interact::refract(&met.frame, &self.ray.light, physics), &met, rules)
            }
            _ => self.interact(met, rules),
        })
    }

    /// Cuts a Gaussian beam off at the aperture of a surface; the radius in mm within which it is drawn.
    #[inline(never)]
    fn clip(&mut self, q: Complex64, surface: &Surface, frame: Frame, physics: Physics) -> f64 {
        let light = &mut self.ray.light;
        let radius = gaussian::radius(q, light.wavelength_nm);
        let (share, half) = interact::aperture(surface, &frame, radius, physics);
        self.traced.balance.clipped += light.intensity * (1.0 - share);
        light.intensity *= share;
        if half > 1e-12 && radius > half + 1e-9 {
            light.q = Some(gaussian::with_radius(q, half, light.wavelength_nm));
        }
        if physics.beam_matrices == BeamMatrices::Unsigned && half > 1e-12 { half } else { f64::INFINITY }
    }

    /// The light goes on one way; the ending where nothing of it is left.
    #[inline(always)]
    fn follow(&mut self, child: Child, met: &Met<'_>, physics: Physics) -> Option<Ending> {
        self.traced.balance.absorbed += self.ray.light.intensity * (1.0 - child.share);
        if child.share == 0.0 && physics.weak_rays == WeakRays::MinIntensity {
            self.end_as(child, *met, physics);
            return Some(Ending::Absorbed);
        }
        self.go_on_as(&child, met, physics);
        self.push_met(met);
        None
    }

    /// The light meets any other element; the ending, where the path ends there.
    #[inline(never)]
    fn interact(&mut self, met: Met<'_>, rules: &Rules<'_>) -> Option<Ending> {
        let outcome = interact::interact(met.surface, &met.frame, &self.ray.light, rules.options.physics);
        self.become_of(outcome, &met, rules)
    }

    /// The light becomes what a surface makes of it; the ending, where the path ends there.
    #[inline(always)]
    fn become_of(&mut self, outcome: Outcome, met: &Met<'_>, rules: &Rules<'_>) -> Option<Ending> {
        let ending = match outcome {
            Outcome::One(child) => return self.follow(child, met, rules.options.physics),
            Outcome::Two { transmitted, reflected } => return self.divide(transmitted, reflected, met, rules),
            Outcome::Blocked => Ending::Blocked,
            Outcome::Absorbed => Ending::Absorbed,
        };
        self.push_met(met);
        Some(ending)
    }

    /// The light goes on both ways, as far as either is strong enough; the ending where neither is.
    #[inline(always)]
    fn divide(&mut self, transmitted: Child, reflected: Child, met: &Met<'_>, rules: &Rules<'_>) -> Option<Ending> {
        let physics = rules.options.physics;
        let before = self.ray.light.intensity;
        let share = transmitted.share + reflected.share;
        self.traced.balance.absorbed += before * (1.0 - share);
        let transmitted_on = self.strong_enough(transmitted.share, before, rules);
        let reflected_on = self.strong_enough(reflected.share, before, rules);
        match (reflected_on, transmitted_on) {
            (true, true) => self.put_aside(transmitted, *met, physics),
            (false, false) => {
                self.end_as(transmitted, *met, physics);
                return Some(if share > 1e-12 { Ending::TooWeak } else { Ending::Absorbed });
            }
            _ => {}
        }
        self.go_on_as(if reflected_on { &reflected } else { &transmitted }, met, physics);
        self.push_met(met);
        None
    }

    /// The light leaves the surface where it is as this child.
    #[inline(always)]
    fn go_on_as(&mut self, child: &Child, met: &Met<'_>, physics: Physics) {
        let light = &mut self.ray.light;
        interact::leave(light, child, met.surface, &met.frame, physics);
        if physics.self_hits == SelfHits::StepAndSkip {
            light.position += light.direction * STEP_MM;
        }
        if physics.length_budget == LengthBudget::FirstStretch {
            self.ray.remaining_mm = APP_STRETCH_MM;
        }
        if child.passes() {
            self.contact.pass();
        }
    }

    /// The light would leave as this child, but nothing of it is followed, and its power is in the books. The vertex shows the beam as it would have left.
    #[inline(never)]
    fn end_as(&mut self, child: Child, met: Met<'_>, physics: Physics) {
        let light = &mut self.ray.light;
        if let Some(q) = light.q {
            light.q = Some(interact::beam(q, child, met.surface, met.frame, light, physics));
        }
        self.push_met(&met);
        self.ray.light.intensity = 0.0;
    }

    /// Whether a child of this share of light of intensity `incident` is to be followed; its power is booked where it is not.
    #[inline(always)]
    fn strong_enough(&mut self, share: f64, incident: f64, rules: &Rules<'_>) -> bool {
        let intensity = incident * share;
        let followed = match rules.options.physics.weak_rays {
            WeakRays::MinIntensity => intensity >= rules.options.min_intensity && intensity > 0.0,
            WeakRays::FixedShare => share > APP_WEAKEST / incident,
        };
        if !followed {
            self.traced.balance.too_weak += intensity;
        }
        followed
    }

    /// Puts this child of the light aside; the present path will go on as a branch of its own.
    #[inline(never)]
    fn put_aside(&mut self, child: Child, met: Met<'_>, physics: Physics) {
        let (ray, contact) = (self.ray, self.contact);
        self.go_on_as(&child, &met, physics);
        // The vertex here is still to come.
        let prefix_len = self.traced.vertices.len() + 1 - self.open.start;
        self.waiting.push(Waiting {
            ray: self.ray,
            contact: self.contact,
            beam_radius_mm: self.beam_radius().min_or_nan(met.drawn_limit),
            prefix_len,
            open: self.open,
        });
        self.open.parent_branch = Some(self.open.branch);
        self.open.branch = self.traced.branch_paths.len();
        self.open.branch_vertex = prefix_len - 1;
        self.traced.branch_paths.push(-1);
        (self.ray, self.contact) = (ray, contact);
    }

    /// A vertex where the light is on its way, if there is room for it.
    fn push(&mut self, point: DVec2, beam_radius_mm: f64, rules: &Rules<'_>) -> Result<(), Full> {
        self.check_room(rules)?;
        self.push_vertex(point, beam_radius_mm, (-1, -1));
        Ok(())
    }

    /// The vertex where the light has met a surface, as it leaves there.
    #[inline(always)]
    fn push_met(&mut self, met: &Met<'_>) {
        let radius = self.beam_radius().min_or_nan(met.drawn_limit);
        // Numbers of items and interfaces come from vectors in memory; the format of the result bounds them at 2³¹.
        self.push_vertex(met.point, radius, (met.surface.item as i32, met.surface.interface as i32));
    }

    #[inline(always)]
    fn check_room(&self, rules: &Rules<'_>) -> Result<(), Full> {
        if self.traced.vertices.len() < rules.max_vertices { Ok(()) } else { Err(Full) }
    }

    #[inline(always)]
    fn push_vertex(&mut self, point: DVec2, beam_radius_mm: f64, hit: (i32, i32)) {
        self.traced.vertices.push(Vertex {
            point,
            intensity: self.ray.light.intensity,
            jones: self.ray.light.jones,
            optical_path_mm: self.ray.optical_path_mm,
            beam_radius_mm,
            hit,
        });
    }

    /// Sets what an interaction changes at the last vertex, from the light.
    fn show_as(&mut self, beam_radius_mm: f64) {
        let light = &self.ray.light;
        if let Some(last) = self.traced.vertices.last_mut() {
            *last = Vertex { intensity: light.intensity, jones: light.jones, beam_radius_mm, ..*last };
        }
    }

    /// 1/e² radius in mm; NaN where the light is no Gaussian beam.
    #[inline(always)]
    fn beam_radius(&self) -> f64 {
        self.ray.light.q.map_or(f64::NAN, |q| gaussian::radius(q, self.ray.light.wavelength_nm))
    }

    /// Ends the open path and books what is left of its power.
    fn close(&mut self, ending: Ending) {
        *self.traced.balance.of(ending) += self.ray.light.intensity;
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
