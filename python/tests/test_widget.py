"""The widget without a browser: what it sends, what it is asked, what it keeps."""

import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import component, source

import optiverse_engine as oe
from optiverse_engine import Scene
from optiverse_engine.widget import HEIGHTS_PX, SceneWidget, _light
from optiverse_engine.widget._document import MOST_STEPS, LocalDocument
from optiverse_engine.widget._requests import LONGEST_NAME, RequestError, parse

traitlets = pytest.importorskip("traitlets")


@pytest.fixture
def table(splitter_scene):
    """A widget whose replies are kept in `table.replies`."""
    widget = SceneWidget(splitter_scene)
    widget.replies = []
    widget.send = lambda content, buffers=None: widget.replies.append(content)
    return widget


def ask(table, **message):
    """Send what a view would send; return the reply."""
    message = {"view": "view", "number": len(table.replies) + 1, **message}
    table._handle_message(table, message, [])
    reply = table.replies[-1]
    assert (reply["view"], reply["number"]) == ("view", message["number"])
    return reply


def drag(table, id, x_mm, y_mm, step="drag", last=False, **more):
    return ask(table, type="move", id=id, x_mm=x_mm, y_mm=y_mm, step=step, last=last, **more)


def unpacked(light):
    """The buffers of a frame as arrays."""
    points = np.frombuffer(light["points"], "<f4").reshape(-1, 2)
    return points, np.frombuffer(light["starts"], "<u4"), np.frombuffer(light["firsts"], "<u4")


# What it shows.


def test_it_works_on_a_copy(splitter_scene):
    table = SceneWidget(splitter_scene)
    table.move("lens", 60.0, 5.0)
    assert table.scene["lens"]["x_mm"] == 60.0
    assert splitter_scene["lens"]["x_mm"] == 50.0
    table.scene.move("lens", 0.0, 0.0)
    assert table.scene["lens"]["x_mm"] == 60.0


def test_an_empty_widget_can_be_filled():
    table = SceneWidget()
    assert len(table.paths) == 0
    table.add(source(n_rays=1))
    id = table.add(component("lens", "lens", efl_mm=50.0), name="L1")
    assert (id, table.scene[id]["name"], len(table.paths)) == ("lens", "L1", 1)


def test_light_is_what_the_scene_traces(table, splitter_scene):
    np.testing.assert_array_equal(table.paths.points, splitter_scene.trace().points)
    table.update("laser", n_rays=5)
    splitter_scene.update("laser", n_rays=5)
    np.testing.assert_array_equal(table.paths.points, splitter_scene.trace().points)


def test_options_of_the_trace(splitter_scene):
    cut = splitter_scene.trace(max_events=1)
    np.testing.assert_array_equal(SceneWidget(splitter_scene, max_events=1).paths.points, cut.points)
    np.testing.assert_array_equal(
        SceneWidget(splitter_scene, physics="optiverse-0.3.4").paths.points,
        splitter_scene.trace("optiverse-0.3.4").points,
    )
    with pytest.raises(oe.OptionError, match="physics"):
        SceneWidget(splitter_scene, physics="wishful")


@pytest.mark.parametrize("height", HEIGHTS_PX)
def test_height_at_its_limits(height):
    assert SceneWidget(height_px=height).height_px == height
    beyond = height + (1 if height == HEIGHTS_PX[1] else -1)
    with pytest.raises(traitlets.TraitError):
        SceneWidget(height_px=beyond)


def test_every_change_is_observed(table):
    seen = []
    table.observe(lambda change: seen.append((change["new"], table.scene["lens"]["x_mm"])), "revision")
    table.move("lens", 60.0, 0.0)
    drag(table, "lens", 70.0, 0.0)
    assert [x for _, x in seen] == [60.0, 70.0]
    assert seen[0][0] < seen[1][0] == table.revision
    with pytest.raises(traitlets.TraitError):
        table.revision = 7


def test_scenes_can_be_assigned(table):
    scene = table.scene
    scene.remove("lens")
    table.selected = "lens"
    table.scene = scene
    assert "lens" not in table.scene
    assert table.selected is None
    assert table.undo()
    assert "lens" in table.scene


def test_a_scene_at_fault_is_shown_without_warnings(bad_scene):
    table = SceneWidget(bad_scene)
    errors = [report for report in table._scene["reports"] if report["severity"] == "error"]
    assert [(report["item"], report["key"]) for report in errors] == [("bad", "interfaces[0].efl_mm")]


