"""Sessions on a server that only forwards, as the app's own does."""

import contextlib
import json

import pytest
import websockets.sync.client
from conftest import PATIENCE_S, RelayProcess, component, contents, source, until
from forwarding import ForwardingServer

from optiverse_engine import Session
from optiverse_engine.sync import ForwardOnly, LegacyWriter, ServerChanged, StatusChanged, UserJoined, UserLeft


@pytest.fixture
def server():
    with ForwardingServer() as server:
        yield server


@pytest.fixture
def join(server):
    """A function by which users join; what they are told is in `told`."""
    with contextlib.ExitStack() as open_sessions:

        def join_one(user):
            told = []
            session = open_sessions.enter_context(Session(server.url("lab", user), on_event=told.append))
            until(lambda: ForwardOnly() in told)
            return session, told

        yield join_one


def agree(*sessions):
    """Whether all have the same scene, and know it."""
    scenes = [contents(session.scene) for session in sessions]
    return all(scene == scenes[0] for scene in scenes) and {session.status for session in sessions} == {"synchronised"}


def test_alone_nothing_is_confirmed(join):
    ada, told = join("ada")
    ada.add(source("laser"))
    assert not ada.wait_synchronised(0.5)
    assert (ada.status, ada.role, ada.pending, ada.peers) == ("unconfirmed", None, 0, {})
    until(lambda: told == [StatusChanged("catching up"), ForwardOnly(), StatusChanged("unconfirmed")])


def test_two_confirm_each_other(join):
    ada, told = join("ada")
    ada.add(source("laser"))
    bob, _ = join("bob")
    until(lambda: "laser" in bob.scene)
    bob.move("laser", 1.0, 2.0)
    bob.add(component("lens", "lens", efl_mm=50.0))
    until(lambda: agree(ada, bob))
    assert ada.wait_synchronised(PATIENCE_S)
    assert ada.scene["laser"]["x_mm"] == 1.0
    until(lambda: told[-1] == StatusChanged("synchronised"))
    assert UserJoined("bob") in told
    assert bob.undo()
    until(lambda: "lens" not in ada.scene and agree(ada, bob))
    bob.close()
    # Who is alone again has what nobody else confirms.
    until(lambda: told[-1] == StatusChanged("unconfirmed") and UserLeft("bob") in told)


def test_what_is_done_while_it_is_away_is_sent_when_it_is_back(server, join):
    (ada, told), (bob, _) = join("ada"), join("bob")
    ada.add(source("laser"))
    until(lambda: len(ada.scene) == 1 and agree(ada, bob))
    server.stop()
    until(lambda: ada.status in ("offline", "connecting") and bob.status in ("offline", "connecting"))
    ada.move("laser", 5.0, 5.0)
    bob.update("laser", {"name": "HeNe"})
    bob.add(component("lens", "lens"))
    server.start()
    until(lambda: len(ada.scene) == 2 and agree(ada, bob))
    assert (ada.scene["laser"]["x_mm"], ada.scene["laser"]["name"]) == (5.0, "HeNe")
    until(lambda: told[-1] == StatusChanged("synchronised"))
    assert told.count(ForwardOnly()) == 1, "it is said once"


def test_an_older_client_is_named_and_heard(server, join):
    ada, told = join("ada")
    ada.add(source("laser"))
    with websockets.sync.client.connect(server.url("lab", "old")) as old:
        until(lambda: UserJoined("old") in told)
        lens = component("lens", "lens")
        command = {"action": "add_item", "item_type": "component", "item_id": "lens", "data": lens}
        old.send(json.dumps({"type": "command", "command": command, "user_id": "old"}))
        until(lambda: "lens" in ada.scene)
        until(lambda: LegacyWriter("old") in told)
        ada.move("lens", 3.0, 4.0)
        while True:
            message = json.loads(old.recv(PATIENCE_S))
            if message["type"] == "command" and message["command"].get("item_id") == "lens":
                break
        assert message["command"]["data"]["x_mm"] == 3.0
        # Older clients confirm nothing.
        assert ada.status == "unconfirmed"


def test_a_relay_in_its_place_stops_the_session(server, join):
    ada, told = join("ada")
    ada.add(source("laser"))
    server.stop()
    relay = RelayProcess(port=server.port)
    try:
        until(lambda: ServerChanged() in told)
        until(lambda: ada.status == "offline")
        assert "laser" in ada.scene
        with Session(relay.url("lab", "ada")) as again:
            again.share(ada.scene)
            assert again.wait_synchronised(PATIENCE_S)
            assert again.role is not None
    finally:
        relay.stop()
        server.start()
