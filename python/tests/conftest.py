"""Scenes that several tests use."""

import json

import pytest

from optiverse_engine import Scene


def component(uuid, element_type, *, x_mm=0.0, y_mm=0.0, line=(0.0, -10.0, 0.0, 10.0), **parameters):
    """A component with one interface from (x1, y1) to (x2, y2)."""
    x1, y1, x2, y2 = line
    interface = {"x1_mm": x1, "y1_mm": y1, "x2_mm": x2, "y2_mm": y2, "element_type": element_type, **parameters}
    return {"_type": "component", "item_uuid": uuid, "x_mm": x_mm, "y_mm": y_mm, "interfaces": [interface]}


def source(uuid="laser", **parameters):
    """A source at (-100, 0)."""
    return {"_type": "source", "item_uuid": uuid, "x_mm": -100.0, "y_mm": 0.0, **parameters}


SPLIT = {"split_T": 50, "split_R": 50}


@pytest.fixture
def splitter_scene():
    """Three rays, half of each sent up by a beam splitter, the other half through a lens."""
    scene = Scene()
    scene.add(source(name="HeNe", n_rays=3, size_mm=4.0, wavelength_nm=632.8))
    scene.add(component("splitter", "beam_splitter", line=(-10, -10, 10, 10), **SPLIT), name="BS")
    scene.add(component("lens", "lens", x_mm=50.0, efl_mm=100.0))
    return scene


@pytest.fixture
def gaussian_scene():
    """A Gaussian beam through a lens."""
    scene = Scene()
    scene.add(source(source_type="gaussian", beam_waist_mm=0.5))
    scene.add(component("lens", "lens", efl_mm=100.0))
    return scene


@pytest.fixture
def bad_scene(splitter_scene):
    """A scene with a lens that cannot be traced and a colour that is not one."""
    splitter_scene.add(component("bad", "lens", x_mm=70.0, efl_mm=0), name="broken")
    splitter_scene.update("laser", color_hex="no colour")
    return splitter_scene


@pytest.fixture
def long_scene():
    """Light between two mirrors: ten million rays of 80 events each, minutes of work."""
    scene = Scene()
    scene.add(source(n_rays=10_000_000, size_mm=1.0, ray_length_mm=1e6))
    scene.add(component("right", "mirror", x_mm=100.0))
    scene.add(component("left", "mirror", x_mm=-200.0))
    return scene


@pytest.fixture
def linked_files(tmp_path):
    """A file that links to another one beside it."""
    part = {"version": "2.0", "items": [component("mirror", "mirror")]}
    (tmp_path / "part.json").write_text(json.dumps(part))
    link = {"source_path": "@assembly/part.json", "offset_x": 10.0, "offset_y": 5.0, "rotation_deg": 0.0}
    group = {"uuid": "group", "type": "group", "name": "Part", "link_metadata": link}
    whole = {"version": "2.0", "items": [source()], "layer_state": {"version": 1, "nodes": [group]}}
    path = tmp_path / "whole.json"
    path.write_text(json.dumps(whole))
    return path
