"""What left where with which power: the paths of a result, gathered by the way they took."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optiverse_engine._native import RayPaths, Scene, Surface

_MAX_ROWS = 40


class Route(NamedTuple):
    """The paths from one source that took the same way.

    They met the same surfaces in the same order, passed them or were reflected by them alike, and ended alike.

    Attributes:
        source: the name of the source, or its id where it has none.
        rays: the number of paths.
        last: the last element met, such as "PBS (polarising beam splitter)"; empty where none was met.
        ending: how the paths ended.
        power: their power at the end, in units of one source ray.
        directions_deg: least and greatest direction at the end, degrees clockwise from +x as in the file. They lie
            around −180 to 180; a fan about the direction of −x passes one of the two.

    """

    source: str
    rays: int
    last: str
    ending: str
    power: float
    directions_deg: tuple[float, float]


def routes(scene: Scene, paths: RayPaths) -> list[Route]:
    """Gather the paths of a result by the way they took.

    Args:
        scene: the scene that was traced; it gives the names.
        paths: the result.

    Returns:
        The routes of each source, the strongest first.

    """
    count = len(paths)
    if count == 0:
        return []
    first, last = paths.offsets[:-1], paths.offsets[1:] - 1
    surfaces = {(surface.item, surface.interface): surface for surface in paths.surfaces}
    into, out_of = _steps_around(paths)
    sides = _is_reflected(paths, surfaces, into, out_of)
    # What happened at each vertex, as one number; the ways of paths are compared as bytes.
    happened = (paths.hit_item.astype(np.int64) << 33) | (paths.hit_interface.astype(np.int64) << 1) | sides
    happened[paths.hit_item < 0] = -1
    directions = _degrees_clockwise(into[last])
    gathered: dict[tuple[int, int, bytes], list[int]] = {}
    source_index, ending_codes = paths.source_index, paths.ending_codes
    for number in range(count):
        way = happened[first[number] : last[number] + 1]
        key = (int(source_index[number]), int(ending_codes[number]), way[way >= 0].tobytes())
        gathered.setdefault(key, []).append(number)
    found = []
    for together in gathered.values():
        path = paths[together[0]]
        hits = path.hits
        element = ""
        if hits:
            element = f"{_name(scene, hits[-1].item)} ({surfaces[hits[-1].item, hits[-1].interface].element})"
        route = Route(
            source=_name(scene, path.source),
            rays=len(together),
            last=element,
            ending=path.ending,
            power=math.fsum(paths.intensities[last[together]].tolist()),
            directions_deg=_range(directions[together]),
        )
        found.append((path.source_index, -route.power, route))
    return [route for _, _, route in sorted(found, key=lambda entry: entry[:2])]


def format_routes(scene: Scene, paths: RayPaths) -> str:
    """The routes as a table for a person, and below it where the power went; at most 40 rows, the rest in one line."""
    emitted = paths.power.emitted
    found = routes(scene, paths)
    rows = [("source", "rays", "last element", "ending", "power", "share", "direction")]
    for route in found[:_MAX_ROWS]:
        share = route.power / emitted if emitted else 0.0
        rows.append(
            (
                route.source,
                f"{route.rays}",
                route.last or "–",
                route.ending,
                f"{route.power:.4f}",
                f"{share:.2%}",
                _format_directions(route.directions_deg),
            )
        )
    lines = format_table(rows, right={1, 4, 5, 6}).splitlines()
    if len(found) > _MAX_ROWS:
        rest = math.fsum(route.power for route in found[_MAX_ROWS:])
        lines.append(f"and {len(found) - _MAX_ROWS} more routes with a power of {rest:.4f}")
    kinds = ("left", "absorbed", "blocked", "clipped", "too_weak", "too_many_events", "too_long", "limit")
    parts = [(kind.replace("_", " "), getattr(paths.power, kind)) for kind in kinds]
    went = ", ".join(f"{kind} {power:.4f}" for kind, power in parts if round(power, 4))
    lines.append("")
    lines.append(f"emitted {emitted:.4f}: {went or 'nothing'}")
    lines.append("power in source rays, direction in degrees clockwise from +x")
    if paths.truncated:
        lines.append("the trace was stopped by its limit on vertices: paths are missing")
    return "\n".join(lines)


def format_table(rows: Sequence[Sequence[str]], right: set[int] | None = None) -> str:
    """Columns of equal width, the first row underlined; the columns `right` are set to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        cells = [
            cell.rjust(width) if right and column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
        if number == 0:
            lines.append("  ".join("─" * width for width in widths))
    return "\n".join(lines)


def _name(scene: Scene, item: str) -> str:
    found = scene.get(item)
    name = found.get("name") if found is not None else None
    # One line, whatever the file holds.
    return " ".join(name.split()) if isinstance(name, str) and name.strip() else item


def _steps_around(paths: RayPaths) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The nearest steps of a length before and after each vertex in its path, shape (n, 2) each; (0, 0) for none."""
    points, count = paths.points, len(paths.points)
    path_of = np.repeat(np.arange(len(paths)), np.diff(paths.offsets))
    steps = np.zeros((count + 1, 2))
    steps[1:count] = np.where((path_of[1:] == path_of[:-1])[:, np.newaxis], np.diff(points, axis=0), 0.0)
    # Step i leads to vertex i. Surfaces that touch are met at the same point: such steps have no length.
    has_length = steps.any(axis=1)
    index = np.arange(count + 1)
    before = np.maximum.accumulate(np.where(has_length, index, 0))[:count]
    after = np.minimum.accumulate(np.where(has_length, index, count)[::-1])[::-1][1:]
    in_path = before > paths.offsets[path_of]
    into = np.where(in_path[:, np.newaxis], steps[before], 0.0)
    out_of = np.where((after < paths.offsets[path_of + 1])[:, np.newaxis], steps[after], 0.0)
    return into, out_of


def _is_reflected(
    paths: RayPaths,
    surfaces: dict[tuple[str, int], Surface],
    into: NDArray[np.float64],
    out_of: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Whether the path goes on from a vertex on the side of the surface that it came from, shape (n,)."""
    normals = np.zeros_like(into)
    hit = np.flatnonzero(paths.hit_item >= 0)
    keys = (paths.hit_item[hit].astype(np.int64) << 32) | paths.hit_interface[hit]
    order = np.argsort(keys, kind="stable")
    met, starts = np.unique(keys[order], return_index=True)
    items = paths.items
    for key, vertices in zip(met.tolist(), np.split(hit[order], starts)[1:], strict=True):
        line = surfaces[items[key >> 32], key & 0xFFFFFFFF].points
        normals[vertices] = _normals(line, paths.points[vertices])
    return np.asarray((into * normals).sum(axis=1) * (out_of * normals).sum(axis=1) < 0.0)


def _normals(line: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vectors across a surface at points of it, shape (k, 2): of a straight line, or of the arc through its points."""
    chord = line[-1] - line[0]
    across = np.array([-chord[1], chord[0]])
    to_vertex = line[len(line) // 2] - (line[0] + line[-1]) / 2
    height = math.hypot(*to_vertex)
    if len(line) == 2 or height == 0.0:
        return np.broadcast_to(across, points.shape)
    # The circle through both ends of a chord of length c and a vertex at height h: R = h/2 + c²/(8 h).
    radius = height / 2 + float(chord @ chord) / (8 * height)
    centre = line[len(line) // 2] - to_vertex * (radius / height)
    return np.asarray(points - centre)


def _degrees_clockwise(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Directions, degrees clockwise from +x."""
    # Adding 0 makes a negative zero positive.
    return np.asarray(-np.degrees(np.arctan2(steps[:, 1], steps[:, 0])) + 0.0)


def _range(degrees: NDArray[np.float64]) -> tuple[float, float]:
    """Least and greatest of directions that lie around the first one."""
    turned = (degrees - degrees[0] + 180.0) % 360.0 - 180.0
    return float(degrees[0] + turned.min()), float(degrees[0] + turned.max())


def _format_directions(directions: tuple[float, float]) -> str:
    least, greatest = (f"{round(direction, 2) + 0.0:.2f}°" for direction in directions)
    return least if least == greatest else f"{least} … {greatest}"