def test_a_limit_that_is_reached_is_told(splitter_scene):
    assert not SceneWidget(splitter_scene)._frame["truncated"]
    assert SceneWidget(splitter_scene, max_vertices=4)._frame["truncated"]


def test_numbers_that_json_lacks_become_text():
    table = SceneWidget(
        Scene.from_json('{"items": [{"_type": "component", "item_uuid": "a", "odd": [NaN, {"x": -Infinity}]}]}')
    )
    assert table._scene["items"][0]["properties"]["odd"] == ["nan", {"x": "-inf"}]


# What is sent of the light.


def test_paths_are_sent_without_what_they_have_in_common(table):
    points, starts, firsts = unpacked(table._frame["light"])
    assert len(starts) == len(table.paths) + 1
    assert starts[-1] == len(points)
    for i, path in enumerate(table.paths):
        assert firsts[i] == path.branch_vertex
        np.testing.assert_allclose(points[starts[i] : starts[i + 1]], path.points[path.branch_vertex :], rtol=1e-6)


def test_radii_are_sent_of_beams_only(table, gaussian_scene):
    assert table._frame["light"]["radii"] == b""
    beam = SceneWidget(gaussian_scene)
    radii = np.frombuffer(beam._frame["light"]["radii"], "<f4")
    np.testing.assert_allclose(radii, beam.paths.beam_radii_mm, rtol=1e-6)


def test_the_lit_side_of_a_mirror():
    scene = Scene()
    scene.add(source(n_rays=1))
    # Its normal points to −x, against the light: from p1 = (0, 10) to p2 = (0, −10).
    scene.add(component("front", "mirror", line=(0, 10, 0, -10)))
    lit = {entry["item"]: entry["lit"] for entry in SceneWidget(scene)._scene["surfaces"]}
    back = SceneWidget(scene)
    back.update("front", angle_deg=180.0)
    turned = {entry["item"]: entry["lit"] for entry in back._scene["surfaces"]}
    assert {lit["front"], turned["front"]} == {1, 2}


def test_surfaces_know_what_they_are(table):
    surfaces = {surface.item: surface for surface in table.paths.surfaces}
    assert surfaces["lens"].label == "f = 100 mm"
    assert surfaces["lens"].description == "lens, f = 100 mm, 20 mm wide"
    assert surfaces["lens"].parameters == {"focal_length_mm": 100.0, "half_aperture_mm": 10.0}
    assert surfaces["splitter"].parameters == {"transmittance": 0.5, "reflectance": 0.5}


@pytest.mark.parametrize(
    ("element", "properties", "parameters"),
    [
        ("mirror", {"reflectivity": 90}, {"reflectance": 0.9}),
        ("beam_splitter", {"is_polarizing": True, "pbs_transmission_axis_deg": 30.0}, {"transmission_axis_deg": 30.0}),
        (
            "dichroic",
            {"cutoff_wavelength_nm": 600, "pass_type": "shortpass"},
            {"cutoff_nm": 600, "pass_type": "shortpass"},
        ),
        ("waveplate", {"phase_shift_deg": 180, "fast_axis_deg": 22.5}, {"retardance_deg": 180, "fast_axis_deg": 22.5}),
        (
            "polarizing_interface",
            {"polarizer_subtype": "linear_polarizer", "transmission_axis_deg": 45},
            {"transmission_axis_deg": 45},
        ),
        ("polarizing_interface", {"polarizer_subtype": "faraday_rotator"}, {"rotation_deg": 45}),
        (
            "refractive_interface",
            {"n1": 1.0, "n2_material": "N-BK7"},
            {"n1": 1.0, "n1_material": None, "n2_material": "N-BK7"},
        ),
        ("beam_block", {}, {}),
    ],
)
def test_parameters_of_every_element(element, properties, parameters):
    scene = Scene()
    scene.add(component("it", element, **properties))
    found = scene.surfaces[0].parameters
    assert parameters.keys() <= found.keys()
    assert {key: found[key] for key in parameters} == pytest.approx(parameters)
    assert bool(found) == bool(parameters)


# What views ask for.


