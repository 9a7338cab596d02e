"""One user's copy of a shared scene, on Qt's event loop and a real relay."""

import pytest
from qt_support import MortalRelay, server, until

import optiverse_engine as oe
from optiverse_engine.qt import SceneSync

LENS = {"_type": "component", "item_uuid": "lens", "x_mm": 1.0, "y_mm": 2.0, "name": "L1"}


class Told:
    """What a `SceneSync` told, in order."""

    def __init__(self, sync):
        self.all = []
        for name in (
            "item_added",
            "item_changed",
            "item_removed",
            "refused",
            "undo_changed",
            "user_joined",
            "user_left",
        ):
            getattr(sync, name).connect(lambda *values, name=name: self.all.append((name, *values)))
        self.presence, self.cursors, self.errors, self.statuses, self.attempts = [], [], [], [], []
        sync.presence_changed.connect(lambda connection, peer: self.presence.append(peer))
        sync.cursor_moved.connect(lambda _, user, x, y: self.cursors.append((user, x, y)))
        sync.error_occurred.connect(self.errors.append)
        sync.status_changed.connect(self.statuses.append)
        sync.connecting.connect(self.attempts.append)

    def take(self):
        told, self.all = self.all, []
        return told


@pytest.fixture
def join(relay):
    opened = []

    def open_one(user, session="bench 3/é", **more):
        sync = SceneSync(**more)
        sync.told = Told(sync)
        sync.open(server(relay), session, user)
        opened.append(sync)
        until(lambda: sync.status == "synchronised")
        return sync

    yield open_one
    for sync in opened:
        sync.close()


def same(*syncs):
    texts = {sync.scene.to_json() for sync in syncs}
    return len(texts) == 1 and all(sync.status == "synchronised" for sync in syncs)


def test_edits_reach_the_other(join):
    ada, bob = join("ada"), join("bob")
    assert ada.add(LENS) == "lens"
    until(lambda: same(ada, bob) and bob.told.all)
    assert bob.told.take() == [("item_added", "lens", LENS)]
    ada.move("lens", 5.0, 6.0)
    bob.update("lens", {"name": "L2"})
    until(lambda: same(ada, bob) and ada.scene["lens"]["name"] == "L2")
    assert ("item_changed", "lens", ["name"]) in ada.told.take()
    assert ("item_changed", "lens", ["x_mm", "y_mm"]) in bob.told.take()
    bob.unset("lens", "name")
    until(lambda: same(ada, bob) and "name" not in ada.scene["lens"])
    ada.remove("lens")
    until(lambda: same(ada, bob) and "lens" not in bob.scene)
    assert ("item_removed", "lens") in bob.told.take()
    # The user's own edits are not told back: of these there are the others' alone.
    assert [entry for entry in ada.told.all if entry[0].startswith("item")] == [("item_changed", "lens", ["name"])]


def test_undo_and_redo(join):
    ada, bob = join("ada"), join("bob")
    ada.add(LENS)
    for x in (10.0, 20.0, 30.0):
        ada.move("lens", x, 0.0, step="new" if x == 10.0 else "continue")
    assert (ada.can_undo, ada.can_redo) == (True, False)
    assert ada.undo()
    assert ada.scene["lens"]["x_mm"] == 1.0, "one drag is one step"
    assert ada.told.take()[-1] == ("undo_changed", True, True)
    assert ada.redo()
    until(lambda: same(ada, bob))
    assert bob.scene["lens"]["x_mm"] == 30.0
    assert not bob.undo(), "undo is the user's own"
    assert ada.undo()
    assert ada.undo()
    assert not ada.undo()
    until(lambda: same(ada, bob))
    assert "lens" not in bob.scene


