//! Paths as a table with one row for each vertex.

use std::borrow::Cow;

use super::number::{push_float, push_integer};
use crate::trace::RayPaths;

/// The columns, with the line's end.
const HEADER: &str = "path,vertex,x_mm,y_mm,intensity,jones_h_re,jones_h_im,jones_v_re,jones_v_im,optical_path_mm,\
    beam_radius_mm,item,interface,source,source_index,ray_index,wavelength_nm,parent,branch_vertex,ending\n";

/// All paths as CSV (RFC 4180, lines ending in a line feed, UTF-8), one row for each vertex below a row of names.
///
/// | column | |
/// |---|---|
/// | `path`, `vertex` | number of the path, and of the vertex in it, from 0 |
/// | `x_mm`, `y_mm` | position, y up |
/// | `intensity` | power as a share of the ray that left the source |
/// | `jones_h_re` … `jones_v_im` | Jones vector: h in the plane of the layout, v out of it |
/// | `optical_path_mm` | from the source |
/// | `beam_radius_mm` | 1/e² radius; empty for rays |
/// | `item`, `interface` | id and interface of the surface met; empty where the vertex is at none |
/// | `source`, `source_index` | id of the source, and its place in the file |
/// | `ray_index` | ray of that source |
/// | `wavelength_nm` | in vacuum |
/// | `parent`, `branch_vertex` | path this one divided from, and vertex (in this path) at which; `parent` is empty for none |
/// | `ending` | how the path ended: [`Ending::name`](crate::trace::Ending::name) |
///
/// The columns from `source` on are the same in every row of a path, so that a table can be grouped and filtered by them. Numbers are
/// the shortest that read back as the same double; pandas does so with `float_precision="round_trip"`.
#[must_use]
pub fn csv(paths: &RayPaths) -> String {
    // About what a row takes.
    let mut out = String::with_capacity(HEADER.len() + 180 * paths.vertex_count());
    out.push_str(HEADER);
    let items: Vec<Cow<'_, str>> = paths.items().iter().map(|item| field(item.as_str())).collect();
    let sources: Vec<Cow<'_, str>> = paths.source_items().iter().map(|item| field(item.as_str())).collect();
    let mut of_path = String::new();
    for path in paths.iter() {
        of_path.clear();
        of_path.push(',');
        of_path.push_str(sources.get(path.source_index()).map_or("", |source| source));
        for value in [paths.source_indices()[path.index()], paths.ray_indices()[path.index()]] {
            of_path.push(',');
            push_integer(&mut of_path, value);
        }
        of_path.push(',');
        push_float(&mut of_path, path.wavelength_nm(), "");
        of_path.push(',');
        if path.parent().is_some() {
            push_integer(&mut of_path, paths.parents()[path.index()]);
        }
        of_path.push(',');
        push_integer(&mut of_path, paths.branch_vertices()[path.index()]);
        of_path.push(',');
        of_path.push_str(path.ending().name());
        of_path.push('\n');

        for (vertex, at) in path.vertices().enumerate() {
            // Indices in memory fit.
            push_integer(&mut out, path.index() as i64);
            out.push(',');
            push_integer(&mut out, vertex as i64);
            let (point, [h, v]) = (paths.points()[at], paths.jones()[at]);
            let (intensity, optical_path) = (paths.intensities()[at], paths.optical_paths_mm()[at]);
            for value in [point.x, point.y, intensity, h.re, h.im, v.re, v.im, optical_path, paths.beam_radii_mm()[at]]
            {
                out.push(',');
                push_float(&mut out, value, "");
            }
            out.push(',');
            if let Ok(item) = usize::try_from(paths.hit_items()[at]) {
                out.push_str(items.get(item).map_or("", |item| item));
            }
            out.push(',');
            if paths.hit_interfaces()[at] >= 0 {
                push_integer(&mut out, paths.hit_interfaces()[at]);
            }
            out.push_str(&of_path);
        }
    }
    out
}

/// A field, in quotes where it must be (RFC 4180, section 2). An empty text stands in quotes too, which tells it from a missing one.
fn field(text: &str) -> Cow<'_, str> {
    if text.is_empty() || text.contains(['"', ',', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(text)
    }
}
