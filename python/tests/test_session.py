"""Sessions with a connection of their own, against a relay started for the test."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import PATIENCE_S, RelayProcess, component, contents, source, until

import optiverse_engine as oe
from optiverse_engine import Edit, Scene, Session
from optiverse_engine.sync import (
    Disconnected,
    PeerChanged,
    Refused,
    SceneChanged,
    StatusChanged,
    UserJoined,
    UserLeft,
)

NOBODY = "ws://127.0.0.1:9/ws/lab/ada"


def next_of(session, kind):
    """The next event of a kind; others are passed over."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        event = session.wait_event(deadline - time.monotonic())
        assert event is not None, kind
        if isinstance(event, kind):
            return event


def test_two_people_edit_one_scene(relay):
    with Session(relay.url("lab", "ada")) as ada, Session(relay.url("lab", "bob")) as bob:
        assert ada.add(source("laser")) == "laser"
        assert dict(ada.scene["laser"]) == source("laser")
        event = next_of(bob, SceneChanged)
        assert event.added == ("laser",)
        bob.update("laser", {"n_rays": 3, "name": "HeNe"})
        bob.unset("laser", "name")
        bob.move("laser", 1.0, 2.0)
        bob.edit(Edit.add(component("lens", "lens")))
        until(lambda: contents(ada.scene) == contents(bob.scene) and ada.pending == bob.pending == 0)
        assert ada.scene["laser"]["x_mm"] == 1.0
        assert "name" not in ada.scene["laser"]
        assert len(ada.scene.trace()) == 3
        ada.remove("lens")
        until(lambda: "lens" not in bob.scene)
        assert ada.wait_synchronised(PATIENCE_S)
        assert (ada.status, ada.role, ada.name, ada.user) == ("synchronised", "editor", "lab", "ada")
        assert ada.url == relay.url("lab", "ada")


def test_undo_takes_back_ones_own_alone(relay):
    with Session(relay.url("lab", "ada")) as ada, Session(relay.url("lab", "bob")) as bob:
        ada.share(Scene.from_json('{"items": [{"_type": "source", "item_uuid": "a", "x_mm": 0, "angle_deg": 0}]}'))
        until(lambda: "a" in bob.scene)
        for x in range(1, 5):
            ada.move("a", float(x), 0.0, step="new" if x == 1 else "continue")
        bob.update("a", {"angle_deg": 45})
        until(lambda: ada.scene["a"]["angle_deg"] == 45)
        assert ada.can_undo
        assert ada.undo()
        assert (ada.scene["a"]["x_mm"], ada.scene["a"]["angle_deg"]) == (0, 45)
        assert ada.can_redo
        assert ada.redo()
        assert ada.scene["a"]["x_mm"] == 4.0
        assert not bob.redo()
        until(lambda: contents(ada.scene) == contents(bob.scene))


def test_presence_and_who_is_there(relay):
    with Session(relay.url("lab", "ada")) as ada:
        assert ada.wait_synchronised(PATIENCE_S)
        assert ada.users == []
        with Session(relay.url("lab", "bob")) as bob:
            assert next_of(ada, UserJoined) == UserJoined("bob")
            assert ada.users == ["bob"]
            assert bob.wait_synchronised(PATIENCE_S)
            assert (bob.users, bob.peers) == (["ada"], {}), "who is there is known before anybody shows where"
            bob.set_presence(cursor_mm=(1.0, 2.0), selection=["a"], color="#ff0000")
            until(lambda: any(peer.cursor_mm == (1.0, 2.0) for peer in ada.peers.values()))
            (peer,) = (peer for peer in ada.peers.values() if peer.user == "bob")
            assert (peer.selection, peer.color) == (("a",), "#ff0000")
            assert isinstance(next_of(ada, PeerChanged).connection, int)
        assert bob.users == []
        assert next_of(ada, UserLeft) == UserLeft("bob")
        assert ada.users == []
        with pytest.raises(oe.SyncArgumentError, match="two finite numbers"):
            ada.set_presence(cursor_mm=(float("nan"), 0.0))


def test_a_password(relay):
    id = relay.post("/api/sessions", {"password": "geheim ä"})["session_id"]
    with Session(relay.url(id, "ada"), password="geheim ä") as ada:
        assert ada.wait_synchronised(PATIENCE_S)
    with Session(relay.url(id, "eve"), password="guess") as eve:
        event = next_of(eve, Disconnected)
        assert (event.code, event.retries) == (1008, False)
        assert event.message == f"{relay.url(id, 'eve')}: the server has closed the connection: wrong password (1008)"
        assert eve.status == "offline"
        eve.retry()
        assert not next_of(eve, Disconnected).retries


