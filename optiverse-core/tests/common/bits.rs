//! Results as bits, for comparisons to the last one.

use std::collections::BTreeMap;

use optiverse_core::trace::{PowerBalance, RayPath, RayPaths};

/// Every number of a result, as bits.
pub(crate) fn bits(paths: &RayPaths) -> Vec<u64> {
    let floats = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let whole = |values: &[i64]| values.iter().map(|v| *v as u64).collect::<Vec<_>>();
    let mut all: Vec<u64> = paths.points().iter().flat_map(|p| [p.x.to_bits(), p.y.to_bits()]).collect();
    all.extend(floats(paths.intensities()));
    all.extend(paths.jones().iter().flatten().flat_map(|z| [z.re.to_bits(), z.im.to_bits()]));
    all.extend(floats(paths.optical_paths_mm()));
    all.extend(floats(paths.beam_radii_mm()));
    all.extend(paths.hit_items().iter().chain(paths.hit_interfaces()).map(|v| *v as u64));
    for values in
        [paths.offsets(), paths.source_indices(), paths.ray_indices(), paths.parents(), paths.branch_vertices()]
    {
        all.extend(whole(values));
    }
    all.extend(floats(paths.wavelengths_nm()));
    all.extend(paths.rgba().iter().map(|c| u64::from(u32::from_le_bytes(*c))));
    all.extend(paths.endings().iter().map(|ending| *ending as u64));
    all.extend(floats(&shares(paths.power_balance())));
    all.push(paths.power_balance().emitted.to_bits());
    all.push(u64::from(paths.is_truncated()));
    all
}

pub(crate) fn shares(b: &PowerBalance) -> [f64; 8] {
    [b.left, b.absorbed, b.blocked, b.clipped, b.too_weak, b.too_many_events, b.too_long, b.limit]
}

/// All that can be told about a path but its place, as bits.
fn path_bits(path: &RayPath<'_>, first: usize) -> Vec<u64> {
    let mut all: Vec<u64> = path.points().iter().flat_map(|p| [p.x.to_bits(), p.y.to_bits()]).collect();
    for numbers in [path.intensities(), path.optical_paths_mm(), path.beam_radii_mm()] {
        all.extend(numbers.iter().map(|number| number.to_bits()));
    }
    all.extend(path.jones().iter().flatten().flat_map(|z| [z.re.to_bits(), z.im.to_bits()]));
    let hits = (0..path.points().len()).map(|vertex| path.hit(vertex));
    all.extend(hits.flat_map(|hit| {
        hit.map_or(vec![u64::MAX], |(item, interface)| {
            item.bytes().map(u64::from).chain([interface as u64]).collect::<Vec<_>>()
        })
    }));
    all.push(path.parent().map_or(u64::MAX, |parent| (parent - first) as u64));
    all.extend([path.branch_vertex() as u64, path.ending() as u64, path.wavelength_nm().to_bits()]);
    all.extend(path.rgba().map(u64::from));
    all
}

/// The paths of each ray, by the number of the source and of its ray.
pub(crate) fn by_ray(paths: &RayPaths) -> BTreeMap<(usize, u64), Vec<Vec<u64>>> {
    let mut rays: BTreeMap<(usize, u64), Vec<RayPath<'_>>> = BTreeMap::new();
    for path in paths.iter() {
        let ray = u64::try_from(paths.ray_indices()[path.index()]).unwrap();
        rays.entry((path.source_index(), ray)).or_default().push(path);
    }
    let bits = |paths: &Vec<RayPath<'_>>| paths.iter().map(|path| path_bits(path, paths[0].index())).collect();
    rays.iter().map(|(ray, paths)| (*ray, bits(paths))).collect()
}
