"""What the front end asks for, checked: it is a browser's, and may be of another version or somebody else's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Letters of an id or a key.
LONGEST_NAME = 512


class RequestError(ValueError):
    """A request that cannot be understood; the message names the field, its value and what was expected."""


@dataclass(frozen=True)
class Move:
    """Put an item at a position and, where `angle_deg` is not None, turn it.

    `step` names the gesture, and `last` says that it ends.
    """

    id: str
    x_mm: float
    y_mm: float
    angle_deg: float | None
    step: str
    last: bool


@dataclass(frozen=True)
class Change:
    """Give a property a new value: of an item, or of its interface of this number."""

    id: str
    interface: int | None
    key: str
    value: str | float | bool


@dataclass(frozen=True)
class Remove:
    """Remove an item."""

    id: str


@dataclass(frozen=True)
class History:
    """Undo or redo a step."""

    redo: bool


@dataclass(frozen=True)
class Probe:
    """Say what the light is at a point; `number` comes back with the answer, `revision` names the light meant."""

    number: int
    revision: int
    path: int
    vertex: int
    share: float


@dataclass(frozen=True)
class Cursor:
    """Where the pointer is; None where it has left."""

    position: tuple[float, float] | None


Request: TypeAlias = Move | Change | Remove | History | Probe | Cursor


def parse(message: object) -> Request:
    """Return the request that a message holds.

    Raises:
        RequestError: it holds none.

    """
    if not isinstance(message, dict):
        raise RequestError(f"a message is {type(message).__name__}, expected an object")
    kind = message.get("type")
    if kind == "move":
        angle = None if message.get("angle_deg") is None else _number(message, "angle_deg")
        step, last = _name(message, "step"), message.get("last") is True
        return Move(_name(message, "id"), _number(message, "x_mm"), _number(message, "y_mm"), angle, step, last)
    if kind == "change":
        interface = None if message.get("interface") is None else _whole(message, "interface")
        return Change(_name(message, "id"), interface, _name(message, "key"), _value(message))
    if kind == "remove":
        return Remove(_name(message, "id"))
    if kind in ("undo", "redo"):
        return History(redo=kind == "redo")
    if kind == "probe":
        number, revision, path, vertex = (_whole(message, key) for key in ("number", "revision", "path", "vertex"))
        return Probe(number, revision, path, vertex, _number(message, "share"))
    if kind == "cursor":
        away = message.get("x_mm") is None
        return Cursor(None if away else (_number(message, "x_mm"), _number(message, "y_mm")))
    raise RequestError(_refusal("type", kind, "move, change, remove, undo, redo, probe or cursor"))


def _refusal(key: str, value: object, expected: str) -> str:
    return f"{key} is {str(value)[:80]!r}, expected {expected}"


def _number(message: Mapping[str, Any], key: str) -> float:
    value = message.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RequestError(_refusal(key, value, "a finite number"))
    return float(value)


def _whole(message: Mapping[str, Any], key: str) -> int:
    value = message.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise RequestError(_refusal(key, value, "a whole number, 0 or more"))
    return value


def _name(message: Mapping[str, Any], key: str) -> str:
    value = message.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        raise RequestError(_refusal(key, value, f"a text of 1 to {LONGEST_NAME} letters"))
    return value


def _value(message: Mapping[str, Any]) -> str | float | bool:
    value = message.get("value")
    if isinstance(value, bool | str):
        return value
    # A whole number stays one.
    return value if isinstance(value, int) else _number(message, "value")