def test_a_drag_moves_the_item_and_the_light_follows(table):
    before = table.paths.points.copy()
    assert drag(table, "lens", 50.0, 3.0)["type"] == "done"
    assert (table.scene["lens"]["x_mm"], table.scene["lens"]["y_mm"]) == (50.0, 3.0)
    assert not np.array_equal(before, table.paths.points)
    # Only what was dragged is sent, with the light.
    assert [item["id"] for item in table._frame["changed"]["items"]] == ["lens"]
    assert {surface["item"] for surface in table._frame["changed"]["surfaces"]} == {"lens"}
    whole = table._scene
    assert table._frame["whole"] == whole["revision"] < table._frame["revision"]
    drag(table, "lens", 50.0, 4.0, last=True)
    assert table._frame["changed"] is None
    assert table._scene is not whole
    assert table._frame["whole"] == table._scene["revision"] == table._frame["revision"]


def test_a_drag_is_one_step_of_undo(table):
    for y in (1.0, 2.0, 3.0):
        drag(table, "lens", 50.0, y, step="a")
    drag(table, "lens", 50.0, 4.0, step="a", last=True, angle_deg=30.0)
    drag(table, "lens", 50.0, 5.0, step="b", last=True)
    assert ask(table, type="undo")["type"] == "done"
    assert (table.scene["lens"]["y_mm"], table.scene["lens"]["angle_deg"]) == (4.0, 30.0)
    ask(table, type="undo")
    assert table.scene["lens"]["y_mm"] == 0.0
    assert "angle_deg" not in table.scene["lens"]
    assert not table.can_undo
    ask(table, type="redo")
    ask(table, type="redo")
    assert table.scene["lens"]["y_mm"] == 5.0
    assert not table.can_redo


def test_properties_are_changed_of_items_and_of_interfaces(table):
    ask(table, type="change", id="laser", interface=None, key="n_rays", value=7)
    assert table.scene["laser"]["n_rays"] == 7
    ask(table, type="change", id="lens", interface=0, key="efl_mm", value=75)
    assert table.scene["lens"]["interfaces"][0]["efl_mm"] == 75
    assert table.scene["lens"]["interfaces"][0]["y2_mm"] == 10.0
    assert table.paths.surfaces[1].label == "f = 75 mm"


def test_what_is_removed_is_not_selected_any_more(table):
    table.selected = "lens"
    ask(table, type="remove", id="lens")
    assert "lens" not in table.scene
    assert table.selected is None


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"type": "move", "id": "nobody", "x_mm": 0, "y_mm": 0, "step": "a"}, "nobody"),
        ({"type": "remove", "id": "nobody"}, "nobody"),
        ({"type": "change", "id": "laser", "interface": 0, "key": "n_rays", "value": 1}, "has no interface 0"),
        ({"type": "change", "id": "lens", "interface": 1, "key": "efl_mm", "value": 1}, "has no interface 1"),
        ({"type": "change", "id": "lens", "key": "item_uuid", "value": "other"}, "item_uuid"),
        ({"type": "move", "id": "lens", "x_mm": "1", "y_mm": 0, "step": "a"}, "x_mm is '1', expected a finite number"),
        ({"type": "move", "id": "lens", "x_mm": math.inf, "y_mm": 0, "step": "a"}, "x_mm is 'inf'"),
        ({"type": "move", "id": "lens", "x_mm": True, "y_mm": 0, "step": "a"}, "x_mm is 'True'"),
        ({"type": "move", "id": "lens", "x_mm": 0, "y_mm": 0}, "step is 'None', expected a text"),
        ({"type": "dance"}, "type is 'dance'"),
        ({}, "type is 'None'"),
    ],
)
def test_refusals_say_why_and_change_nothing(table, message, said):
    before = table.scene.to_json()
    reply = ask(table, **message)
    assert reply["type"] == "refused"
    assert said in reply["message"]
    assert table.scene.to_json() == before
    assert not table.can_undo


def test_what_is_no_message_is_refused(table):
    for message in (None, [], "move", 3):
        table._handle_message(table, message, [])
        assert table.replies[-1]["type"] == "refused"


def test_names_have_a_limit():
    assert parse({"type": "remove", "id": "x" * LONGEST_NAME}).id == "x" * LONGEST_NAME
    for name in ("", "x" * (LONGEST_NAME + 1), 3, None):
        with pytest.raises(RequestError, match="id is "):
            parse({"type": "remove", "id": name})


def test_two_views_of_one_widget_see_the_same(table):
    drag(table, "lens", 50.0, 3.0, last=True)
    shown = {item["id"]: item["properties"] for item in table._scene["items"]}
    assert shown["lens"]["y_mm"] == 3.0


# What the light is at a point.