def test_a_relay_that_goes_and_comes_back(tmp_path):
    store = ("--store", f"sqlite:{tmp_path / 'relay.db'}")
    relay = RelayProcess(*store)
    with Session(relay.url("lab", "ada")) as ada, Session(relay.url("lab", "bob")) as bob:
        ada.add(source("laser"))
        until(lambda: "laser" in bob.scene)
        assert ada.wait_synchronised(PATIENCE_S)
        assert relay.stop(signal.SIGKILL) == -signal.SIGKILL
        event = next_of(ada, Disconnected)
        assert event.retries
        assert event.message.startswith(relay.url("lab", "ada"))
        ada.move("laser", 5.0, 5.0)
        bob.add(component("lens", "lens"))
        assert (ada.pending, bob.pending) == (1, 1)
        relay = RelayProcess(*store, port=relay.port)
        until(lambda: len(ada.scene) == 2 and contents(ada.scene) == contents(bob.scene))
        assert ada.wait_synchronised(PATIENCE_S)
    relay.stop()


def test_closing(relay):
    session = Session(relay.url("lab", "ada"))
    for number in range(200):
        session.add(source(str(number)))
    assert not session.is_closed
    assert session.close() == 0
    assert session.is_closed
    assert repr(session) == f"<Session {relay.url('lab', 'ada')}: 200 items, 0 pending, closed>"
    assert session.close() == 0
    for act in (
        lambda: session.add(source()),
        session.undo,
        session.redo,
        session.retry,
        lambda: session.share(Scene()),
    ):
        with pytest.raises(oe.SessionClosedError, match="the session is closed"):
            act()
    while session.poll_event() is not None:
        pass
    assert session.wait_event() is None
    assert not session.wait_synchronised()
    with Session(relay.url("lab", "bob")) as bob:
        until(lambda: len(bob.scene) == 200)


def test_work_that_did_not_reach_the_relay_is_said_and_can_be_gone_on_with(relay):
    session = Session(NOBODY)
    session.add(source("laser"))
    # The end of a block with `with` does this with more patience.
    assert session.close(0.1) == 1
    with pytest.warns(oe.OptiverseWarning, match="1 edits were not acknowledged"):
        session.__exit__(None, None, None)
    with Session(relay.url("lab", "ada"), resume=session.save()) as again:
        assert dict(again.scene["laser"]) == source("laser")
        assert again.wait_synchronised(PATIENCE_S)
        assert again.scene is again.scene


def test_after_an_exception_nothing_is_waited_for():
    def fail():
        with Session(NOBODY) as session:
            session.add(source())
            raise ZeroDivisionError

    start = time.monotonic()
    with pytest.warns(oe.OptiverseWarning, match="not acknowledged"), pytest.raises(ZeroDivisionError):
        fail()
    assert time.monotonic() - start < 2.0


def test_events_by_a_function(relay):
    heard, threads = [], set()

    def on_event(event):
        threads.add(threading.current_thread().name)
        heard.append(event)
        if isinstance(event, SceneChanged):
            raise ZeroDivisionError

    shown = []
    before, threading.excepthook = threading.excepthook, lambda arguments: shown.append(arguments.exc_type)
    try:
        with Session(relay.url("lab", "ada"), on_event=on_event), Session(relay.url("lab", "bob")) as bob:
            bob.add(source("a"))
            bob.add(source("b"))
            until(lambda: sum(len(event.added) for event in heard if isinstance(event, SceneChanged)) == 2)
    finally:
        threading.excepthook = before
    # What the function raises is shown, and the next event follows.
    assert set(shown) == {ZeroDivisionError}
    assert threads == {"optiverse-events"}


def test_events_under_asyncio(relay):
    async def follow():
        with Session(relay.url("lab", "ada")) as ada, Session(relay.url("lab", "bob")) as bob:
            while await ada.next_event() != StatusChanged("synchronised"):
                pass
            ticks = 0

            async def tick():
                nonlocal ticks
                while True:
                    await asyncio.sleep(0.01)
                    ticks += 1

            ticking = asyncio.create_task(tick())
            asyncio.get_running_loop().call_later(0.3, lambda: bob.add(source("laser")))
            async for event in ada.events():
                if isinstance(event, SceneChanged):
                    break
            ticking.cancel()
            # The loop ran while the event was waited for.
            assert ticks >= 5
            assert event.added == ("laser",)
            waiting = asyncio.create_task(collect(ada))
            await asyncio.sleep(0.05)
            ada.close()
            return await asyncio.wait_for(waiting, PATIENCE_S)

    async def collect(session):
        return [event async for event in session.events()]

    rest = asyncio.run(follow())
    assert not any(isinstance(event, SceneChanged) for event in rest)


