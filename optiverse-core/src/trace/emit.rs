//! The rays that leave the sources.

use glam::DVec2;
use num_complex::Complex64;

use super::{GaussianSources, HiddenItems, JonesLength, Physics, PointFan, TraceOptions};
use crate::optics::jones::{JonesVector, power, scaled};
use crate::optics::{Beam, OpticalSystem, Source, gaussian};

/// The rays of one source, and all that is the same for each of them.
pub(super) struct Fan<'a> {
    pub(super) source: &'a Source,
    /// The number of its first ray among the rays of all sources.
    first: u64,
    /// How far beside the middle of the source each ray begins, in mm.
    offsets: Steps,
    /// Its angle, counter-clockwise from the axis of the source; all are parallel to that where there are none.
    angles: Option<Steps>,
    pub(super) jones: JonesVector,
    /// Beam parameter and radius of a Gaussian beam.
    pub(super) beam: Option<(Complex64, f64)>,
    pub(super) length_mm: f64,
}

impl<'a> Fan<'a> {
    fn new(source: &'a Source, first: u64, options: &TraceOptions) -> Self {
        let physics = options.physics;
        let p = source.parameters();
        let sends = sent(source, physics);
        let count = ray_count(source, physics);
        let spread = p.spread_deg.to_radians();
        // A source of one ray sends that along its axis.
        let spreads = |by: f64| sends == Beam::Rays && p.n_rays > 1 && by != 0.0;
        let half_width = if spreads(p.size_mm) { 0.5 * p.size_mm } else { 0.0 };
        Fan {
            source,
            first,
            offsets: Steps::new(-half_width, half_width, count),
            angles: spreads(spread).then(|| Steps::new(-spread, spread, count)),
            jones: match physics.jones_length {
                JonesLength::Normalised => scaled(p.jones, 1.0 / power(p.jones).sqrt()),
                JonesLength::AsGiven => p.jones,
            },
            beam: match sends {
                Beam::Rays => None,
                Beam::Gaussian { waist_mm } => Some((gaussian::at_waist(waist_mm, p.wavelength_nm), waist_mm)),
            },
            length_mm: options.length_mm.unwrap_or(p.ray_length_mm),
        }
    }

    /// Where its ray of this number begins, and its direction.
    pub(super) fn ray(&self, number: u64) -> (DVec2, DVec2) {
        let direction = match &self.angles {
            None => self.source.axis(),
            Some(angles) => DVec2::from_angle(Source::axis_rad(self.source.parameters()) + angles.at(number)),
        };
        (self.source.position() + self.offsets.at(number) * direction.perp(), direction)
    }

    /// Number of its rays.
    fn count(&self) -> u64 {
        self.offsets.count
    }
}

/// All rays of a system, in the order of sources and of rays in a source.
pub(super) struct Emission<'a> {
    fans: Vec<Fan<'a>>,
}

impl<'a> Emission<'a> {
    pub(super) fn new(system: &'a OpticalSystem, options: &TraceOptions) -> Self {
        let shown = |source: &&Source| options.physics.hidden_items == HiddenItems::Traced || !source.is_hidden();
        let mut first = 0;
        let fans = system.sources().iter().filter(shown).map(|source| {
            let fan = Fan::new(source, first, options);
            first += fan.count();
            fan
        });
        Emission { fans: fans.collect() }
    }

    /// Number of rays of all sources.
    pub(super) fn len(&self) -> u64 {
        self.fans.last().map_or(0, |fan| fan.first + fan.count())
    }

    /// Each source that is shown, the number of its first ray, and how many it sends.
    pub(super) fn sources(&self) -> impl Iterator<Item = (&'a Source, u64, u64)> {
        self.fans.iter().map(|fan| (fan.source, fan.first, fan.count()))
    }

    /// The fan that a ray belongs to, and which of its rays it is.
    pub(super) fn fan_of(&self, ray: u64) -> (&Fan<'a>, u64) {
        let fan = &self.fans[self.fans.partition_point(|fan| fan.first <= ray) - 1];
        (fan, ray - fan.first)
    }
}

