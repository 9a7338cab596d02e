"""Traces: options, results as arrays and as paths."""

import warnings

import numpy as np
import pytest
from conftest import component, source

import optiverse_engine as oe
from optiverse_engine import Scene

PER_VERTEX, PER_PATH, PER_PATH_AND_ONE = "n", "m", "m + 1"


@pytest.mark.parametrize(
    ("name", "rows", "columns", "dtype"),
    [
        ("points", PER_VERTEX, 2, np.float64),
        ("intensities", PER_VERTEX, None, np.float64),
        ("jones", PER_VERTEX, 2, np.complex128),
        ("optical_path_mm", PER_VERTEX, None, np.float64),
        ("beam_radii_mm", PER_VERTEX, None, np.float64),
        ("hit_item", PER_VERTEX, None, np.int32),
        ("hit_interface", PER_VERTEX, None, np.int32),
        ("offsets", PER_PATH_AND_ONE, None, np.int64),
        ("rgba", PER_PATH, 4, np.uint8),
        ("wavelengths_nm", PER_PATH, None, np.float64),
        ("source_index", PER_PATH, None, np.int64),
        ("ray_index", PER_PATH, None, np.int64),
        ("parents", PER_PATH, None, np.int64),
        ("branch_vertices", PER_PATH, None, np.int64),
        ("ending_codes", PER_PATH, None, np.uint8),
    ],
)
@pytest.mark.parametrize("empty", [False, True])
def test_shapes_and_types(splitter_scene, name, rows, columns, dtype, empty):
    paths = (Scene() if empty else splitter_scene).trace()
    n, m = int(paths.offsets[-1]), len(paths)
    assert (m == 0) == empty
    length = {PER_VERTEX: n, PER_PATH: m, PER_PATH_AND_ONE: m + 1}[rows]
    array = getattr(paths, name)
    assert array.dtype == dtype
    assert array.shape == ((length,) if columns is None else (length, columns))
    assert array.flags.c_contiguous
    assert array.flags.aligned
    assert not array.flags.writeable
    assert not array.flags.owndata


def test_what_a_splitter_and_a_lens_do(splitter_scene):
    paths = splitter_scene.trace()
    assert len(paths) == 6
    assert paths.offsets[0] == 0
    assert paths.offsets[-1] == len(paths.points)
    assert paths.wavelengths_nm.tolist() == [632.8] * 6
    assert paths.source_index.tolist() == [0] * 6
    assert sorted(paths.ray_index.tolist()) == [0, 0, 1, 1, 2, 2]
    assert paths.sources == ["laser"]
    assert paths.items == ["splitter", "lens"]
    assert np.isnan(paths.beam_radii_mm).all()
    assert (paths.endings == "left").all()
    assert paths.ending_codes.tolist() == [oe.ENDINGS.index("left")] * 6
    assert paths.rgba[0].tolist() == [0xDC, 0x14, 0x3C, 127]
    ends = paths.intensities[paths.offsets[1:] - 1]
    assert ends == pytest.approx([0.5] * 6)
    # Light that leaves through the lens crosses its axis in the focus.
    through = [path for path in paths if path.hits and path.hits[-1].item == "lens"]
    assert len(through) == 3
    for path in through:
        (x1, y1), (x2, y2) = path.points[-2:]
        assert y1 + (150.0 - x1) * (y2 - y1) / (x2 - x1) == pytest.approx(0.0, abs=1e-9)
    power = paths.power
    assert power.emitted == 3.0
    assert power.left == pytest.approx(3.0)
    assert power.accounted == pytest.approx(power.emitted)
    for name in ("absorbed", "blocked", "clipped", "too_weak", "too_many_events", "too_long", "limit"):
        assert getattr(power, name) == pytest.approx(0.0)
        assert f"{name}=" in repr(power)


def test_a_gaussian_beam_has_radii(gaussian_scene):
    paths = gaussian_scene.trace()
    assert len(paths) == 1
    assert not np.isnan(paths.beam_radii_mm).any()
    assert paths.beam_radii_mm[0] == pytest.approx(0.5)


