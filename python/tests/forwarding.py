"""A server that only forwards, as the app's own: it passes messages on, and keeps only what the host uploads."""

import contextlib
import json
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
        self.running.shutdown()
        for users in list(self.sessions.values()):
            for socket in list(users.values()):
                socket.close(1001)
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

    def handle(self, socket):
        _, _, session, user = map(unquote, socket.request.path.split("/"))
        with self.lock:
            users = self.sessions.setdefault(session, {})
            users[user] = socket
            is_host = self.uploads.setdefault(session, (user, {"items": []}))[0] == user
            names = [{"user_id": name} for name in users]
        about = {"session_id": session, "user_id": user, "is_host": is_host, "users": names}
        self.send(socket, json.dumps({"type": "connection:ack", **about}))
        if not is_host:
            self.upload(socket, session)
        self.tell_others(users, user, json.dumps({"type": "user:joined", "user_id": user}))
        try:
            # However it ends, it ends here.
            with contextlib.suppress(ConnectionClosed):
                for text in socket:
                    self.on_message(socket, session, user, text)
        finally:
            with self.lock:
                del users[user]
                if not users:
                    del self.sessions[session], self.uploads[session]
            self.tell_others(users, user, json.dumps({"type": "user:left", "user_id": user}))

    def on_message(self, socket, session, user, text):
        message = json.loads(text)
        users = self.sessions[session]
        match message["type"]:
            case "ping":
                self.send(socket, json.dumps({"type": "pong"}))
            case "sync:request":
                self.upload(socket, session)
            case "sync:full_state":
                if self.uploads[session][0] == user:
                    self.uploads[session] = (user, message["state"])
                self.tell_others(users, user, text)
            case "command":
                self.tell_others(users, user, text)

    def upload(self, socket, session):
        state = self.uploads[session][1]
        self.send(socket, json.dumps({"type": "sync:full_state", "state": state, "from_server": True}))

    def tell_others(self, users, user, text):
        with self.lock:
            others = [socket for name, socket in users.items() if name != user]
        for socket in others:
            self.send(socket, text)

    def send(self, socket, text):
        # Where the other has gone, its own thread sees to that.
        with contextlib.suppress(ConnectionClosed):
            socket.send(text)
