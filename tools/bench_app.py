"""Compares `optiverse_engine.app` with the engine of a checkout of the PyQt6 app: same paths, and how much faster.

Set OPTIVERSE_APP to a checkout of the app and run this with an interpreter that has what the app needs (PyQt6, numpy,
numba) and the engine's wheel:

    OPTIVERSE_APP=<checkout> python tools/bench_app.py [ASSEMBLY.json …]

It traces 1,000 rays through 100 elements with both engines in turn, and says the medians, their ratio, and the share of
the conversion to the app's objects: once from elements, where all is traced, and then for drags of one of 100 items,
where ours follows. Each assembly that is named is traced with both, from elements and from items.
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

    def bench(self) -> tuple[Any, list[Any]]:
        """Return a graphics scene and its items: 100 elements, and a source of 1,000 rays that meet 20 of them each."""

        def item(
            x: float, y: float, interface: dict[str, Any], half: float = 20.0, turn: float = 0.0
        ) -> dict[str, Any]:
            ends = {"x1_mm": -half * turn, "y1_mm": -half, "x2_mm": half * turn, "y2_mm": half}
            place = {"x_mm": x, "y_mm": y, "angle_deg": 0.0}
            return {"_type": "component", **place, "interfaces": [{**ends, **interface}]}

        lens = {"element_type": "lens", "efl_mm": 1000.0}
        plate = {"element_type": "polarizing_interface", "polarizer_subtype": "waveplate", "fast_axis_deg": 30.0}
        mirror = {"element_type": "mirror", "reflectivity": 99.0}
        on_the_way = [item(50.0 + 20.0 * i, 0.0, plate if i % 2 else lens) for i in range(19)]
        folding = [item(450.0, 0.0, mirror, turn=1.0)]
        # A small lens in a tenth of the beam, then those that no light meets.
        into_the_beam = [item(40.0, 5.0, lens, half=1.0)]
        aside = [item(40.0 * (i % 16), -100.0 - 50.0 * (i // 16), mirror) for i in range(79)]
        source = {"_type": "source", "x_mm": 0.0, "y_mm": 0.0, "n_rays": 1000, "size_mm": 10.0, "ray_length_mm": 700.0}
        return self.items({"items": [source, *on_the_way, *folding, *into_the_beam, *aside]})

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


class Share:
    """A function that notes how long its calls take."""

    def __init__(self, function: Callable[..., Any]) -> None:
        """Note nothing yet."""
        self.function, self.seconds = function, 0.0

    def __call__(self, *arguments: Any) -> Any:
        """Call it."""
        start = time.perf_counter()
        try:
            return self.function(*arguments)
        finally:
            self.seconds += time.perf_counter() - start


def compare_speed(
    what: str,
    app_traces: Callable[[], list[Any]],
    ours: Callable[[], list[Any]],
    parts: dict[str, Share],
    before_each: Callable[[], None] = lambda: None,
) -> bool:
    """Time both in turn, print medians and the shares of parts of ours; return whether the paths are the same."""
    app_traces(), ours()
    slow: list[float] = []
    fast: list[float] = []
    shares: dict[str, list[float]] = {name: [] for name in parts}
    worst = 0.0
    for _ in range(RUNS):
        # As many of ours as fit beside one of theirs, so that both see the same machine.
        for _ in range(10):
            before_each()
            for part in parts.values():
                part.seconds = 0.0
            start = time.perf_counter()
            paths = ours()
            fast.append(time.perf_counter() - start)
            for name, part in parts.items():
                shares[name].append(part.seconds / fast[-1])
        start = time.perf_counter()
        theirs = app_traces()
        slow.append(time.perf_counter() - start)
        worst = max(worst, largest_difference(theirs, paths))
    app_s, ours_s = statistics.median(slow), statistics.median(fast)
    told = ", ".join(f"{name} {100 * statistics.median(values):.0f} %" for name, values in shares.items())
    print(
        f"{what}: app {1e3 * app_s:.0f} ms, engine {1e3 * ours_s:.2f} ms: {app_s / ours_s:.0f} times faster (medians);"
        f" {told}; differ by {worst:.1e}"
    )
    return worst <= 1e-6


def bench(app: App) -> bool:
    """Time both engines in turn and print the outcome; return whether the paths are the same."""
    from optiverse_engine.app import _light, _paths, convert_scene, trace_rays_polymorphic

    # Its items live as long as the scene.
    scene, items = app.bench()
    sources = [items[0].params]
    convert = app.adapter.convert_scene_to_polymorphic
    elements = convert(items)
    theirs = app.trace(elements, sources)
    points = sum(len(path.points) for path in theirs)
    print(f"{len(elements)} elements, 1000 rays, {len(theirs)} paths of {points} points; shares of the engine's time:")

    to_paths, reading = Share(_paths.app_paths), Share(convert_scene)
    # Where it is looked up at each call.
    for module in (_light, _paths):
        vars(module)["app_paths"] = to_paths
    same = compare_speed(
        "a list of elements, all traced",
        lambda: app.trace(elements, sources),
        lambda: trace_rays_polymorphic(elements, sources),
        {"to paths": to_paths},
    )
    drags = {
        "a drag of an item that all rays meet": items[1],
        "a drag of an item that a tenth of the rays meets": items[21],
        "a drag of an item that no ray meets": items[22],
    }
    for what, item in drags.items():
        parts = {"reading items": reading, "to paths": to_paths}
        same &= compare_speed(
            what,
            lambda: app.trace(convert(items), sources),
            lambda: trace_rays_polymorphic(reading(items), sources),
            parts,
            lambda item=item: item.setX(item.x() + 0.125),  # type: ignore[misc]
        )
    scene.clear()
    return same


def named_checkout() -> Path | None:
    """Return the checkout of the app that the environment names; say so where it names none."""
    checkout = os.environ.get("OPTIVERSE_APP")
    if not checkout:
        print("OPTIVERSE_APP must name a checkout of the app", file=sys.stderr)
        return None
    return Path(checkout)


def main() -> int:
    """Compare; return the exit code: 1 where paths differ."""
    checkout = named_checkout()
    if checkout is None:
        return 2
    app = App(checkout)
    warnings.simplefilter("always")
    different = compare_assemblies(app, [Path(name) for name in sys.argv[1:]])
    return 0 if bench(app) and different == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
