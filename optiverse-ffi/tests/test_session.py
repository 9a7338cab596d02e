"""Sessions and clients with a relay: what one does, the others see."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue

import pytest
from building import FFI, MEMCHECK, ROOT, SANITIZERS, STANDARDS, WARNINGS, Library, run

LENS = "30fccf6e-f2d9-5d91-a774-079c94ddd5e0"
SCENE = ROOT / "examples/scenes/prism-spectrometer.json"
# Far more than anything here takes, on a machine that has much else to do.
PATIENCE_S = 60
LINKED = ["-lwslay", "-lnettle"]


class Process:
    """A program that is talked to by lines."""

    def __init__(self, command: list[str], *, listen_to: str = "stdout") -> None:
        self.command = command
        pipes = {"stdout": subprocess.DEVNULL, listen_to: subprocess.PIPE}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, **pipes)  # type: ignore[call-overload]
        self.lines: Queue[str] = Queue()
        self.output = getattr(self.process, listen_to)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self) -> None:
        for line in self.output:
            self.lines.put(line.rstrip("\n"))

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return the next line that the pattern is found in; those before it are let go."""
        seen = []
        while True:
            try:
                seen.append(self.lines.get(timeout=PATIENCE_S))
            except Empty:
                raise AssertionError(f"{self.command} does not say {pattern!r}, but {seen}") from None
            if found := re.search(pattern, seen[-1]):
                return found

    def say(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end_input(self) -> int:
        """Close its input and return the code it ends with."""
        self.process.stdin.close()
        return int(self.process.wait(PATIENCE_S))

    def stop(self) -> None:
        """Make sure that it ends."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(PATIENCE_S)
        self.reader.join()
        self.output.close()
        if not self.process.stdin.closed:
            self.process.stdin.close()


Start = Callable[..., Process]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a program; it is stopped after the test."""
    started: list[Process] = []

    def start_one(*command: str | Path, listen_to: str = "stdout") -> Process:
        started.append(Process([str(part) for part in command], listen_to=listen_to))
        return started[-1]

    yield start_one
    for process in reversed(started):
        process.stop()


def start_relay(start: Start, *options: str, port: str = "0") -> tuple[Process, str]:
    """Start the relay that is shipped and return it with its port."""
    command = [sys.executable, "-m", "optiverse_engine", "relay", "--listen", f"127.0.0.1:{port}", *options]
    relay = start(*command, listen_to="stderr")
    return relay, relay.wait_for(r"127\.0\.0\.1:(\d+)").group(1)


Programs = dict[str, list[str | Path]]


@pytest.fixture(scope="module", params=["sanitizers", "valgrind"])
def programs(request: pytest.FixtureRequest, library: Library, tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """The commands that run the examples under the sanitizers, and under valgrind."""
    folder = tmp_path_factory.mktemp("programs")
    is_sanitized = request.param == "sanitizers"
    flags = SANITIZERS if is_sanitized else []
    helper = folder / "websocket.o"
    run(*STANDARDS[".c"], *WARNINGS, *flags, "-g", "-c", FFI / "examples/websocket.c", "-o", helper)

    def command(source: Path, *helpers: Path, link: list[str] | None = None) -> list[str | Path]:
        program = folder / source.name.replace(".", "-")
        library.compile(program, *helpers, source, flags=flags, link=link)
        return [program] if is_sanitized else [*MEMCHECK, program]

    return {
        **{name: command(FFI / "examples" / name, helper, link=LINKED) for name in ("session.c", "session.cpp")},
        "client.c": command(FFI / "examples/client.c"),
        "clients.c": command(FFI / "tests/c/clients.c"),
    }


def test_what_one_does_the_others_see(start: Start, programs: Programs) -> None:
    _, port = start_relay(start)
    place = ["127.0.0.1", port, "lab"]
    ada = start(*programs["session.c"], *place, "ada", SCENE)
    ada.wait_for("^status: synchronised")
    watcher = start(*programs["session.cpp"], *place, "watcher")
    items, paths = map(int, watcher.wait_for(r"^(\d+) items, (\d+) paths").groups())
    assert items > 10 < paths
    bob = start(*programs["session.c"], *place, "bob")
    bob.wait_for(f"^added {LENS}")
    bob.wait_for("^status: synchronised")

    ada.say(f"move {LENS} 3.5 -4")
    bob.wait_for(f"^changed {LENS}: .*x_mm")
    bob.say(f"show {LENS}")
    assert bob.wait_for("^[^ ]+ is at (.*)").group(1) == "3.5, -4"
    watcher.wait_for(r"^(\d+) items")

    ada.say("undo")
    bob.wait_for(f"^changed {LENS}: ")
    bob.say(f"remove {LENS}")
    ada.wait_for(f"^removed {LENS}")
    ada.say(f"show {LENS}")
    ada.wait_for(f"^refused: there is no item {LENS}")

    assert bob.end_input() == 0
    ada.wait_for("^left: bob")
    assert [watcher.end_input(), ada.end_input()] == [0, 0]


def test_work_goes_on_without_the_relay_and_is_sent_when_it_is_back(
    start: Start, programs: Programs, tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path / 'sessions.db'}"
    relay, port = start_relay(start, "--store", store)
    ada = start(*programs["session.c"], "127.0.0.1", port, "lab", "ada", SCENE)
    ada.wait_for("^status: synchronised")
    relay.stop()
    ada.wait_for("^status: offline")
    ada.say(f"move {LENS} 7 8")
    ada.say(f"show {LENS}")
    ada.wait_for("is at 7, 8")
    start_relay(start, "--store", store, port=port)
    ada.wait_for("^status: synchronised")
    bob = start(*programs["session.c"], "127.0.0.1", port, "lab", "bob")
    bob.wait_for("^status: synchronised")
    bob.say(f"show {LENS}")
    bob.wait_for("is at 7, 8")
    assert [ada.end_input(), bob.end_input()] == [0, 0]


def test_a_server_that_is_none_of_websockets_is_no_server(start: Start, programs: Programs) -> None:
    ada = start(*programs["session.c"], "127.0.0.1", "1", "lab", "ada")
    ada.wait_for("^status: offline")
    ada.wait_for("^status: connecting")
    ada.wait_for("^status: offline")


def test_two_clients_come_to_the_same(start: Start, programs: Programs) -> None:
    _, port = start_relay(start)
    password = "open sesame"
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/sessions",
        data=json.dumps({"password": password}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
        session = json.load(response)["session_id"]
    run(*programs["clients.c"], f"ws://127.0.0.1:{port}", session, password)


def test_a_client_traces_what_others_change_and_outlives_its_relay(
    start: Start, programs: Programs, tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path / 'sessions.db'}"
    relay, port = start_relay(start, "--store", store)
    url = f"ws://127.0.0.1:{port}/ws/lab"
    ada = start(*programs["client.c"], url, "ada", SCENE)
    traced = ada.wait_for(r"^(\d+) paths; emitted").group()
    ada.wait_for("^status: synchronised")
    bob = start(*programs["client.c"], url, "bob")
    assert bob.wait_for(r"^(\d+) paths; emitted").group() == traced
    ada.say(f"{LENS} 3.5 -4")
    moved = ada.wait_for(r"paths; emitted.*").group()
    assert bob.wait_for(r"paths; emitted.*").group() == moved
    ada.say("nonsense")
    ada.wait_for("^expected ITEM X Y: nonsense")
    ada.say("none 1 2")
    ada.wait_for("^refused: there is no item none")

    relay.stop()
    ada.wait_for(r"^ws://.*/ws/lab/ada: ")
    ada.say(f"{LENS} 7 8")
    last = ada.wait_for(r"paths; emitted.*").group()
    start_relay(start, "--store", store, port=port)
    assert bob.wait_for(r"paths; emitted.*").group() == last
    assert [bob.end_input(), ada.end_input()] == [0, 0]
