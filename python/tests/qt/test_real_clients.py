"""Clients of every kind in one session: all show the same scene in the end."""

import json
import os
import subprocess
import sys
import threading
import time
from datetime import datetime

import pytest
import websockets.sync.client
from conftest import PATIENCE_S, component, contents, source
from PyQt6.QtCore import QCoreApplication, QObject, QTimer, QUrl
from PyQt6.QtWebSockets import QWebSocket

from optiverse_engine import Edit, Session
from optiverse_engine.sync import Connect, Disconnect, Engine

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="module")
def qt():
    """The one application of a process."""
    return QCoreApplication.instance() or QCoreApplication([])


def until(qt, is_so, what="it"):
    """Let Qt run until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, what() if callable(what) else what
        qt.processEvents()
        time.sleep(0.002)


class AppClient(QObject):
    """Speaks as the app 0.3.4 does: whole items in commands, the scene on joining, a ping every 30 s.

    In the role of host it hands its scene to who joins and takes none; as a client it wipes its canvas for another's.
    """

    def __init__(self, url, role, items=()):
        super().__init__()
        self.role = role
        self.canvas = {data["item_uuid"]: (item_type, data) for item_type, data in items}
        self.acknowledged = False
        self.pongs = 0
        self.users = set()
        self.user = url.rsplit("/", 1)[1]
        self.socket = QWebSocket()
        self.socket.textMessageReceived.connect(self.on_message)
        self.heartbeat = QTimer(self)
        self.heartbeat.setInterval(30_000)
        self.heartbeat.timeout.connect(lambda: self.send({"type": "ping"}))
        self.socket.connected.connect(self.heartbeat.start)
        self.socket.open(QUrl(url))

    def send(self, message):
        self.socket.sendTextMessage(json.dumps({"user_id": self.user, **message}))

    def command(self, action, item_type, id, data):
        body = {"action": action, "item_type": item_type, "item_id": id, "data": data}
        self.send({"type": "command", "command": body, "timestamp": datetime.now().isoformat()})

    def add(self, item_type, data):
        self.canvas[data["item_uuid"]] = (item_type, data)
        self.command("add_item", item_type, data["item_uuid"], data)

    def change(self, id, action="update_item", **changes):
        item_type, data = self.canvas[id]
        # The app sends the whole item, with everything that it was told of it.
        self.canvas[id] = (item_type, {**data, **changes})
        self.command(action, item_type, id, self.canvas[id][1])

    def remove(self, id):
        item_type, _ = self.canvas.pop(id)
        self.command("remove_item", item_type, id, {})

    def state(self):
        items = [{**data, "uuid": id, "item_type": item_type} for id, (item_type, data) in self.canvas.items()]
        return {"items": items, "version": 1, "timestamp": datetime.now().isoformat()}

    def on_message(self, text):
        message = json.loads(text)
        match message["type"]:
            case "connection:ack":
                self.acknowledged = True
                self.users = {user["user_id"] for user in message["users"]}
                if self.role == "host":
                    self.send({"type": "sync:full_state", "state": self.state()})
            case "user:joined":
                self.users.add(message["user_id"])
                if self.role == "host":
                    state = {"type": "sync:full_state", "state": self.state(), "target_user": message["user_id"]}
                    self.send(state)
            case "user:left":
                self.users.discard(message["user_id"])
            case "pong":
                self.pongs += 1
            case "command":
                self.on_command(**message["command"])
            case "sync:full_state" if self.role == "client":
                self.canvas = {}
                for item in message["state"]["items"]:
                    data = {key: value for key, value in item.items() if key not in ("uuid", "item_type")}
                    self.canvas[item["uuid"]] = (item["item_type"], data)

    def on_command(self, action, item_type, item_id, data):
        if action == "remove_item":
            self.canvas.pop(item_id, None)
        elif action == "add_item" or item_id in self.canvas:
            self.canvas[item_id] = (item_type, data)

    def shown(self):
        return {id: data for id, (_, data) in self.canvas.items()}


class ComponentClient:
    """Speaks `component:*`, by the package `websockets`, on a thread of its own."""

    def __init__(self, url, components=()):
        self.components = {data["id"]: data for data in components}
        self.connection = websockets.sync.client.connect(url)
        self.socket = self.connection.__enter__()
        for data in components:
            self.send("component:add", data)
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def send(self, message, data):
        self.socket.send(json.dumps({"type": message, "data": data}))

    def change(self, message, **data):
        self.components[data["id"]] = {**self.components[data["id"]], **data}
        self.send(message, data)

    def listen(self):
        for text in self.socket:
            message = json.loads(text)
            kind, data = message["type"], message.get("data")
            if kind == "component:delete":
                self.components.pop(data["id"], None)
            elif kind in ("component:add", "component:move", "component:rotate", "component:edit"):
                self.components[data["id"]] = {**self.components.get(data["id"], {}), **data}

    def close(self):
        self.connection.__exit__(None, None, None)
        self.thread.join()

    def shown(self):
        return dict(self.components)


class EngineClient:
    """A host with a socket of its own: the bare state machine over the package `websockets`."""

    def __init__(self, url):
        self.engine, self.url = Engine(), url
        self.lock = threading.Lock()
        self.pump()

    def pump(self):
        with self.lock:
            while event := self.engine.poll_event():
                match event:
                    case Connect():
                        self.connection = websockets.sync.client.connect(self.url)
                        self.socket = self.connection.__enter__()
                        self.engine.handle_connected()
                        self.thread = threading.Thread(target=self.listen)
                        self.thread.start()
                    case Disconnect():
                        self.socket.close()
                        self.engine.handle_disconnected()
            while frame := self.engine.poll_transmit():
                self.socket.send(frame)

    def listen(self):
        for frame in self.socket:
            self.engine.handle_frame(frame)
            self.pump()

    def close(self):
        self.connection.__exit__(None, None, None)
        self.thread.join()


def curl(*arguments):
    """What curl prints, as JSON."""
    done = subprocess.run(["curl", "--silent", "--show-error", *arguments], capture_output=True, check=True)
    return json.loads(done.stdout)


def as_component(id, data, kind):
    """How a component client is told an item of the "2.0" format."""
    return {"id": id, "kind": kind, **data}


def test_clients_of_every_kind_show_the_same_scene(relay, qt):
    made = curl("-X", "POST", f"{relay.http}/api/sessions")
    name = made["session_id"]
    assert made["share_link"] == f"optiverse://join/{name}"

    laser, lens = source("laser", angle_deg=0.0), component("lens", "lens", x_mm=50.0, efl_mm=100.0)
    host = AppClient(relay.url(name, "host"), "host", [("source", laser), ("component", lens)])
    until(qt, lambda: host.acknowledged)
    ada, bob = Session(relay.url(name, "ada")), Session(relay.url(name, "bob"))
    until(qt, lambda: set(ada.scene) == set(bob.scene) == {"laser", "lens"})

    follower = subprocess.Popen(
        [sys.executable, "-m", "optiverse_engine", "join", relay.url(name, "terminal"), "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    guest = AppClient(relay.url(name, "guest"), "client")
    eve = EngineClient(relay.url(name, "eve"))
    flat = {"id": "flat", "kind": "mirror", "x_mm": 1.0, "y_mm": 2.0, "angle_deg": 0.0}
    carol = ComponentClient(relay.url(name, "carol"), [flat])
    until(qt, lambda: guest.shown().keys() == {"laser", "lens"} and "flat" in ada.scene)
    until(qt, lambda: carol.shown().keys() == {"laser", "lens", "flat"} and "flat" in eve.engine.scene)

    # Everybody edits, mostly other properties than the others do.
    host.change("laser", "move_item", x_mm=-150.0, y_mm=1.0)
    guest.change("laser", n_rays=5)
    ada.update("laser", {"wavelength_nm": 532.0})
    bob.update("lens", {"name": "L1"})
    carol.change("component:move", id="lens", x_mm=60.0, y_mm=3.0)
    carol.change("component:rotate", id="flat", angle_deg=30.0)
    eve.engine.edit(Edit.add(component("mirror", "mirror", x_mm=90.0)))
    eve.pump()
    guest.add("text", {"item_uuid": "note", "text": "hello", "x": 1.0, "y": 2.0})
    ada.add(source("spare"))
    until(qt, lambda: "spare" in host.canvas and "mirror" in guest.canvas and "note" in eve.engine.scene)
    host.remove("spare")
    guest.change("mirror", "move_item", x_mm=91.0, y_mm=0.5)
    bob.move("flat", 7.0, 8.0)
    bob.move("mirror", 0.0, 0.0)
    assert bob.undo()
    ada.unset("laser", "wavelength_nm")

    def same():
        scene = contents(ada.scene)
        of_app = {id: data for id, data in scene.items() if ada.scene[id].section != "components"}
        kinds = {"laser": "source", "lens": "lens", "mirror": "mirror"}
        of_components = {id: as_component(id, scene[id], kind) for id, kind in kinds.items() if id in scene}
        return {
            "bob": contents(bob.scene) == scene,
            "eve": contents(eve.engine.scene) == scene,
            "nothing pending": ada.pending == bob.pending == eve.engine.pending == 0,
            "spare is gone": "spare" not in scene,
            "host": host.shown() == of_app,
            "guest": guest.shown() == of_app,
            "carol": carol.shown() == {**of_components, "flat": scene.get("flat")},
        }

    def differences():
        return f"{same()}\nada {contents(ada.scene)}\nhost {host.shown()}\nguest {guest.shown()}\ncarol {carol.shown()}"

    until(qt, lambda: all(same().values()), differences)
    assert ada.scene["laser"]["n_rays"] == 5
    assert "wavelength_nm" not in ada.scene["laser"]
    assert (ada.scene["laser"]["x_mm"], ada.scene["lens"]["x_mm"]) == (-150.0, 60.0)
    assert ada.scene["lens"]["name"] == "L1"
    assert (ada.scene["flat"]["x_mm"], ada.scene["flat"]["angle_deg"]) == (7.0, 30.0)

    host.heartbeat.timeout.emit()
    until(qt, lambda: host.pongs == 1)
    until(qt, lambda: curl(f"{relay.http}/api/sessions/{name}")["user_count"] == 7)
    about = curl(f"{relay.http}/api/sessions/{name}")
    assert about["session_id"] == name
    assert sorted(about["active_users"]) == ["ada", "bob", "carol", "eve", "guest", "host", "terminal"]

    # Who comes late is shown the same, and so is who follows in a terminal.
    late = AppClient(relay.url(name, "late"), "client")
    until(qt, lambda: late.shown() == host.shown())
    follower.send_signal(2)
    printed, _ = follower.communicate(timeout=PATIENCE_S)
    assert follower.returncode == 0
    followed = {}
    for event in map(json.loads, printed.splitlines()):
        if event["event"] == "SceneChanged":
            followed.update(event["items"])
            for id in event["removed"]:
                followed.pop(id, None)
    assert followed == contents(ada.scene)

    for session in (ada, bob):
        session.close()
    for client in (eve, carol):
        client.close()
    for client in (host, guest, late):
        client.socket.close()
        until(qt, lambda client=client: not client.socket.isValid())