def test_a_probe_says_what_the_light_is(table):
    found = ask(table, type="probe", revision=table.revision, path=0, vertex=0, share=0.25)["found"]
    assert found["intensity"] == 1.0
    assert found["optical_path_mm"] == pytest.approx(0.25 * table.paths[0].optical_path_mm[1])
    assert (found["source"], found["ray"], found["wavelength_nm"]) == ("laser", 0, 632.8)
    assert found["radius_mm"] is None
    assert found["polarisation"] == {"azimuth_deg": 0.0, "ellipticity_deg": 0.0}
    behind = ask(table, type="probe", revision=table.revision, path=0, vertex=1, share=0.0)["found"]
    assert behind["intensity"] == 0.5


def test_a_probe_of_a_beam_says_its_radius(gaussian_scene):
    paths = gaussian_scene.trace()
    found = _light.probe(paths, 0, 0, 0.0)
    assert found["radius_mm"] == pytest.approx(0.5)


def test_a_probe_of_light_that_was_replaced_finds_nothing(table):
    revision = table.revision
    table.move("lens", 60.0, 0.0)
    assert ask(table, type="probe", revision=revision, path=0, vertex=0, share=0.5)["found"] is None


def test_a_probe_beside_the_light_is_refused(table):
    stretches = len(table.paths[0]) - 1
    assert ask(table, type="probe", revision=table.revision, path=0, vertex=stretches - 1, share=1)["type"] == "done"
    for path, vertex in ((0, stretches), (len(table.paths), 0)):
        reply = ask(table, type="probe", revision=table.revision, path=path, vertex=vertex, share=0)
        assert reply["type"] == "refused"


@pytest.mark.parametrize(
    ("jones", "azimuth", "ellipticity"),
    [
        ((1, 0), 0, 0),
        ((0, 1), 90, 0),
        ((1, 1), 45, 0),
        ((1, -1), -45, 0),
        # The formats' circular_right and circular_left; the azimuth of a circle means nothing.
        ((1, 1j), None, 45),
        ((1, -1j), None, -45),
        # Axes in the ratio 1 : 2, along h and v.
        ((2, 1j), 0, math.degrees(math.atan(0.5))),
        ((1, 2j), 90, math.degrees(math.atan(0.5))),
    ],
)
def test_ellipses(jones, azimuth, ellipticity):
    norm = math.hypot(abs(jones[0]), abs(jones[1]))
    for phase in (1, 1j, np.exp(0.3j)):
        found = _light.polarisation(phase * jones[0] / norm, phase * jones[1] / norm)
        assert found["ellipticity_deg"] == pytest.approx(ellipticity, abs=1e-6)
        if azimuth is not None:
            assert math.remainder(found["azimuth_deg"] - azimuth, 180) == pytest.approx(0, abs=1e-6)


def test_no_light_has_no_ellipse():
    assert _light.polarisation(0, 0) == {"azimuth_deg": 0.0, "ellipticity_deg": 0.0}


# History.


def test_history_has_a_limit(splitter_scene):
    document = LocalDocument(splitter_scene)
    for y in range(1, MOST_STEPS + 2):
        document.move("lens", 0.0, float(y), None)
    for _ in range(MOST_STEPS):
        assert document.undo()
    assert not document.undo()
    assert document.scene["lens"]["y_mm"] == 1.0


def test_a_new_step_ends_redo(table):
    table.move("lens", 1.0, 0.0)
    assert table.undo()
    table.move("lens", 2.0, 0.0)
    assert not table.redo()
    assert table.scene["lens"]["x_mm"] == 2.0


def test_undo_of_a_removal_brings_back_everything(table):
    before = table.scene.to_json()
    table.remove("splitter")
    table.undo()
    assert table.scene.to_json() == before


# Without what it needs.


def test_it_says_what_it_needs(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("optiverse_engine.widget")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(oe.MissingDependencyError, match=r"anywidget.*extra 'widget'"):
        import optiverse_engine.widget  # noqa: F401


def test_the_package_does_not_import_it():
    import subprocess

    program = "import sys, optiverse_engine; assert not {'anywidget', 'traitlets'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_example_of_the_document_runs(monkeypatch):
    root = Path(__file__).resolve().parents[2]
    text = (root / "docs/widget.md").read_text(encoding="utf-8")
    example = re.search(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL).group(1)
    monkeypatch.chdir(root)
    names = {}
    exec(compile(example, "docs/widget.md", "exec"), names)
    assert len(names["table"].paths) > 0
