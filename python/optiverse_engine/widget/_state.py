"""The scene as the front end is told of it: plain values of JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from optiverse_engine._native import Item, RayPaths, Report, Scene, Surface


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
    """Return a surface; its points as one list x, y, x, y, …"""
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


def plain(value: Any) -> Any:  # noqa: ANN401  # a property is any value that JSON has
    """Return a value without the numbers that JSON does not have: these become text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value
