"""Widgets that share a scene, against a relay started for the test."""

import asyncio

import pytest
from conftest import PATIENCE_S, component, contents, source

import optiverse_engine as oe
from optiverse_engine import Scene, Session
from optiverse_engine.widget import SceneWidget
from optiverse_engine.widget._document import SessionDocument
from optiverse_engine.widget._state import colour_of


async def until(is_so):
    """Wait until something is so, while the event loop works."""
    for _ in range(int(PATIENCE_S / 0.005)):
        if is_so():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError


async def quiet(table):
    """Wait until the widget has shown all that has happened."""
    seen, revision = None, table.revision
    while seen != revision:
        await asyncio.sleep(0.3)
        seen, revision = revision, table.revision


def ask(table, **message):
    """Send what a view would send; return the reply."""
    replies = []
    table.send = lambda content, buffers=None: replies.append(content)
    table._handle_message(table, {"view": "view", "number": 1, **message}, [])
    return replies[-1]


def run(relay, work, scene=None):
    """Run `work` with two widgets in one session; the first brings the scene."""

    async def main():
        ada, bob = SceneWidget(scene), SceneWidget()
        ada.join(relay.url("lab", "ada"), share=scene is not None)
        bob.join(relay.url("lab", "bob"))
        try:
            await until(lambda: contents(ada.scene) == contents(bob.scene) and ada.session.pending == 0)
            await until(lambda: len(ada.session.peers) == len(bob.session.peers) == 1)
            await quiet(bob)
            await work(ada, bob)
        finally:
            ada.close()
            bob.close()

    asyncio.run(main())


@pytest.fixture
def shared():
    """A source and a lens."""
    scene = Scene()
    scene.add(source(n_rays=3, size_mm=4.0))
    scene.add(component("lens", "lens", efl_mm=100.0))
    return scene


def test_what_one_does_the_other_shows_with_its_light(relay, shared):
    async def work(ada, bob):
        assert ask(ada, type="move", id="lens", x_mm=20.0, y_mm=3.0, step="a", last=False)["type"] == "done"
        await until(lambda: bob.scene["lens"]["x_mm"] == 20.0)
        await quiet(bob)
        assert bob.paths.points.tolist() == ada.paths.points.tolist()
        # The page is told of what has changed, not of everything.
        assert [item["id"] for item in bob._frame["changed"]["items"]] == ["lens"]
        bob.add(component("screen", "beam_block", x_mm=200.0))
        await until(lambda: "screen" in {item["id"] for item in ada._scene["items"]})
        ada.remove("screen")
        await until(lambda: "screen" not in {item["id"] for item in bob._scene["items"]})

    run(relay, work, shared)


def test_both_at_once_converge(relay, shared):
    async def work(ada, bob):
        for step in range(20):
            ada.move("lens", float(step), 1.0)
            bob.update("lens", angle_deg=float(step))
            bob.move("laser", -100.0, float(step))
            if step % 5 == 0:
                await asyncio.sleep(0)
        await until(lambda: ada.session.status == bob.session.status == "synchronised")
        await until(lambda: contents(ada.scene) == contents(bob.scene))
        assert (ada.scene["lens"]["x_mm"], ada.scene["lens"]["angle_deg"]) == (19.0, 19.0)
        await until(lambda: ada.paths.points.tolist() == bob.paths.points.tolist())

    run(relay, work, shared)


def test_undo_takes_back_ones_own(relay, shared):
    async def work(ada, bob):
        for x in (1.0, 2.0, 3.0):
            ask(ada, type="move", id="lens", x_mm=x, y_mm=0.0, step="drag", last=x == 3.0)
        await until(lambda: bob.scene["lens"]["x_mm"] == 3.0)
        bob.update("lens", name="L1")
        await until(lambda: ada.scene["lens"].get("name") == "L1")
        # The drag is one step; what the other did stays.
        assert ask(ada, type="undo")["type"] == "done"
        assert ada.scene["lens"]["x_mm"] == 0.0
        assert ada.scene["lens"]["name"] == "L1"
        assert ada.can_redo
        assert ada.redo()
        await until(lambda: bob.scene["lens"]["x_mm"] == 3.0)

    run(relay, work, shared)


def test_pointers_and_selections_of_others(relay, shared):
    async def work(ada, bob):
        ask(ada, type="cursor", x_mm=12.0, y_mm=-3.0)
        ada.selected = "lens"
        await until(lambda: bob._session["peers"] and bob._session["peers"][0]["selection"] == ["lens"])
        (peer,) = bob._session["peers"]
        assert (peer["user"], peer["cursor_mm"], peer["colour"]) == ("ada", [12.0, -3.0], colour_of("ada"))
        ask(ada, type="cursor", x_mm=None)
        await until(lambda: bob._session["peers"][0]["cursor_mm"] is None)
        ada.leave()
        await until(lambda: bob._session["peers"] == [])

    run(relay, work, shared)


def test_leaving_keeps_the_scene(relay, shared):
    async def work(ada, bob):
        before = contents(ada.scene)
        ada.leave()
        assert ada.session is None
        assert ada._session is None
        assert contents(ada.scene) == before
        assert not ada.can_undo
        bob.move("lens", 50.0, 0.0)
        ada.move("lens", 1.0, 1.0)
        assert ada.undo()
        await asyncio.sleep(0.05)
        assert contents(ada.scene) == before

    run(relay, work, shared)


def test_the_scene_of_a_session_is_not_replaced(relay, shared):
    async def work(ada, _):
        with pytest.raises(oe.ShareError, match="leave the session first"):
            ada.scene = Scene()
        assert "lens" in ada.scene

    run(relay, work, shared)


def test_joining_needs_an_event_loop(relay, shared):
    table = SceneWidget(shared)
    with pytest.raises(oe.SyncError, match="running event loop"):
        table.join(relay.url("lab", "ada"))
    assert table.session is None


def test_an_address_that_is_none_leaves_the_widget_as_it_is(shared):
    async def main():
        table = SceneWidget(shared)
        with pytest.raises(oe.OptiverseError):
            table.join("http://nowhere")
        assert table.session is None
        assert contents(table.scene) == contents(shared)

    asyncio.run(main())


def test_a_step_goes_on_after_edits_of_its_own_only(relay):
    with Session(relay.url("lab", "ada")) as session:
        document = SessionDocument(session)
        document.add(component("lens", "lens"), "items", None)
        document.move("lens", 1.0, 0.0, "a")
        with pytest.raises(oe.UnknownItemError):
            document.move("nobody", 1.0, 0.0, "b")
        document.move("lens", 2.0, 0.0, "a")
        assert document.undo()
        assert document.scene["lens"]["x_mm"] == 0.0
        document.move("lens", 3.0, 0.0, "a")
        assert document.undo()
        assert document.scene["lens"]["x_mm"] == 0.0
        assert document.undo()
        assert "lens" not in document.scene
