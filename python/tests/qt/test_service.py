"""The class of the app's name: its signals, methods, attributes and messages."""

import json

import pytest
from PyQt6.QtCore import QUrl
from PyQt6.QtNetwork import QHostAddress, QTcpServer
from PyQt6.QtWebSockets import QWebSocketServer
from qt_support import MortalRelay, server, until

from optiverse_engine.qt import CollaborationService, SceneSync

LENS = {"_type": "component", "item_uuid": "lens", "x_mm": 1.0, "y_mm": 2.0}
SIGNALS = [
    "connected",
    "disconnected",
    "message_received",
    "command_received",
    "sync_state_received",
    "user_joined",
    "user_left",
    "error_occurred",
    "connection_acknowledged",
    "reconnecting",
]


class Service(CollaborationService):
    """One that notes what it tells."""

    def __init__(self):
        super().__init__()
        self.told = []
        for name in SIGNALS:
            getattr(self, name).connect(lambda *values, name=name: self.told.append((name, *values)))

    def names(self):
        return [name for name, *_ in self.told]

    def last(self, name):
        return next(values for told, *values in reversed(self.told) if told == name)


@pytest.fixture
def join(relay):
    joined = []

    def join_one(user):
        service = Service()
        service.set_server_url(server(relay))
        service.connect_to_session("bench", user)
        joined.append(service)
        until(lambda: "connection_acknowledged" in service.names())
        return service

    yield join_one
    for service in joined:
        service.disconnect_from_session()


def test_it_has_what_the_apps_class_has():
    service = CollaborationService()
    assert (service.session_id, service.user_id, service.server_url) == (None, None, "ws://localhost:8765")
    assert (service.connected_state, service.users_in_session, service.is_connected()) == (False, {}, False)
    assert service.get_connected_users() == []
    assert service.heartbeat_timer.interval() == 30_000
    assert not service.ws.isValid()
    methods = "set_server_url connect_to_session disconnect_from_session send_message send_command request_sync"
    for name in (*methods.split(), "update_scene_state", "is_connected", "get_connected_users"):
        assert callable(getattr(service, name))


def test_a_session_of_the_app(join):
    ann = join("ann")
    assert ann.is_connected()
    assert ann.last("connection_acknowledged")[0]["is_host"] is True
    bob = join("bob")
    # As the app's manager does; before, a client that has said nothing yet is told nothing.
    bob.request_sync()
    until(lambda: "user_joined" in ann.names() and "sync_state_received" in bob.names())
    assert ann.last("user_joined") == ["bob"]
    assert sorted(bob.get_connected_users()) == ["ann", "bob"]

    ann.send_command("add_item", "component", "lens", LENS)
    until(lambda: "command_received" in bob.names())
    (message,) = bob.last("command_received")
    assert (message["command"]["action"], message["command"]["item_id"]) == ("add_item", "lens")
    assert message["command"]["data"]["x_mm"] == 1.0

    bob.request_sync()
    until(lambda: any(item.get("item_uuid") == "lens" for item in bob.last("sync_state_received")[0]["state"]["items"]))
    bob.disconnect_from_session()
    until(lambda: "disconnected" in bob.names() and "user_left" in ann.names())
    assert ann.last("user_left") == ["bob"]
    assert (bob.is_connected(), bob.users_in_session, bob.names().count("reconnecting")) == (False, {}, 0)


def test_it_comes_back_to_a_relay_that_was_away():
    with MortalRelay() as relay:
        come_back(relay)


def come_back(relay):
    service = Service()
    service.set_server_url(server(relay))
    service.connect_to_session("bench", "ann")
    # Not just connected: a relay that is killed before it has greeted will greet once, not twice.
    until(lambda: "connection_acknowledged" in service.names())
    relay.kill()
    until(lambda: "disconnected" in service.names())
    until(lambda: service.names().count("reconnecting") >= 2)
    attempts = [
        (attempt, wait) for name, attempt, wait in (entry for entry in service.told if entry[0] == "reconnecting")
    ]
    assert [attempt for attempt, _ in attempts[:2]] == [1, 2]
    assert 250 <= attempts[0][1] <= 500 <= attempts[1][1] * 2 <= 2000
    assert f"{server(relay)}/ws/bench/ann" in service.last("error_occurred")[0]
    relay.start()
    until(lambda: service.names().count("connection_acknowledged") == 2)
    service.disconnect_from_session()
    until(lambda: not service.is_connected())


def test_a_server_that_says_nothing_is_asked_again():
    service = Service()
    service._opening_timer.setInterval(200)
    silent = QTcpServer()
    assert silent.listen(QHostAddress.SpecialAddress.LocalHost)
    service.set_server_url(f"ws://127.0.0.1:{silent.serverPort()}")
    service.connect_to_session("bench", "ann")
    until(lambda: service.names().count("reconnecting") >= 2)
    assert "no answer within" in service.last("error_occurred")[0]
    service.disconnect_from_session()


