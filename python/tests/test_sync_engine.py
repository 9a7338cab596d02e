"""The bare state machine, without any socket: what a host hands in and gets out."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from conftest import component, source

import optiverse_engine as oe
from optiverse_engine import Edit, Scene, sync
from optiverse_engine.sync import (
    Connect,
    Disconnect,
    Engine,
    ForwardOnly,
    FrameIgnored,
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

NOW = 1_763_700_000_000
CORE = Path(__file__).parents[2] / "optiverse-core" / "src"


def all_of(poll):
    """Everything there is to poll."""
    return list(iter(poll, None))


def frame(kind, **members):
    """A frame of the relay."""
    return json.dumps({"type": kind, **members})


def live_engine(**options):
    """An engine that has caught up with an empty session; its events and frames are taken."""
    engine = Engine(key=bytes(15) + b"\x07", **options)
    engine.handle_connected(now_ms=NOW)
    engine.handle_frame(frame("connection:ack", sync={"protocol": 1, "epoch": "1", "role": "editor"}), now_ms=NOW)
    (hello,) = (json.loads(sent) for sent in all_of(engine.poll_transmit))
    assert hello["type"] == "sync:hello"
    engine.handle_frame(frame("sync:welcome", epoch=f"{1:016x}", sequence=0, snapshot=1), now_ms=NOW)
    engine.handle_frame(frame("sync:part", index=0, part=EMPTY_DOCUMENT), now_ms=NOW)
    assert engine.status == "synchronised"
    all_of(engine.poll_event)
    return engine


# A document without items, as `save` writes it.
EMPTY_DOCUMENT = json.loads(Engine().save())["document"]


def by_somebody_else(number, item, body):
    """An operation of another replica."""
    return [f"{5:013}", number, NOW, 0, item, body]


def test_the_first_event_asks_for_a_connection():
    engine = Engine()
    assert engine.poll_event() == Connect(attempt=1)
    assert engine.poll_event() is None
    assert engine.poll_transmit() is None
    assert engine.poll_timeout() is None
    assert (engine.status, engine.pending, engine.role, engine.peers) == ("connecting", 0, None, {})
    assert (engine.can_undo, engine.can_redo) == (False, False)
    assert repr(engine) == "<Engine: 0 items, 0 pending, connecting>"


def test_catching_up_ends_synchronised():
    engine = Engine()
    engine.handle_connected(now_ms=NOW)
    engine.handle_frame(frame("connection:ack", sync={"protocol": 1, "epoch": "1", "role": "owner"}), now_ms=NOW)
    engine.handle_frame(frame("sync:welcome", epoch=f"{1:016x}", sequence=0, snapshot=1), now_ms=NOW)
    engine.handle_frame(frame("sync:part", index=0, part=EMPTY_DOCUMENT).encode(), now_ms=NOW)
    assert all_of(engine.poll_event) == [
        Connect(1),
        StatusChanged("catching up"),
        RoleChanged("owner"),
        StatusChanged("synchronised"),
    ]
    assert engine.role == "owner"


def test_edits_show_at_once_and_are_sent():
    engine = live_engine()
    assert engine.add(source("laser"), now_ms=NOW) == "laser"
    engine.update("laser", {"n_rays": 3}, now_ms=NOW)
    engine.move("laser", 1.5, y_mm=2.5, now_ms=NOW)
    engine.update("laser", {"name": "HeNe"}, now_ms=NOW)
    engine.unset("laser", "name", now_ms=NOW)
    engine.edit(Edit.add(component("lens", "lens")), now_ms=NOW)
    engine.remove("lens", now_ms=NOW)
    assert dict(engine.scene["laser"]) == {**source("laser"), "n_rays": 3, "x_mm": 1.5, "y_mm": 2.5}
    assert list(engine.scene) == ["laser"]
    assert engine.pending == 7
    sent = [json.loads(frame) for frame in all_of(engine.poll_transmit)]
    assert {message["type"] for message in sent} == {"sync:ops"}
    bodies = [operation[5] for message in sent for operation in message["ops"]]
    assert [sorted(body) for body in bodies] == [
        *(["add", "set"], ["set"], ["set"], ["set"]),
        *(["set", "unset"], ["add", "set"], ["remove"]),
    ]
    assert all_of(engine.poll_event) == [StatusChanged("sending")]


def test_what_others_do_is_told_and_shown():
    engine = live_engine()
    lens = {"add": "items", "set": {"_type": "component", "item_uuid": "lens"}}
    engine.handle_frame(frame("sync:ops", sequence=1, ops=[by_somebody_else(1, "lens", lens)]), now_ms=NOW)
    ops = [by_somebody_else(2, "lens", {"set": {"name": "L"}})]
    engine.handle_frame(frame("sync:ops", sequence=2, ops=ops), now_ms=NOW)
    engine.handle_frame(frame("sync:ops", sequence=3, ops=[by_somebody_else(3, "lens", {"remove": True})]), now_ms=NOW)
    added, changed, removed = all_of(engine.poll_event)
    assert (added.added, added.changed, added.removed) == (("lens",), {}, ())
    assert (changed.added, changed.changed, changed.removed) == ((), {"lens": ("name",)}, ())
    assert (removed.added, removed.changed, removed.removed) == ((), {}, ("lens",))
    # A scene of the host's own follows by the edits.
    scene = Scene()
    scene.apply(added.edit)
    scene.apply(changed.edit)
    assert scene["lens"]["name"] == "L"
    scene.apply(removed.edit)
    assert len(scene) == len(engine.scene) == 0


def test_the_scene_is_one_object_that_cannot_be_edited_past_the_session():
    engine = live_engine()
    scene = engine.scene
    engine.add(source("laser"))
    item = scene["laser"]
    assert engine.scene is scene
    engine.move("laser", 5.0, 6.0)
    assert item["x_mm"] == 5.0
    for edit in (
        lambda: scene.add(source("b")),
        lambda: scene.remove("laser"),
        lambda: scene.update("laser", x_mm=1.0),
        lambda: scene.unset("laser", "x_mm"),
        lambda: scene.move("laser", 1.0, 1.0),
        lambda: scene.apply(Edit.remove("laser")),
    ):
        with pytest.raises(oe.EditError, match="follows a session"):
            edit()
    free = scene.copy()
    free.remove("laser")
    assert "laser" in engine.scene
    assert len(scene.trace()) == 9


def test_the_scene_follows_every_kind_of_change():
    engine = live_engine()
    saved = []
    engine.share(Scene.from_json(json.dumps({"items": [{"_type": "source"}, component("a", "mirror")]})), now_ms=NOW)
    engine.edit(Edit.batch([Edit.add(source("b"), position=0), Edit.move("b", 1.0, 1.0)]), now_ms=NOW)
    engine.unset("b", "x_mm", now_ms=NOW)
    for act in (engine.undo, engine.undo, engine.redo, engine.redo):
        assert act(now_ms=NOW)
        saved.append(len(engine.scene))
    assert saved == [3, 2, 3, 3]
    # What an engine starts with that goes on from the saved text is the session's own scene.
    again = Engine.resume(engine.save())
    theirs = {id: dict(item) for id, item in again.scene.items()}
    assert theirs == {id: dict(item) for id, item in engine.scene.items()}


def test_a_refused_edit_is_taken_back():
    engine = live_engine()
    engine.add(source("laser"), now_ms=NOW)
    engine.handle_frame(frame("sync:refused", number=1, reason="document-full", message="full"), now_ms=NOW)
    events = all_of(engine.poll_event)
    assert Refused("laser", "document-full", "the session is full") in events
    (change,) = (event for event in events if isinstance(event, SceneChanged))
    assert change.removed == ("laser",)
    assert (len(engine.scene), engine.pending, engine.status) == (0, 0, "synchronised")


def test_undo_and_redo_go_by_steps():
    engine = Engine()
    engine.add(source("laser"))
    engine.move("laser", 1.0, 1.0)
    for x in range(2, 10):
        engine.move("laser", float(x), 1.0, step="continue")
    assert engine.can_undo
    assert engine.undo()
    assert engine.scene["laser"]["x_mm"] == -100.0
    assert engine.can_redo
    assert engine.redo()
    assert engine.scene["laser"]["x_mm"] == 9.0
    assert engine.undo()
    assert engine.undo()
    assert len(engine.scene) == 0
    assert not engine.undo()
    changes = [event for event in all_of(engine.poll_event) if isinstance(event, SceneChanged)]
    assert {id: sorted(keys) for id, keys in changes[0].changed.items()} == {"laser": ["x_mm", "y_mm"]}


def test_a_step_is_new_or_continued():
    with pytest.raises(oe.SyncArgumentError, match='step is "old", expected "new" or "continue"') as caught:
        Engine().add(source(), step="old")
    assert (caught.value.argument, caught.value.expected) == ("step", '"new" or "continue"')


def test_work_is_saved_and_gone_on_with():
    engine = live_engine()
    engine.add(source("laser"), now_ms=NOW)
    text = engine.save()
    again = Engine.resume(text)
    assert again.pending == 1
    assert dict(again.scene["laser"]) == source("laser")
    assert not again.can_undo
    assert all_of(again.poll_event) == [Connect(1)]
    assert again.save() == text


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"replica": "a"}', "\0"])
def test_what_is_no_saved_work_is_refused(text):
    with pytest.raises(oe.SyncArgumentError, match="the text is no saved session") as caught:
        Engine.resume(text)
    assert caught.value.argument == "text"


def test_a_lost_connection_is_tried_again_with_pauses_that_double():
    engine = Engine(key=bytes(16))
    all_of(engine.poll_event)
    now, pauses = NOW, []
    for attempt in range(2, 12):
        engine.handle_disconnected(now_ms=now)
        due = engine.poll_timeout()
        pauses.append(due - now)
        engine.handle_timeout(now_ms=due - 1)
        assert engine.status == "offline"
        now = due
        engine.handle_timeout(now_ms=now)
        assert Connect(attempt) in all_of(engine.poll_event)
    longest = [min(500 * 2**n, 30_000) for n in range(10)]
    assert all(most / 2 <= pause <= most for pause, most in zip(pauses, longest, strict=True))


def test_the_time_is_the_systems_where_none_is_given():
    import time

    engine = Engine()
    engine.handle_disconnected()
    assert 0 < engine.poll_timeout() - time.time() * 1000 <= 500


def test_stop_and_start():
    engine = live_engine()
    engine.stop()
    assert all_of(engine.poll_event) == [Disconnect("the session was stopped"), StatusChanged("offline")]
    engine.handle_disconnected(now_ms=NOW)
    assert engine.poll_timeout() is None
    engine.start()
    assert Connect(1) in all_of(engine.poll_event)


def test_as_many_edits_wait_for_a_relay_as_can_and_one_more_changes_nothing():
    engine = Engine()
    engine.add({"_type": "source", "item_uuid": "laser"})
    engine.edit(Edit.batch([Edit.move("laser", float(x), 0.0) for x in range(199_999)]))
    assert engine.pending == 200_000
    with pytest.raises(oe.ShareError, match=r"^200000 edits wait for the relay; connect before editing on$"):
        engine.move("laser", 0.0, 5.0)
    with pytest.raises(oe.ShareError):
        engine.undo()
    assert (engine.pending, dict(engine.scene["laser"])) == (
        200_000,
        {"_type": "source", "item_uuid": "laser", "x_mm": 199_998.0, "y_mm": 0.0},
    )


def test_silence_ends_a_connection_after_a_ping():
    engine = live_engine()
    assert engine.poll_timeout() == NOW + 30_000
    engine.handle_timeout(now_ms=NOW + 30_000)
    assert all_of(engine.poll_transmit) == ['{"type":"ping"}']
    engine.handle_timeout(now_ms=NOW + 75_000)
    assert Disconnect("the server has fallen silent") in all_of(engine.poll_event)


def test_a_server_that_only_forwards_is_told():
    engine = Engine()
    engine.handle_connected()
    engine.handle_frame(frame("connection:ack", session_id="s", user_id="u", is_host=True, users=[]))
    events = all_of(engine.poll_event)
    assert ForwardOnly() in events
    assert engine.status == "unconfirmed"
    engine.handle_disconnected()
    engine.start()
    engine.handle_connected()
    engine.handle_frame(frame("connection:ack", sync={"protocol": 1, "epoch": "1", "role": "editor"}))
    assert ServerChanged() in all_of(engine.poll_event)
    assert engine.status == "offline"


def test_who_else_is_there():
    engine = Engine()
    assert engine.users == []
    engine.handle_connected(now_ms=NOW)
    there = [{"user_id": name} for name in ("ada", "me", "bob", "me")]
    engine.handle_frame(frame("connection:ack", user_id="me", users=there, sync={"protocol": 1}), now_ms=NOW)
    # The last of them is this one.
    assert engine.users == ["ada", "me", "bob"]
    engine.handle_frame(frame("user:joined", user_id="ada"), now_ms=NOW)
    engine.handle_frame(frame("user:left", user_id="bob"), now_ms=NOW)
    assert engine.users == ["ada", "me", "ada"]
    engine.handle_disconnected(now_ms=NOW)
    assert engine.users == []


def test_presence_goes_both_ways():
    engine = live_engine()
    engine.set_presence(cursor_mm=(1.5, -2.0), selection=["a", "b"], color="#ff0000", now_ms=NOW)
    (sent,) = (json.loads(frame) for frame in all_of(engine.poll_transmit))
    assert sent == {"type": "sync:presence", "cursor": [1.5, -2], "selection": ["a", "b"], "color": "#ff0000"}
    engine.handle_frame(frame("sync:presence", connection=9, user="ada", cursor=[3, 4]), now_ms=NOW)
    ada = Peer("ada", cursor_mm=(3.0, 4.0))
    assert engine.peers == {9: ada}
    engine.handle_frame(frame("user:joined", user_id="bob"), now_ms=NOW)
    engine.handle_frame(frame("user:left", user_id="bob"), now_ms=NOW)
    engine.handle_frame(frame("sync:presence", connection=9, user="ada", gone=True), now_ms=NOW)
    assert all_of(engine.poll_event) == [PeerChanged(9, ada), UserJoined("bob"), UserLeft("bob"), PeerChanged(9, None)]
    assert engine.peers == {}


def test_presence_at_its_limits_and_past_them():
    engine = live_engine()
    engine.set_presence(selection=[str(n) for n in range(1000)], color="c" * 256)
    engine.set_presence(selection=["i" * 256])
    for bad, message in (
        ({"cursor_mm": (float("nan"), 0.0)}, "cursor_mm is .*, expected two finite numbers"),
        ({"cursor_mm": (0.0, float("inf"))}, "expected two finite numbers"),
        ({"selection": [str(n) for n in range(1001)]}, "selection is 1001 ids long, expected 1000 ids at most"),
        ({"selection": "abc"}, "selection is 'abc', expected a list of ids"),
        ({"selection": ["i" * 257]}, "an id of 257 bytes"),
        ({"selection": [""]}, "an id of 0 bytes"),
        ({"color": "c" * 257}, "color is 257 bytes long"),
        ({"color": ""}, "color is 0 bytes long"),
    ):
        with pytest.raises(oe.SyncArgumentError, match=message):
            engine.set_presence(**bad)


@pytest.mark.parametrize("bad", ["", "{", "[]", '{"type": 5}', b"\xff", "\ud800", '{"type":"sync:ops","ops":[[]]}'])
def test_a_frame_that_cannot_be_read_is_told_and_changes_nothing(bad):
    engine = live_engine()
    before = engine.save()
    engine.handle_frame(bad, now_ms=NOW)
    (event,) = all_of(engine.poll_event)
    assert isinstance(event, FrameIgnored)
    assert event.message
    assert engine.save() == before


def test_frames_are_text_or_bytes():
    with pytest.raises(TypeError):
        Engine().handle_frame(5)


def test_the_relays_complaints_are_told():
    engine = live_engine()
    engine.handle_frame(frame("sync:error", message="too long"), now_ms=NOW)
    assert all_of(engine.poll_event) == [RelayComplained("too long")]


def hello(engine):
    """What the engine says to a relay first."""
    engine.handle_connected(now_ms=NOW)
    assert engine.poll_transmit() is None, "the relay speaks first"
    engine.handle_frame(frame("connection:ack", sync={"protocol": 1}), now_ms=NOW)
    return json.loads(engine.poll_transmit())


def test_a_replica_is_made_from_its_key():
    key = bytes(range(16))
    said = hello(Engine(key=key))
    bits = int.from_bytes(hashlib.sha256(b"optiverse replica 1\0" + key).digest()[:8], "big")
    assert (said["key"], int(said["replica"], 36), len(said["replica"])) == (key.hex(), bits, 13)


def test_a_key_is_random_unless_given():
    assert len({hello(Engine())["key"] for _ in range(3)}) == 3
    empty = Engine().save()
    assert hello(Engine.resume(empty, key=bytes(16)))["key"] == "0" * 32
    for length in (0, 15, 17):
        for make in (Engine, lambda **options: Engine.resume(empty, **options)):
            with pytest.raises(oe.SyncArgumentError, match=f"key is {length} bytes long, expected 16 random") as caught:
                make(key=bytes(length))
            assert caught.value.argument == "key"
    with pytest.raises(TypeError):
        Engine(key=7)


def test_a_key_shows_in_saved_work_alone_and_there_only_where_it_is_needed():
    key = bytes(range(16))
    engine = Engine(key=key)
    assert key.hex() not in engine.save()
    engine.add(source("laser"), now_ms=NOW)
    again = Engine.resume(engine.save(), key=bytes(16))
    assert hello(again)["key"] == key.hex()
    assert key.hex() not in repr(again)


def test_every_event_of_the_core_has_a_class():
    text = (CORE / "sync/session/event.rs").read_text()
    body = re.search(r"^pub enum Event \{\n(.*?)^\}", text, re.DOTALL | re.MULTILINE).group(1)
    variants = set(re.findall(r"^    ([A-Z]\w*)", body, re.MULTILINE))
    renamed = {"Status": "StatusChanged", "Role": "RoleChanged", "Changed": "SceneChanged", "Presence": "PeerChanged"}
    of_session = {"Disconnected", "Missed"}
    # `SceneSync` has one of its own.
    classes = {cls.__name__ for cls in sync.Event.__subclasses__() if cls.__module__ == sync.Event.__module__}
    assert {renamed.get(variant, variant) for variant in variants} | of_session == classes


def test_events_are_values_to_match_on():
    match StatusChanged("connecting", 2):
        case StatusChanged(status="connecting", attempt=attempt):
            assert attempt == 2
    with pytest.raises(AttributeError):
        Connect(1).attempt = 2
    assert repr(Connect(1)) == "Connect(attempt=1)"