def test_a_result_is_a_sequence_of_paths(splitter_scene):
    paths = splitter_scene.trace()
    assert [path.index for path in paths] == list(range(6))
    assert paths[-1].index == 5
    assert paths[-6].index == 0
    assert [path.index for path in paths[1:3]] == [1, 2]
    assert [path.index for path in paths[::-2]] == [5, 3, 1]
    assert paths[7:] == []
    assert paths[np.int64(2)].index == 2
    assert [path.index for path in reversed(paths)] == [5, 4, 3, 2, 1, 0]
    for index in (6, -7, 10**30):
        with pytest.raises(IndexError):
            paths[index]
    with pytest.raises(TypeError, match="not by a value of type str"):
        paths["0"]
    assert repr(paths) == f"<RayPaths: 6 paths, {len(paths.points)} vertices>"
    assert not Scene().trace()


def test_a_path_is_a_view(splitter_scene):
    paths = splitter_scene.trace()
    for i, path in enumerate(paths):
        own = slice(paths.offsets[i], paths.offsets[i + 1])
        assert len(path) == own.stop - own.start
        assert path.rgba == tuple(paths.rgba[i])
        assert path.wavelength_nm == 632.8
        assert (path.source, path.source_index, path.ray_index) == ("laser", 0, paths.ray_index[i])
        assert path.ending == "left"
        assert path.parent == (None if paths.parents[i] < 0 else paths.parents[i])
        assert path.branch_vertex == paths.branch_vertices[i]
        for name in ("points", "intensities", "jones", "optical_path_mm", "beam_radii_mm"):
            view, whole = getattr(path, name), getattr(paths, name)
            np.testing.assert_array_equal(view, whole[own])
            assert np.shares_memory(view, whole)
        for hit in path.hits:
            assert paths.items[paths.hit_item[own][hit.vertex]] == hit.item
            assert paths.hit_interface[own][hit.vertex] == hit.interface
    first = paths[0].hits[0]
    assert repr(first) == 'Hit(vertex=1, item="splitter", interface=0)'
    assert first == paths[1].hits[0]
    assert hash(first) == hash(paths[1].hits[0])
    assert first != paths[0].hits
    assert "vertices, intensity 0.5000, left" in repr(paths[0])
    assert {path.parent is None for path in paths} == {True, False}


def test_lenient_traces_leave_out_and_say_so(bad_scene):
    with pytest.warns(oe.OptiverseWarning) as caught:
        paths = bad_scene.trace()
    assert sorted(str(warning.message) for warning in caught) == sorted(map(str, bad_scene.reports))
    assert caught[0].filename == __file__
    assert paths.reports == bad_scene.reports
    assert "bad" not in paths.items
    assert len(paths) == 6


def test_strict_traces_refuse(bad_scene):
    with pytest.raises(oe.InvalidSceneError, match=r"item bad \(broken\)") as caught:
        bad_scene.trace(strict=True)
    assert caught.value.reports == bad_scene.reports
    # A warning alone does not keep a scene from being traced.
    bad_scene.remove("bad")
    with pytest.warns(oe.OptiverseWarning, match="color_hex"):
        assert len(bad_scene.trace(strict=True)) == 6


def test_warnings_that_are_errors_stop_a_trace(bad_scene):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(oe.OptiverseWarning):
            bad_scene.trace()


def test_presets_differ():
    scene = Scene()
    scene.add(source(n_rays=1, y_mm=5.0))
    scene.add(component("lens", "lens", efl_mm=-50.0))
    exact, app = (scene.trace(physics) for physics in oe.PHYSICS[:2])
    assert oe.PHYSICS == ("exact", "optiverse-0.3.4", "optiverse-0.2.7")
    # The app's rule sends light backwards through a diverging lens.
    assert exact.points[-1, 0] > 0 > app.points[-1, 0]


def test_max_events_and_their_limits():
    scene = Scene()
    scene.add(source(n_rays=1))
    scene.add(component("right", "mirror", x_mm=10))
    scene.add(component("left", "mirror", x_mm=-10))
    scene.update("laser", x_mm=0.0, ray_length_mm=1e6)
    paths = scene.trace(max_events=5)
    assert len(paths[0].hits) == 5
    assert paths.endings.tolist() == ["too many events"]
    assert len(scene.trace(max_events=0)) == 0
    # 2**32 - 1 is accepted: the ray ends by its length.
    assert scene.trace(max_events=2**32 - 1, length_mm=100.0).endings.tolist() == ["too long"]


