"""The application of the process, waiting for what happens on its event loop, and a relay that can be killed."""

import signal

import pytest
from conftest import PATIENCE_S, RelayProcess
from PyQt6.QtCore import QCoreApplication, QDeadlineTimer, QEventLoop

# There is one in a process, and it lives as long.
APPLICATION = QCoreApplication.instance() or QCoreApplication([])


def until(condition):
    """Run the event loop until a condition holds; what it returned then."""
    deadline = QDeadlineTimer(int(PATIENCE_S * 1000))
    how = QEventLoop.ProcessEventsFlag.AllEvents | QEventLoop.ProcessEventsFlag.WaitForMoreEvents
    while not deadline.hasExpired():
        APPLICATION.processEvents(how, 50)
        if outcome := condition():
            return outcome
    pytest.fail(f"it did not happen within {PATIENCE_S:.0f} s")


def server(relay):
    """The address of a relay, as an application is given it."""
    return f"ws://127.0.0.1:{relay.port}"


class MortalRelay:
    """A relay that is killed and comes back on its port."""

    def __init__(self, store="memory"):
        self.port, self.store, self.running = 0, store, None

    def start(self):
        self.running = RelayProcess("--store", self.store, port=self.port)
        self.port = self.running.port

    def kill(self):
        self.running.stop(signal.SIGKILL)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
