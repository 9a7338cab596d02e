"""Tracers that follow a scene, and traces within a time."""

import math
import signal
import threading
import time
import warnings

import numpy as np
import pytest
from conftest import component, source

import optiverse_engine as oe
from optiverse_engine import Scene, Tracer

ARRAYS = (
    *("points", "intensities", "jones", "optical_path_mm", "beam_radii_mm", "hit_item", "hit_interface"),
    *("offsets", "rgba", "wavelengths_nm", "source_index", "ray_index", "parents", "branch_vertices", "ending_codes"),
)
POWER = ("emitted", "left", "absorbed", "blocked", "clipped", "too_weak", "too_many_events", "too_long", "limit")


def same(a, b):
    """Whether two results are the same to the last bit."""
    arrays = all(getattr(a, name).tobytes() == getattr(b, name).tobytes() for name in ARRAYS)
    power = all(getattr(a.power, name) == getattr(b.power, name) for name in POWER)
    return arrays and power and (a.items, a.sources, a.truncated) == (b.items, b.sources, b.truncated)


@pytest.fixture
def wide_scene():
    """Forty rays, of which some meet the one mirror and others the lens behind it."""
    scene = Scene()
    scene.add(source(n_rays=40, size_mm=40.0))
    scene.add(component("mirror", "mirror", line=(0, -3, 0, 3)))
    scene.add(component("lens", "lens", x_mm=50.0, efl_mm=100.0))
    return scene


def test_a_tracer_follows_the_edits_of_its_scene(wide_scene):
    tracer = Tracer(wide_scene)
    assert tracer.scene is wide_scene
    assert same(tracer.paths, wide_scene.trace())
    edits = [
        lambda scene: scene.move("mirror", 0.0, 5.0),
        lambda scene: scene.update("lens", angle_deg=30.0),
        lambda scene: scene.add(component("block", "beam_block", x_mm=20.0)),
        lambda scene: scene.update("laser", n_rays=45),
        lambda scene: scene.add(source("second", y_mm=4.0, n_rays=3)),
        lambda scene: scene.remove("mirror"),
        lambda scene: scene.remove("laser"),
        lambda scene: scene.update("lens", name="L1"),
    ]
    for edit in edits:
        edit(wide_scene)
        update = tracer.update()
        assert same(tracer.paths, wide_scene.trace())
        assert len(update.indices) == len(update.paths)
        paths = tracer.paths
        for path, index in zip(update.paths, update.indices, strict=True):
            np.testing.assert_array_equal(path.points, paths[index].points)
    assert tracer.update().rays.shape == (0, 2)


def test_an_update_names_what_changed_and_traces_little_more(wide_scene):
    tracer = Tracer(wide_scene)
    before = tracer.paths
    wide_scene.move("mirror", 0.0, 1.0)
    update = tracer.update()
    after = tracer.paths
    changed = {tuple(ray) for ray in update.rays.tolist()}
    for path in after:
        ray = (path.source_index, path.ray_index)
        (old,) = (p for p in before if (p.source_index, p.ray_index) == ray)
        assert (ray in changed) == (not np.array_equal(old.points, path.points))
    assert 0 < len(changed) <= update.traced_rays < 10
    assert not update.whole
    assert update.paths.power.emitted == len(changed)
    assert repr(update) == f"<Update: 2 rays changed, now 2 paths; {update.traced_rays} rays traced>"
    assert repr(tracer) == "<Tracer: 3 items>"


def test_edits_add_up_until_the_update(wide_scene):
    tracer = Tracer(wide_scene)
    for step in range(5):
        wide_scene.move("mirror", 0.0, float(step))
    wide_scene.move("mirror", 0.0, 0.0)
    # Back where it was: traced, to find that nothing is different.
    update = tracer.update()
    assert len(update.rays) == 0
    assert len(update.paths) == 0
    assert same(tracer.paths, wide_scene.trace())


def test_results_stay_as_they_were(wide_scene):
    tracer = Tracer(wide_scene)
    paths, points = tracer.paths, tracer.paths.points
    copy = points.copy()
    wide_scene.remove("mirror")
    update = tracer.update()
    wide_scene.remove("lens")
    tracer.update()
    np.testing.assert_array_equal(points, copy)
    assert len(paths.surfaces) == 2
    assert len(update.paths.surfaces) == 1
    assert same(tracer.paths, wide_scene.trace())


