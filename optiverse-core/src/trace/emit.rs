//! The rays that leave the sources.

use glam::DVec2;
use num_complex::Complex64;

use super::{GaussianSources, HiddenItems, JonesLength, Physics, PointFan, TraceOptions};
use crate::optics::jones::{JonesVector, power, scaled};
use crate::optics::{Beam, OpticalSystem, Source, gaussian};

/// A ray as it leaves its source.
pub(super) struct Emitted {
    pub(super) position: DVec2,
    pub(super) direction: DVec2,
    pub(super) jones: JonesVector,
    /// Beam parameter and radius of a Gaussian beam.
    pub(super) beam: Option<(Complex64, f64)>,
    pub(super) length_mm: f64,
}

/// All rays of a system, in the order of sources and of rays in a source.
pub(super) struct Emission<'a> {
    sources: Vec<&'a Source>,
    /// The number of the first ray of each source, and of all rays behind the last.
    first: Vec<u64>,
    physics: Physics,
    length_mm: Option<f64>,
}

impl<'a> Emission<'a> {
    pub(super) fn new(system: &'a OpticalSystem, options: &TraceOptions) -> Self {
        let physics = options.physics;
        let shown = |source: &&Source| physics.hidden_items == HiddenItems::Traced || !source.is_hidden();
        let sources: Vec<&Source> = system.sources().iter().filter(shown).collect();
        let mut first = vec![0];
        for source in &sources {
            first.push(first[first.len() - 1] + ray_count(source, physics));
        }
        Emission { sources, first, physics, length_mm: options.length_mm }
    }

    /// Number of rays of all sources.
    pub(super) fn len(&self) -> u64 {
        self.first[self.first.len() - 1]
    }

    /// Each source that is shown, the number of its first ray, and how many it sends.
    pub(super) fn sources(&self) -> impl Iterator<Item = (&'a Source, u64, u64)> {
        self.sources.iter().zip(self.first.windows(2)).map(|(&source, rays)| (source, rays[0], rays[1] - rays[0]))
    }

    /// Source of a ray, and which of the source's rays it is.
    pub(super) fn source_of(&self, ray: u64) -> (&'a Source, u64) {
        let at = self.first.partition_point(|&first| first <= ray) - 1;
        (self.sources[at], ray - self.first[at])
    }

    /// Ray number `ray` of `source`.
    pub(super) fn emit(&self, source: &Source, ray: u64) -> Emitted {
        let p = source.parameters();
        let spread = p.spread_deg.to_radians();
        let (mut offset, mut direction) = (0.0, source.axis());
        let sends = sent(source, self.physics);
        if sends == Beam::Rays && p.n_rays > 1 {
            let count = ray_count(source, self.physics);
            if p.size_mm != 0.0 {
                offset = linspace(-0.5 * p.size_mm, 0.5 * p.size_mm, count, ray);
            }
            if spread != 0.0 {
                direction = DVec2::from_angle(Source::axis_rad(p) + linspace(-spread, spread, count, ray));
            }
        }
        let jones = match self.physics.jones_length {
            JonesLength::Normalised => scaled(p.jones, 1.0 / power(p.jones).sqrt()),
            JonesLength::AsGiven => p.jones,
        };
        let beam = match sends {
            Beam::Rays => None,
            Beam::Gaussian { waist_mm } => Some((gaussian::at_waist(waist_mm, p.wavelength_nm), waist_mm)),
        };
        Emitted {
            position: source.position() + offset * direction.perp(),
            direction,
            jones,
            beam,
            length_mm: self.length_mm.unwrap_or(p.ray_length_mm),
        }
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

/// Value `i` of `count` values from `start` to `stop`, both included; `start` where there is one.
fn linspace(start: f64, stop: f64, count: u64, i: u64) -> f64 {
    if count < 2 {
        return start;
    }
    if i == count - 1 {
        return stop;
    }
    start + i as f64 * ((stop - start) / (count - 1) as f64)
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
                let (source, ray) = emission.source_of(i);
                let e = emission.emit(source, ray);
                (e.direction.y.atan2(e.direction.x).to_degrees(), e.position.y)
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
