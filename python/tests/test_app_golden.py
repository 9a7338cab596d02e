"""The drop-in gives the paths that the app's own engine gave, from its elements and from its scene items."""

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from app_standins import OldRayPath, Polarization, of_assembly

from optiverse_engine import app
from optiverse_engine.app import _paths

GOLDEN = Path(__file__).parents[2] / "optiverse-core/tests/data/golden"


# The app takes what is no colour for crimson; so does the engine, and says so.
COLOURS = pytest.mark.filterwarnings("ignore:.*color_hex is:optiverse_engine.OptiverseWarning")


@pytest.fixture
def version_027(monkeypatch):
    """The app 0.2.7 is importable, as far as its paths go."""
    modules = {name: ModuleType(name) for name in ("optiverse.raytracing.ray", "optiverse.core.models")}
    modules["optiverse.raytracing.ray"].RayPath = OldRayPath
    modules["optiverse.core.models"].Polarization = Polarization
    for package in ("optiverse", "optiverse.raytracing", "optiverse.core"):
        modules[package] = ModuleType(package)
        modules[package].__path__ = []
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    _paths.classes.cache_clear()
    yield
    _paths.classes.cache_clear()


def close(ours, golden):
    return np.shape(ours) == np.shape(golden) and np.allclose(ours, golden, rtol=1e-9, atol=1e-6)


def complex_pairs(numbers):
    return np.array(numbers).view(np.complex128)


def is_same(path, golden):
    if not close(path.points, golden["points"]) or list(path.rgba) != golden["rgba"]:
        return False
    if "last_jones" in golden:
        return close(path.polarization.jones_vector, complex_pairs(golden["last_jones"]))
    states = [state.jones_vector for state in path.polarizations]
    return (
        path.source_index == golden["source_index"]
        and close(path.intensities, golden["intensities"])
        and close(path.beam_radii, golden["beam_radii"])
        and close(states, [complex_pairs(jones) for jones in golden["jones"]])
        and path.polarization is path.polarizations[-1]
    )


def differences(file):
    """The scenes with other paths than the recorded ones, from elements or items, and how many scenes there are."""
    records = json.loads((GOLDEN / file).read_text(encoding="utf-8"))
    different = []
    for record in records:
        items, elements, sources = of_assembly(record["assembly"])
        options = {"max_events": record["max_events"], "min_intensity": record.get("min_intensity", 0.02)}
        for how, taken in (("elements", elements), ("items", app.convert_scene(items))):
            left = app.trace_rays_polymorphic(taken, sources, **options)
            count = len(left)
            for golden in record["paths"]:
                found = next((path for path in left if is_same(path, golden)), None)
                left = [path for path in left if path is not found]
            if left or count != len(record["paths"]):
                different.append((record["name"], how))
    return different, len(records)


@COLOURS
@pytest.mark.parametrize(("file", "count"), [("app-0.3.4-scenes.json", 92), ("app-0.3.4-more-scenes.json", 56)])
def test_paths_of_version_034(file, count):
    assert differences(file) == ([], count)


@COLOURS
@pytest.mark.usefixtures("version_027")
def test_paths_of_version_027():
    assert differences("app-0.2.7-scenes.json") == ([], 88)


@pytest.mark.usefixtures("version_027")
def test_paths_are_of_the_apps_own_class():
    paths = app.trace_rays_polymorphic([], [of_assembly({"items": [{"_type": "source"}]})[2][0]])
    assert [type(path) for path in paths] == [OldRayPath] * 9
    assert type(paths[0].polarization) is Polarization
