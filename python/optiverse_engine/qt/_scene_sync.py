"""The class `SceneSync`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, QTimer, QUrl, pyqtSignal
from PyQt6.QtNetwork import QNetworkRequest
from PyQt6.QtWebSockets import QWebSocket

from optiverse_engine._native import Edit, Engine, Scene
from optiverse_engine.events import (
    ClockSkew,
    Connect,
    Disconnect,
    Event,
    ForwardOnly,
    FrameIgnored,
    LegacyWriter,
    Peer,
    PeerChanged,
    Refused,
    RelayComplained,
    RoleChanged,
    SceneChanged,
    ServerChanged,
    StatusChanged,
    UserJoined,
    UserLeft,
)
from optiverse_engine.qt._address import session_url

if TYPE_CHECKING:
    from optiverse_engine._native import _SectionName, _Status, _UndoStep

# How long a connection may take to open.
CONNECT_TIMEOUT_MS = 10_000


@dataclass(frozen=True, slots=True)
class _Failure(Event):
    """A connection failed."""

    message: str


class SceneSync(QObject):
    """One user's copy of a shared scene, kept in step by Qt's event loop.

    It works without a connection: edits show in `scene` at once, and are sent when there is one again. Lost
    connections are opened again until `close`. Signals tell what others did, and what undo and refusals changed; the
    user's own edits are not told back.

    ```python
    sync = SceneSync()
    sync.item_added.connect(lambda id, properties: view.show(id, properties))
    sync.open("ws://localhost:8765", "bench 3", "ada")
    lens = sync.add({"_type": "component", "x_mm": 0.0, "y_mm": 0.0})
    sync.move(lens, 25.4, 0.0)
    ```

    Methods that edit raise `EditError` where the scene refuses, and `ShareError` where an edit cannot be shared;
    nothing has changed then. Their argument `step` is "new" for a step of undo, or "continue" to go on with the last
    one, as the moves of one drag do.

    Attributes:
        engine: the state machine beneath; it is driven by this object alone.

    """

    scene_changing = pyqtSignal()
    """Before the signals below: the moment for a view with items of its own to share what it has not shared yet."""
    item_added = pyqtSignal(str, dict)
    """The id of an item that is new, and its properties."""
    item_changed = pyqtSignal(str, list)
    """The id of an item, and the keys that have changed."""
    item_removed = pyqtSignal(str)
    """The id of an item that is gone, maybe of one that came and went so quickly that `item_added` was not told."""
    scene_changed = pyqtSignal()
    """After the signals above, once for all that came together."""
    status_changed = pyqtSignal(str)
    """"offline", "connecting", "catching up", "sending", "synchronised"; "unconfirmed" where a server only forwards."""
    connecting = pyqtSignal(int)
    """Which attempt it is since the last success, counted from 1."""
    presence_changed = pyqtSignal(int, object)
    """The number of a connection and who and where it is, a `Peer`; None where it is gone."""
    cursor_moved = pyqtSignal(int, str, float, float)
    """The number of a connection, its user, and the cursor's place in mm."""
    user_joined = pyqtSignal(str)
    user_left = pyqtSignal(str)
    refused = pyqtSignal(str, str, str)
    """The id of an item whose edit was taken back, a word for why, and a sentence."""
    role_changed = pyqtSignal(str)
    """What the relay lets this user do, as `RoleChanged` says."""
    undo_changed = pyqtSignal(bool, bool)
    """Whether there is a step to undo, and one to redo."""
    forward_only = pyqtSignal()
    """The server only forwards messages: it keeps and confirms nothing, and passes on no presence."""
    server_changed = pyqtSignal()
    """A server that only forwards where there was a relay, or the other way round: the session has stopped."""
    clock_skew = pyqtSignal(int)
    """On a server that only forwards, the clock of another client is so many milliseconds ahead."""
    legacy_writer = pyqtSignal(str)
    """On a server that only forwards, the user edits by an older client: copies may come to differ."""
    error_occurred = pyqtSignal(str)
    """A connection that failed, or a message that could not be read: a sentence."""

    def __init__(self, parent: QObject | None = None, *, saved: str | None = None) -> None:
        """Begin offline, with an empty scene or with what `save` wrote.

        Raises:
            SyncArgumentError: `saved` is something else.

        """
        super().__init__(parent)
        self.engine = Engine() if saved is None else Engine.resume(saved)
        # It is to connect when `open` says where; that it wanted to at once is not told.
        self.engine.stop()
        while self.engine.poll_event() is not None:
            pass
        self._request: QNetworkRequest | None = None
        self._socket: QWebSocket | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timeout)
        # A socket reads nothing more while it waits for a slot, which may run an event loop of its own (a dialog).
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._pump)
        self._untold: deque[Event] = deque()
        self._telling = False
        self._undo_state = (False, False)
        self._followed: dict[str, dict[str, Any]] = {}

    def open(self, server_url: str, session_id: str, user_id: str, *, token: str | None = None) -> None:
        """Join a session, and stay in it until `close`.

        Args:
            server_url: such as `ws://localhost:8765`.
            session_id: the session.
            user_id: the name that the others see.
            token: an invitation, where the session wants one.

        """
        self._drop_socket()
        self._request = QNetworkRequest(QUrl(session_url(server_url, session_id, user_id)))
        if token is not None:
            self._request.setRawHeader(b"Authorization", f"Bearer {token}".encode())
        self.engine.start()
        self._pump()

    def close(self) -> None:
        """Leave the session; edits are kept, and sent after the next `open`."""
        self.engine.stop()
        self._pump()

    @property
    def scene(self) -> Scene:
        """The scene as the user is to see it: always the same object, to be read only."""
        return self.engine.scene

    @property
    def status(self) -> _Status:
        """How things stand with the relay, as `status_changed` tells."""
        return self.engine.status

    @property
    def pending(self) -> int:
        """The number of edits that the relay has not yet decided about."""
        return self.engine.pending

    @property
    def peers(self) -> dict[int, Peer]:
        """The others, by connection."""
        return self.engine.peers

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return self.engine.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to redo."""
        return self.engine.can_redo

    def save(self) -> str:
        """Return what is confirmed and what is pending, for `saved` after a restart."""
        return self.engine.save()

    def add(self, properties: Mapping[str, Any], *, section: _SectionName = "items", step: _UndoStep = "new") -> str:
        """Add an item to a list of the document, and return its id; a random one where it has none."""
        id = self.engine.add(properties, section=section, step=step)
        self._pump()
        return id

    def update(self, id: str, changes: Mapping[str, Any], *, step: _UndoStep = "new") -> None:
        """Give properties of an item new values."""
        self.engine.update(id, changes, step=step)
        self._pump()

    def unset(self, id: str, *keys: str, step: _UndoStep = "new") -> None:
        """Remove properties of an item."""
        self.engine.unset(id, *keys, step=step)
        self._pump()

    def move(self, id: str, x_mm: float, y_mm: float, *, step: _UndoStep = "new") -> None:
        """Put an item at a position."""
        self.engine.move(id, x_mm, y_mm, step=step)
        self._pump()

    def remove(self, id: str, *, step: _UndoStep = "new") -> None:
        """Remove an item."""
        self.engine.remove(id, step=step)
        self._pump()

    def edit(self, edit: Edit, *, step: _UndoStep = "new") -> None:
        """Make any edit, a batch among them."""
        self.engine.edit(edit, step=step)
        self._pump()

    def undo(self) -> bool:
        """Take back the user's last step, as far as nobody has changed it since; return whether there was one."""
        undone = self.engine.undo()
        self._pump()
        return undone

    def redo(self) -> bool:
        """Make the step again that was undone last; return whether there was one."""
        redone = self.engine.redo()
        self._pump()
        return redone

    def follow(self, items: Iterable[tuple[_SectionName, Mapping[str, Any]]], *, adopt: bool = False) -> bool:
        """Share what the user has changed in a view that keeps items of its own, as one step of undo.

        It compares with what it was given the last time, so that a view may write values in its own manner; only keys
        that differ are sent. Call it when `scene_changing` is told, and with `adopt` when `scene_changed` is, after the
        view has shown what others did.

        Args:
            items: all that the view shows: the section and the properties of each, with `item_uuid`.
            adopt: take it for known, and share nothing now. Items that the scene never had are shared by the next call.

        Returns:
            Whether anything was shared.

        Raises:
            EditError, ShareError: one of the edits is refused; none has been made, and the next call tries again.

        """
        shown = {str(properties["item_uuid"]): (section, dict(properties)) for section, properties in items}
        latest = {id: properties for id, (_, properties) in shown.items()}
        if adopt:
            # What the scene never had is the user's own, from before others' items came: it is still to be shared.
            known = self._followed.keys()
            self._followed = {id: value for id, value in latest.items() if id in self.scene or id in known}
            return False
        edits = [
            edit for id, (section, properties) in shown.items() for edit in self._differences(id, section, properties)
        ]
        edits += [Edit.remove(id) for id in self._followed if id not in shown and id in self.scene]
        if edits:
            self.engine.edit(Edit.batch(edits))
        self._followed = latest
        self._pump()
        return bool(edits)

    def _differences(self, id: str, section: _SectionName, properties: dict[str, Any]) -> list[Edit]:
        known = self._followed.get(id)
        if id not in self.scene:
            # Where others have removed what the view still shows, it is not brought back.
            return [] if known is not None else [Edit.add(properties, section=section)]
        if known is None:
            return []
        changes = {key: value for key, value in properties.items() if key not in known or known[key] != value}
        gone = known.keys() - properties.keys()
        edits = [Edit.update(id, changes)] if changes else []
        return [*edits, Edit.unset(id, *sorted(gone))] if gone else edits

    def set_presence(
        self,
        *,
        cursor_mm: tuple[float, float] | None = None,
        selection: Iterable[str] | None = None,
        color: str | None = None,
    ) -> None:
        """Tell the others where this user is; of states that follow each other quickly they get the newest.

        Raises:
            SyncArgumentError: one of them cannot be used.

        """
        self.engine.set_presence(cursor_mm=cursor_mm, selection=selection, color=color)
        self._pump()

    def _pump(self) -> None:
        """Do what the engine asks for, and tell what has happened."""
        while (event := self.engine.poll_event()) is not None:
            match event:
                case Connect():
                    self._connect()
                case Disconnect():
                    self._disconnect()
            self._untold.append(event)
        while self._socket is not None and (frame := self.engine.poll_transmit()) is not None:
            self._socket.sendTextMessage(frame)
        due = self.engine.poll_timeout()
        if due is None:
            self._timer.stop()
        else:
            self._timer.start(min(max(0, due - time.time_ns() // 1_000_000), 2**31 - 1))
        self._tell()

    def _tell(self) -> None:
        if self._telling:
            # A slot has edited, or runs an event loop of its own, as a dialog does: the loop beneath tells the rest.
            return
        self._telling = True
        try:
            while self._untold:
                self._emit(self._untold.popleft())
            undo_state = (self.can_undo, self.can_redo)
            if undo_state != self._undo_state:
                self._undo_state = undo_state
                self.undo_changed.emit(*undo_state)
        finally:
            self._telling = False

    def _emit(self, event: Event) -> None:
        match event:
            case Connect(attempt=attempt):
                self.connecting.emit(attempt)
            case SceneChanged(added=added, changed=changed, removed=removed):
                self.scene_changing.emit()
                for id in removed:
                    self.item_removed.emit(id)
                # The scene may be further already: that it has gone is told later, or was the user's own doing.
                for id in added:
                    if id in self.scene:
                        self.item_added.emit(id, dict(self.scene[id]))
                for id, keys in changed.items():
                    if id in self.scene:
                        self.item_changed.emit(id, list(keys))
                self.scene_changed.emit()
            case StatusChanged(status=status):
                self.status_changed.emit(status)
            case RoleChanged(role=role):
                self.role_changed.emit(role)
            case PeerChanged(connection=connection, peer=peer):
                self.presence_changed.emit(connection, peer)
                if peer is not None and peer.cursor_mm is not None:
                    self.cursor_moved.emit(connection, peer.user, *peer.cursor_mm)
            case UserJoined(user=user):
                self.user_joined.emit(user)
            case UserLeft(user=user):
                self.user_left.emit(user)
            case Refused(item=item, reason=reason, message=message):
                self.refused.emit(item, reason, message)
            case ForwardOnly():
                self.forward_only.emit()
            case ServerChanged():
                self.server_changed.emit()
            case ClockSkew(ahead_ms=ahead):
                self.clock_skew.emit(min(ahead, 2**31 - 1))
            case LegacyWriter(user=user):
                self.legacy_writer.emit(user)
            case FrameIgnored(message=message) | RelayComplained(message=message) | _Failure(message=message):
                self.error_occurred.emit(message)

    def _disconnect(self) -> None:
        if self._socket is not None and self._socket.isValid():
            self._socket.close()
        else:
            self._drop_socket()

    def _connect(self) -> None:
        if self._request is None:
            raise RuntimeError("the session asks for a connection before `open`")
        # A new socket for each attempt: what the one before still has to say is not about this one.
        self._drop_socket()
        socket = self._socket = QWebSocket(parent=self)
        socket.connected.connect(lambda: self._on_connected(socket))
        socket.disconnected.connect(lambda: self._on_ended(socket))
        socket.errorOccurred.connect(lambda _: self._on_failed(socket))
        socket.textMessageReceived.connect(lambda text: self._on_frame(socket, text))
        QTimer.singleShot(CONNECT_TIMEOUT_MS, lambda: self._on_slow(socket))
        socket.open(self._request)

    def _drop_socket(self) -> None:
        if self._socket is None:
            return
        socket, self._socket = self._socket, None
        socket.abort()
        socket.deleteLater()
        self.engine.handle_disconnected()

    def _on_connected(self, socket: QWebSocket) -> None:
        if socket is self._socket:
            self.engine.handle_connected()
            self._soon.start()

    def _on_frame(self, socket: QWebSocket, text: str) -> None:
        if socket is self._socket:
            self.engine.handle_frame(text)
            self._soon.start()

    def _on_failed(self, socket: QWebSocket) -> None:
        if socket is self._socket:
            self._untold.append(_Failure(f"{socket.requestUrl().toString()}: {socket.errorString()}"))
            self._on_ended(socket)

    def _on_slow(self, socket: QWebSocket) -> None:
        if socket is self._socket and not socket.isValid():
            seconds = CONNECT_TIMEOUT_MS // 1000
            self._untold.append(_Failure(f"{socket.requestUrl().toString()}: no answer within {seconds} s"))
            self._on_ended(socket)

    def _on_ended(self, socket: QWebSocket) -> None:
        if socket is self._socket:
            self._drop_socket()
            self._soon.start()

    def _on_timeout(self) -> None:
        self.engine.handle_timeout()
        self._pump()