def test_two_tracers_and_a_copy_keep_apart(wide_scene):
    exact, app = Tracer(wide_scene), Tracer(wide_scene, "optiverse-0.3.4", max_events=3, length_mm=300.0)
    copy = wide_scene.copy()
    copy.remove("lens")
    assert len(exact.update().rays) == 0
    wide_scene.move("lens", 60.0, 2.0)
    exact.update()
    app.update()
    assert same(exact.paths, wide_scene.trace())
    assert same(app.paths, wide_scene.trace("optiverse-0.3.4", max_events=3, length_mm=300.0))


def test_surfaces_nearer_than_the_smallest_hit_are_not_seen(wide_scene):
    # The mirror is 100 mm from the source, and comes nearer.
    options = {"physics": "optiverse-0.3.4", "smallest_hit_mm": 95.0}
    tracer = Tracer(wide_scene, **options)
    assert (tracer.paths.hit_item == tracer.paths.items.index("mirror")).any()
    for x_mm, seen in ((-4.0, True), (-6.0, False), (-5.001, False), (-4.999, True)):
        wide_scene.move("mirror", x_mm, 0.0)
        tracer.update()
        assert same(tracer.paths, wide_scene.trace(**options))
        assert same(tracer.paths, wide_scene.trace_within(math.inf, **options).paths)
        assert ("mirror" in {tracer.paths.items[item] for item in tracer.paths.hit_item if item >= 0}) is seen


def test_a_tracer_that_missed_very_many_edits_looks_at_the_whole_scene(wide_scene):
    tracer = Tracer(wide_scene)
    for step in range(10_001):
        wide_scene.move("mirror", 0.0, step * 1e-3)
    update = tracer.update()
    assert update.traced_rays < 40
    assert same(tracer.paths, wide_scene.trace())
    wide_scene.move("mirror", 0.0, 0.0)
    tracer.update()
    assert same(tracer.paths, wide_scene.trace())


