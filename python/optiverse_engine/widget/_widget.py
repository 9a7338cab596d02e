"""The class `SceneWidget`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from optiverse_engine._native import Scene
from optiverse_engine.errors import OptiverseError, SyncError
from optiverse_engine.events import Refused, SceneChanged
from optiverse_engine.session import Session
from optiverse_engine.widget import _light, _requests
from optiverse_engine.widget._document import LocalDocument, SessionDocument
from optiverse_engine.widget._light import DEFAULT_MAX_VERTICES, Light, TraceSettings
from optiverse_engine.widget._state import colour_of, scene_state, session_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optiverse_engine._native import RayPaths
    from optiverse_engine.events import Event
    from optiverse_engine.widget._document import Document

#: With more items changed than this since the whole scene was sent, it is sent again.
_MOST_CHANGED = 50

_STATIC = Path(__file__).parent / "static"

#: Least and greatest height of a widget in pixels.
HEIGHTS_PX = (160, 4096)


class SceneWidget(anywidget.AnyWidget):
    """A scene and its light, to look at and to work on.

    The widget holds a copy of the scene. What is dragged, or changed in the panel, changes that copy: `scene` returns
    it as it is now. A scene that code has changed is shown by assigning it: `table.scene = changed`. Each of these is a
    step that `undo` takes back.

    `join` makes it one of several people at work on one scene, with the others' cursors.

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

    # The scene as it was at the end of the last gesture, and the light with what has changed since: both are state of
    # the model, so that a view opened later, or a notebook exported to HTML, shows the same.
    _scene = traitlets.Dict().tag(sync=True)
    _frame = traitlets.Dict().tag(sync=True)
    _session = traitlets.Any(None).tag(sync=True)

    # Set here already: a widget that was refused is closed too, when it is collected.
    _joined: Session | None = None
    _following: asyncio.Task[None] | None = None

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
        self._light = Light(TraceSettings(physics, max_events, min_intensity, max_vertices))
        self._document: Document = LocalDocument(Scene() if scene is None else scene)
        # Before there is a model in the browser: an option that cannot be used leaves nothing behind.
        # The light that is shown, which probes are about.
        self._paths = self._light.of(self._document.scene)
        self._changed: set[str] = set()
        self._cursor: tuple[float, float] | None = None
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
        """The light of the scene as it is now."""
        return self._light.of(self._document.scene)

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return self._document.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone step."""
        return self._document.can_redo

    @property
    def session(self) -> Session | None:
        """The session that was joined; None where there is none."""
        return self._joined

    def __repr__(self) -> str:
        """Say how much there is, not what: the traits hold the whole scene."""
        return f"<SceneWidget: {len(self._document.scene)} items, {len(self.paths)} paths>"

    # Edits by code: each is a step.

    def add(
        self,
        properties: Mapping[str, Any] | None = None,
        /,
        *,
        section: str = "items",
        **more: Any,  # noqa: ANN401  # a property is any value that JSON has
    ) -> str:
        """Add an item and return its id; as `Scene.add`."""
        id = self._document.add({**(properties or {}), **more}, section, None)
        self._retrace()
        return id

    def move(self, id: str, /, x_mm: float, y_mm: float) -> None:
        """Put an item at a position; as `Scene.move`."""
        self._document.move(id, x_mm, y_mm, None)
        self._retrace()

    def update(
        self,
        id: str,
        changes: Mapping[str, Any] | None = None,
        /,
        **more: Any,  # noqa: ANN401  # as above
    ) -> None:
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

    # Sessions.

    def join(
        self,
        url: str,
        /,
        *,
        user: str | None = None,
        password: str | None = None,
        token: str | None = None,
        share: bool = False,
    ) -> None:
        """Show and edit the scene of a session, together with others.

        Returns at once; what the session holds appears when the relay has sent it. A session joined before is left.

        Args:
            url: `ws://HOST:PORT/ws/SESSION/USER`, or without the user; as for `Session`, and so are the next three.
            user: the name to appear under.
            password: the password of the session, if it has one.
            token: the owner's token, or an invitation.
            share: add the items shown here to the session; otherwise its items take their place.

        Raises:
            SyncArgumentError: an argument cannot be used.
            SyncError: there is no event loop, as notebooks have one, to take what the others do.

        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise SyncError("join() needs a running event loop, as notebooks have one") from None
        shown = self._document.scene
        session = Session(url, user=user, password=password, token=token)
        if share:
            try:
                session.share(shown)
            except OptiverseError:
                session.close(0.0)
                raise
        self.leave()
        self._joined = session
        self._document = SessionDocument(session)
        session.set_presence(color=colour_of(session.user))
        self._following = loop.create_task(self._follow(session))
        self._retrace()

    def leave(self, timeout_s: float = 5.0) -> None:
        """Leave the session, if one was joined. The scene stays as it was last, without history.

        Args:
            timeout_s: how long to wait for the relay to decide about the last edits, in seconds.

        """
        session, self._joined = self._joined, None
        if session is None:
            return
        self._document = LocalDocument(session.scene)
        session.close(timeout_s)
        if self._following is not None:
            self._following.cancel()
            self._following = None
        self._retrace()

    def close(self) -> None:
        """Leave the session and remove the widget from all pages."""
        self.leave()
        super().close()

    async def _follow(self, session: Session) -> None:
        """Show what happens in a session until it is closed."""
        while (event := await session.next_event()) is not None and session is self._joined:
            changed: set[str] = set()
            whole = False
            # What has come at once is traced at once.
            while event is not None:
                if isinstance(event, SceneChanged):
                    changed.update(event.changed)
                    whole = whole or bool(event.added or event.removed)
                self._tell(event)
                event = session.poll_event()
            if changed or whole:
                self._retrace(None if whole else changed)
            else:
                self._session = session_state(session)

    def _tell(self, event: Event) -> None:
        if isinstance(event, Refused):
            self.send({"type": "refused", "message": event.message})

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
        elif isinstance(request, _requests.Cursor):
            self._cursor = request.position
            self._show_presence()
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

    def _retrace(self, changed: Iterable[str] | None = None) -> None:
        """Trace and show again; `changed` names the items that have, where no item is new or gone."""
        self._paths = self._light.of(self._document.scene)
        self._show(changed)

    def _show(self, changed: Iterable[str] | None = None) -> None:
        self._changed = set() if changed is None else self._changed.union(changed)
        whole = changed is None or len(self._changed) > _MOST_CHANGED
        if whole:
            self._changed.clear()
        paths = self._paths
        only = None if whole else self._changed
        state = scene_state(self._document.scene, paths, _light.lit_sides(paths), only)
        revision = self.revision + 1
        with self.hold_sync():
            if whole:
                self._scene = {**state, "revision": revision}
            self._frame = {
                "revision": revision,
                # Not every host sets both at once: the page waits for those that go together.
                "whole": self._scene["revision"],
                "changed": None if whole else state,
                "can_undo": self.can_undo,
                "can_redo": self.can_redo,
                "truncated": paths.truncated,
                "light": _light.pack(paths),
            }
            self._session = None if self._joined is None else session_state(self._joined)
        if self.selected is not None and self.selected not in self._document.scene:
            self.selected = None
        self.set_trait("revision", revision)

    @traitlets.observe("selected")
    def _show_presence(self, _: object = None) -> None:
        """Tell the others where this user is."""
        if self._joined is not None:
            selection = [] if self.selected is None else [self.selected]
            colour = colour_of(self._joined.user)
            self._joined.set_presence(cursor_mm=self._cursor, selection=selection, color=colour)
