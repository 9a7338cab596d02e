"""The examples do what they say."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from building import FFI, ROOT, Library, run
from test_c import SANITIZERS

SCENE = ROOT / "examples/scenes/prism-spectrometer.json"

Build = Callable[[str], Path]


@pytest.fixture
def build(library: Library, tmp_path: Path) -> Build:
    """Build an example under the sanitizers."""
    return lambda name: library.compile(tmp_path / name.replace(".", "-"), FFI / "examples" / name, flags=SANITIZERS)


def test_trace_prints_a_table_and_draws(build: Build, tmp_path: Path) -> None:
    table = run(build("trace.c"), SCENE, tmp_path / "picture.svg").splitlines()
    count, rest = table[-1].split(" paths; emitted ")
    assert len(table) == int(count) + 2 > 10
    assert float(rest.split(",")[0]) > 0
    assert (tmp_path / "picture.svg").read_text().endswith("</svg>\n")
    assert {line.split()[-1] for line in table[1:-1]} <= {"left", "absorbed", "blocked", "weak", "events", "long"}


def test_trace_in_cpp_tells_the_same(build: Build) -> None:
    def ends(table: str) -> list[list[str]]:
        return [re.findall(r"-?\d+\.\d{4}(?!\d)", line)[:2] for line in table.splitlines() if "paths;" not in line]

    in_c = ends(run(build("trace.c"), SCENE))[1:]
    assert ends(run(build("trace.cpp"), SCENE)) == in_c


def test_trace_says_what_is_wrong(build: Build, tmp_path: Path) -> None:
    for name in ("trace.c", "trace.cpp"):
        done = subprocess.run([build(name), tmp_path / "none.json"], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("OPTIVERSE_RESULT_FILE_NOT_FOUND: ")
        assert "none.json" in done.stderr


def test_drag_moves_a_thousand_times_and_comes_back(build: Build) -> None:
    said = run(build("drag.c"), SCENE, "30fccf6e-f2d9-5d91-a774-079c94ddd5e0")
    assert re.fullmatch(r"1000 steps, 1000 of them .* each; back where it was\n", said)
