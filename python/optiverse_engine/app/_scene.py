"""The app's elements, items and sources in a scene of the engine, kept from one trace to the next."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from optiverse_engine._native import Scene
from optiverse_engine.app._elements import Properties, definition_interface, element_interface, known_to_027, label_of
from optiverse_engine.app._light import Light
from optiverse_engine.app._paths import Classes, Names, classes
from optiverse_engine.app._sources import source_properties
from optiverse_engine.errors import OptiverseError, OptiverseWarning

_Wanted: TypeAlias = dict[str, Properties]


class _Kept:
    """Items of one kind in a scene, which are brought up to what is wanted by the least edits."""

    def __init__(self) -> None:
        self._known: _Wanted = {}

    def can_follow(self, wanted: _Wanted) -> bool:
        """Whether edits lead there: what is new comes last, what stays is in the same order and has the same keys."""
        staying = [key for key in self._known if key in wanted]
        return list(wanted)[: len(staying)] == staying and all(
            self._known[key].keys() == wanted[key].keys() for key in staying
        )

    def follow(self, scene: Scene, wanted: _Wanted) -> None:
        """Edit the scene so that it holds what is wanted."""
        for key in self._known.keys() - wanted.keys():
            scene.remove(key)
        for key, properties in wanted.items():
            before = self._known.get(key)
            if before is None:
                scene.add(properties, item_uuid=key)
            elif before != properties:
                scene.update(key, {name: value for name, value in properties.items() if before[name] != value})
        self._known = wanted


class AppScene:
    """What the app shows, in a scene of the engine: `update` changes only what has changed.

    It is made by `convert_scene`, and taken by `trace_rays_polymorphic` in place of a list of elements. It is not for
    several threads at once, like the items it is made from.

    Light is kept too: the next trace follows the rays that what has changed can have met, and paths that are as they
    were are the same objects again. They are to be read, then, as the app does, and not to be written to.
    """

    def __init__(self) -> None:
        """Begin without items."""
        self._scene = Scene()
        self._components, self._sources = _Kept(), _Kept()
        self._wanted_components: _Wanted = {}
        self._wanted_sources: _Wanted = {}
        self._labels: dict[str, list[str]] = {}
        self._source_numbers: list[int] = []
        self._light: Light | None = None

    def update(self, items: Iterable[Any], physics: str | None = None) -> None:
        """Follow the app's scene items: those with `get_interfaces_scene()` take part.

        `physics` are the rules by which interfaces are read, by default those of the version of the app. An item that
        cannot be traced is left out; the first trace without it says so by an `OptiverseWarning`.
        """
        physics = physics or classes().physics
        wanted: _Wanted = {}
        labels = {}
        number = 0
        for item in items:
            interfaces_scene = getattr(item, "get_interfaces_scene", None)
            if not callable(interfaces_scene):
                continue
            interfaces, names = [], []
            name = str(getattr(getattr(item, "params", None), "name", None) or type(item).__name__)
            for p1, p2, definition in interfaces_scene():
                if physics == "optiverse-0.2.7" and not known_to_027(definition):
                    message = (
                        f"{name}: version 0.2.7 has no {definition.polarizer_subtype}; it and what follows is left out"
                    )
                    warnings.warn(message, OptiverseWarning, stacklevel=3)
                    break
                interface, kind = definition_interface(p1, p2, definition)
                if interface is not None:
                    interfaces.append(interface)
                    names.append(f"{kind}:{number}")
                number += 1
            if interfaces:
                key = str(getattr(item, "item_uuid", None) or f"{type(item).__name__} {number}")
                wanted[key] = _component(interfaces, name)
                labels[key] = names
        self._wanted_components, self._labels = wanted, labels

    def set_elements(self, elements: Sequence[Any], physics: str) -> None:
        """Follow a list of the app's elements.

        Raises:
            UnknownElementError: the engine does not have an element's physics.

        """
        wanted: _Wanted = {}
        labels = {}
        seen = set()
        for number, element in enumerate(elements):
            # The same object again is never met: the first of two at one place is, and both are skipped on leaving.
            if id(element) in seen:
                continue
            seen.add(id(element))
            interface = element_interface(element, number, physics)
            if interface is not None:
                label = label_of(element, number)
                wanted[str(number)] = _component([interface], label)
                labels[str(number)] = [label]
        self._wanted_components, self._labels = wanted, labels

    def set_sources(self, sources: Sequence[Any]) -> None:
        """Follow a list of the app's sources."""
        wanted: _Wanted = {}
        numbers = []
        for number, source in enumerate(sources):
            properties = source_properties(source)
            if properties is not None:
                wanted[f"source {number}"] = {"_type": "source", "name": f"source {number}", **properties}
                numbers.append(number)
        self._wanted_sources, self._source_numbers = wanted, numbers

    @property
    def scene(self) -> Scene:
        """What is traced: a component for each item, interfaces in scene coordinates, and the latest sources."""
        kept = ((self._components, self._wanted_components), (self._sources, self._wanted_sources))
        if not all(part.can_follow(wanted) for part, wanted in kept):
            self._forget()
        try:
            self._components.follow(self._scene, self._wanted_components)
            self._sources.follow(self._scene, self._wanted_sources)
        except OptiverseError:
            # Some edits are made and some are not.
            self._forget()
            raise
        return self._scene

    def _forget(self) -> None:
        self._scene, self._components, self._sources = Scene(), _Kept(), _Kept()
        self._light = None

    @property
    def names(self) -> Names:
        """What the app's paths call the items and sources of the scene."""
        return Names(self._labels, self._source_numbers)

    def paths(self, options: Mapping[str, Any], classes: Classes) -> list[Any]:
        """Return the light of the scene as paths of the app.

        Traced, and made anew, is what has changed since the last call. `options` are those of `Tracer`; with others
        than in the last call that is all.
        """
        scene = self.scene
        if self._light is None or not self._light.is_of(scene, options, classes):
            # The paths of before are no longer needed, nor those of a trace that is interrupted.
            self._light = None
            self._light = Light(scene, options, classes)
        return self._light.paths(self.names)


def _component(interfaces: list[Properties], name: str) -> Properties:
    place = {"x_mm": 0.0, "y_mm": 0.0, "angle_deg": 0.0}
    return {"_type": "component", "name": name, **place, "interfaces": interfaces}


_scenes: WeakKeyDictionary[Any, AppScene] = WeakKeyDictionary()
_scenes_lock = threading.Lock()


def convert_scene(items: Iterable[Any]) -> AppScene:
    """Return what `trace_rays_polymorphic` traces, straight from the app's scene items.

    For items of one `QGraphicsScene` it is one and the same object at each call, in which only what has changed is
    changed; it lives as long as the `QGraphicsScene`. Items that have no `scene()` get a new one.

    Args:
        items: the app's scene items; those with `get_interfaces_scene()` take part.

    """
    items = list(items)
    host = next((scene for item in items if (scene := _scene_of(item)) is not None), None)
    if host is None:
        converted = AppScene()
    else:
        with _scenes_lock:
            converted = _scenes.setdefault(host, AppScene())
    converted.update(items)
    return converted


def _scene_of(item: Any) -> Any:
    scene = getattr(item, "scene", None)
    return scene() if callable(scene) else None
