"""Every error of the core has an exception, and every exception an example."""

import inspect
import json
import pickle
import re
from pathlib import Path

import pytest
from conftest import component, source

import optiverse_engine as oe
from optiverse_engine import Edit, Scene, errors
from optiverse_engine.sync import Engine

CORE = Path(__file__).parents[2] / "optiverse-core" / "src"

# Each public error of the core, and the file in which its variants stand.
ENUMS = {
    "SceneError": "scene/error.rs",
    "ItemError": "scene/item.rs",
    "EditError": "scene/edit.rs",
    "LinkError": "scene/links/mod.rs",
    "TraceError": "trace/options.rs",
    "LocalEditError": "sync/session/local.rs",
}

# What Python cannot run into, and why.
OUT_OF_REACH = {
    "SceneError::Nesting": "a text that is nested too deep is an error of syntax",
    "LocalEditError::Role": "it takes a relay: test_session.py has an example",
    "ItemError::NoId": "an id is made up",
    "TraceError::Cancelled": "a trace is cancelled by an exception, and that is raised",
}


def chain_of_links(folder, length):
    """A file that reaches another one over so many links; the last one links to the first where it is a cycle."""
    for number in range(length + 1):
        nodes = []
        if number < length:
            link = {"source_path": f"@assembly/{number + 1}.json"}
            nodes = [{"uuid": "g", "type": "group", "link_metadata": link}]
        document = {"items": [source()], "layer_state": {"version": 1, "nodes": nodes}}
        (folder / f"{number}.json").write_text(json.dumps(document))
    return folder / "0.json"


def cycle(folder):
    """A file that links to itself."""
    node = {"uuid": "g", "type": "group", "link_metadata": {"source_path": "@assembly/0.json"}}
    (folder / "0.json").write_text(json.dumps({"items": [], "layer_state": {"version": 1, "nodes": [node]}}))
    return folder / "0.json"


def many_links(folder, links, items):
    """A file with so many links to a file with so many items."""
    (folder / "part.json").write_text(json.dumps({"items": [{"_type": "component"}] * items}))
    link = {"source_path": "@assembly/part.json"}
    nodes = [{"uuid": f"g{n}", "type": "group", "link_metadata": link} for n in range(links)]
    (folder / "0.json").write_text(json.dumps({"items": [], "layer_state": {"version": 1, "nodes": nodes}}))
    return folder / "0.json"


def with_item(**properties):
    """A scene with one item."""
    scene = Scene()
    scene.add(item_uuid="a", **properties)
    return scene


def linked(folder):
    """A scene with one linked item, and its id."""
    scene = Scene.load(chain_of_links(folder, 1))
    return scene, next(item.id for item in scene.values() if item.linked)


def deep(levels):
    """Lists in lists."""
    value = []
    for _ in range(levels):
        value = [value]
    return value


def nested_batches(levels):
    """Batches in batches."""
    edit = Edit.batch([])
    for _ in range(levels - 1):
        edit = Edit.batch([edit])
    return edit


def path_measure():
    """A scene with a path measure."""
    scene = Scene()
    scene.add(item_uuid="p", section="path_measures")
    return scene


def ruler():
    """A scene with a ruler whose points are none."""
    scene = Scene()
    scene.add(item_uuid="r", points=5, section="rulers")
    return scene


