"""What a widget shows and edits: a scene with its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from optiverse_engine.errors import ShareError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optiverse_engine._native import Scene
    from optiverse_engine.session import Session

#: Steps that can be undone; the oldest are forgotten.
MOST_STEPS = 200


class Document(Protocol):
    """A scene that is edited in steps.

    `step` names one: edits with the same name are undone together; with None an edit is a step of its own.
    """

    @property
    def scene(self) -> Scene:
        """The scene as it is now; not to be changed."""

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone step."""

    def replace(self, scene: Scene) -> None:
        """Show another scene; a step too."""

    def add(self, properties: Mapping[str, Any], section: str, step: str | None) -> str:
        """Add an item and return its id."""

    def move(self, id: str, x_mm: float, y_mm: float, step: str | None) -> None:
        """Put an item at a position."""

    def update(self, id: str, changes: Mapping[str, Any], step: str | None) -> None:
        """Give properties of an item new values."""

    def remove(self, id: str, step: str | None) -> None:
        """Remove an item."""

    def undo(self) -> bool:
        """Undo the last step; False where there is none."""

    def redo(self) -> bool:
        """Do the step undone last once more; False where there is none."""


class LocalDocument:
    """A scene of this process alone.

    History is a list of scenes: a copy costs nothing before one of the two is changed.
    """

    def __init__(self, scene: Scene) -> None:
        """Start with a copy of `scene` and no history."""
        self._scene = scene.copy()
        self._undo: list[Scene] = []
        self._redo: list[Scene] = []
        self._step: str | None = None

    @property
    def scene(self) -> Scene:
        """The scene as it is now."""
        return self._scene

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone step."""
        return bool(self._redo)

    def replace(self, scene: Scene) -> None:
        """Show another scene; this is a step too."""
        before, self._scene = self._scene, scene.copy()
        self._made(before, None)

    def add(self, properties: Mapping[str, Any], section: str, step: str | None) -> str:
        """Add an item and return its id."""
        before = self._scene.copy()
        # The scene refuses the sections it does not know.
        id = self._scene.add(properties, section=section)  # type: ignore[arg-type]
        self._made(before, step)
        return id

    def move(self, id: str, x_mm: float, y_mm: float, step: str | None) -> None:
        """Put an item at a position."""
        before = self._scene.copy()
        self._scene.move(id, x_mm, y_mm)
        self._made(before, step)

    def update(self, id: str, changes: Mapping[str, Any], step: str | None) -> None:
        """Give properties of an item new values."""
        before = self._scene.copy()
        self._scene.update(id, changes)
        self._made(before, step)

    def remove(self, id: str, step: str | None) -> None:
        """Remove an item."""
        before = self._scene.copy()
        self._scene.remove(id)
        self._made(before, step)

    def undo(self) -> bool:
        """Undo the last step."""
        return self._travel(self._undo, self._redo)

    def redo(self) -> bool:
        """Do the step undone last once more."""
        return self._travel(self._redo, self._undo)

    def _made(self, before: Scene, step: str | None) -> None:
        """Note an edit that was made, and what the scene was before it."""
        if step is None or step != self._step:
            self._undo.append(before)
            del self._undo[:-MOST_STEPS]
            self._redo.clear()
        self._step = step

    def _travel(self, back: list[Scene], forth: list[Scene]) -> bool:
        self._step = None
        if not back:
            return False
        forth.append(self._scene)
        self._scene = back.pop()
        return True


class SessionDocument:
    """The scene of a session, which others edit too; undo takes back one's own steps."""

    def __init__(self, session: Session) -> None:
        """Show the scene of `session`."""
        self._session = session
        self._step: str | None = None

    @property
    def scene(self) -> Scene:
        """The scene as it is now."""
        return self._session.scene

    @property
    def can_undo(self) -> bool:
        """Whether there is a step of this user to undo."""
        return self._session.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone step."""
        return self._session.can_redo

    def replace(self, _: Scene) -> None:
        """Refuse: others are at work on the scene.

        Raises:
            ShareError: always.

        """
        raise ShareError("the scene of a session cannot be replaced: edit it, or leave the session first")

    def add(self, properties: Mapping[str, Any], section: str, step: str | None) -> str:
        """Add an item and return its id."""
        # Here too.
        id = self._session.add(properties, section=section, step=self._goes_on(step))  # type: ignore[arg-type]
        self._step = step
        return id

    def move(self, id: str, x_mm: float, y_mm: float, step: str | None) -> None:
        """Put an item at a position."""
        self._session.move(id, x_mm, y_mm, step=self._goes_on(step))
        self._step = step

    def update(self, id: str, changes: Mapping[str, Any], step: str | None) -> None:
        """Give properties of an item new values."""
        self._session.update(id, changes, step=self._goes_on(step))
        self._step = step

    def remove(self, id: str, step: str | None) -> None:
        """Remove an item."""
        self._session.remove(id, step=self._goes_on(step))
        self._step = step

    def undo(self) -> bool:
        """Undo this user's last step, as far as nobody has changed it since."""
        self._step = None
        return self._session.undo()

    def redo(self) -> bool:
        """Do the step undone last once more, by the same rule."""
        self._step = None
        return self._session.redo()

    def _goes_on(self, step: str | None) -> Literal["new", "continue"]:
        return "continue" if step is not None and step == self._step else "new"
