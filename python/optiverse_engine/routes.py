"""What left where with which power: the paths of a result, gathered by the way they took."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optiverse_engine._native import RayPath, RayPaths, Scene

_MAX_ROWS = 40


class Route(NamedTuple):
    """The paths from one source that met the same surfaces in the same order and ended alike.

    Attributes:
        source: the name of the source, or its id where it has none.
        rays: the number of paths.
        last: the last element met, such as "PBS (polarising beam splitter)"; empty where none was met.
        ending: how the paths ended.
        power: their power at the end, in units of one source ray.
        directions_deg: least and greatest direction at the end, degrees clockwise from +x as in the file, −180 to 180.

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
    elements = {(surface.item, surface.interface): surface.element for surface in paths.surfaces}
    gathered: dict[tuple[object, ...], list[RayPath]] = {}
    for path in paths:
        way = tuple((hit.item, hit.interface) for hit in path.hits)
        gathered.setdefault((path.source_index, path.ending, way), []).append(path)
    found = []
    for together in gathered.values():
        first, hits = together[0], together[0].hits
        directions = [_direction_deg(path) for path in together]
        last = ""
        if hits:
            last = f"{_name(scene, hits[-1].item)} ({elements[hits[-1].item, hits[-1].interface]})"
        power = math.fsum(float(path.intensities[-1]) for path in together)
        ends = (min(directions), max(directions))
        route = Route(_name(scene, first.source), len(together), last, first.ending, power, ends)
        found.append((first.source_index, -power, route))
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


def _direction_deg(path: RayPath) -> float:
    """The direction of the last stretch that has a length."""
    points = path.points
    for start, end in zip(points[-2::-1], points[:0:-1], strict=True):
        dx, dy = float(end[0] - start[0]), float(end[1] - start[1])
        if dx or dy:
            # Adding 0 makes a negative zero positive.
            return -math.degrees(math.atan2(dy, dx)) + 0.0
    return math.nan


def _format_directions(directions: tuple[float, float]) -> str:
    least, greatest = (f"{round(direction, 2) + 0.0:.2f}°" for direction in directions)
    return least if least == greatest else f"{least} … {greatest}"
