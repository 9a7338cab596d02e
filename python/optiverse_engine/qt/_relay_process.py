"""The class `RelayProcess`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QObject, QProcess, QTimer, pyqtSignal

import optiverse_engine

# It finds the package where this process has found it.
_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from optiverse_engine._native import _run_relay
sys.exit(_run_relay(["optiverse-engine relay", *sys.argv[2:]]))
"""

STOP_TIMEOUT_MS = 5_000
"""A relay that was asked to stop is killed after this time."""


class RelayProcess(QObject):
    """A relay that runs as long as this application does.

    It is a process of its own, started from the interpreter that runs the application. It reads a pipe that the
    application holds open, and stops where that ends, so that none is left behind when the application crashes or is
    killed.

    ```python
    relay = RelayProcess()
    relay.ready.connect(lambda url: sync.open(url, "bench 3", "ada"))
    relay.failed.connect(show_error)
    relay.start()
    ```

    """

    ready = pyqtSignal(str)
    """The relay listens; its address as seen from this machine, such as `ws://127.0.0.1:8765`."""
    log_line = pyqtSignal(str)
    """A line of its log."""
    failed = pyqtSignal(str)
    """It could not be started, or has ended without being asked to: a sentence."""
    stopped = pyqtSignal()
    """It has ended as it was asked to."""

    def __init__(self, parent: QObject | None = None, *, python: str = sys.executable) -> None:
        """Begin without a relay.

        Args:
            parent: the owner; when it goes, so does the relay.
            python: an interpreter that runs the relay. An application that was frozen into one file has none of its
                own.

        """
        super().__init__(parent)
        self._python = python
        self._url: str | None = None
        self._stopping = False
        self._partial = b""
        self._last_error = ""
        self._process = QProcess(self)
        self._process.readyReadStandardError.connect(self._on_output)
        self._process.errorOccurred.connect(self._on_error)
        self._process.finished.connect(self._on_finished)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(self._process.kill)

    def start(self, port: int = 0, *, host: str = "127.0.0.1", options: Sequence[str] = ()) -> None:
        """Start the relay; `ready` or `failed` follows.

        Args:
            port: where to listen; 0 takes a free one.
            host: the address to listen at; "0.0.0.0" lets other machines in.
            options: further options of `optiverse-engine relay`, such as `--store sqlite:PATH`.

        Raises:
            ValueError: the port is not from 0 to 65535.
            RuntimeError: it is running already.

        """
        if not 0 <= port <= 65535:
            raise ValueError(f"port is {port}, expected a whole number from 0 to 65535")
        if self.is_running:
            raise RuntimeError("the relay is running already")
        self._url, self._stopping, self._partial, self._last_error = None, False, b"", ""
        package = str(Path(optiverse_engine.__file__).parents[1])
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        relay = ["--listen", address, "--exit-with-stdin", "--log-format", "json", *options]
        self._process.start(self._python, ["-c", _PROGRAM, package, *relay])

    def stop(self) -> None:
        """Ask the relay to store everything, close its connections and end; `stopped` follows.

        It is killed where it takes longer than 5 s.
        """
        if not self.is_running:
            return
        self._stopping = True
        self._process.closeWriteChannel()
        self._patience.start(STOP_TIMEOUT_MS)

    def stop_and_wait(self) -> None:
        """Stop the relay, and return when it has ended: for the end of an application without an event loop."""
        self.stop()
        if self.is_running and not self._process.waitForFinished(STOP_TIMEOUT_MS):
            self._process.kill()
            self._process.waitForFinished(STOP_TIMEOUT_MS)

    @property
    def is_running(self) -> bool:
        """Whether the process is there, ready or not."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    @property
    def url(self) -> str | None:
        """The address of the relay as seen from this machine, once it is ready."""
        return self._url

    @property
    def process_id(self) -> int | None:
        """The id of the process, where it is running."""
        return int(self._process.processId()) if self.is_running else None

    def _on_output(self) -> None:
        *lines, self._partial = (self._partial + self._process.readAllStandardError().data()).split(b"\n")
        for line in lines:
            self._read(line.decode(errors="replace"))

    def _read(self, line: str) -> None:
        try:
            entry: Any = json.loads(line)
            fields = entry["fields"]
            text = " ".join([entry["level"], fields.pop("message", ""), *(f"{k}={v}" for k, v in fields.items())])
        except (ValueError, KeyError, TypeError, AttributeError):
            # Before its log is set up it writes plain lines: what is wrong with its options.
            entry, fields, text = {}, {}, line
        if text and (entry.get("level") == "ERROR" or not entry):
            self._last_error = text
        self.log_line.emit(text)
        if text.startswith("INFO listening ") and self._url is None:
            host, _, port = str(fields["address"]).rpartition(":")
            # Listening everywhere is no address to connect to.
            here = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
            self._url = f"ws://{here}:{port}"
            self.ready.emit(self._url)

    def _on_error(self, error: QProcess.ProcessError) -> None:
        # All other errors end in `finished`.
        if error == QProcess.ProcessError.FailedToStart:
            self.failed.emit(f"{self._python}: {self._process.errorString()}")

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._patience.stop()
        self._url = None
        if self._stopping:
            self.stopped.emit()
            return
        how = f"code {code}" if status == QProcess.ExitStatus.NormalExit else "a crash"
        self.failed.emit(f"the relay ended with {how}: {self._last_error}".rstrip(": "))
