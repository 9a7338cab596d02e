"""The examples of docs/sessions.md run as they stand, but for the port of the relay."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/sessions.md").read_text(), re.MULTILINE | re.DOTALL)


def test_there_are_examples():
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize("example", EXAMPLES)
def test_example(relay, monkeypatch, example):
    monkeypatch.chdir(ROOT)
    exec(compile(example.replace("localhost:8765", f"127.0.0.1:{relay.port}"), "docs/sessions.md", "exec"), {})


def test_the_module_of_the_engine_shows_a_loop_that_runs(relay):
    from optiverse_engine import sync

    (example,) = re.findall(r"^```python\n(.*?)^```", sync.__doc__, re.MULTILINE | re.DOTALL)
    names = {}
    exec(compile(example, "sync.py", "exec"), names)
    opened, sent, started = [], [], []
    socket = type("Socket", (), {"open": opened.append, "send": sent.append})
    timer = type("Timer", (), {"start": started.append})
    engine = sync.Engine()
    names["pump"](engine, socket, timer)
    engine.handle_connected()
    names["pump"](engine, socket, timer)
    assert opened == ["ws://localhost:8765/ws/lab/ada"]
    assert 0 < started[0] <= 15_000
