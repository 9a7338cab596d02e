//! Paths as JSON.

use glam::DVec2;

use super::number::{push_float, push_integer};
use crate::scene::{ItemId, Value};
use crate::trace::{PowerBalance, RayPaths};

/// All paths as one JSON object of flat arrays, the arrays of [`RayPaths`] as they are, under the names of the Python package.
///
/// | key | value |
/// |---|---|
/// | `points` | [[x, y], …] in mm, y up, one for each vertex |
/// | `intensities` | one for each vertex |
/// | `jones` | [[h re, h im, v re, v im], …] for each vertex |
/// | `optical_path_mm` | one for each vertex |
/// | `beam_radii_mm` | one for each vertex, `null` for rays |
/// | `hit_item`, `hit_interface` | for each vertex, index into `items` and interface; −1 where it is at no surface |
/// | `offsets` | where each path begins among the vertices, and where the last one ends: one more than paths |
/// | `rgba` | [[r, g, b, a], …] for each path, 0 to 255 |
/// | `wavelengths_nm`, `source_index`, `ray_index` | one for each path |
/// | `parents`, `branch_vertices` | one for each path; a parent of −1 is none |
/// | `endings` | one for each path, as [`Ending::name`](crate::trace::Ending::name) |
/// | `items`, `sources` | ids |
/// | `power` | object of the fields of [`PowerBalance`] |
/// | `truncated` | whether the limit on vertices was reached |
///
/// Numbers are the shortest that read back as the same double. What is not finite is `null`.
#[must_use]
pub fn json(paths: &RayPaths) -> String {
    // About what a vertex takes.
    let mut out = String::with_capacity(512 + 170 * paths.vertex_count());
    out.push('{');
    push_array(&mut out, "points", paths.points(), |out, point| push_floats(out, &[point.x, point.y]));
    push_array(&mut out, ",intensities", paths.intensities(), float);
    push_array(&mut out, ",jones", paths.jones(), |out, [h, v]| push_floats(out, &[h.re, h.im, v.re, v.im]));
    push_array(&mut out, ",optical_path_mm", paths.optical_paths_mm(), float);
    push_array(&mut out, ",beam_radii_mm", paths.beam_radii_mm(), float);
    push_array(&mut out, ",hit_item", paths.hit_items(), integer);
    push_array(&mut out, ",hit_interface", paths.hit_interfaces(), integer);
    push_array(&mut out, ",offsets", paths.offsets(), integer);
    push_array(&mut out, ",rgba", paths.rgba(), |out, [r, g, b, a]| out.push_str(&format!("[{r},{g},{b},{a}]")));
    push_array(&mut out, ",wavelengths_nm", paths.wavelengths_nm(), float);
    push_array(&mut out, ",source_index", paths.source_indices(), integer);
    push_array(&mut out, ",ray_index", paths.ray_indices(), integer);
    push_array(&mut out, ",parents", paths.parents(), integer);
    push_array(&mut out, ",branch_vertices", paths.branch_vertices(), integer);
    push_array(&mut out, ",endings", paths.endings(), |out, ending| push_string(out, ending.name()));
    push_array(&mut out, ",items", paths.items(), id);
    push_array(&mut out, ",sources", paths.source_items(), id);
    push_balance(&mut out, paths.power_balance());
    out.push_str(&format!(",\"truncated\":{}}}", paths.is_truncated()));
    out
}

/// All paths as a picture needs them, for `POST /api/raytrace`:
/// `{"rays": [{"points": [{"x", "y"}, …], "color": {"r", "g", "b", "a"}}, …]}`, in mm with y up, colours 0 to 255.
///
/// Each path stands there in full, from its source.
#[must_use]
pub fn raytrace_json(paths: &RayPaths) -> String {
    let mut out = String::with_capacity(64 + 48 * paths.vertex_count());
    out.push_str("{\"rays\":[");
    for path in paths.iter() {
        if path.index() > 0 {
            out.push(',');
        }
        out.push('{');
        push_array(&mut out, "points", path.points(), |out, point: &DVec2| {
            out.push_str("{\"x\":");
            push_float(out, point.x, "null");
            out.push_str(",\"y\":");
            push_float(out, point.y, "null");
            out.push('}');
        });
        let [r, g, b, a] = path.rgba();
        out.push_str(&format!(",\"color\":{{\"r\":{r},\"g\":{g},\"b\":{b},\"a\":{a}}}}}"));
    }
    out.push_str("]}");
    out
}

/// Appends a member of an object; `key` begins with a comma where it is not the first.
fn push_array<T>(out: &mut String, key: &str, values: &[T], push: impl Fn(&mut String, &T)) {
    let name = key.strip_prefix(',').inspect(|_| out.push(',')).unwrap_or(key);
    out.push_str(&format!("\"{name}\":["));
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        push(out, value);
    }
    out.push(']');
}

fn float(out: &mut String, value: &f64) {
    push_float(out, *value, "null");
}

fn push_floats(out: &mut String, values: &[f64]) {
    for (i, value) in values.iter().enumerate() {
        out.push(if i == 0 { '[' } else { ',' });
        float(out, value);
    }
    out.push(']');
}

fn integer<T: Copy + Into<i64>>(out: &mut String, value: &T) {
    push_integer(out, *value);
}

fn id(out: &mut String, id: &ItemId) {
    push_string(out, id.as_str());
}

fn push_string(out: &mut String, text: &str) {
    out.push_str(&Value::from(text).to_string());
}

fn push_balance(out: &mut String, balance: &PowerBalance) {
    // By name, so that a new field cannot be forgotten.
    let &PowerBalance { emitted, left, absorbed, blocked, clipped, too_weak, too_many_events, too_long, limit } =
        balance;
    let fields = [
        ("emitted", emitted),
        ("left", left),
        ("absorbed", absorbed),
        ("blocked", blocked),
        ("clipped", clipped),
        ("too_weak", too_weak),
        ("too_many_events", too_many_events),
        ("too_long", too_long),
        ("limit", limit),
    ];
    out.push_str(",\"power\":");
    for (i, (name, value)) in fields.into_iter().enumerate() {
        out.push(if i == 0 { '{' } else { ',' });
        out.push_str(&format!("\"{name}\":"));
        push_float(out, value, "null");
    }
    out.push('}');
}
