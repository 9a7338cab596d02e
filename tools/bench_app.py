"""Compares `optiverse_engine.app` with the engine of a checkout of the PyQt6 app: same paths, and how much faster.

Set OPTIVERSE_APP to a checkout of the app and run this with an interpreter that has what the app needs (PyQt6, numpy,
numba) and the engine's wheel:

    OPTIVERSE_APP=<checkout> python tools/bench_app.py [ASSEMBLY.json …]

It traces 1,000 rays through 100 elements with both engines in turn, and says the medians, their ratio, and the share of
the conversion to the app's objects. Each assembly that is named is traced with both, from elements and from items.
"""

from __future__ import annotations

import copy
import importlib
import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

RUNS = 5


class App:
    """The app's modules, without a window."""

    def __init__(self, checkout: Path) -> None:
        """Import the app from `checkout`."""
        if not (checkout / "src/optiverse").is_dir():
            raise FileNotFoundError(f"{checkout} is no checkout of the app: src/optiverse is missing")
        sys.path.insert(0, str(checkout / "src"))
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        self.widgets = importlib.import_module("PyQt6.QtWidgets")
        self.application = self.widgets.QApplication.instance() or self.widgets.QApplication([])
        self.data = importlib.import_module("optiverse.data")
        self.models = importlib.import_module("optiverse.core.models")
        self.adapter = importlib.import_module("optiverse.integration.adapter")
        self.objects = importlib.import_module("optiverse.objects")
        self.registry = importlib.import_module("optiverse.objects.type_registry")
        self.trace: Callable[..., list[Any]] = importlib.import_module(
            "optiverse.raytracing.engine"
        ).trace_rays_polymorphic

    def bench(self) -> tuple[list[Any], list[Any]]:
        """Return 100 elements and a source of 1,000 rays, each of which meets 20 elements."""
        import numpy as np

        def element(x: float, properties: Any, y: float = 0.0, turn: float = 0.0) -> Any:
            ends = np.array([x - 20.0 * turn, y - 20.0]), np.array([x + 20.0 * turn, y + 20.0])
            interface = self.data.OpticalInterface(geometry=self.data.LineSegment(*ends), properties=properties)
            return self.adapter.create_polymorphic_element(interface)

        lens, plate, mirror = self.data.LensProperties, self.data.WaveplateProperties, self.data.MirrorProperties
        on_the_way = [element(50.0 + 20.0 * i, plate(90.0, 30.0) if i % 2 else lens(1000.0)) for i in range(19)]
        folding = [element(450.0, mirror(0.99), turn=1.0)]
        aside = [element(40.0 * (i % 16), mirror(1.0), y=-100.0 - 50.0 * (i // 16)) for i in range(80)]
        source = self.models.SourceParams(x_mm=0.0, n_rays=1000, size_mm=10.0, ray_length_mm=700.0)
        return on_the_way + folding + aside, [source]

    def items(self, assembly: dict[str, Any]) -> tuple[Any, list[Any]]:
        """Return the app's graphics scene of an assembly, and its items in the order of the file."""
        scene = self.widgets.QGraphicsScene()
        items = [self.registry.deserialize_item(copy.deepcopy(item)) for item in assembly["items"]]
        items = [item for item in items if item is not None]
        for item in items:
            scene.addItem(item)
        return scene, items


def largest_difference(theirs: Sequence[Any], ours: Sequence[Any]) -> float:
    """Return the largest difference of any number of two lists of paths; infinite where they are not the same paths."""
    import numpy as np

    if len(theirs) != len(ours):
        return float("inf")
    worst = 0.0
    for a, b in zip(theirs, ours, strict=True):
        if type(a) is not type(b) or len(a.points) != len(b.points) or a.wavelength_nm != b.wavelength_nm:
            return float("inf")
        pairs: list[tuple[Any, Any]] = [(a.points, b.points), (a.rgba, b.rgba)]
        pairs += [(a.polarization.jones_vector, b.polarization.jones_vector)]
        if hasattr(a, "intensities"):
            if a.path_element_ids != b.path_element_ids or a.source_index != b.source_index:
                return float("inf")
            pairs += [(a.intensities, b.intensities), (a.beam_radii, b.beam_radii)]
            states_a, states_b = ([state.jones_vector for state in path.polarizations] for path in (a, b))
            pairs += [(states_a, states_b)]
        for left, right in pairs:
            if np.shape(left) != np.shape(right):
                return float("inf")
            worst = max(worst, float(np.max(np.abs(np.subtract(left, right)), initial=0.0)))
    return worst


def compare_assemblies(app: App, files: Sequence[Path]) -> int:
    """Trace assemblies with both engines; return how many differ by more than 1e-6."""
    from optiverse_engine.app import convert_scene, trace_rays_polymorphic

    different = 0
    for file in files:
        scene, items = app.items(json.loads(file.read_text(encoding="utf-8")))
        sources = [item.params for item in items if isinstance(item, app.objects.SourceItem)]
        elements = app.adapter.convert_scene_to_polymorphic(items)
        theirs = app.trace(elements, sources)
        by_elements = largest_difference(theirs, trace_rays_polymorphic(elements, sources))
        by_items = largest_difference(theirs, trace_rays_polymorphic(convert_scene(items), sources))
        scene.clear()
        worst = max(by_elements, by_items)
        different += worst > 1e-6
        print(f"{file}: {len(elements)} elements, {len(sources)} sources, {len(theirs)} paths, differ by {worst:.1e}")
    print(f"{len(files)} assemblies, {different} differ")
    return different


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def bench(app: App) -> bool:
    """Time both engines in turn and print the outcome; return whether the paths are the same."""
    from optiverse_engine.app import trace_rays_polymorphic
    from optiverse_engine.app._paths import app_paths, classes
    from optiverse_engine.app._scene import AppScene

    elements, sources = app.bench()
    theirs = app.trace(elements, sources)
    worst = largest_difference(theirs, trace_rays_polymorphic(elements, sources))

    converted = AppScene()

    def read() -> None:
        converted.set_elements(elements, classes().physics)
        converted.set_sources(sources)

    read()
    paths = converted.scene.trace(classes().physics)
    points = sum(len(path.points) for path in theirs)
    print(f"{len(elements)} elements, 1000 rays, {len(theirs)} paths of {points} points, differ by {worst:.1e}")
    slow, fast, parts = [], [], []
    for _ in range(RUNS):
        slow.append(seconds(lambda: app.trace(elements, sources)))
        # As many of ours as fit beside one of theirs, so that both see the same machine.
        for _ in range(10):
            fast.append(seconds(lambda: trace_rays_polymorphic(elements, sources)))
            parts.append(seconds(lambda: app_paths(paths, converted.labels(paths), [0], classes())))
    app_s, ours_s, conversion_s = (statistics.median(times) for times in (slow, fast, parts))
    print(f"app {1e3 * app_s:.0f} ms, engine {1e3 * ours_s:.1f} ms: {app_s / ours_s:.0f} times faster (medians)")
    print(f"conversion to the app's paths: {100 * conversion_s / ours_s:.0f} % of the engine's time")
    return worst <= 1e-6


def main() -> int:
    """Compare; return the exit code: 1 where paths differ."""
    checkout = os.environ.get("OPTIVERSE_APP")
    if not checkout:
        print("OPTIVERSE_APP must name a checkout of the app", file=sys.stderr)
        return 2
    app = App(Path(checkout))
    warnings.simplefilter("always")
    different = compare_assemblies(app, [Path(name) for name in sys.argv[1:]])
    return 0 if bench(app) and different == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
