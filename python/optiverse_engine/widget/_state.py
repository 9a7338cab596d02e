"""The scene as the front end is told of it: plain values of JSON."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from optiverse_engine._native import Item, RayPaths, Report, Scene, Surface
    from optiverse_engine.session import Session


def item_state(item: Item) -> dict[str, Any]:
    """Return an item with all its properties."""
    return {
        "id": item.id,
        "section": item.section,
        "kind": item.kind,
        "hidden": item.hidden,
        "linked": item.linked,
        "properties": {key: plain(value) for key, value in item.items()},
    }


def surface_state(surface: Surface, lit: Mapping[tuple[str, int], int]) -> dict[str, Any]:
    """Return a surface, with its points as one list: x, y, x, y and so on."""
    return {
        "item": surface.item,
        "interface": surface.interface,
        "element": surface.element,
        "label": surface.label,
        "description": surface.description,
        "parameters": surface.parameters,
        "points": surface.points.ravel().tolist(),
        "lit": lit.get((surface.item, surface.interface), 0),
    }


def report_state(report: Report) -> dict[str, str]:
    """Return a report."""
    return {
        "severity": report.severity,
        "item": report.item,
        "key": report.key,
        "value": report.value,
        "expected": report.expected,
    }


def scene_state(
    scene: Scene, paths: RayPaths, lit: Mapping[tuple[str, int], int], only: Collection[str] | None = None
) -> dict[str, Any]:
    """Return the items, surfaces and reports of a scene, of those items named in `only` where it is given."""

    def wanted(id: str) -> bool:
        return only is None or id in only

    ids: Iterable[str] = scene if only is None else only
    return {
        "items": [item_state(scene[id]) for id in ids if id in scene],
        "surfaces": [
            surface_state(surface, lit) for surface in paths.surfaces if wanted(surface.item) and not surface.hidden
        ],
        "reports": [report_state(report) for report in paths.reports if wanted(report.item)],
    }


#: Colours of people; legible on white and on black.
_COLOURS = ("#2f6fe4", "#c2410c", "#0f8a5f", "#9333ea", "#c81e5b", "#0e7f9b", "#8a6d00", "#5b6b7d")


def colour_of(user: str) -> str:
    """Return the colour in which a user is shown: the same everywhere."""
    return _COLOURS[zlib.adler32(user.encode()) % len(_COLOURS)]


def session_state(session: Session) -> dict[str, Any]:
    """Return who is there and how things stand with the relay."""
    return {
        "name": session.name,
        "user": session.user,
        "colour": colour_of(session.user),
        "status": session.status,
        "role": session.role,
        "pending": session.pending,
        "peers": [
            {
                "connection": connection,
                "user": peer.user,
                "colour": peer.color or colour_of(peer.user),
                "cursor_mm": None if peer.cursor_mm is None else list(peer.cursor_mm),
                "selection": list(peer.selection),
            }
            for connection, peer in session.peers.items()
        ],
    }


def plain(value: Any) -> Any:  # noqa: ANN401  # a property is any value that JSON has
    """Return a value without the numbers that JSON does not have: these become text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value
