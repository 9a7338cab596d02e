"""Scenes: reading, writing, items by id, edits."""

import copy
import json
import os
import stat
import threading
from collections.abc import Mapping

import pytest
from conftest import component, source

import optiverse_engine as oe
from optiverse_engine import Scene

TEXT = (
    '{"version": "2.0", "extra": [1.50, 1e400], "items": '
    '[{"_type": "source", "item_uuid": "a", "x_mm": 1.50e2, "unknown": {"z": 1, "a": null}}]}'
)


def test_an_empty_scene_has_the_lists_of_the_app():
    scene = Scene()
    assert len(scene) == 0
    assert not list(scene)
    assert json.loads(scene.to_json())["version"] == "2.0"
    assert scene.reports == []
    assert scene.warnings == []
    assert scene.extent is None


def test_text_is_written_back_as_it_was_read():
    scene = Scene.from_json(TEXT)
    again = scene.to_json()
    assert "1.50e2" in again
    assert "1e400" in again
    assert json.loads(again) == json.loads(TEXT)
    assert Scene.from_json(again).to_json() == again


def test_save_and_load(tmp_path):
    path = tmp_path / "scene.json"
    scene = Scene.from_json(TEXT)
    scene.save(path)
    assert path.read_text() == scene.to_json()
    assert Scene.load(str(path)).to_json() == scene.to_json()
    assert os.listdir(tmp_path) == ["scene.json"]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
def test_save_keeps_permissions_and_symbolic_links(tmp_path):
    path, link = tmp_path / "scene.json", tmp_path / "link.json"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    Scene().save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.read_text() == Scene().to_json()


def test_a_save_that_fails_leaves_the_folder_as_it_was(tmp_path):
    target = tmp_path / "scene.json"
    target.mkdir()
    with pytest.raises(oe.SceneFileError):
        Scene().save(target)
    assert os.listdir(tmp_path) == ["scene.json"]


def test_a_scene_is_a_mapping(splitter_scene):
    scene = splitter_scene
    assert isinstance(scene, Mapping)
    assert len(scene) == 3
    assert list(scene) == ["laser", "splitter", "lens"]
    assert list(scene.keys()) == list(scene)
    assert [item.id for item in scene.values()] == list(scene)
    assert [(id, item.id) for id, item in scene.items()] == [(id, id) for id in scene]
    assert "lens" in scene
    assert "other" not in scene
    assert 5 not in scene
    assert scene["lens"]["x_mm"] == 50.0
    assert scene.get("lens") == scene["lens"]
    assert scene.get("other") is None
    assert scene.get("other", 7) == 7
    assert scene.keys() & {"lens", "other"} == {"lens"}
    with pytest.raises(KeyError):
        scene["other"]


def test_an_item_is_a_live_read_only_mapping(splitter_scene):
    item = splitter_scene["lens"]
    assert isinstance(item, Mapping)
    assert (item.id, item.section, item.kind, item.hidden, item.linked) == ("lens", "items", "component", False, False)
    assert list(item) == ["_type", "item_uuid", "x_mm", "y_mm", "interfaces"]
    assert len(item) == 5
    assert "x_mm" in item
    assert "name" not in item
    assert 3 not in item
    assert item.get("name") is None
    assert item.get("name", "none") == "none"
    assert dict(item)["interfaces"][0]["efl_mm"] == 100.0
    assert list(item.values()) == [item[key] for key in item.keys()]  # noqa: SIM118
    assert dict(item.items()) == dict(item)
    assert item == dict(item)
    assert item != {"x_mm": 50.0}
    assert item != 5
    splitter_scene.move("lens", 60.0, 1.0)
    assert (item["x_mm"], item["y_mm"]) == (60.0, 1.0)
    with pytest.raises(KeyError):
        item["name"]
    with pytest.raises(TypeError):
        item["x_mm"] = 5.0
    with pytest.raises(TypeError):
        hash(item)
    splitter_scene.remove("lens")
    with pytest.raises(oe.UnknownItemError):
        item["x_mm"]


