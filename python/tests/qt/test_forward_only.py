"""SceneSync and CollaborationService on a server that only forwards, as the app's own does."""

import pytest
from forwarding import ForwardingServer
from qt_support import server, until

from optiverse_engine import Session
from optiverse_engine.qt import CollaborationService, SceneSync

LENS = {"_type": "component", "item_uuid": "lens", "x_mm": 1.0, "y_mm": 2.0, "name": "L1"}


@pytest.fixture
def forwarding():
    with ForwardingServer() as forwarding:
        yield forwarding


@pytest.fixture
def join(forwarding):
    opened = []

    def join_one(user):
        sync = SceneSync()
        sync.told = []
        sync.status_changed.connect(lambda status: sync.told.append(status))
        sync.forward_only.connect(lambda: sync.told.append("forward only"))
        sync.legacy_writer.connect(lambda user: sync.told.append(("legacy writer", user)))
        sync.user_joined.connect(lambda user: sync.told.append(("joined", user)))
        sync.open(server(forwarding), "bench", user)
        opened.append(sync)
        until(lambda: sync.status == "unconfirmed" or sync.status == "synchronised")
        return sync

    yield join_one
    for sync in opened:
        sync.close()


def agree(*copies):
    scenes = {copy.scene.to_json() for copy in copies}
    return len(scenes) == 1 and {copy.status for copy in copies} == {"synchronised"}


def test_two_views_confirm_each_other(join):
    ann = join("ann")
    ann.add(LENS)
    assert ann.told == ["connecting", "catching up", "forward only", "unconfirmed"]
    bob = join("bob")
    until(lambda: "lens" in bob.scene and agree(ann, bob))
    bob.move("lens", 5.0, 6.0)
    ann.update("lens", {"name": "L2"})
    until(lambda: agree(ann, bob) and ann.scene["lens"]["x_mm"] == 5.0)
    assert bob.scene["lens"]["name"] == "L2"
    assert ("joined", "bob") in ann.told
    assert ann.undo()
    until(lambda: bob.scene["lens"]["name"] == "L1" and agree(ann, bob))
    bob.close()
    until(lambda: ann.status == "unconfirmed")
    assert ann.told.count("forward only") == 1
    assert (ann.peers, ann.pending) == ({}, 0)


def test_a_view_and_a_script(forwarding, join):
    ann = join("ann")
    with Session(forwarding.url("bench", "script")) as script:
        script.add(LENS)
        until(lambda: "lens" in ann.scene and agree(ann, script))
        ann.remove("lens")
        until(lambda: len(script.scene) == 0 and agree(ann, script))


def test_it_goes_and_comes_back(forwarding, join):
    ann, bob = join("ann"), join("bob")
    ann.add(LENS)
    until(lambda: len(bob.scene) == 1 and agree(ann, bob))
    forwarding.stop()
    until(lambda: ann.status in ("offline", "connecting") and bob.status in ("offline", "connecting"))
    ann.move("lens", 9.0, 9.0)
    bob.update("lens", {"name": "offline"})
    forwarding.start()
    until(lambda: agree(ann, bob) and ann.scene["lens"]["name"] == "offline")
    assert bob.scene["lens"]["x_mm"] == 9.0


def test_the_apps_manager_is_heard_and_told(forwarding, join):
    told = []
    service = CollaborationService()
    service.connection_acknowledged.connect(lambda about: told.append(about["is_host"]))
    service.command_received.connect(lambda message: told.append(message["command"]))
    service.set_server_url(server(forwarding))
    service.connect_to_session("bench", "app")
    until(lambda: told == [True])
    ann = join("ann")
    service.send_command("add_item", "component", "lens", LENS)
    until(lambda: "lens" in ann.scene)
    assert ("legacy writer", "app") in ann.told
    assert ann.status == "unconfirmed", "the app's messages confirm nothing"
    ann.move("lens", 3.0, 4.0)
    until(lambda: any(isinstance(command, dict) and command.get("item_id") == "lens" for command in told))
    (moved,) = (command for command in told[1:] if command.get("item_id") == "lens")
    assert (moved["data"]["x_mm"], moved["data"]["name"]) == (3.0, "L1")
    service.disconnect_from_session()
