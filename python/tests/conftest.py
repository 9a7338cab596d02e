"""Scenes that several tests use."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from optiverse_engine import Scene


def component(uuid, element_type, *, x_mm=0.0, y_mm=0.0, line=(0.0, -10.0, 0.0, 10.0), **parameters):
    """A component with one interface from (x1, y1) to (x2, y2)."""
    x1, y1, x2, y2 = line
    interface = {"x1_mm": x1, "y1_mm": y1, "x2_mm": x2, "y2_mm": y2, "element_type": element_type, **parameters}
    return {"_type": "component", "item_uuid": uuid, "x_mm": x_mm, "y_mm": y_mm, "interfaces": [interface]}


def source(uuid="laser", **parameters):
    """A source at (-100, 0)."""
    return {"_type": "source", "item_uuid": uuid, "x_mm": -100.0, "y_mm": 0.0, **parameters}


SPLIT = {"split_T": 50, "split_R": 50}


@pytest.fixture
def splitter_scene():
    """Three rays, half of each sent up by a beam splitter, the other half through a lens."""
    scene = Scene()
    scene.add(source(name="HeNe", n_rays=3, size_mm=4.0, wavelength_nm=632.8))
    scene.add(component("splitter", "beam_splitter", line=(-10, -10, 10, 10), **SPLIT), name="BS")
    scene.add(component("lens", "lens", x_mm=50.0, efl_mm=100.0))
    return scene


@pytest.fixture
def gaussian_scene():
    """A Gaussian beam through a lens."""
    scene = Scene()
    scene.add(source(source_type="gaussian", beam_waist_mm=0.5))
    scene.add(component("lens", "lens", efl_mm=100.0))
    return scene


@pytest.fixture
def bad_scene(splitter_scene):
    """A scene with a lens that cannot be traced and a colour that is not one."""
    splitter_scene.add(component("bad", "lens", x_mm=70.0, efl_mm=0), name="broken")
    splitter_scene.update("laser", color_hex="no colour")
    return splitter_scene


@pytest.fixture
def long_scene():
    """Light between two mirrors: ten million rays of 80 events each, minutes of work."""
    scene = Scene()
    scene.add(source(n_rays=10_000_000, size_mm=1.0, ray_length_mm=1e6))
    scene.add(component("right", "mirror", x_mm=100.0))
    scene.add(component("left", "mirror", x_mm=-200.0))
    return scene


@pytest.fixture
def linked_files(tmp_path):
    """A file that links to another one beside it."""
    part = {"version": "2.0", "items": [component("mirror", "mirror")]}
    (tmp_path / "part.json").write_text(json.dumps(part))
    link = {"source_path": "@assembly/part.json", "offset_x": 10.0, "offset_y": 5.0, "rotation_deg": 0.0}
    group = {"uuid": "group", "type": "group", "name": "Part", "link_metadata": link}
    whole = {"version": "2.0", "items": [source()], "layer_state": {"version": 1, "nodes": [group]}}
    path = tmp_path / "whole.json"
    path.write_text(json.dumps(whole))
    return path


# Longer than anything takes on a busy machine.
PATIENCE_S = 20.0


class RelayProcess:
    """A relay as its users start it: `optiverse-engine relay`."""

    def __init__(self, *options, port=0):
        command = [sys.executable, "-m", "optiverse_engine", "relay", "--listen", f"127.0.0.1:{port}", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        # The line that says where it listens; colours are for terminals.
        line = self.process.stderr.readline()
        found = re.search(r"address=127\.0\.0\.1:(\d+)", line)
        assert found, line
        self.port = int(found.group(1))
        self.http = f"http://127.0.0.1:{self.port}"

    def url(self, session, user):
        """Where a user joins."""
        return f"ws://127.0.0.1:{self.port}/ws/{session}/{user}"

    def post(self, path, body=None):
        """The answer to a request."""
        data = json.dumps(body).encode() if body is not None else b""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        request = urllib.request.Request(self.http + path, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def stop(self, how=signal.SIGTERM):
        """End it, by its process id, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(PATIENCE_S)
        self.process.stderr.close()
        return code


@pytest.fixture
def relay():
    """A relay for one test."""
    relay = RelayProcess()
    yield relay
    relay.stop()


def until(is_so, what="it"):
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def contents(scene):
    """The items of a scene, to compare."""
    # As it is at one moment: others edit meanwhile.
    return {id: dict(item) for id, item in scene.copy().items()}