def test_lists_in_an_item_are_copies(splitter_scene):
    splitter_scene["lens"]["interfaces"][0]["efl_mm"] = 5.0
    assert splitter_scene["lens"]["interfaces"][0]["efl_mm"] == 100.0


def test_edits(splitter_scene):
    scene = splitter_scene
    before = scene.to_json()
    given = scene.add(source("b"), x_mm=3, name="B")
    assert given == "b"
    assert scene["b"]["x_mm"] == 3
    scene.update("b", {"name": "C", "notes": "n"}, notes="m")
    assert (scene["b"]["name"], scene["b"]["notes"]) == ("C", "m")
    scene.update("b")
    scene.move("b", x_mm=1.5, y_mm=-2.0)
    assert (scene["b"]["x_mm"], scene["b"]["y_mm"]) == (1.5, -2.0)
    scene.remove("b")
    assert scene.to_json() == before


def test_an_item_without_an_id_gets_one():
    scene = Scene()
    first, second = scene.add(_type="source"), scene.add(_type="source")
    assert first != second
    assert scene[first]["item_uuid"] == first
    flat = scene.add(kind="lens", section="components")
    assert scene[flat]["id"] == flat
    ruler = scene.add({"points": [[0, 0], [1, 2]]}, section="rulers")
    scene.move(ruler, 5.0, 5.0)
    assert scene[ruler]["points"] == [[5.0, 5.0], [6.0, 7.0]]
    assert scene[ruler].kind == "ruler"


def test_an_edit_that_is_refused_changes_nothing(splitter_scene):
    before = splitter_scene.to_json()
    with pytest.raises(oe.EditError):
        splitter_scene.update("lens", x_mm=5.0, item_uuid="other")
    assert splitter_scene.to_json() == before


def test_copies_are_independent(splitter_scene):
    for make in (Scene.copy, copy.copy, copy.deepcopy):
        other = make(splitter_scene)
        other.remove("lens")
        assert "lens" in splitter_scene
        assert "lens" not in other


def test_iterating_while_editing_sees_the_scene_as_it_was(splitter_scene):
    for id in splitter_scene:
        splitter_scene.remove(id)
    assert len(splitter_scene) == 0


def test_document_layers_and_hidden(tmp_path):
    nodes = [
        {"uuid": "g", "type": "group", "name": "Group", "visible": False, "children": [{"uuid": "a", "type": "item"}]},
        {"uuid": "b", "type": "item", "locked": True},
    ]
    document = {"version": "2.0", "items": [source("a"), source("b")], "layer_state": {"version": 1, "nodes": nodes}}
    scene = Scene.from_json(json.dumps(document))
    assert scene.document["layer_state"]["nodes"] == nodes
    assert "items" not in scene.document
    assert scene.hidden == frozenset({"a"})
    assert scene["a"].hidden
    assert not scene["b"].hidden
    group, a, b = scene.layers
    assert (group.uuid, group.kind, group.name, group.depth, group.visible, group.locked, group.source_path) == (
        *("g", "group", "Group", 0, False, False),
        None,
    )
    assert (a.depth, a.visible, b.locked) == (1, False, True)
    assert repr(group) == '<Layer group "g", depth 0, hidden>'


def test_linked_assemblies_are_read_beside_the_file(linked_files):
    scene = Scene.load(linked_files)
    (linked,) = [item for item in scene.values() if item.linked]
    assert (linked["x_mm"], linked["y_mm"]) == (10.0, 5.0)
    assert len(scene) == 2
    assert len(json.loads(scene.to_json())["items"]) == 1
    (group,) = scene.layers
    assert group.source_path == "@assembly/part.json"
    assert scene.warnings == []
    with pytest.raises(oe.EditError, match="linked assembly") as caught:
        scene.remove(linked.id)
    assert caught.value.item == linked.id


