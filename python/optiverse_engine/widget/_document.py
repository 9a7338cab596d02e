"""What a widget shows and edits: a scene with its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from optiverse_engine._native import Scene

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Steps that can be undone; the oldest are forgotten.
MOST_STEPS = 200


class Document(Protocol):
    """A scene that is edited in steps. `step` names one: edits with the same one are undone together; None is a step of its own."""

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
    """A scene of this process alone. History is a list of scenes: a copy costs nothing before one of the two is changed."""

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
        self._begin(None)
        self._scene = scene.copy()

    def add(self, properties: Mapping[str, Any], section: str, step: str | None) -> str:
        """Add an item and return its id."""
        edited = self._scene.copy()
        id = edited.add(properties, section=section)  # type: ignore[arg-type]  # the scene names the sections it knows
        self._accept(edited, step)
        return id

    def move(self, id: str, x_mm: float, y_mm: float, step: str | None) -> None:
        """Put an item at a position."""
        edited = self._edited(step)
        edited.move(id, x_mm, y_mm)
        self._accept(edited, step)

    def update(self, id: str, changes: Mapping[str, Any], step: str | None) -> None:
        """Give properties of an item new values."""
        edited = self._edited(step)
        edited.update(id, changes)
        self._accept(edited, step)

    def remove(self, id: str, step: str | None) -> None:
        """Remove an item."""
        edited = self._edited(step)
        edited.remove(id)
        self._accept(edited, step)

    def undo(self) -> bool:
        """Undo the last step."""
        return self._travel(self._undo, self._redo)

    def redo(self) -> bool:
        """Do the step undone last once more."""
        return self._travel(self._redo, self._undo)

    def _edited(self, step: str | None) -> Scene:
        """The scene that an edit may change. Within a step it is the one shown, so that a drag does not copy at each move."""
        return self._scene if step is not None and step == self._step else self._scene.copy()

    def _accept(self, edited: Scene, step: str | None) -> None:
        if edited is not self._scene:
            self._begin(step)
            self._scene = edited

    def _begin(self, step: str | None) -> None:
        if step is None or step != self._step:
            self._undo.append(self._scene)
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