# Variant: what runs into it, the exception, a part of its message, its attributes.
EXAMPLES = {
    "SceneError::Syntax": (
        lambda _: Scene.from_json('{"items": [\n  oops]}'),
        oe.SceneError,
        "not valid JSON at line 2, column 3",
        {"line": 2, "column": 3, "place": None},
    ),
    "SceneError::Form": (
        lambda _: Scene.from_json('{"items": [{}, 5]}'),
        oe.SceneError,
        "items[1] is the number 5, expected an object",
        {"line": None, "column": None, "place": "items[1]"},
    ),
    "ItemError::BadId": (
        lambda _: Scene().add(item_uuid=""),
        oe.EditError,
        '`item_uuid` of a new item for `items` is the text "", expected a text that is not empty',
        {"item": None, "key": "item_uuid"},
    ),
    "EditError::UnknownItem": (
        lambda _: Scene().remove("b"),
        oe.UnknownItemError,
        "there is no item b",
        {"item": "b", "key": None},
    ),
    "EditError::RepeatedId": (
        lambda _: with_item().add(item_uuid="a"),
        oe.EditError,
        "there is an item a already",
        {"item": "a", "key": None},
    ),
    "EditError::LinkedItem": (
        lambda folder: Scene.move(*linked(folder), 0.0, 0.0),
        oe.EditError,
        "belongs to a linked assembly",
        {"key": None},
    ),
    "EditError::IdKey": (
        lambda _: with_item().update("a", item_uuid="b"),
        oe.EditError,
        "`item_uuid` of item a is its id and cannot be changed",
        {"item": "a", "key": "item_uuid"},
    ),
    "EditError::Nesting": (
        lambda _: with_item().update("a", v=deep(127)),
        oe.EditError,
        "`v` of item a is nested more than",
        {"key": "v"},
    ),
    "EditError::Points": (
        lambda _: ruler().move("r", 0.0, 0.0),
        oe.EditError,
        "`points` of item r is the number 5, expected a list of points",
        {"item": "r", "key": "points"},
    ),
    "EditError::NotMovable": (
        lambda _: path_measure().move("p", 0.0, 0.0),
        oe.EditError,
        "item p is a path measure",
        {"item": "p", "key": None},
    ),
    "EditError::ListKey": (
        lambda _: Scene().apply(Edit.update_document(items=[])),
        oe.EditError,
        "`items` of the document is a list of items",
        {"item": None, "key": "items"},
    ),
    "EditError::Position": (
        lambda _: Scene().apply(Edit.add(source("a"), position=1)),
        oe.EditError,
        "position",
        {"item": "a", "key": None},
    ),
    "EditError::BatchNesting": (
        lambda _: nested_batches(17),
        oe.EditError,
        "more than 16 levels deep",
        {"item": None, "key": None},
    ),
    "LocalEditError::Edit": (
        lambda _: Engine().remove("b"),
        oe.UnknownItemError,
        "there is no item b",
        {"item": "b"},
    ),
    "LocalEditError::Limit": (
        lambda _: Engine().add({"notes": "n" * 300_000}),
        oe.ShareError,
        "the limit is",
        {},
    ),
    "LocalEditError::TooManyPending": (
        lambda _: Engine().edit(Edit.batch([Edit.add(item_uuid="a"), *[Edit.move("a", 0.0, 0.0)] * 200_000])),
        oe.ShareError,
        "200000 edits wait for the relay; connect before editing on",
        {},
    ),
    "LocalEditError::Document": (
        lambda _: Engine().edit(Edit.update_document(version="3")),
        oe.ShareError,
        "top-level properties of the document are not shared",
        {},
    ),
    "LinkError::Cycle": (lambda folder: Scene.load(cycle(folder)), oe.LinkError, "form a cycle", {}),
    "LinkError::Depth": (
        lambda folder: Scene.load(chain_of_links(folder, 6)),
        oe.LinkError,
        "nested more than 5 levels deep",
        {},
    ),
    "LinkError::Links": (
        lambda folder: Scene.load(many_links(folder, 10_001, 0)),
        oe.LinkError,
        "more than 10000 links",
        {"chain": ()},
    ),
    "LinkError::Items": (
        lambda folder: Scene.load(many_links(folder, 11, 100_000)),
        oe.LinkError,
        "more than 1000000 items",
        {"chain": ()},
    ),
    "TraceError::InvalidOption": (
        lambda _: Scene().trace(min_intensity=-1.0),
        oe.OptionError,
        "min_intensity is -1, expected a finite number, 0 or more",
        {"option": "min_intensity", "value": "-1", "expected": "a finite number, 0 or more"},
    ),
}


def variants(enum):
    """The variants of an error of the core, from its source."""
    text = (CORE / ENUMS[enum]).read_text()
    body = re.search(rf"^pub enum {enum} \{{\n(.*?)^\}}", text, re.DOTALL | re.MULTILINE).group(1)
    return re.findall(r"^    ([A-Z]\w*)", body, re.MULTILINE)


