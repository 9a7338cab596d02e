"""Edits as values: made, applied, taken back."""

import pytest
from conftest import component, source

import optiverse_engine as oe
from optiverse_engine import Edit, Scene

# One of each kind, for the scene of `splitter_scene`.
EDITS = {
    "add": lambda: Edit.add(source("b"), x_mm=3.0),
    "add first": lambda: Edit.add(source("b"), position=0),
    "remove": lambda: Edit.remove("laser"),
    "update": lambda: Edit.update("lens", {"name": "L", "x_mm": 1.0}, notes="n"),
    "unset": lambda: Edit.unset("laser", "name", "not there"),
    "move": lambda: Edit.move("lens", 5.0, y_mm=6.0),
    "document": lambda: Edit.update_document(layer_state={"version": 1, "nodes": []}),
    "unset document": lambda: Edit.unset_document("version"),
    "batch": lambda: Edit.batch([Edit.remove("laser"), Edit.add(source("laser")), Edit.move("lens", 1.0, 2.0)]),
}


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_is_taken_back_to_the_byte(splitter_scene, name):
    before = splitter_scene.to_json()
    inverse = splitter_scene.apply(EDITS[name]())
    after = splitter_scene.to_json()
    assert after != before
    again = splitter_scene.apply(inverse)
    assert splitter_scene.to_json() == before
    splitter_scene.apply(again)
    assert splitter_scene.to_json() == after


def test_an_edit_says_what_it_is():
    kinds = {name: EDITS[name]().kind for name in EDITS}
    assert kinds == {
        **{"add": "add", "add first": "add", "remove": "remove", "update": "set", "unset": "set", "move": "move"},
        **{"document": "document", "unset document": "document", "batch": "batch"},
    }
    assert EDITS["batch"]().items == ["laser", "lens"]
    assert EDITS["document"]().items == []
    assert repr(EDITS["batch"]()) == "<Edit batch: laser, lens>"
    assert repr(EDITS["document"]()) == "<Edit document>"
    assert repr(Edit.batch(Edit.remove(str(n)) for n in range(4))) == "<Edit batch: 4 items>"


def test_edits_are_values():
    assert Edit.move("a", 1.0, 2.0) == Edit.move("a", 1.0, 2.0)
    assert Edit.move("a", 1.0, 2.0) != Edit.move("a", 1.0, 3.0)
    assert Edit.move("a", 1.0, 2.0) != "a"
    with pytest.raises(TypeError):
        hash(Edit.remove("a"))
    with pytest.raises(TypeError):
        Edit()


def test_an_added_item_has_its_id_at_once():
    edit = Edit.add(_type="source")
    (id,) = edit.items
    first, second = Scene(), Scene()
    first.apply(edit)
    second.apply(edit)
    assert list(first) == list(second) == [id]


def test_a_batch_is_made_whole_or_not_at_all(splitter_scene):
    before = splitter_scene.to_json()
    with pytest.raises(oe.UnknownItemError):
        splitter_scene.apply(Edit.batch([Edit.remove("laser"), Edit.remove("other")]))
    assert splitter_scene.to_json() == before
    with pytest.raises(TypeError):
        Edit.batch(["laser"])


def test_batches_in_batches_at_the_limit_and_past_it(splitter_scene):
    edit = Edit.remove("laser")
    for _ in range(16):
        edit = Edit.batch([edit])
    splitter_scene.apply(edit)
    assert "laser" not in splitter_scene
    with pytest.raises(oe.EditError, match="nested more than 16 levels"):
        Edit.batch([edit])


def test_properties_are_removed():
    scene = Scene()
    scene.add(component("a", "mirror"), name="M", notes="n")
    scene.unset("a", "name", "notes", "not there")
    assert "name" not in scene["a"]
    assert "notes" not in scene["a"]
    scene.unset("a")
    with pytest.raises(oe.UnknownItemError):
        scene.unset("b", "name")
    with pytest.raises(oe.EditError, match="is its id") as caught:
        scene.unset("a", "item_uuid")
    assert (caught.value.item, caught.value.key) == ("a", "item_uuid")
