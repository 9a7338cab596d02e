"""What is in a scene, in words for a person."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optiverse_engine._native import Layer, Scene


def describe(scene: Scene) -> str:
    """Counts by kind, extent, links and layers, a line each; the layer tree is indented."""
    own = [item for item in scene.values() if not item.linked]
    linked = len(scene) - len(own)
    extent = scene.extent
    reports = Counter(report.severity for report in scene.reports)
    version = scene.document.get("version")
    lines = [
        f"version   {version if isinstance(version, str) else 'none'}",
        f"items     {_counts(item.kind for item in own)}",
        f"surfaces  {_counts(surface.element for surface in scene.surfaces)}",
        f"extent    {_extent(extent) if extent else 'none'}",
        f"hidden    {len(scene.hidden)}",
        f"reports   {_counts(reports.elements())}",
        f"warnings  {len(scene.warnings)}",
    ]
    links = [layer for layer in scene.layers if layer.source_path is not None]
    lines.append(f"links     {len(links)}" + (f", which bring in {linked} items" if links else ""))
    lines += [f"          {layer.source_path}" for layer in links]
    lines.append(f"layers    {_counts(layer.kind for layer in scene.layers)}")
    lines += [_layer_line(scene, layer) for layer in scene.layers]
    return "\n".join(lines)


def _counts(kinds: Iterable[str]) -> str:
    """Such as `5: 3 mirror, 2 lens`."""
    counted = Counter(kinds)
    if not counted:
        return "0"
    return f"{counted.total()}: " + ", ".join(f"{number} {kind}" for kind, number in counted.most_common())


def _extent(extent: tuple[tuple[float, float], tuple[float, float]]) -> str:
    (x_least, y_least), (x_greatest, y_greatest) = extent
    return f"x {x_least:g} to {x_greatest:g} mm, y {y_least:g} to {y_greatest:g} mm"


def _layer_line(scene: Scene, layer: Layer) -> str:
    item = scene.get(layer.uuid) if layer.kind == "item" else None
    name = layer.name or (item.get("name") if item is not None else None) or layer.uuid
    marks = [mark for mark, set_ in (("hidden", not layer.visible), ("locked", layer.locked)) if set_]
    folder = "/" if layer.kind == "group" else ""
    return (
        "          "
        + "  " * layer.depth
        + " ".join(f"{name}".split())
        + folder
        + "".join(f" [{mark}]" for mark in marks)
    )
