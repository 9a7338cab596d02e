"""Records what the PyQt6 app's own engine draws for the scenes of a golden file.

Set OPTIVERSE_APP to a checkout of the app and run this with an interpreter that has what the app needs (PyQt6, numpy,
numba):

    OPTIVERSE_APP=<checkout> python tools/record_golden.py SCENES.json [-o RECORDED.json]

SCENES.json is a list of objects with `name`, `assembly` and, where they are not the app's own, `max_events` and
`min_intensity`; every other key is kept. Each gets `paths` as the app traces them, by source and points; where it has
paths that differ by rounding only, which depends on the processor, they stay.

Version 0.2.7 of the app keeps only the last polarisation of a path and nothing else along it; its paths have that much.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

Json = dict[str, Any]


class Polarisation(Protocol):
    """A state of polarisation in the app."""

    jones_vector: Sequence[complex]


class AppPath(Protocol):
    """A path as the app's engine returns it."""

    points: Sequence[Sequence[float]]
    rgba: Sequence[int]
    wavelength_nm: float
    polarization: Polarisation
    intensities: Sequence[float]
    polarizations: Sequence[Polarisation]
    beam_radii: Sequence[float]


def recorded_jones(state: Polarisation) -> list[float]:
    """Return a state of polarisation as [Re h, Im h, Re v, Im v]."""
    return [float(part) for amplitude in state.jones_vector for part in (amplitude.real, amplitude.imag)]


def recorded_path(path: AppPath, source_index: int) -> Json:
    """Return a path of the app's engine as the golden files hold it: mm, shares of power, [Re h, Im h, Re v, Im v]."""
    recorded: Json = {
        "points": [[float(x) for x in point] for point in path.points],
        "rgba": [int(channel) for channel in path.rgba],
        "wavelength_nm": float(path.wavelength_nm),
        "source_index": source_index,
    }
    if not hasattr(path, "intensities"):
        return recorded | {"last_jones": recorded_jones(path.polarization)}
    return recorded | {
        "intensities": [float(intensity) for intensity in path.intensities],
        "jones": [recorded_jones(state) for state in path.polarizations],
        "beam_radii": [float(radius) for radius in path.beam_radii],
    }


def agree(a: object, b: object) -> bool:
    """Whether two records are the same but for rounding: 1e-9 of the number, or of 1."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(agree(value, b[key]) for key, value in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(agree, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b)) or (a != a and b != b)
    return bool(a == b)


def same_paths(recorded: list[Json], known: list[Json]) -> bool:
    """Whether two lists hold the same paths but for rounding, in any order: rounding decides it."""
    left = list(known)
    for path in recorded:
        match = next((other for other in left if agree(path, other)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


class App:
    """The app's engine, with items made by the app's own reader."""

    def __init__(self, checkout: Path) -> None:
        """Import the app from `checkout`; no window is opened."""
        source = checkout / "src"
        if not (source / "optiverse").is_dir():
            raise FileNotFoundError(f"{checkout} is no checkout of the app: src/optiverse is missing")
        sys.path.insert(0, str(source))
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        self._widgets = importlib.import_module("PyQt6.QtWidgets")
        self._application = self._widgets.QApplication.instance() or self._widgets.QApplication([])
        self._objects = importlib.import_module("optiverse.objects")
        self._registry = importlib.import_module("optiverse.objects.type_registry")
        self._adapter = importlib.import_module("optiverse.integration.adapter")
        self._engine = importlib.import_module("optiverse.raytracing.engine")

    def trace(self, assembly: Json, **options: float) -> list[Json]:
        """Trace an assembly with elements and sources in the order of the file."""
        scene = self._widgets.QGraphicsScene()
        read = [self._registry.deserialize_item(copy.deepcopy(item)) for item in assembly["items"]]
        items = [item for item in read if item is not None]
        for item in items:
            scene.addItem(item)
        elements = self._adapter.convert_scene_to_polymorphic(items)
        sources = [item.params for item in items if isinstance(item, self._objects.SourceItem)]
        # Source by source, since 0.2.7 does not say where a path comes from.
        recorded = [
            recorded_path(path, index)
            for index, source in enumerate(sources)
            for path in self._engine.trace_rays_polymorphic(elements, [source], parallel=False, **options)
        ]
        return sorted(recorded, key=lambda path: (path["source_index"], path["points"]))


def main() -> int:
    """Record; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="where to write (default: the file read)")
    arguments = parser.parse_args()
    checkout = os.environ.get("OPTIVERSE_APP")
    if not checkout:
        parser.error("OPTIVERSE_APP must name a checkout of the app")
    app = App(Path(checkout))

    scenes: list[Json] = json.loads(arguments.scenes.read_text(encoding="utf-8"))
    changed = []
    for scene in scenes:
        options = {"max_events": scene.get("max_events", 80), "min_intensity": scene.get("min_intensity", 0.02)}
        paths = app.trace(scene["assembly"], **options)
        if not same_paths(paths, scene.get("paths", [])):
            changed.append(scene["name"])
            scene["paths"] = paths
    text = json.dumps(scenes, separators=(",", ":"), ensure_ascii=False)
    (arguments.output or arguments.scenes).write_text(text, encoding="utf-8")
    print(f"{len(scenes)} scenes, {len(changed)} other than before: {', '.join(changed) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