@pytest.mark.parametrize("enum", ENUMS)
def test_every_variant_has_an_example_or_a_reason(enum):
    found = {f"{enum}::{variant}" for variant in variants(enum)}
    assert found
    known = {name for name in (*EXAMPLES, *OUT_OF_REACH) if name.startswith(f"{enum}::")}
    assert found == known


@pytest.mark.parametrize("variant", EXAMPLES)
def test_example(variant, tmp_path):
    act, kind, message, attributes = EXAMPLES[variant]
    with pytest.raises(oe.OptiverseError) as caught:
        act(tmp_path)
    assert type(caught.value) is kind
    assert message in str(caught.value)
    for name, value in attributes.items():
        assert getattr(caught.value, name) == value


def test_links_at_the_limit_of_depth(tmp_path):
    assert len(Scene.load(chain_of_links(tmp_path, 5))) == 6


def test_a_cycle_names_its_files(tmp_path):
    with pytest.raises(oe.LinkError) as caught:
        Scene.load(cycle(tmp_path))
    assert [Path(name).name for name in caught.value.chain] == ["0.json", "0.json"]


def test_a_file_that_is_not_there(tmp_path):
    path = tmp_path / "none.json"
    for act in (lambda: Scene.load(path), lambda: Scene().save(tmp_path / "none" / "scene.json")):
        with pytest.raises(oe.SceneFileNotFoundError) as caught:
            act()
        assert isinstance(caught.value, FileNotFoundError)
        assert isinstance(caught.value, oe.SceneError)
        assert caught.value.errno == 2
        assert "none" in caught.value.filename
        assert caught.value.strerror == "No such file or directory"


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(oe.SceneFileError) as caught:
        Scene.load(tmp_path)
    assert isinstance(caught.value, OSError)
    assert not isinstance(caught.value, FileNotFoundError)
    assert caught.value.filename == str(tmp_path)
    with pytest.raises(oe.SceneFileError, match=r"NUL|nul"):
        Scene.load("a\0b")


def test_a_file_that_is_not_text(tmp_path):
    path = tmp_path / "scene.json"
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(oe.SceneError, match=r"scene\.json is not UTF-8 text: byte 7"):
        Scene.load(path)


def test_sections_that_are_not_known():
    with pytest.raises(oe.EditError, match='section is "wrong", expected one of items, rulers') as caught:
        Scene().add(section="wrong")
    assert caught.value.key == "section"


def test_strict_traces_carry_all_reports():
    scene = Scene()
    scene.add(component("a", "lens", efl_mm=0))
    scene.add(component("b", "mirror", reflectivity=200))
    with pytest.raises(oe.InvalidSceneError, match=r"item a: .* \(and 1 more\)") as caught:
        scene.trace(strict=True)
    assert [report.item for report in caught.value.reports] == ["a", "b"]


def test_one_tree():
    classes = [
        value for value in vars(errors).values() if inspect.isclass(value) and value.__module__ == errors.__name__
    ]
    assert {cls.__name__ for cls in classes} == set(errors.__all__)
    for cls in classes:
        assert getattr(oe, cls.__name__) is cls
        assert cls.__doc__
        assert cls.__name__ in errors.__doc__ or cls is oe.OptiverseWarning
        assert issubclass(cls, oe.OptiverseError) or cls is oe.OptiverseWarning
    assert issubclass(oe.UnknownItemError, KeyError)
    assert issubclass(oe.SceneError, ValueError)
    assert issubclass(oe.EditError, ValueError)
    assert issubclass(oe.PropertyTypeError, TypeError)
    assert issubclass(oe.MissingDependencyError, ImportError)
    assert issubclass(oe.OptiverseWarning, UserWarning)


def test_errors_can_be_sent_between_processes():
    with pytest.raises(oe.SceneError) as caught:
        Scene.from_json("{")
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is oe.SceneError
    assert str(again) == str(caught.value)
    assert (again.line, again.column) == (1, 2)
