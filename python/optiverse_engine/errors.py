"""What can go wrong: one tree of exceptions under `OptiverseError`, and the category of all warnings.

```
OptiverseError
├── SceneError (ValueError)          a text or file is not a scene
│   ├── SceneFileError (OSError)     a scene file cannot be read or written
│   │   └── SceneFileNotFoundError (FileNotFoundError)
│   └── LinkError                    links form a cycle or exceed a limit
├── EditError (ValueError)           an edit was refused; the scene is as it was
│   ├── UnknownItemError (KeyError)  there is no item of that id
│   ├── PropertyTypeError (TypeError)
│   └── ShareError                   an edit cannot be made in a session
├── InvalidSceneError (ValueError)   a strict trace met items that cannot be traced
├── TraceError                       a trace gave no result
│   └── OptionError (ValueError)     an option cannot be used
├── UnknownElementError (TypeError)  an element of the app has physics that the engine does not have
├── RenderError (ValueError)         a picture cannot be made
├── SyncError                        something about a session
│   ├── SessionClosedError           the session was closed before
│   └── SyncArgumentError (ValueError)
└── MissingDependencyError (ImportError)
```

The message of each is a sentence for a person. The classes are written in Python, since a class that extends a built-in
exception cannot be made with the stable ABI before Python 3.12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optiverse_engine._native import Report

__all__ = [
    "EditError",
    "InvalidSceneError",
    "LinkError",
    "MissingDependencyError",
    "OptionError",
    "OptiverseError",
    "OptiverseWarning",
    "PropertyTypeError",
    "RenderError",
    "SceneError",
    "SceneFileError",
    "SceneFileNotFoundError",
    "SessionClosedError",
    "ShareError",
    "SyncArgumentError",
    "SyncError",
    "TraceError",
    "UnknownElementError",
    "UnknownItemError",
]


class OptiverseError(Exception):
    """The base of every exception of this package."""


class SceneError(OptiverseError, ValueError):
    """A text or a file is not a scene.

    Attributes:
        line: the line of a syntax error, counted from 1; None for other errors.
        column: its column in characters, counted from 1; None for other errors.
        place: the part of the document that has the wrong form, such as `items[3]`; None for other errors.

    """

    line: int | None = None
    column: int | None = None
    place: str | None = None


class SceneFileError(SceneError, OSError):
    """A scene file cannot be read or written; `errno`, `strerror` and `filename` are those of `OSError`."""

    # Those of ValueError would come first, and leave the attributes empty.
    __new__ = OSError.__new__  # type: ignore[assignment]  # mypy takes it for the one of `object`
    __init__ = OSError.__init__
    __str__ = OSError.__str__


class SceneFileNotFoundError(SceneFileError, FileNotFoundError):
    """There is no file at that path, or no folder to write it to."""


class LinkError(SceneError):
    """Linked assemblies form a cycle, or exceed the limits on depth, links or items.

    Attributes:
        chain: the files from the first one to the one at fault; empty where a limit on numbers was exceeded.

    """

    chain: Sequence[str] = ()


class EditError(OptiverseError, ValueError):
    """An edit of a scene was refused; the scene is as it was.

    Attributes:
        item: the id of the item; None where none is concerned.
        key: the property; None where none is concerned.

    """

    item: str | None = None
    key: str | None = None


class UnknownItemError(EditError, KeyError):
    """There is no item of that id."""

    # A KeyError shows the repr of its message.
    __str__ = Exception.__str__


class PropertyTypeError(EditError, TypeError):
    """A property has a value that JSON does not know, such as a set."""


class ShareError(EditError):
    """An edit cannot be made in a session.

    It is too large to be shared, concerns the document, the user may only look, or too many edits wait.
    """


class InvalidSceneError(OptiverseError, ValueError):
    """A strict trace met items that cannot be traced.

    Attributes:
        reports: everything that was found, warnings too.

    """

    reports: Sequence[Report] = ()


class TraceError(OptiverseError):
    """A trace gave no result."""


class OptionError(TraceError, ValueError):
    """An option of a trace cannot be used.

    Attributes:
        option: its name.
        value: its value as text.
        expected: what can be used.

    """

    option: str = ""
    value: str = ""
    expected: str = ""


class UnknownElementError(OptiverseError, TypeError):
    """An element of the app is of a class that the engine does not know; the message names it."""


class RenderError(OptiverseError, ValueError):
    """A picture cannot be made, for instance because it would be too large."""


class SyncError(OptiverseError):
    """Something about a session went wrong."""


class SessionClosedError(SyncError):
    """The session was closed before; what was pending can still be saved."""


class SyncArgumentError(SyncError, ValueError):
    """An argument of a session cannot be used.

    Attributes:
        argument: its name.
        expected: what can be used.

    """

    argument: str = ""
    expected: str = ""


class MissingDependencyError(OptiverseError, ImportError):
    """An optional package is not installed; the message says which extra of this package brings it."""


class OptiverseWarning(UserWarning):
    """Something was left out or is not as written; it never happens silently."""