def test_a_server_that_refuses_is_not_asked_again(relay):
    service = Service()
    service.set_server_url(server(relay))
    service.connect_to_session("x" * 5000, "ann")
    until(lambda: "error_occurred" in service.names())
    service.disconnect_from_session()
    service.connect_to_session("bench", "ann")
    until(lambda: service.is_connected())
    service.disconnect_from_session()


class Server:
    """A server that says what the test wants."""

    def __init__(self):
        self.server = QWebSocketServer("test", QWebSocketServer.SslMode.NonSecureMode)
        assert self.server.listen(QHostAddress.SpecialAddress.LocalHost)
        self.sockets, self.received = [], []
        self.server.newConnection.connect(self.accept)

    def accept(self):
        socket = self.server.nextPendingConnection()
        socket.textMessageReceived.connect(lambda text: self.received.append(json.loads(text)))
        self.sockets.append(socket)

    @property
    def url(self):
        return QUrl(self.server.serverUrl()).toString()

    def tell(self, message):
        self.sockets[-1].sendTextMessage(message if isinstance(message, str) else json.dumps(message))


@pytest.fixture
def talk():
    server, service = Server(), Service()
    service.set_server_url(server.url)
    service.connect_to_session("a b/c", "d?e#f")
    until(lambda: service.is_connected() and server.sockets)
    yield server, service
    service.disconnect_from_session()
    server.server.close()


def test_names_are_escaped(talk):
    server, _ = talk
    assert (
        server.sockets[0]
        .requestUrl()
        .toString(QUrl.ComponentFormattingOption.FullyEncoded)
        .endswith("/ws/a%20b%2Fc/d%3Fe%23f")
    )


def test_messages_go_where_the_apps_go(talk):
    server, service = talk
    users = [{"user_id": "ann"}, {"nobody": 1}, "odd"]
    for message in (
        {"type": "connection:ack", "users": users},
        {"type": "user:joined", "user_id": "bob", "timestamp": "now"},
        {"type": "user:left", "user_id": "ann"},
        {"type": "command", "command": {}},
        {"type": "sync:state", "state": {}},
        {"type": "sync:full_state", "state": {}},
        {"type": "pong"},
        {"type": "cursor", "x": 1},
        {"no": "type"},
    ):
        server.tell(message)
    until(lambda: service.names().count("message_received") == 2)
    assert service.names()[-8:] == [
        "connection_acknowledged",
        "user_joined",
        "user_left",
        "command_received",
        "sync_state_received",
        "sync_state_received",
        "message_received",
        "message_received",
    ]
    assert service.users_in_session == {"bob": {"user_id": "bob", "connected_at": "now"}}
    for text, problem in (("{", "a message is not JSON"), ("[1]", "a message is list, expected an object")):
        server.tell(text)
        until(lambda problem=problem: service.names()[-1] == "error_occurred" and problem in service.told[-1][1])


def test_what_it_sends(talk):
    server, service = talk
    service.send_message({"type": "hello"})
    service.send_message({"type": "as somebody else", "user_id": "bob"})
    service.update_scene_state({"items": []})
    service.heartbeat_timer.timeout.emit()
    until(lambda: len(server.received) == 4)
    assert [message["type"] for message in server.received] == ["hello", "as somebody else", "sync:update", "ping"]
    assert [message["user_id"] for message in server.received] == ["d?e#f", "bob", "d?e#f", "d?e#f"]
    service.send_message({"type": "bad", "value": object()})
    assert "a message of type bad cannot be written as JSON" in service.told[-1][1]


def test_scene_sync_says_that_a_server_only_forwards():
    server, sync, told = Server(), SceneSync(), []
    sync.forward_only.connect(lambda: told.append("forwards"))
    sync.legacy_writer.connect(told.append)
    sync.open(server.url, "bench", "ann")
    until(lambda: server.sockets)
    server.tell({"type": "connection:ack", "session_id": "bench", "user_id": "ann", "users": []})
    until(lambda: told == ["forwards"])
    command = {"action": "add_item", "item_type": "component", "item_id": "lens", "data": LENS}
    server.tell({"type": "command", "command": command, "user_id": "bob"})
    until(lambda: told == ["forwards", "bob"])
    assert "lens" in sync.scene
    sync.close()
    server.server.close()


@pytest.mark.parametrize(("code", "again"), [(1008, False), (1001, True), (1013, True), (4001, False)])
def test_the_code_says_whether_to_come_back(talk, code, again):
    from PyQt6.QtWebSockets import QWebSocketProtocol

    server, service = talk
    try:
        named = QWebSocketProtocol.CloseCode(code)
    except ValueError:
        named = code
    server.sockets[-1].close(named, "because")
    until(lambda: "disconnected" in service.names())
    assert ("reconnecting" in service.names()) is again


def test_without_a_connection_messages_are_dropped_and_said(caplog):
    service = Service()
    service.send_message({"type": "command"})
    service.request_sync()
    service.update_scene_state({})
    assert [record.message for record in caplog.records] == ["not connected: a message of type command is not sent"]
    service.disconnect_from_session()
    assert service.told == []
