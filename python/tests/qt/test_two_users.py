"""Two PyQt6 applications, each a process of its own, share a canvas through a relay that is killed on the way."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import PATIENCE_S
from qt_support import MortalRelay, server

LENS = {"_type": "component", "item_uuid": "lens", "x_mm": 0.0, "y_mm": 0.0, "interfaces": [{"element_type": "lens"}]}
LASER = {"_type": "source", "item_uuid": "laser", "x_mm": -100.0, "y_mm": 0.0, "n_rays": 9}
NOTE = {"item_uuid": "note", "text": "align here", "x": 3.0, "y": 4.0}
RULER = {"item_uuid": "ruler", "points": [[0.0, 0.0], [10.0, 0.0]]}


class Application:
    def __init__(self, name, url):
        program = Path(__file__).with_name("user.py")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen([sys.executable, str(program), name, url], text=True, **pipes)

    def __call__(self, *what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(PATIENCE_S) == 0
        self.process.stdout.close()


def settled(ada, bob, condition=lambda canvas: True):
    """Wait until both show the same, and a condition holds of it; what they show."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        a, b = ada("state"), bob("state")
        if a == b and a["status"] == "synchronised" and condition(a["canvas"]):
            assert a["graphics"] == len(a["canvas"])
            assert a["refused"] == []
            return a["canvas"]
        time.sleep(0.02)
    pytest.fail(f"they show {a} and {b}")


def test_two_applications_show_the_same(tmp_path):
    with (
        MortalRelay(f"sqlite:{tmp_path / 'relay.sqlite'}") as relay,
        Application("ada", server(relay)) as ada,
        Application("bob", server(relay)) as bob,
    ):
        share(ada, bob, relay)


def share(ada, bob, relay):
    # Add: a component, a source, a text note, a ruler.
    ada("put", "items", LENS)
    bob("put", "items", LASER)
    ada("put", "texts", NOTE)
    bob("put", "rulers", RULER)
    canvas = settled(ada, bob, lambda canvas: len(canvas) == 4)
    assert canvas["note"] == ["texts", NOTE]
    assert canvas["ruler"] == ["rulers", RULER]

    # Move and edit one item at once.
    ada("change", "lens", {"x_mm": 50.0, "y_mm": 5.0})
    bob("change", "lens", {"name": "L1"})
    canvas = settled(
        ada, bob, lambda canvas: canvas["lens"][1].get("name") == "L1" and canvas["lens"][1]["x_mm"] == 50.0
    )
    assert canvas["lens"][1] == {**LENS, "x_mm": 50.0, "y_mm": 5.0, "name": "L1"}
    bob("change", "note", {"text": "done"})
    settled(ada, bob, lambda canvas: canvas["note"][1]["text"] == "done")

    # Undo takes back one's own last step: Ada's drag, not Bob's name.
    assert ada("undo")
    canvas = settled(ada, bob, lambda canvas: canvas["lens"][1]["x_mm"] == 0.0)
    assert canvas["lens"][1]["name"] == "L1"
    assert ada("redo")
    settled(ada, bob, lambda canvas: canvas["lens"][1]["x_mm"] == 50.0)

    # Delete, and undo it.
    ada("delete", "ruler")
    settled(ada, bob, lambda canvas: "ruler" not in canvas)
    assert ada("undo")
    settled(ada, bob, lambda canvas: canvas.get("ruler") == ["rulers", RULER])

    # The relay is killed; both work on, and what they did is merged when it is back.
    relay.kill()
    ada("change", "lens", {"x_mm": 60.0, "y_mm": 6.0})
    ada("delete", "note")
    bob("change", "lens", {"name": "offline"})
    bob("put", "texts", {"item_uuid": "second", "text": "while away", "x": 0.0, "y": 0.0})
    assert ada("state")["canvas"] != bob("state")["canvas"]
    relay.start()
    canvas = settled(ada, bob, lambda canvas: "second" in canvas)
    assert canvas["lens"][1] == {**LENS, "x_mm": 60.0, "y_mm": 6.0, "name": "offline"}
    assert sorted(canvas) == ["laser", "lens", "ruler", "second"]
