"""Two people edit one scene; one of them is cut off for a while, and comes back.

Starts a relay, lets Ada and Bob edit at the same time, cuts Bob's connection while both edit on, mends it, and shows
that both and the relay hold the same scene. At the top of the checkout: `.venv/bin/python examples/two_people.py`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

from optiverse_engine import Scene, Session
from optiverse_engine.sync import Disconnected

EDITS = 200
PATIENCE_S = 30.0


@contextlib.contextmanager
def relay() -> Iterator[int]:
    """Run a relay on a free port, and yield the port."""
    command = [sys.executable, "-m", "optiverse_engine", "relay", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        listening = process.stderr.readline()
        found = re.search(r"address=127\.0\.0\.1:(\d+)", listening)
        try:
            if found is None:
                raise SystemExit(f"the relay did not start: {listening}")
            yield int(found.group(1))
        finally:
            process.terminate()


class Cable:
    """A connection to a port of this machine that can be cut and mended."""

    def __init__(self, port: int) -> None:
        """Lead to `port`; `self.port` is the near end."""
        self._far = port
        self._ends: list[socket.socket] = []
        self._whole = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End what goes through, and let nothing through any more."""
        self._whole = False
        for end in self._ends:
            # The other side may have ended it just now.
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._ends.clear()

    def mend(self) -> None:
        """Let new connections through."""
        self._whole = True

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            if not self._whole:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._far))
            self._ends += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    @staticmethod
    def _pass_on(one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def digest(scene: Scene) -> str:
    """Return a short text that is the same for scenes with the same items, in whatever order."""
    # As it is at one moment: others edit meanwhile.
    items = {id: dict(item) for id, item in scene.copy().items()}
    return hashlib.sha256(json.dumps(items, sort_keys=True).encode()).hexdigest()[:16]


def both_at_once(*work: Callable[[], None]) -> None:
    """Run functions on threads of their own, until all have ended."""
    threads = [threading.Thread(target=function) for function in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def until(is_so: Callable[[], bool], what: str) -> float:
    """Wait until something is so; return how many seconds it took."""
    start = time.perf_counter()
    while not is_so():
        if time.perf_counter() - start > PATIENCE_S:
            raise SystemExit(f"not within {PATIENCE_S:g} s: {what}")
        time.sleep(0.0005)
    return time.perf_counter() - start


def main() -> None:
    """Show it."""
    with relay() as port:
        cable = Cable(port)
        ada = Session(f"ws://127.0.0.1:{port}/ws/lab/ada")
        bob = Session(f"ws://127.0.0.1:{cable.port}/ws/lab/bob")
        with ada, bob:
            ada.share(Scene.load("examples/scenes/prism-spectrometer.json"))
            lens, prism = [item.id for item in ada.scene.values() if item.kind == "component"][:2]
            until(lambda: len(bob.scene) == len(ada.scene), "Bob has what Ada shares")

            def edit_as_ada() -> None:
                for number in range(EDITS):
                    ada.move(lens, float(number), 1.0, step="continue" if number else "new")

            def edit_as_bob() -> None:
                for number in range(EDITS):
                    bob.update(prism, {"angle_deg": float(number)})
                    bob.move(lens, float(-number), 2.0)

            def is_same() -> bool:
                return ada.pending == bob.pending == 0 and digest(ada.scene) == digest(bob.scene)

            both_at_once(edit_as_ada, edit_as_bob)
            took = until(is_same, "both show the same")
            print(f"Both edit, {3 * EDITS} edits       the same {took * 1000:.0f} ms after the last one")

            cable.cut()
            until(lambda: bob.status == "offline", "Bob is cut off")
            both_at_once(edit_as_ada, edit_as_bob)
            bob.add({"_type": "source", "name": "added by Bob while cut off"})
            print(f"Bob is cut off, both edit  {bob.pending} edits of Bob wait; the scenes differ: {not is_same()}")

            cable.mend()
            bob.retry()
            took = until(is_same, "both show the same again")
            print(f"Bob is back                the same {took * 1000:.0f} ms after the connection was mended")
            attempts = sum(isinstance(event, Disconnected) for event in iter(bob.poll_event, None))

            with Session(f"ws://127.0.0.1:{port}/ws/lab/carol") as carol:
                carol.wait_synchronised(PATIENCE_S)
                of_relay = digest(carol.scene)
            print(f"\n  Ada    {len(ada.scene)} items, digest {digest(ada.scene)}")
            print(f"  Bob    {len(bob.scene)} items, digest {digest(bob.scene)}, disconnected {attempts} times")
            print(f"  relay  {len(carol.scene)} items, digest {of_relay}")
            if not digest(ada.scene) == digest(bob.scene) == of_relay:
                raise SystemExit("they differ")


if __name__ == "__main__":
    main()
