"""The class `SceneWidget`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from optiverse_engine._native import Scene
from optiverse_engine.errors import OptiverseError
from optiverse_engine.widget import _light, _requests
from optiverse_engine.widget._document import LocalDocument
from optiverse_engine.widget._light import DEFAULT_MAX_VERTICES, TraceSettings
from optiverse_engine.widget._state import scene_state

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from optiverse_engine._native import RayPaths
    from optiverse_engine.widget._document import Document

_STATIC = Path(__file__).parent / "static"

#: Least and greatest height of a widget in pixels.
HEIGHTS_PX = (160, 4096)


class SceneWidget(anywidget.AnyWidget):
    """A scene and its light, to look at and to work on.

    The widget holds a copy of the scene. What is dragged, or changed in the panel, changes that copy: `scene` returns it as
    it is now. A scene that code has changed is shown by assigning it: `table.scene = changed`. Each of these is a step that
    `undo` takes back.

    `table.observe(function, "revision")` calls `function` after each change, by hand or by code.

    Attributes:
        revision: a number that grows with each change of scene or light.
        selected: the id of the selected item, or None; may be assigned.
        height_px: the height of the widget; may be assigned, within `HEIGHTS_PX`.

    """

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget.css"

    revision = traitlets.Int(0, read_only=True)
    selected = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    height_px = traitlets.Int(480, min=HEIGHTS_PX[0], max=HEIGHTS_PX[1]).tag(sync=True)

    # The scene as it was at the end of the last gesture, and the light with what has changed since: both are state of the
    # model, so that a view opened later, or a notebook exported to HTML, shows the same.
    _scene = traitlets.Dict().tag(sync=True)
    _frame = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        scene: Scene | None = None,
        *,
        physics: str = "exact",
        max_events: int = 80,
        min_intensity: float = 0.02,
        max_vertices: int = DEFAULT_MAX_VERTICES,
        height_px: int = 480,
    ) -> None:
        """Show a scene.

        Args:
            scene: what to show; None starts with an empty one. It is copied.
            physics: "exact" or "optiverse-0.3.4", as for `Scene.trace`; so are the next three.
            max_events: interactions after which a path ends.
            min_intensity: share of the source ray below which light is not followed.
            max_vertices: vertices at which tracing stops; the widget then says that paths are missing.
            height_px: the height of the widget, within `HEIGHTS_PX`.

        Raises:
            OptionError: an option of the trace cannot be used.
            traitlets.TraitError: `height_px` cannot be used.

        """
        self._settings = TraceSettings(physics, max_events, min_intensity, max_vertices)
        self._document: Document = LocalDocument(Scene() if scene is None else scene)
        # Before there is a model in the browser: an option that cannot be used leaves nothing behind.
        self._paths = _light.trace(self._document.scene, self._settings)
        super().__init__(height_px=height_px)
        self._show()
        self.on_msg(self._handle_message)

    # What it shows.

    @property
    def scene(self) -> Scene:
        """A copy of the scene as it is now. Changing it changes nothing here; assign it to show it."""
        return self._document.scene.copy()

    @scene.setter
    def scene(self, scene: Scene) -> None:
        self._document.replace(scene)
        self._retrace()

    @property
    def paths(self) -> RayPaths:
        """The light that is shown."""
        return self._paths

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return self._document.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone step."""
        return self._document.can_redo

    def __repr__(self) -> str:
        """Say how much there is, not what: the traits hold the whole scene."""
        return f"<SceneWidget: {len(self._document.scene)} items, {len(self._paths)} paths>"

    # Edits by code: each is a step.

    def add(self, properties: Mapping[str, Any] | None = None, /, *, section: str = "items", **more: Any) -> str:  # noqa: ANN401
        """Add an item and return its id; as `Scene.add`."""
        id = self._document.add({**(properties or {}), **more}, section, None)
        self._retrace()
        return id

    def move(self, id: str, /, x_mm: float, y_mm: float) -> None:
        """Put an item at a position; as `Scene.move`."""
        self._document.move(id, x_mm, y_mm, None)
        self._retrace()

    def update(self, id: str, changes: Mapping[str, Any] | None = None, /, **more: Any) -> None:  # noqa: ANN401
        """Give properties of an item new values; as `Scene.update`."""
        self._document.update(id, {**(changes or {}), **more}, None)
        self._retrace()

    def remove(self, id: str, /) -> None:
        """Remove an item; as `Scene.remove`."""
        self._document.remove(id, None)
        self._retrace()

    def undo(self) -> bool:
        """Undo the last step, by hand or by code; return False where there is none."""
        done = self._document.undo()
        self._retrace()
        return done

    def redo(self) -> bool:
        """Do the step undone last once more; return False where there is none."""
        done = self._document.redo()
        self._retrace()
        return done

    # Requests of the front end.

    def _handle_message(self, _: object, message: object, _buffers: object) -> None:
        # The view waits for `done` before it sends more, so that a slow trace is never behind a queue of moves.
        reply = {key: message.get(key) for key in ("view", "number")} if isinstance(message, dict) else {}
        try:
            found = self._answer(_requests.parse(message))
        except (_requests.RequestError, OptiverseError) as error:
            self.send({"type": "refused", "message": str(error), **reply})
        else:
            self.send({"type": "done", "found": found, **reply})

    def _answer(self, request: _requests.Request) -> dict[str, Any] | None:
        """Do what is asked for and return the answer, where there is one."""
        if isinstance(request, _requests.Move):
            self._move_by_hand(request)
        elif isinstance(request, _requests.Change):
            self._change(request)
        elif isinstance(request, _requests.Remove):
            self.remove(request.id)
        elif isinstance(request, _requests.History):
            _ = self.redo() if request.redo else self.undo()
        elif isinstance(request, _requests.Probe) and request.revision == self.revision:
            return _light.probe(self._paths, request.path, request.vertex, request.share)
        return None

    def _move_by_hand(self, request: _requests.Move) -> None:
        try:
            self._document.move(request.id, request.x_mm, request.y_mm, request.step)
            if request.angle_deg is not None:
                self._document.update(request.id, {"angle_deg": request.angle_deg}, request.step)
        finally:
            # A gesture ends with the whole scene, so that no view stays behind.
            self._retrace(None if request.last else [request.id])

    def _change(self, request: _requests.Change) -> None:
        if request.interface is None:
            self.update(request.id, {request.key: request.value})
            return
        interfaces = self._document.scene[request.id].get("interfaces")
        if not isinstance(interfaces, list) or request.interface >= len(interfaces):
            raise _requests.RequestError(f"item {request.id!r} has no interface {request.interface}")
        # A list is one value: it is replaced as a whole.
        interfaces[request.interface] = {**interfaces[request.interface], request.key: request.value}
        self.update(request.id, {"interfaces": interfaces})

    # The state of the front end.

    def _retrace(self, only: Collection[str] | None = None) -> None:
        """Trace and show again; `only` names the items that have changed since the whole scene was sent, where they are few."""
        self._paths = _light.trace(self._document.scene, self._settings)
        self._show(only)

    def _show(self, only: Collection[str] | None = None) -> None:
        paths = self._paths
        state = scene_state(self._document.scene, paths, _light.lit_sides(paths), only)
        revision = self.revision + 1
        with self.hold_sync():
            if only is None:
                self._scene = state
            self._frame = {
                "revision": revision,
                "changed": None if only is None else state,
                "can_undo": self.can_undo,
                "can_redo": self.can_redo,
                "truncated": paths.truncated,
                "light": _light.pack(paths),
            }
        if self.selected is not None and self.selected not in self._document.scene:
            self.selected = None
        self.set_trait("revision", revision)
