"""A relay that an application starts, watches and stops, and that does not outlive it."""

import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import PATIENCE_S
from qt_support import until

from optiverse_engine.qt import RelayProcess


class Watched:
    def __init__(self, process):
        self.told = []
        process.ready.connect(lambda url: self.told.append(("ready", url)))
        process.failed.connect(lambda problem: self.told.append(("failed", problem)))
        process.stopped.connect(lambda: self.told.append(("stopped",)))
        self.log = []
        process.log_line.connect(self.log.append)


def is_alive(process_id):
    # A zombie whose parent is gone is reaped by init; one of ours is not waited for here.
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process_id)], capture_output=True, text=True, check=False)
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


def test_it_starts_on_a_free_port_says_so_and_stops():
    relay = RelayProcess()
    watched = Watched(relay)
    assert (relay.is_running, relay.url, relay.process_id) == (False, None, None)
    relay.start()
    until(lambda: watched.told)
    process_id = relay.process_id
    assert watched.told == [("ready", relay.url)]
    assert relay.url.startswith("ws://127.0.0.1:")
    assert watched.log[0].startswith("INFO listening address=127.0.0.1:")
    assert is_alive(process_id)
    with pytest.raises(RuntimeError, match="running already"):
        relay.start()
    relay.stop()
    until(lambda: len(watched.told) == 2)
    assert watched.told[1] == ("stopped",)
    assert any(line.startswith("INFO stopping") for line in watched.log)
    assert (relay.is_running, relay.url) == (False, None)
    # It can be started again, on a port of one's choice.
    relay.start(int(watched.told[0][1].rpartition(":")[2]))
    until(lambda: len(watched.told) == 3)
    assert watched.told[2] == watched.told[0]
    relay.stop_and_wait()
    assert not relay.is_running


def test_all_addresses_are_told_as_this_machine():
    relay = RelayProcess()
    watched = Watched(relay)
    relay.start(host="0.0.0.0")
    until(lambda: watched.told)
    assert watched.told[0][1].startswith("ws://127.0.0.1:")
    relay.stop_and_wait()


def test_a_port_in_use_is_told(relay):
    second = RelayProcess()
    watched = Watched(second)
    second.start(relay.port)
    until(lambda: watched.told)
    ((what, problem),) = watched.told
    assert what == "failed"
    assert problem.startswith("the relay ended with code 1: ERROR the relay could not be started")
    assert "in use" in problem


def test_options_that_cannot_be_used_are_told():
    relay = RelayProcess()
    watched = Watched(relay)
    relay.start(options=["--store", "tape:1"])
    until(lambda: watched.told)
    assert watched.told[0][0] == "failed"
    assert "code 2" in watched.told[0][1]
    assert any("tape:1" in line for line in watched.log)
    for port in (-1, 65536):
        with pytest.raises(ValueError, match=f"port is {port}, expected"):
            relay.start(port)


def test_an_interpreter_that_is_not_there_is_told():
    relay = RelayProcess(python="/nowhere/python")
    watched = Watched(relay)
    relay.start()
    until(lambda: watched.told)
    assert watched.told[0][0] == "failed"
    assert "/nowhere/python" in watched.told[0][1]


def test_a_relay_that_dies_is_told():
    relay = RelayProcess()
    watched = Watched(relay)
    relay.start()
    until(lambda: watched.told)
    os.kill(relay.process_id, signal.SIGKILL)
    until(lambda: len(watched.told) == 2)
    assert watched.told[1] == ("failed", "the relay ended with a crash")


PARENT = """
from PyQt6.QtCore import QCoreApplication
from optiverse_engine.qt import RelayProcess
application = QCoreApplication([])
relay = RelayProcess()
relay.ready.connect(lambda url: print(relay.process_id, flush=True))
relay.start()
application.exec()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_it_does_not_outlive_an_application_that_is_killed(how):
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    relay_id = int(parent.stdout.readline())
    assert is_alive(relay_id)
    parent.send_signal(how)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + PATIENCE_S
    while is_alive(relay_id):
        assert time.monotonic() < deadline, f"the relay outlives {how.name}"
        time.sleep(0.02)
