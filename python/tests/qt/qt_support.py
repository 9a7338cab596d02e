"""Waiting for what happens on the event loop, and a relay of the test's own."""

import subprocess
import sys

import pytest
from PyQt6.QtCore import QCoreApplication, QDeadlineTimer, QEventLoop

PATIENCE_MS = 20_000
RUN = "import sys; from optiverse_engine._native import _run_relay; sys.exit(_run_relay(['relay', *sys.argv[1:]]))"


def until(condition):
    """Run the event loop until a condition holds; what it returned then."""
    deadline = QDeadlineTimer(PATIENCE_MS)
    while not deadline.hasExpired():
        QCoreApplication.processEvents(
            QEventLoop.ProcessEventsFlag.AllEvents | QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50
        )
        if outcome := condition():
            return outcome
    pytest.fail(f"it did not happen within {PATIENCE_MS / 1000:.0f} s")


class Relay:
    """A relay in a process of its own, on one port from its first start on."""

    def __init__(self, store="memory"):
        self.port, self.store, self.process = 0, store, None

    def start(self):
        options = ["--listen", f"127.0.0.1:{self.port}", "--store", self.store, "--log-format", "text"]
        # It ends with the test, even one that crashes.
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, "--exit-with-stdin", *options],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for line in self.process.stderr:
            if " listening " in line:
                self.port = int(line.split("address=127.0.0.1:")[1].split()[0])
                return
        raise AssertionError(f"the relay ended with {self.process.wait()}")

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stderr.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