/// What a source sends out.
fn sent(source: &Source, physics: Physics) -> Beam {
    match physics.gaussian_sources {
        GaussianSources::Beam => source.parameters().beam,
        GaussianSources::Rays => Beam::Rays,
    }
}

fn ray_count(source: &Source, physics: Physics) -> u64 {
    let p = source.parameters();
    // A source has been checked: its number of rays is not negative.
    let rays = u64::try_from(p.n_rays).unwrap_or(0).max(1);
    match sent(source, physics) {
        Beam::Gaussian { .. } => 1,
        Beam::Rays if p.size_mm != 0.0 => rays,
        Beam::Rays => match physics.point_fan {
            PointFan::Fan if p.spread_deg != 0.0 => rays,
            PointFan::Fan | PointFan::FirstRay => 1,
        },
    }
}

/// Values from one to another in equal steps, both included; the first where there is one.
struct Steps {
    start: f64,
    stop: f64,
    step: f64,
    count: u64,
}

impl Steps {
    fn new(start: f64, stop: f64, count: u64) -> Self {
        Steps { start, stop, step: (stop - start) / count.saturating_sub(1).max(1) as f64, count }
    }

    fn at(&self, i: u64) -> f64 {
        // Not by steps, which are rounded.
        let is_last = i > 0 && i == self.count - 1;
        if is_last { self.stop } else { self.start + i as f64 * self.step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::SourceParameters;

    fn angles_and_heights(parameters: SourceParameters, physics: Physics) -> Vec<(f64, f64)> {
        let source = Source::new(parameters).unwrap();
        let system = OpticalSystem::new(vec![], vec![source], vec![], vec![]).unwrap();
        let emission = Emission::new(&system, &TraceOptions { physics, ..Default::default() });
        (0..emission.len())
            .map(|i| {
                let (fan, number) = emission.fan_of(i);
                let (position, direction) = fan.ray(number);
                (direction.y.atan2(direction.x).to_degrees(), position.y)
            })
            .collect()
    }

    fn fan(size_mm: f64, spread_deg: f64, n_rays: i64) -> SourceParameters {
        SourceParameters { size_mm, spread_deg, n_rays, ..Default::default() }
    }

    #[test]
    fn a_collimated_beam_spans_its_size() {
        let rays = angles_and_heights(fan(10.0, 0.0, 3), Physics::EXACT);
        assert_eq!(rays, [(0.0, -5.0), (0.0, 0.0), (0.0, 5.0)]);
    }

    #[test]
    fn a_point_source_sends_a_fan() {
        let rays = angles_and_heights(fan(0.0, 10.0, 3), Physics::EXACT);
        assert_eq!(rays.len(), 3);
        assert!((rays[0].0 + 10.0).abs() < 1e-12 && rays[1].0 == 0.0 && (rays[2].0 - 10.0).abs() < 1e-12);
        assert_eq!(angles_and_heights(fan(0.0, 0.0, 3), Physics::EXACT), [(0.0, 0.0)]);
    }

    #[test]
    fn a_point_source_of_the_app_sends_its_first_ray() {
        let rays = angles_and_heights(fan(0.0, 10.0, 3), Physics::OPTIVERSE_034);
        assert_eq!(rays.len(), 1);
        assert!((rays[0].0 + 10.0).abs() < 1e-12);
        assert_eq!(angles_and_heights(fan(0.0, 10.0, 1), Physics::OPTIVERSE_034), [(0.0, 0.0)]);
    }

    #[test]
    fn no_rays_means_one() {
        assert_eq!(angles_and_heights(fan(10.0, 5.0, 0), Physics::EXACT), [(0.0, 0.0)]);
        assert_eq!(angles_and_heights(fan(10.0, 5.0, 1), Physics::EXACT), [(0.0, 0.0)]);
    }
}