def test_presence(join):
    ada, bob = join("ada"), join("bob")
    until(lambda: ("user_joined", "bob") in ada.told.all)
    until(lambda: (ada.users, bob.users) == (["bob"], ["ada"]))
    ada.set_presence(cursor_mm=(3.0, 4.0), selection=["lens"], color="#1e90ff")
    until(lambda: bob.told.cursors)
    assert bob.told.cursors[-1] == ("ada", 3.0, 4.0)
    (peer,) = [peer for peer in bob.peers.values() if peer.cursor_mm]
    assert (peer.user, tuple(peer.selection), peer.color) == ("ada", ("lens",), "#1e90ff")
    ada.close()
    until(lambda: ("user_left", "ada") in bob.told.all)
    with pytest.raises(oe.OptiverseError):
        bob.set_presence(selection=[str(number) for number in range(1001)])


def test_work_goes_on_while_the_relay_is_away(tmp_path):
    store = f"sqlite:{tmp_path / 'relay.sqlite'}"
    with MortalRelay(store) as relay:
        work_while_it_is_away(relay)


def work_while_it_is_away(relay):
    ada, bob = SceneSync(), SceneSync()
    for user, sync in (("ada", ada), ("bob", bob)):
        sync.told = Told(sync)
        sync.open(server(relay), "bench", user)
    ada.add(LENS)
    until(lambda: same(ada, bob) and "lens" in bob.scene and ada.pending == 0)
    relay.kill()
    until(lambda: ada.status in ("offline", "connecting") and bob.status in ("offline", "connecting"))
    ada.move("lens", 7.0, 8.0)
    bob.update("lens", {"name": "offline"})
    bob.add({"_type": "source", "item_uuid": "laser"})
    assert (ada.pending, bob.pending) == (1, 2)
    until(lambda: ada.told.errors)
    assert ada.told.errors[0].startswith(f"{server(relay)}/ws/bench/ada: ")
    relay.start()
    until(lambda: same(ada, bob) and ada.pending == bob.pending == 0 and len(ada.scene) == 2)
    lens = ada.scene["lens"]
    assert (lens["x_mm"], lens["y_mm"], lens["name"]) == (7.0, 8.0, "offline")
    assert max(ada.told.attempts) >= 1
    assert ada.told.statuses[-1] == "synchronised"
    ada.close()
    bob.close()


def test_work_survives_a_restart_of_the_application(join):
    ada = join("ada")
    ada.add(LENS)
    until(lambda: ada.pending == 0)
    ada.close()
    until(lambda: ada.status == "offline")
    ada.move("lens", 9.0, 9.0)
    again = join("ada", saved=ada.save())
    bob = join("bob")
    until(lambda: same(again, bob))
    assert bob.scene["lens"]["x_mm"] == 9.0
    with pytest.raises(oe.OptiverseError):
        SceneSync(saved="{}")


def test_nothing_is_sent_before_open():
    sync = SceneSync()
    told = Told(sync)
    sync.add(LENS)
    assert (sync.status, sync.pending, told.attempts) == ("offline", 1, [])
    assert sync.scene["lens"]["name"] == "L1"
    with pytest.raises(oe.EditError):
        sync.add(LENS)
    with pytest.raises(oe.UnknownItemError):
        sync.move("other", 0.0, 0.0)


def test_a_slot_may_edit(join):
    ada, bob = join("ada"), join("bob")
    bob.item_added.connect(lambda id, _: bob.update(id, {"seen": True}) if id == "lens" else None)
    ada.add(LENS)
    until(lambda: same(ada, bob) and "lens" in ada.scene and "seen" in ada.scene["lens"])


def test_a_slot_may_run_an_event_loop_of_its_own(join):
    ada, bob = join("ada"), join("bob")
    order = []

    def dialog(id, _):
        order.append(f"opened on {id}")
        if id == "lens":
            # As a dialog does. Meanwhile the session goes on; what comes is told when it is closed.
            bob.add({"_type": "source", "item_uuid": "laser"})
            until(lambda: "laser" in ada.scene and "mirror" in bob.scene)
            order.append("closed")

    bob.item_added.connect(dialog)
    ada.item_added.connect(lambda id, _: ada.add({**LENS, "item_uuid": "mirror"}))
    ada.add(LENS)
    until(lambda: len(order) == 3)
    assert order == ["opened on lens", "closed", "opened on mirror"]