def test_items_become_invalid_and_valid_again(wide_scene):
    tracer = Tracer(wide_scene)
    wide_scene.update("mirror", x_mm="left")
    with pytest.warns(oe.OptiverseWarning, match="item mirror: x_mm"):
        tracer.update()
    assert tracer.reports == wide_scene.reports != []
    # What has been said is not said again.
    wide_scene.move("lens", 60.0, 2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tracer.update()
        wide_scene.update("mirror", x_mm=0.0)
        tracer.update()
    assert tracer.reports == []
    assert same(tracer.paths, wide_scene.trace())
    wide_scene.update("mirror", x_mm="left")
    with pytest.warns(oe.OptiverseWarning, match="item mirror: x_mm"):
        Tracer(wide_scene)


def test_a_result_that_is_cut_is_traced_whole(splitter_scene):
    count = len(splitter_scene.trace().points)
    with pytest.warns(oe.OptiverseWarning, match=f"max_vertices = {count - 1}"):
        tracer = Tracer(splitter_scene, max_vertices=count - 1)
    splitter_scene.move("lens", 60.0, 0.0)
    with pytest.warns(oe.OptiverseWarning, match="max_vertices"):
        update = tracer.update()
    assert update.whole
    assert update.paths.truncated
    assert "all to be drawn anew" in repr(update)
    with pytest.warns(oe.OptiverseWarning):
        assert same(tracer.paths, splitter_scene.trace(max_vertices=count - 1))


def test_sources_that_are_removed_make_all_be_drawn_anew(wide_scene):
    wide_scene.add(source("second", y_mm=4.0, n_rays=3))
    tracer = Tracer(wide_scene)
    wide_scene.remove("second")
    update = tracer.update()
    assert not update.whole
    assert update.rays.tolist() == [[1, 0], [1, 1], [1, 2]]
    assert len(update.paths) == 0
    wide_scene.add(source("second", y_mm=4.0, n_rays=3))
    tracer.update()
    wide_scene.remove("laser")
    update = tracer.update()
    assert update.whole
    assert same(update.paths, wide_scene.trace())


def test_options_are_checked():
    for options, name in (
        ({"physics": "wrong"}, "physics"),
        ({"length_mm": -1.0}, "length_mm"),
        ({"smallest_hit_mm": -1e-9}, "smallest_hit_mm"),
    ):
        with pytest.raises(oe.OptionError, match=name):
            Tracer(Scene(), **options)
        with pytest.raises(oe.OptionError, match=name):
            Scene().trace_within(math.inf, **options)
    with pytest.raises(TypeError):
        Tracer("no scene")


def test_ctrl_c_stops_an_update_and_the_next_makes_up_for_it(long_scene):
    long_scene.update("laser", n_rays=100)
    tracer = Tracer(long_scene, max_vertices=10**9)
    before = tracer.paths
    long_scene.update("laser", n_rays=10_000_000)
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        tracer.update()
    assert time.monotonic() - start < 5.0
    assert same(tracer.paths, before)
    long_scene.update("laser", n_rays=50)
    update = tracer.update()
    assert len(update.rays) > 0
    assert same(tracer.paths, long_scene.trace())


# On the calling thread, and on one beside it.
@pytest.mark.parametrize("max_events", [80, 1_000_000])
def test_what_an_update_could_not_tell_the_next_one_tells(wide_scene, max_events):
    def stop(done, total):
        assert done == total > 0
        raise ZeroDivisionError

    tracer = Tracer(wide_scene, max_events=max_events)
    wide_scene.move("mirror", 0.0, 5.0)
    with pytest.raises(ZeroDivisionError):
        tracer.update(progress=stop)
    update = tracer.update()
    assert (update.whole, update.traced_rays) == (True, 0)
    assert same(update.paths, wide_scene.trace(max_events=max_events))
    assert update.rays.tolist() == [[0, ray] for ray in range(40)]
    assert update.indices.tolist() == list(range(40))
    assert not tracer.update().whole
    wide_scene.update("mirror", x_mm="left")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(oe.OptiverseWarning):
            tracer.update()
    assert tracer.update().whole
    assert not tracer.update().whole


def test_another_thread_may_edit_meanwhile(wide_scene):
    tracer = Tracer(wide_scene)
    going = True

    def edit():
        step = 0
        while going:
            step += 1
            wide_scene.move("mirror", 0.0, float(step % 10))

    thread = threading.Thread(target=edit)
    thread.start()
    try:
        for _ in range(100):
            tracer.update()
    finally:
        going = False
        thread.join()
    tracer.update()
    assert same(tracer.paths, wide_scene.trace())


def test_enough_time_gives_the_whole_trace(wide_scene):
    partial = wide_scene.trace_within(math.inf)
    assert partial.complete
    assert (partial.stride, partial.ray_count) == (1, 40)
    assert partial.rays.tolist() == [[0, ray] for ray in range(40)]
    assert same(partial.paths, wide_scene.trace())
    assert repr(partial) == "<PartialTrace: 40 of 40 rays, 40 paths, complete>"


def test_little_time_gives_every_kth_ray(long_scene):
    long_scene.update("laser", ray_length_mm=1e4)
    long_scene.trace_within(0.0)  # compiles the scene, which would count
    start = time.monotonic()
    partial = long_scene.trace_within(0.2, max_vertices=10**9)
    # Three fifths of it are for tracing.
    assert 0.12 <= time.monotonic() - start < 5.0
    assert not partial.complete
    assert partial.ray_count == 10_000_000
    assert partial.stride is not None
    rays = partial.rays[:, 1]
    assert (np.diff(rays) > 0).all()
    assert np.isin(np.arange(0, 10_000_000, partial.stride), rays).all()
    assert np.unique(partial.paths.ray_index).tolist() == rays.tolist()


def test_no_time_gives_nothing(wide_scene):
    partial = wide_scene.trace_within(0.0)
    assert (len(partial.paths), partial.rays.shape, partial.stride, partial.complete) == (0, (0, 2), None, False)


def test_options_of_a_trace_within_a_time(bad_scene):
    for seconds in (-0.1, math.nan):
        with pytest.raises(oe.OptionError, match="seconds"):
            bad_scene.trace_within(seconds)
    with pytest.warns(oe.OptiverseWarning) as caught:
        bad_scene.trace_within(0.0)
    assert sorted(str(warning.message) for warning in caught) == sorted(map(str, bad_scene.reports))
    with pytest.warns(oe.OptiverseWarning) as caught:
        assert bad_scene.trace_within(math.inf, max_vertices=5).paths.truncated
    assert "the trace stopped at max_vertices = 5: paths are missing" in {str(w.message) for w in caught}
