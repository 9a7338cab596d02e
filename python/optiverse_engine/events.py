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
    "ClockSkew",
    "Connect",
    "Disconnect",
    "Disconnected",
    "Event",
    "ForwardOnly",
    "FrameIgnored",
    "LegacyWriter",
    "Missed",
    "Peer",
    "PeerChanged",
    "Refused",
    "RelayComplained",
    "RoleChanged",
    "SceneChanged",
    "ServerChanged",
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
class Disconnected(Event):
    """A connection was not made, or has ended. Only of `Session`, which makes them itself.

    Attributes:
        message: a sentence for a person, with the address.
        code: the code with which the server closed it, if it did; docs/relay.md lists them.
        retries: whether another attempt follows. If not, the server refuses this client; `Session.retry` tries again.

    """

    message: str
    code: int | None
    retries: bool


@dataclass(frozen=True, slots=True)
class Missed(Event):
    """Nobody took the events for so long that some were dropped; look at the scene, the status and the peers anew.

    Only of `Session`.

    Attributes:
        count: how many.

    """

    count: int


@dataclass(frozen=True, slots=True)
class StatusChanged(Event):
    """How things stand with the relay has changed.

    Attributes:
        status: "offline" (waiting to try again, or stopped), "connecting", "catching up" (connected, receiving what was
            missed), "sending" (some edits are not yet acknowledged), "synchronised", or, on a server that only
            forwards, "unconfirmed" (not all other new clients have said that they have the same, or there is none).
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
class ForwardOnly(Event):
    """The server only forwards messages: it neither keeps nor confirms edits, and passes on no presence. Said once."""


@dataclass(frozen=True, slots=True)
class ServerChanged(Event):
    """A server that only forwards where the session began with a relay, or the other way round.

    What is confirmed on one means nothing on the other: the session has stopped. A new one can be started and the scene
    shared in it.
    """


@dataclass(frozen=True, slots=True)
class ClockSkew(Event):
    """On a server that only forwards: an edit of another client is stamped more than a minute ahead of this clock.

    Later edits are stamped after it, so that it does not win over them. Said once for each connection.

    Attributes:
        ahead_ms: how far ahead, in milliseconds.

    """

    ahead_ms: int


@dataclass(frozen=True, slots=True)
class LegacyWriter(Event):
    """On a server that only forwards: a client edits whose messages have no stamps.

    Clients may come to differ where it and others edit the same. Said once for each user and connection.

    Attributes:
        user: the name.

    """

    user: str


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