def test_what_is_gone_already_is_not_told_as_changed(join):
    ada, bob = join("ada"), join("bob")
    ada.follow(view(LENS))
    until(lambda: same(ada, bob) and "lens" in bob.scene)
    shown = view(LENS)
    bob.follow(shown, adopt=True)
    bob.told.take()
    # Bob's user has deleted the lens; before it is shared, Ada's edit arrives.
    bob.scene_changing.connect(lambda: bob.follow([]))
    ada.update("lens", {"name": "L2"})
    until(lambda: same(ada, bob) and "lens" not in ada.scene)
    assert [entry for entry in bob.told.all if entry[0].startswith("item")] == []


def test_another_session_can_be_opened(join, relay):
    ada = join("ada")
    ada.close()
    until(lambda: ada.status == "offline")
    ada.open(server(relay), "elsewhere", "ada")
    until(lambda: ada.status == "synchronised")


def view(*items):
    return [("items", item) for item in items]


def test_a_view_is_followed_by_what_changed_in_it(join):
    ada, bob = join("ada"), join("bob")
    mirror = {"_type": "component", "item_uuid": "mirror", "x_mm": 0.0, "y_mm": 0.0, "z_value": 1.0}
    note = {"item_uuid": "note", "text": "here", "x": 0.0, "y": 0.0}
    assert ada.follow([*view(LENS, mirror), ("texts", note)])
    assert not ada.follow([*view(LENS, mirror), ("texts", note)])
    until(lambda: same(ada, bob) and len(bob.scene) == 3)
    assert bob.scene["note"].section == "texts"
    assert ada.can_undo
    # Bob's view writes z in its own manner. That is no edit of his.
    bobs = [*view(LENS, {**mirror, "z_value": 7.0}), ("texts", note)]
    bob.follow(bobs, adopt=True)
    assert not bob.follow(bobs)
    assert bob.pending == 0
    moved = {**LENS, "x_mm": 50.0}
    del moved["name"]
    assert bob.follow(view(moved, {**mirror, "z_value": 7.0}))
    until(lambda: same(ada, bob) and "note" not in ada.scene)
    assert (ada.scene["lens"]["x_mm"], "name" in ada.scene["lens"], ada.scene["mirror"]["z_value"]) == (
        50.0,
        False,
        1.0,
    )
    # It is one step.
    assert bob.undo()
    until(lambda: same(ada, bob) and "note" in ada.scene)
    assert ada.scene["lens"]["name"] == "L1"


def test_what_a_view_had_before_it_joined_is_shared_although_others_had_items_there(join):
    ada, bob = join("ada"), join("bob")
    ada.add(LENS)
    until(lambda: same(ada, bob) and "lens" in bob.scene)
    # Bob's view shows something of its own when it adopts what came; that is still to be shared.
    mirror = {"_type": "component", "item_uuid": "mirror", "x_mm": 0.0, "y_mm": 0.0}
    bob.follow(view(LENS, mirror), adopt=True)
    assert bob.follow(view(LENS, mirror))
    until(lambda: same(ada, bob) and "mirror" in ada.scene)
    # What others have removed stays removed, also where a view is late to take it away.
    ada.remove("mirror")
    until(lambda: same(ada, bob) and "mirror" not in bob.scene)
    bob.follow(view(LENS, mirror), adopt=True)
    assert not bob.follow(view(LENS, mirror))
    assert "mirror" not in bob.scene


def test_what_others_removed_is_not_brought_back_by_a_view(join):
    ada, bob = join("ada"), join("bob")
    ada.follow(view(LENS))
    until(lambda: same(ada, bob) and "lens" in bob.scene)
    bob.remove("lens")
    until(lambda: "lens" not in ada.scene)
    assert not ada.follow(view({**LENS, "x_mm": 3.0}))
    assert "lens" not in ada.scene
