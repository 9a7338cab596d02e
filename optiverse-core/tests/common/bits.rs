//! Results as bits, for comparisons to the last one.

use optiverse_core::trace::{PowerBalance, RayPaths};

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
