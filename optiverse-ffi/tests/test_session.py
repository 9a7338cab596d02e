"""The session examples with a relay: what one does, the others see."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue

import pytest
from building import FFI, ROOT, STANDARDS, Library, cargo_build, run
from test_c import SANITIZERS

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


@pytest.fixture(scope="module")
def relay_program() -> Path:
    """The relay of this project."""
    made = cargo_build("-p", "optiverse-relay", "--bin", "optiverse-relay")
    return next(path for path in made if path.name == "optiverse-relay")


def start_relay(start: Start, program: Path, port: str = "0") -> tuple[Process, str]:
    """Start a relay and return it with its port."""
    relay = start(program, "--listen", f"127.0.0.1:{port}", listen_to="stderr")
    return relay, relay.wait_for(r"127\.0\.0\.1:(\d+)").group(1)


@pytest.fixture(scope="module")
def programs(library: Library, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The examples, under the sanitizers."""
    folder = tmp_path_factory.mktemp("programs")
    helper = folder / "websocket.o"
    flags = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", *SANITIZERS]
    run(*STANDARDS[".c"], *flags, "-g", "-c", FFI / "examples/websocket.c", "-o", helper)
    return {
        name: library.compile(
            folder / name.replace(".", "-"), helper, FFI / "examples" / name, flags=SANITIZERS, link=LINKED
        )
        for name in ("session.c", "session.cpp")
    }


def test_what_one_does_the_others_see(start: Start, relay_program: Path, programs: dict[str, Path]) -> None:
    _, port = start_relay(start, relay_program)
    place = ["127.0.0.1", port, "lab"]
    ada = start(programs["session.c"], *place, "ada", SCENE)
    ada.wait_for("^status: synchronised")
    watcher = start(programs["session.cpp"], *place, "watcher")
    items, paths = map(int, watcher.wait_for(r"^(\d+) items, (\d+) paths").groups())
    assert items > 10 < paths
    bob = start(programs["session.c"], *place, "bob")
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
    start: Start, relay_program: Path, programs: dict[str, Path], tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path / 'sessions.db'}"
    relay = start(relay_program, "--listen", "127.0.0.1:0", "--store", store, listen_to="stderr")
    port = relay.wait_for(r"127\.0\.0\.1:(\d+)").group(1)
    ada = start(programs["session.c"], "127.0.0.1", port, "lab", "ada", SCENE)
    ada.wait_for("^status: synchronised")
    relay.stop()
    ada.wait_for("^status: offline")
    ada.say(f"move {LENS} 7 8")
    ada.say(f"show {LENS}")
    ada.wait_for("is at 7, 8")
    start(relay_program, "--listen", f"127.0.0.1:{port}", "--store", store, listen_to="stderr")
    ada.wait_for("^status: synchronised")
    bob = start(programs["session.c"], "127.0.0.1", port, "lab", "bob")
    bob.wait_for("^status: synchronised")
    bob.say(f"show {LENS}")
    bob.wait_for("is at 7, 8")
    assert [ada.end_input(), bob.end_input()] == [0, 0]


def test_a_server_that_is_none_of_websockets_is_no_server(start: Start, programs: dict[str, Path]) -> None:
    ada = start(programs["session.c"], "127.0.0.1", "1", "lab", "ada")
    ada.wait_for("^status: offline")
    ada.wait_for("^status: connecting")
    ada.wait_for("^status: offline")
