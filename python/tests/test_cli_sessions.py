"""The commands `relay` and `join`, run as their users run them."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import urllib.request

import pytest
from conftest import PATIENCE_S, RelayProcess, component, contents, source, until

from optiverse_engine import Session


def start(*arguments, **options):
    """The command, running."""
    command = [sys.executable, "-m", "optiverse_engine", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def run(*arguments, **options):
    """The command, finished: code, standard output, standard error."""
    with start(*arguments, **options) as process:
        output, errors = process.communicate(timeout=PATIENCE_S)
    return process.returncode, output, errors


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_relay_stops_in_order(how):
    relay = RelayProcess()
    with urllib.request.urlopen(f"{relay.http}/health", timeout=PATIENCE_S) as answer:
        assert json.load(answer)["status"] == "ok"
    assert relay.stop(how) == 0


def test_the_relay_has_its_own_options():
    code, output, _ = run("relay", "--help")
    assert code == 0
    assert "Usage: optiverse-engine relay [OPTIONS]" in output
    assert "--require-created-sessions" in output
    code, output, _ = run("relay", "--print-config")
    assert code == 0
    assert "listen" in output
    code, _, errors = run("relay", "--store", "tape:1")
    assert code == 2
    assert "tape:1" in errors


def test_a_relay_that_cannot_be_started_ends_with_1():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, errors = run("relay", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert code == 1
    assert "cannot listen on" in errors


def test_help_names_both():
    _, output, _ = run("--help")
    assert "relay" in output
    assert "join" in output
    code, output, _ = run("join", "--help")
    assert code == 0
    assert "OPTIVERSE_PASSWORD" in output
    assert "exit codes:" in output


class Follower:
    """`join`, with what it prints."""

    def __init__(self, *arguments, **options):
        self.process = start("join", *arguments, **options)
        self.lines = []
        self.thread = threading.Thread(target=lambda: self.lines.extend(iter(self.process.stdout.readline, "")))
        self.thread.start()

    def has(self, text):
        """Whether a line has this in it."""
        return any(text in line for line in list(self.lines))

    def interrupt(self):
        """Ctrl-C; returns the exit code and what was complained of."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(PATIENCE_S)
        self.thread.join()
        errors = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return code, errors


def test_join_tells_who_comes_and_what_changes(relay):
    follower = Follower(relay.url("lab", "terminal"))
    until(lambda: follower.has("synchronised: 0 items"))
    with Session(relay.url("lab", "ada")) as ada:
        until(lambda: follower.has("ada joined"))
        ada.add({**component("lens", "lens", x_mm=5.0), "name": "L1\n\x1b[31m"})
        until(lambda: follower.has("+ lens (component"))
        ada.update("lens", {"x_mm": 7.25, "notes": "n" * 100})
        until(lambda: follower.has("nnn…"))
        ada.unset("lens", "notes")
        until(lambda: follower.has("notes removed"))
        ada.remove("lens")
        until(lambda: follower.has("- lens"))
    until(lambda: follower.has("ada left"))
    assert follower.has("x_mm 7.25")
    # Names of others cannot command the terminal.
    assert not follower.has("\x1b")
    assert follower.interrupt() == (0, "")


def test_join_as_json(relay):
    follower = Follower(relay.url("lab", "terminal"), "--json")
    with Session(relay.url("lab", "ada")) as ada:
        ada.add({**source("laser"), "size_mm": float("inf")})
        until(lambda: follower.has("SceneChanged") and follower.has('"synchronised"'))
    assert follower.interrupt() == (0, "")
    events = [json.loads(line) for line in follower.lines]
    (change,) = (event for event in events if event["event"] == "SceneChanged")
    assert change["items"] == {"laser": {**source("laser"), "size_mm": None}}
    assert {"event": "StatusChanged", "status": "synchronised", "attempt": None} in events


def test_join_once(relay):
    with Session(relay.url("lab", "ada")) as ada:
        ada.add({**source("laser"), "name": "HeNe"})
        ada.set_presence(cursor_mm=(1.0, 2.0), selection=["laser"])
        assert ada.wait_synchronised(PATIENCE_S)
        url = f"ws://127.0.0.1:{relay.port}/ws/lab"
        code, output, errors = run("join", url, "--user", "me", "--once")
        assert (code, errors) == (0, "")
        assert output.splitlines()[0] == "session lab, 1 items; me is editor"
        assert "  laser (source 'HeNe')" in output
        code, output, _ = run("join", relay.url("lab", "me"), "--once", "--json")
        state = json.loads(output)
        assert (code, state["session"], state["user"], state["items"]) == (0, "lab", "me", contents(ada.scene))
        # Without a name it is the login name.
        environment = {**os.environ, "LOGNAME": "somebody"}
        _, output, _ = run("join", url, "--once", "--json", env=environment)
        assert json.loads(output)["user"] == "somebody"


def test_join_with_a_password(relay):
    id = relay.post("/api/sessions", {"password": "secret"})["session_id"]
    code, _, _ = run("join", relay.url(id, "me"), "--once", env={**os.environ, "OPTIVERSE_PASSWORD": "secret"})
    assert code == 0
    code, _, errors = run("join", relay.url(id, "me"), "--once", env={**os.environ, "OPTIVERSE_PASSWORD": "wrong"})
    assert code == 1
    assert "wrong password" in errors
    follower = Follower(relay.url(id, "me"), env={**os.environ, "OPTIVERSE_PASSWORD": "wrong"})
    assert follower.process.wait(PATIENCE_S) == 1
    assert follower.interrupt()[0] == 1
    assert follower.has("given up")


def test_join_where_nobody_is():
    code, output, errors = run("join", "ws://127.0.0.1:9/ws/lab/me", "--once", "--timeout-s", "0.5")
    assert (code, output) == (1, "")
    assert "ws://127.0.0.1:9/ws/lab/me: cannot connect to 127.0.0.1:9" in errors
    assert "not joined within 0.5 s" in errors


@pytest.mark.parametrize("url", ["http://h/ws/s/u", "ws://h/s/u", "nonsense"])
def test_join_by_what_is_no_address(url):
    code, output, errors = run("join", url)
    assert (code, output) == (2, "")
    assert errors.startswith("optiverse-engine: error: the address")
    assert errors.count("\n") == 1


def test_join_with_certificates_that_are_none(tmp_path):
    path = tmp_path / "ca.pem"
    code, _, errors = run("join", "wss://h/ws/s/u", "--ca", str(path))
    assert code == 2
    assert "No such file" in errors
    path.write_text("nothing")
    code, _, errors = run("join", "wss://h/ws/s/u", "--ca", str(path))
    assert code == 2
    assert "there is no certificate in the text" in errors


@pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")
def test_join_in_a_terminal_has_a_last_line_that_follows(relay):
    near, far = pty.openpty()
    command = [sys.executable, "-m", "optiverse_engine", "join", relay.url("lab", "terminal")]
    with Session(relay.url("lab", "ada")) as ada, subprocess.Popen(command, stdout=far) as process:
        os.close(far)
        shown = b""

        def has(text):
            nonlocal shown
            shown += os.read(near, 4096)
            return text in shown

        until(lambda: has(b"synchronised \xc2\xb7 0 items"))
        ada.add(source("laser"))
        until(lambda: has(b"1 items"))
        # Ada is here, and has not shown where.
        assert b"nobody" not in shown
        ada.set_presence(cursor_mm=(1.0, 2.0))
        until(lambda: has(b"seen: ada at (1.0, 2.0) mm"))
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
    os.close(near)