def test_a_viewer_cannot_edit(relay):
    made = relay.post("/api/sessions")
    token = invitation(relay, made, "viewer")
    with Session(relay.url(made["session_id"], "vera"), token=token) as vera:
        assert vera.wait_synchronised(PATIENCE_S)
        assert vera.role == "viewer"
        with pytest.raises(oe.ShareError, match="may look at the session but not edit it"):
            vera.add(source())
        assert len(vera.scene) == 0


def invitation(relay, made, role):
    """A token for a role."""
    import json
    import urllib.request

    request = urllib.request.Request(
        f"{relay.http}/api/sessions/{made['session_id']}/invitations",
        data=json.dumps({"role": role}).encode(),
        headers={"Authorization": f"Bearer {made['owner_token']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return json.load(answer)["token"]


def test_edits_made_before_it_was_known_that_one_may_not_are_refused(relay):
    made = relay.post("/api/sessions")
    token = invitation(relay, made, "viewer")
    with Session(relay.url(made["session_id"], "vera"), token=token) as vera:
        vera.add(source("laser"))
        refused = next_of(vera, Refused)
        assert (refused.item, refused.reason) == ("laser", "role")
        assert "laser" not in vera.scene


@pytest.mark.parametrize(
    ("arguments", "argument", "message"),
    [
        (("http://h/ws/s/u", {}), "url", "has the scheme"),
        (("ws://h/ws/s", {}), "url", "does not end in /ws/SESSION/USER"),
        (("ws://h/ws/s", {"user": ""}), "url", "has a user of 0 bytes"),
        (("ws://h/ws/s/u", {"password": "a\nb"}), "password", "the password holds a character that cannot be sent"),
        (("ws://h/ws/s/u", {"token": "a\nb"}), "token", "the token holds a character that cannot be sent"),
        (("wss://h/ws/s/u", {"root_certificates": "x"}), "root_certificates", "there is no certificate in the text"),
        (("ws://h/ws/s/u", {"resume": "{}"}), "resume", "the text is no saved session"),
    ],
)
def test_arguments_that_cannot_be_used(arguments, argument, message):
    url, options = arguments
    with pytest.raises(oe.SyncArgumentError, match=message) as caught:
        Session(url, **options)
    assert caught.value.argument == argument


def test_times_that_are_none():
    with Session(NOBODY) as session:
        for act in (session.wait_event, session.wait_synchronised, session.close):
            for bad in (-1.0, float("nan")):
                with pytest.raises(oe.SyncArgumentError, match=r"timeout_s is .*, expected a number of seconds"):
                    act(bad)
        start = time.monotonic()
        assert not session.wait_synchronised(0.3)
        assert 0.25 < time.monotonic() - start < 2.0


def test_other_threads_run_while_one_waits():
    with Session(NOBODY) as session:
        counted = 0

        def count():
            nonlocal counted
            for _ in range(100):
                counted += 1
                time.sleep(0.001)

        thread = threading.Thread(target=count)
        thread.start()
        session.wait_synchronised(0.5)
        assert counted == 100
        thread.join()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("waiting", ["session.wait_event()", "session.wait_synchronised()", "session.close(1000.0)"])
def test_ctrl_c_ends_waiting(waiting):
    program = (
        "import optiverse_engine\n"
        f"session = optiverse_engine.Session({NOBODY!r})\n"
        "session.add({'_type': 'source'})\n"
        "print('begun', flush=True)\n"
        f"while True: {waiting}\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert time.monotonic() - start < 2.0
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in errors
    assert "OptiverseWarning: ws://127.0.0.1:9/ws/lab/ada: 1 edits were not acknowledged" in errors


@pytest.mark.parametrize("how", ["", "del session", "session.close()"])
def test_a_program_ends_whatever_became_of_its_session(relay, how):
    program = (
        "import optiverse_engine\n"
        f"session = optiverse_engine.Session({relay.url('lab', 'ada')!r}, on_event=print)\n"
        "session.set_bell(lambda: None)\n"
        "session.wait_synchronised()\n"
        f"{how}\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stderr) == (0, "")
