"""The class `CollaborationService`."""

from __future__ import annotations

import json
import logging
import random
from datetime import datetime
from typing import Any

from PyQt6.QtCore import QObject, QTimer, QUrl, pyqtSignal
from PyQt6.QtWebSockets import QWebSocket

from optiverse_engine.qt._address import session_url

HEARTBEAT_MS = 30_000
"""The app's server closes a connection that says nothing for a minute."""

FIRST_RETRY_MS = 500
LONGEST_RETRY_MS = 30_000
#: How long a server may take to let a connection in.
OPENING_TIMEOUT_MS = 10_000

# What a server says that will not let this user in, whatever happens: there is no use in trying again. Not 1002: Qt
# says so of codes that it does not know, such as 1013, "try again later".
_FINAL_CODES: frozenset[int] = frozenset({1003, 1007, 1008, 1009, 4001, 4003})


class CollaborationService(QObject):
    """The app's `CollaborationService`: messages of the app's session over a WebSocket.

    Signals, methods, attributes and messages are those of the app's class. What is new: a connection that is lost, or
    that cannot be opened, is tried again until `disconnect_from_session`, after 0.5 s and then twice as long each
    time, up to 30 s, give or take a half; `reconnecting` tells each attempt. A server that does not answer within 10 s
    counts as one that cannot be reached. Names are escaped in the address, so
    that they may hold any character.

    Attributes:
        ws: the `QWebSocket`; a new one for each attempt.
        session_id: the session, or None.
        user_id: the user, or None.
        server_url: such as `ws://localhost:8765`.
        connected_state: whether the connection is open.
        users_in_session: the users by name, as the server told them.
        heartbeat_timer: sends a `ping` every 30 s while connected.
        log: a `logging.Logger`.

    """

    connected = pyqtSignal()
    disconnected = pyqtSignal()
    message_received = pyqtSignal(dict)
    """Any message that has no signal of its own."""
    command_received = pyqtSignal(dict)
    sync_state_received = pyqtSignal(dict)
    user_joined = pyqtSignal(str)
    user_left = pyqtSignal(str)
    error_occurred = pyqtSignal(str)
    connection_acknowledged = pyqtSignal(dict)
    reconnecting = pyqtSignal(int, int)
    """The number of the next attempt since the last success, and the milliseconds until it is made."""

    def __init__(self, parent: QObject | None = None) -> None:
        """Begin without a session."""
        super().__init__(parent)
        self.session_id: str | None = None
        self.user_id: str | None = None
        self.server_url = "ws://localhost:8765"
        self.connected_state = False
        self.users_in_session: dict[str, dict[str, Any]] = {}
        self.log = logging.getLogger("optiverse_engine.qt")
        self.ws = QWebSocket(parent=self)
        self.heartbeat_timer = QTimer(self)
        self.heartbeat_timer.setInterval(HEARTBEAT_MS)
        self.heartbeat_timer.timeout.connect(self._send_heartbeat)
        self._retry_timer = QTimer(self)
        self._retry_timer.setSingleShot(True)
        self._retry_timer.timeout.connect(self._open)
        self._opening_timer = QTimer(self)
        self._opening_timer.setSingleShot(True)
        self._opening_timer.setInterval(OPENING_TIMEOUT_MS)
        self._opening_timer.timeout.connect(self._on_no_answer)
        self._attempts = 0

    def set_server_url(self, url: str) -> None:
        """Set the server for the next `connect_to_session`."""
        self.server_url = url

    def connect_to_session(self, session_id: str, user_id: str) -> None:
        """Join a session under a name; a session that was joined before is left."""
        self._leave()
        self.session_id, self.user_id = session_id, user_id
        self._attempts = 0
        self._open()

    def disconnect_from_session(self) -> None:
        """Leave the session, and try no more."""
        self._retry_timer.stop()
        self._attempts = 0
        if self.ws.isValid():
            # `disconnected` follows when the server has answered.
            self.session_id = None
            self.ws.close()
        else:
            self._leave()

    def is_connected(self) -> bool:
        """Whether the connection is open."""
        return self.connected_state

    def send_message(self, message: dict[str, Any]) -> None:
        """Send a message to the session; without a connection it is dropped, and the log says so.

        What cannot be written as JSON is told by `error_occurred`.
        """
        if not self.connected_state:
            self.log.warning("not connected: a message of type %s is not sent", message.get("type"))
            return
        try:
            text = json.dumps({**message, "user_id": message.get("user_id", self.user_id)})
        except (TypeError, ValueError) as error:
            self._report(f"a message of type {message.get('type')} cannot be written as JSON: {error}")
            return
        self.ws.sendTextMessage(text)

    def send_command(self, action: str, item_type: str, item_id: str, data: dict[str, Any]) -> None:
        """Tell the others what was done to an item.

        Args:
            action: "add_item", "move_item", "update_item" or "remove_item".
            item_type: such as "component".
            item_id: the item's `item_uuid`.
            data: the whole item; {} where it was removed.

        """
        command = {"action": action, "item_type": item_type, "item_id": item_id, "data": data}
        self.send_message({"type": "command", "command": command, "timestamp": datetime.now().isoformat()})

    def request_sync(self) -> None:
        """Ask for the whole scene; `sync_state_received` brings it."""
        if self.connected_state:
            self.send_message({"type": "sync:request"})

    def update_scene_state(self, state: dict[str, Any]) -> None:
        """Send the whole scene."""
        if self.connected_state:
            self.send_message({"type": "sync:update", "state": state, "timestamp": datetime.now().isoformat()})

    def get_connected_users(self) -> list[str]:
        """Return the names of the users of the session."""
        return list(self.users_in_session)

    def _open(self) -> None:
        if self.session_id is None or self.user_id is None:
            return
        self._attempts += 1
        # A new socket for each attempt: what the one before still has to say is not about this one.
        self.ws.deleteLater()
        socket = self.ws = QWebSocket(parent=self)
        socket.connected.connect(self._on_connected)
        socket.disconnected.connect(lambda: self._on_ended(socket))
        socket.errorOccurred.connect(lambda _: self._on_failed(socket))
        socket.textMessageReceived.connect(self._on_message)
        url = session_url(self.server_url, self.session_id, self.user_id)
        self.log.info("connecting to %s", url)
        self._opening_timer.start()
        socket.open(QUrl(url))

    def _leave(self) -> None:
        """Drop the connection without waiting for the server."""
        self._retry_timer.stop()
        self._opening_timer.stop()
        self.session_id = None
        self.ws.blockSignals(True)
        self.ws.abort()
        if self.connected_state:
            self._forget()

    def _on_connected(self) -> None:
        self._opening_timer.stop()
        self._attempts = 0
        self.connected_state = True
        self.heartbeat_timer.start()
        self.log.info("connected to session %s as %s", self.session_id, self.user_id)
        self.connected.emit()

    def _on_no_answer(self) -> None:
        """Give up on a server that took the connection and says nothing."""
        if self.connected_state or self.session_id is None:
            return
        self._report(f"{self.ws.requestUrl().toString()}: no answer within {OPENING_TIMEOUT_MS // 1000} s")
        self.ws.blockSignals(True)
        self.ws.abort()
        self._retry()

    def _on_failed(self, socket: QWebSocket) -> None:
        if socket is not self.ws:
            return
        self._opening_timer.stop()
        self._report(f"{socket.requestUrl().toString()}: {socket.errorString()}")
        if not self.connected_state:
            # It was never open: there will be no `disconnected`.
            self._retry()

    def _on_ended(self, socket: QWebSocket) -> None:
        if socket is not self.ws or not self.connected_state:
            return
        # PyQt gives codes that Qt has no name for as plain numbers.
        named: Any = socket.closeCode()
        code, reason = getattr(named, "value", named), socket.closeReason()
        self.log.info("disconnected from session %s: %s %s", self.session_id, code, reason)
        if code in _FINAL_CODES:
            self._report(f"the server closed the connection: {code} {reason}".rstrip())
            self.session_id = None
        self._forget()
        self._retry()

    def _forget(self) -> None:
        self.connected_state = False
        self.heartbeat_timer.stop()
        self.users_in_session.clear()
        self.disconnected.emit()

    def _retry(self) -> None:
        if self.session_id is None or self._retry_timer.isActive():
            return
        wait = min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** min(self._attempts, 10))
        # Clients of one relay that went down together do not come back together.
        wait = int(wait * random.uniform(0.5, 1.0))
        self.reconnecting.emit(self._attempts + 1, wait)
        self._retry_timer.start(wait)

    def _on_message(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError as error:
            self._report(f"a message is not JSON: {error}")
            return
        if not isinstance(message, dict):
            self._report(f"a message is {type(message).__name__}, expected an object")
            return
        match message.get("type"):
            case "connection:ack":
                users = message.get("users", [])
                named = [user for user in users if isinstance(user, dict) and isinstance(user.get("user_id"), str)]
                self.users_in_session = {user["user_id"]: user for user in named}
                self.connection_acknowledged.emit(message)
            case "user:joined":
                user = str(message.get("user_id", "unknown"))
                self.users_in_session[user] = {"user_id": user, "connected_at": message.get("timestamp")}
                self.user_joined.emit(user)
            case "user:left":
                user = str(message.get("user_id", "unknown"))
                self.users_in_session.pop(user, None)
                self.user_left.emit(user)
            case "command":
                self.command_received.emit(message)
            case "sync:state" | "sync:full_state":
                self.sync_state_received.emit(message)
            case "pong":
                pass
            case _:
                self.message_received.emit(message)

    def _report(self, problem: str) -> None:
        self.log.warning("%s", problem)
        self.error_occurred.emit(problem)

    def _send_heartbeat(self) -> None:
        self.send_message({"type": "ping"})
