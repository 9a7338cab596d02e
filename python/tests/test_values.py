"""Properties as Python values and back."""

import enum
import math
from types import MappingProxyType

import numpy as np
import pytest

import optiverse_engine as oe
from optiverse_engine import Scene


def value_of(text):
    """The Python value of a JSON text."""
    return Scene.from_json(f'{{"items": [{{"item_uuid": "a", "v": {text}}}]}}')["a"]["v"]


def text_of(value):
    """The JSON text that a Python value is written as."""
    scene = Scene()
    scene.add(item_uuid="a", v=value)
    line = next(line for line in scene.to_json().splitlines() if '"v"' in line)
    return line.partition(":")[2].strip().rstrip(",")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("true", True),
        ("7", 7),
        ("-0", 0),
        ("7.0", 7.0),
        ("1e3", 1000.0),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("1e400", math.inf),
        ("-1e400", -math.inf),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
        ('"\\u03bb/4"', "λ/4"),
        ("[1, [2.5]]", [1, [2.5]]),
        ('{"b": 1, "a": []}', {"b": 1, "a": []}),
    ],
)
def test_values_of_a_file(text, value):
    got = value_of(text)
    assert got == value
    assert type(got) is type(value)
    assert math.isnan(value_of("NaN"))


def test_whole_numbers_up_to_the_digits_that_python_reads_are_int():
    assert value_of("1" * 4300) == int("1" * 4300)
    assert value_of("1" * 4301) == math.inf


class Colour(enum.IntEnum):
    """An int that shows itself as something else."""

    RED = 5
    LARGE = 2**70


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (False, "false"),
        (3, "3"),
        (-(2**63), "-9223372036854775808"),
        (2**64, "18446744073709551616"),
        (0.1, "0.1"),
        (1e22, "1e+22"),
        (3.0, "3.0"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        ("λ", '"\\u03bb"'),
        ((), "[]"),
        (MappingProxyType({}), "{}"),
        (np.float64(0.5), "0.5"),
        (np.float32(0.5), "0.5"),
        (np.int32(4), "4"),
        (np.bool_(True), "true"),
        (np.array(2.5), "2.5"),
        (Colour.RED, "5"),
        (Colour.LARGE, str(2**70)),
    ],
)
def test_values_written(value, text):
    assert text_of(value) == text


def test_arrays_are_lists():
    scene = Scene()
    scene.add(item_uuid="a", points=np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert scene["a"]["points"] == [[1.0, 2.0], [3.0, 4.0]]


def test_an_item_of_one_scene_can_be_added_to_another(splitter_scene):
    other = Scene()
    other.add(splitter_scene["lens"])
    assert other["lens"] == splitter_scene["lens"]


@pytest.mark.parametrize(
    ("properties", "place"),
    [
        ({"v": {1, 2}}, "v is a value of type set"),
        ({"v": [1, {"w": b"bytes"}]}, r"v\[1\].w is a value of type bytes"),
        ({"v": 1j}, "v is a value of type complex"),
        ({"v": np.array([1j])}, r"v\[0\] is a value of type complex"),
        ({5: 1}, "a key of the properties is a value of type int"),
        ({"v": {5: 1}}, "a key of v is a value of type int"),
    ],
)
def test_values_that_json_does_not_have(properties, place):
    with pytest.raises(oe.PropertyTypeError, match=f"^{place}, expected "):
        Scene().add(properties, item_uuid="a")


def test_properties_must_be_a_mapping():
    with pytest.raises(TypeError, match="the first argument is a value of type list, expected a mapping"):
        Scene().add([1])
    scene = Scene()
    scene.add(item_uuid="a")
    with pytest.raises(oe.PropertyTypeError):
        scene.update("a", 5)


def test_half_of_a_surrogate_pair_is_no_text():
    with pytest.raises(oe.EditError, match="v holds half of a surrogate pair"):
        Scene().add(item_uuid="a", v="\ud800")


def nested(levels):
    """Lists in lists."""
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_values_that_contain_themselves_are_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(oe.EditError, match="`v` is nested more than 128 levels deep"):
        Scene().add(item_uuid="a", v=endless)


def test_nesting_at_the_limit_and_past_it():
    deepest = next(levels for levels in range(1, 200) if not accepted(levels + 1))
    assert accepted(deepest)
    scene = Scene()
    scene.add(item_uuid="a", v=nested(deepest))
    # What is accepted can be read again.
    assert Scene.from_json(scene.to_json())["a"]["v"] == nested(deepest)
    with pytest.raises(oe.EditError, match="nested more than") as caught:
        Scene().add(item_uuid="a", v=nested(deepest + 1))
    assert caught.value.key == "v"


def accepted(levels):
    """Whether a value of so many levels can be added."""
    try:
        Scene().add(item_uuid="a", v=nested(levels))
    except oe.EditError:
        return False
    return True