def test_min_intensity_and_length(splitter_scene):
    paths = splitter_scene.trace(min_intensity=0.6)
    assert set(paths.endings.tolist()) == {"too weak"}
    assert paths.power.too_weak == pytest.approx(3.0)
    short = splitter_scene.trace(length_mm=60.0)
    assert set(short.endings.tolist()) <= {"too long", "left"}
    assert short.optical_path_mm.max() == pytest.approx(60.0)


def test_max_vertices_truncates_and_says_so(splitter_scene):
    whole = splitter_scene.trace()
    count = len(whole.points)
    at_limit = splitter_scene.trace(max_vertices=count)
    assert not at_limit.truncated
    with pytest.warns(oe.OptiverseWarning, match=f"max_vertices = {count - 1}"):
        cut = splitter_scene.trace(max_vertices=count - 1)
    assert cut.truncated
    assert len(cut.points) <= count - 1
    assert "truncated" in repr(cut)
    assert cut.power.limit > 0
    with pytest.warns(oe.OptiverseWarning):
        assert len(splitter_scene.trace(max_vertices=0)) == 0


def test_threads_change_nothing():
    scene = Scene()
    scene.add(source(n_rays=1000))
    scene.add(component("splitter", "beam_splitter", line=(-10, -10, 10, 10), split_T=50, split_R=50))
    one = scene.trace(threads=1)
    for threads in (None, 2, 3, 256, 257):
        other = scene.trace(threads=threads)
        for name in ("points", "intensities", "jones", "offsets", "parents", "ending_codes"):
            assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


@pytest.mark.parametrize(
    ("options", "option", "value"),
    [
        ({"physics": "wrong"}, "physics", '"wrong"'),
        ({"max_events": -1}, "max_events", "-1"),
        ({"max_events": 2**32}, "max_events", "4294967296"),
        ({"min_intensity": -0.1}, "min_intensity", "-0.1"),
        ({"min_intensity": float("nan")}, "min_intensity", "NaN"),
        ({"threads": 0}, "threads", "0"),
        ({"threads": -1}, "threads", "-1"),
        ({"max_vertices": -1}, "max_vertices", "-1"),
        ({"length_mm": 0.0}, "length_mm", "0"),
        ({"length_mm": float("inf")}, "length_mm", "inf"),
        ({"smallest_hit_mm": -0.001}, "smallest_hit_mm", "-0.001"),
        ({"progress": 5}, "progress", "5"),
    ],
)
def test_options_that_cannot_be_used(options, option, value):
    with pytest.raises(oe.OptionError) as caught:
        Scene().trace(**options)
    error = caught.value
    assert (error.option, error.value) == (option, value)
    assert str(error) == f"{option} is {value}, expected {error.expected}"


def test_options_of_the_wrong_type():
    for options in ({"max_events": 1.5}, {"threads": "two"}, {"min_intensity": "low"}):
        with pytest.raises(TypeError):
            Scene().trace(**options)


def test_hidden_items_are_not_traced():
    scene = Scene.from_json(
        '{"items": [{"_type": "source", "item_uuid": "a"}], "layer_state": {"version": 1, "nodes": '
        '[{"uuid": "a", "type": "item", "visible": false}]}}'
    )
    assert len(scene.trace()) == 0
    assert len(scene.trace("optiverse-0.3.4")) == 9


def test_a_result_stays_as_it_was_when_the_scene_is_edited(splitter_scene):
    paths = splitter_scene.trace()
    before, svg = paths.points.copy(), paths.to_svg()
    splitter_scene.remove("lens")
    np.testing.assert_array_equal(paths.points, before)
    assert paths.to_svg() == svg
    assert len(splitter_scene.trace()) == 6
    assert len(splitter_scene.surfaces) == 1
    assert len(paths.surfaces) == 2