def test_text_reads_linked_files_only_where_it_is_told_its_path(linked_files):
    text = linked_files.read_text()
    assert len(Scene.from_json(text, path=linked_files)) == 2
    absolute = text.replace("@assembly/part.json", str(linked_files.parent / "part.json"))
    with pytest.warns(oe.OptiverseWarning, match="no files are read"):
        scene = Scene.from_json(absolute)
    assert len(scene) == 1
    assert len(scene.warnings) == 1


def test_a_missing_linked_file_is_said(linked_files):
    (linked_files.parent / "part.json").unlink()
    with pytest.warns(oe.OptiverseWarning, match="part.json"):
        scene = Scene.load(linked_files)
    assert "part.json" in scene.warnings[0]


def test_odd_text_is_said():
    with pytest.warns(oe.OptiverseWarning, match="taken by an earlier item") as caught:
        scene = Scene.from_json(json.dumps({"items": [source("a"), source("a")]}))
    assert list(scene) == ["a", "a#2"]
    assert [str(warning.message) for warning in caught] == scene.warnings
    # The warning points to the caller's line.
    assert caught[0].filename == __file__


def test_reports_name_item_key_value_and_what_was_expected(bad_scene):
    by_severity = {report.severity: report for report in bad_scene.reports}
    error = by_severity["error"]
    assert (error.item, error.name, error.key, error.value) == ("bad", "broken", "interfaces[0].efl_mm", "0")
    assert "other than 0" in error.expected
    assert str(error) == f"item bad (broken): interfaces[0].efl_mm is 0, expected {error.expected}"
    assert repr(error).startswith("<Report error: item bad")
    assert by_severity["warning"].key == "color_hex"
    again = next(report for report in bad_scene.reports if report.severity == "error")
    assert again == error
    assert hash(again) == hash(error)
    assert error != by_severity["warning"]
    bad_scene.remove("bad")
    assert [report.severity for report in bad_scene.reports] == ["warning"]


def test_surfaces_and_extent():
    scene = Scene()
    scene.add(source())
    scene.add(component("flat", "mirror", line=(0, -10, 0, 10)))
    scene.add(component("arc", "mirror", line=(0, -10, 0, 10), x_mm=30, is_curved=True, radius_of_curvature_mm=10))
    flat, arc = scene.surfaces
    assert (flat.item, flat.interface, flat.element, flat.hidden) == ("flat", 0, "mirror", False)
    assert flat.points.tolist() == [[0, -10], [0, 10]]
    assert arc.points.shape == (65, 2)
    # A half circle about (30, 0) that bulges to one side, from p1 to p2.
    assert arc.points[0].tolist() == [30, -10]
    assert arc.points[-1].tolist() == [30, 10]
    radii = ((arc.points - [30, 0]) ** 2).sum(axis=1) ** 0.5
    assert abs(radii - 10).max() < 1e-9
    assert abs(abs(arc.points[32][0] - 30) - 10) < 1e-9
    (x_least, y_least), (x_greatest, y_greatest) = scene.extent
    assert (x_least, y_least, y_greatest) == (-100, -10, 10)
    assert x_greatest == pytest.approx(max(30, arc.points[:, 0].max()))
    assert repr(flat) == '<Surface mirror, interface 0 of item "flat">'


def test_a_scene_can_be_edited_by_several_threads(splitter_scene):
    def add_many():
        for _ in range(50):
            splitter_scene.add(_type="source")
            splitter_scene.trace()

    threads = [threading.Thread(target=add_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(splitter_scene) == 203


def test_repr(splitter_scene, linked_files):
    assert repr(splitter_scene) == "<Scene: 3 items>"
    assert repr(Scene.load(linked_files)) == "<Scene: 1 items, 1 linked>"
    assert repr(splitter_scene["laser"]).startswith("<Item \"laser\": {'_type': 'source'")
