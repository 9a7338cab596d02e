"""Compares the engine through Python, arrays included, with the engine of a checkout of the PyQt6 app.

`make bench-peers` runs it where OPTIVERSE_APP names a checkout of the app. By hand, with an interpreter that has what
the app needs (PyQt6, numpy, numba) and the engine's wheel:

    OPTIVERSE_APP=<checkout> python tools/bench_app_arrays.py

Two scenes: that of the app's own `examples/benchmark_raytracing.py` (30 elements, 200 rays), and 1,000 mirrors, four of
which are a closed box around the others. Ours is what the drop-in reads from the app's own elements, so that both have
the same; that the paths are the same is checked. Both trace in turn. A run of ours is `Scene.trace` and its points,
intensities and offsets as arrays; a run of the app's is its list of paths, on one thread and on several: ours is
compared with the faster of the two. The ratio of processor time, of the app on one thread to ours, varies less where
the machine does other work meanwhile.
"""

from __future__ import annotations

import importlib.util
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from bench_app import App, named_checkout
from numpy.typing import NDArray

from optiverse_engine import RayPaths
from optiverse_engine.app._scene import AppScene

TURNS = 9

# Of ours, beside each of the app's.
CALLS = 100

PHYSICS: Final = "optiverse-0.3.4"

# No light in the box ends for its length.
LONG_MM = 1e6

Arrays = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]

# Elements and a source of the app.
Setup = tuple[list[Any], Any]


def own_benchmark(checkout: Path) -> Setup:
    """Return elements and source of the app's own benchmark."""
    file = checkout / "examples/benchmark_raytracing.py"
    spec = importlib.util.spec_from_file_location("app_benchmark", file)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{file} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.create_test_scene(30), module.create_test_source(200)


def mirrors(app: App) -> Setup:
    """Return 1,000 mirrors, four of which are a box of 1 m around the others, and a source of ten rays amid them."""
    random = np.random.default_rng(2026)
    half = 500.0
    corners = np.array([(-half, -half), (half, -half), (half, half), (-half, half)])
    walls = np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)
    middles = random.uniform(-480.0, 480.0, (996, 1, 2))
    angles, lengths = random.uniform(0.0, 2.0 * np.pi, 996), random.uniform(5.0, 40.0, 996)
    along = (0.5 * lengths * np.array([np.cos(angles), np.sin(angles)])).T
    ends = np.concatenate([walls, middles + np.stack([-along, along], axis=1)])
    make = importlib.import_module("optiverse.integration").create_polymorphic_element
    elements = [
        make(
            app.data.OpticalInterface(
                geometry=app.data.LineSegment(p1, p2), properties=app.data.MirrorProperties(reflectivity=1.0)
            )
        )
        for p1, p2 in ends
    ]
    place = {"x_mm": 0.0, "y_mm": 0.0, "size_mm": 1e-3, "spread_deg": 175.0}
    return elements, app.models.SourceParams(**place, n_rays=10, ray_length_mm=LONG_MM)


def arrays(paths: RayPaths) -> Arrays:
    """Return the arrays that a run of ours ends with."""
    return paths.points, paths.intensities, paths.offsets


def difference(theirs: Sequence[Any], ours: Arrays) -> float:
    """Return the largest difference of any coordinate or intensity; infinite where paths are not the same."""
    points, intensities, offsets = ours
    if not np.array_equal(np.cumsum([0, *(len(path.points) for path in theirs)]), offsets):
        return float("inf")
    pairs = (
        (np.concatenate([path.points for path in theirs]), points),
        (np.concatenate([path.intensities for path in theirs]), intensities),
    )
    return max(float(np.max(np.abs(a - b))) for a, b in pairs)


def seconds(work: Callable[[], Any]) -> tuple[float, float]:
    """Return how long one call takes, and the processor time of all threads."""
    start, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - used


def medians(times: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the median time and the median processor time."""
    elapsed, used = zip(*times, strict=True)
    return statistics.median(elapsed), statistics.median(used)


def compare(what: str, app: App, setup: Setup, max_events: int) -> bool:
    """Time both in turn and print the outcome; return whether the paths are the same."""
    elements, source = setup
    kept = AppScene()
    kept.set_elements(elements, PHYSICS)
    kept.set_sources([source])
    scene = kept.scene

    def theirs(parallel: bool) -> list[Any]:
        return app.trace(elements, [source], max_events=max_events, parallel=parallel, parallel_threshold=1)

    def ours(threads: int | None = None) -> Arrays:
        return arrays(scene.trace(PHYSICS, max_events=max_events, threads=threads))

    # Also the first calls, which compile the app's functions.
    paths = [theirs(parallel=False), theirs(parallel=True)]
    worst = max(difference(some, ours()) for some in paths)
    # A stretch of a path is one search for the nearest hit; no light divides in these scenes.
    searches = sum(len(path.points) - 1 for path in paths[0])

    alone, parallel, fast, fast_alone = [], [], [], []
    for _ in range(TURNS):
        alone.append(seconds(lambda: theirs(parallel=False)))
        fast += [seconds(ours) for _ in range(CALLS)]
        fast_alone += [seconds(lambda: ours(threads=1)) for _ in range(CALLS)]
        parallel.append(seconds(lambda: theirs(parallel=True)))
        fast += [seconds(ours) for _ in range(CALLS)]
    (slow, slow_used), (slow_parallel, _) = medians(alone), medians(parallel)
    (quick, quick_used), (quick_alone, _) = medians(fast), medians(fast_alone)
    best = min(slow, slow_parallel)
    print(
        f"{what} (medians; paths differ by {worst:.1e})\n"
        f"  app {1e3 * slow:.1f} ms, on several threads {1e3 * slow_parallel:.1f} ms;"
        f" engine {1e6 * quick:.1f} µs, with threads=1 {1e6 * quick_alone:.1f} µs\n"
        f"  {best / quick:.0f} times faster, with threads=1 {best / quick_alone:.0f};"
        f" by processor time {slow_used / quick_used:.0f}\n"
        f"  {searches} nearest hits: app {1e-3 * searches / best:.1f} thousand a second,"
        f" engine {1e-6 * searches / quick:.2f} million"
    )
    return worst <= 1e-6


def main() -> int:
    """Compare; return the exit code: 1 where paths differ."""
    checkout = named_checkout()
    if checkout is None:
        return 2
    app = App(checkout)
    same = compare("the app's benchmark, 30 elements, 200 rays", app, own_benchmark(checkout), 80)
    same &= compare("1,000 mirrors, 10 rays, 20 reflections each", app, mirrors(app), 20)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
