"""A server that only forwards, as the app's own: it passes messages on, and keeps only what the host uploads."""

import contextlib
import json
import socket
import threading
from urllib.parse import unquote

from conftest import PATIENCE_S
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve


class ForwardingServer:
    """One that runs for the time of a `with`; `stop` and `start` take it away and bring it back on its port."""

    def __init__(self):
        self.port, self.running = 0, None

    def start(self):
        self.sessions, self.uploads, self.lock = {}, {}, threading.Lock()
        self.running = serve(self.handle, "127.0.0.1", self.port)
        self.port = self.running.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.running.serve_forever)
        self.thread.start()

    def stop(self):
        # As a crash does it: a client on this thread could not answer a farewell.
        for users in list(self.sessions.values()):
            for connection in list(users.values()):
                # Some have gone just now.
                with contextlib.suppress(OSError):
                    connection.socket.shutdown(socket.SHUT_RDWR)
        self.running.shutdown()
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def url(self, session, user):
        """Where a user joins."""
        return f"ws://127.0.0.1:{self.port}/ws/{session}/{user}"

    def handle(self, connection):
        _, _, session, user = map(unquote, connection.request.path.split("/"))
        with self.lock:
            users = self.sessions.setdefault(session, {})
            users[user] = connection
            is_host = self.uploads.setdefault(session, (user, {"items": []}))[0] == user
            names = [{"user_id": name} for name in users]
        about = {"session_id": session, "user_id": user, "is_host": is_host, "users": names}
        self.send(connection, json.dumps({"type": "connection:ack", **about}))
        if not is_host:
            self.upload(connection, session)
        self.tell_others(users, user, json.dumps({"type": "user:joined", "user_id": user}))
        try:
            # However it ends, it ends here.
            with contextlib.suppress(ConnectionClosed):
                for text in connection:
                    self.on_message(connection, session, user, text)
        finally:
            with self.lock:
                del users[user]
                if not users:
                    del self.sessions[session], self.uploads[session]
            self.tell_others(users, user, json.dumps({"type": "user:left", "user_id": user}))

    def on_message(self, connection, session, user, text):
        message = json.loads(text)
        users = self.sessions[session]
        match message["type"]:
            case "ping":
                self.send(connection, json.dumps({"type": "pong"}))
            case "sync:request":
                self.upload(connection, session)
            case "sync:full_state":
                if self.uploads[session][0] == user:
                    self.uploads[session] = (user, message["state"])
                self.tell_others(users, user, text)
            case "command":
                self.tell_others(users, user, text)

    def upload(self, connection, session):
        state = self.uploads[session][1]
        self.send(connection, json.dumps({"type": "sync:full_state", "state": state, "from_server": True}))

    def tell_others(self, users, user, text):
        with self.lock:
            others = [connection for name, connection in users.items() if name != user]
        for connection in others:
            self.send(connection, text)

    def send(self, connection, text):
        # Where the other has gone, its own thread sees to that.
        with contextlib.suppress(ConnectionClosed):
            connection.send(text)
