"""JupyterLab on a free port, and notebooks in it, for tests in a real browser."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

#: Chromium as root in a container, without a graphics card, and calling nobody.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: A cold start on a busy machine.
START_S = 120
#: Files of a run are its own: settings, workspaces, histories.
FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
}


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Lab:
    """A JupyterLab server whose files are in `folder`."""

    def __init__(self, folder):
        self.folder = folder
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir()
        # Neither news nor updates are looked for.
        pages = folder / FOLDERS["JUPYTER_CONFIG_DIR"] / "labconfig"
        pages.mkdir(parents=True)
        disabled = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
        (pages / "page_config.json").write_text(json.dumps(disabled))
        self.token = secrets.token_hex(16)
        self.url = f"http://127.0.0.1:{free_port()}"
        self._log = (folder / "lab.log").open("w+")
        options = {
            "ServerApp.port": self.url.rsplit(":", 1)[1],
            "ServerApp.port_retries": 0,
            "ServerApp.root_dir": self.notebooks,
            "ServerApp.open_browser": False,
            "ServerApp.allow_root": True,
            "IdentityProvider.token": self.token,
        }
        command = [sys.executable, "-m", "jupyter", "lab", *(f"--{key}={value}" for key, value in options.items())]
        environment = {**os.environ, **{key: str(folder / name) for key, name in FOLDERS.items()}}
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._wait()

    def _wait(self):
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.url}/api/status?token={self.token}", timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                assert self._process.poll() is None, self.log()
                time.sleep(0.2)
        raise AssertionError(f"JupyterLab was not ready after {START_S} s:\n{self.log()}")

    def log(self):
        """What the server said."""
        self._log.seek(0)
        return self._log.read()

    def notebook(self, name, *cells):
        """Write a notebook with these cells and return the address at which the browser shows it alone."""
        content = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell-{i}",
                    "metadata": {},
                    "source": source,
                    "outputs": [],
                    "execution_count": None,
                }
                for i, source in enumerate(cells)
            ],
        }
        (self.notebooks / f"{name}.ipynb").write_text(json.dumps(content), encoding="utf-8")
        return f"{self.url}/doc/tree/{name}.ipynb?token={self.token}"

    def close(self):
        """Stop the server with its kernels."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
