"""What happens in a session, as values to match on.

```python
match engine.poll_event():
    case SceneChanged(added=added, changed=changed, removed=removed):
        ...
    case StatusChanged(status="synchronised"):
        ...
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optiverse_engine._native import Edit, _Role, _Status

__all__ = [
    "Connect",
    "Disconnect",
    "Event",
    "FrameIgnored",
    "NoRelay",
    "Peer",
    "PeerChanged",
    "Refused",
    "RelayComplained",
    "RoleChanged",
    "SceneChanged",
    "StatusChanged",
    "UserJoined",
    "UserLeft",
]


@dataclass(frozen=True, slots=True)
class Peer:
    """One of the others, and where they are. Two connections of one user are two.

    Attributes:
        user: the name.
        cursor_mm: x and y in the scene; None where there is no cursor.
        selection: the ids of the items that are selected.
        color: the colour in which to show the user, such as `#1e90ff`; None where none was chosen.

    """

    user: str
    cursor_mm: tuple[float, float] | None = None
    selection: Sequence[str] = ()
    color: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """The base of all events."""


@dataclass(frozen=True, slots=True)
class Connect(Event):
    """Open a connection, then call `handle_connected`, or `handle_disconnected` if that fails.

    Attributes:
        attempt: which attempt since the last success, counted from 1.

    """

    attempt: int


@dataclass(frozen=True, slots=True)
class Disconnect(Event):
    """Close the connection, then call `handle_disconnected`.

    Attributes:
        reason: why.

    """

    reason: str


@dataclass(frozen=True, slots=True)
class StatusChanged(Event):
    """How things stand with the relay has changed.

    Attributes:
        status: "offline" (waiting to try again, or stopped), "connecting", "catching up" (connected, receiving what was
            missed), "sending" (some edits are not yet acknowledged), or "synchronised".
        attempt: while connecting, which attempt since the last success, counted from 1; otherwise None.

    """

    status: _Status
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class RoleChanged(Event):
    """What the user may do is not what was known before; said on connecting.

    Attributes:
        role: "owner", "editor", or "viewer", whose edits are errors.

    """

    role: _Role


@dataclass(frozen=True, slots=True)
class SceneChanged(Event):
    """The scene was changed by somebody else, by undo or redo, or because an edit was refused.

    It has happened to `scene` already. The user's own edits are not told.

    Attributes:
        added: the ids of items that are new.
        changed: the ids of items that changed, each with the keys of its properties that did.
        removed: the ids of items that are gone.
        edit: the same as an edit, for a scene that the host keeps itself.

    """

    added: Sequence[str]
    changed: Mapping[str, Sequence[str]]
    removed: Sequence[str]
    edit: Edit


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """The relay refused an edit of the user; it is undone in the scene.

    Attributes:
        item: the id of the item that was edited.
        reason: a word, as in the messages: "role", "removed", "exists", "id", "item-size", "document-full", "late" or
            "other".
        message: a sentence for a person.

    """

    item: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class UserJoined(Event):
    """Somebody joined.

    Attributes:
        user: the name; several connections may have it.

    """

    user: str


@dataclass(frozen=True, slots=True)
class UserLeft(Event):
    """Somebody left.

    Attributes:
        user: the name; other connections may still have it.

    """

    user: str


@dataclass(frozen=True, slots=True)
class PeerChanged(Event):
    """Somebody has come, has moved, or is gone.

    Attributes:
        connection: which connection; the key in `peers`.
        peer: who and where; None where they are gone.

    """

    connection: int
    peer: Peer | None


@dataclass(frozen=True, slots=True)
class NoRelay(Event):
    """The server is not a relay of this project: it neither keeps nor confirms edits. The session has stopped."""


@dataclass(frozen=True, slots=True)
class FrameIgnored(Event):
    """A frame could not be read and was ignored.

    Attributes:
        message: what is wrong with it.

    """

    message: str


@dataclass(frozen=True, slots=True)
class RelayComplained(Event):
    """The relay could not read a frame of this client and ignored it.

    Attributes:
        message: in its words.

    """

    message: str
