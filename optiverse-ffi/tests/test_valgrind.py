"""The C and C++ programs under valgrind: no invalid access, no leak."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from building import FFI, MEMCHECK, ROOT, Library, cargo, run
from test_c import PROGRAMS, environment, ids

SCENE = ROOT / "examples/scenes/isolator-and-interferometer.json"
MIRROR = "2705a6d9-5df7-527a-892b-fff28d715748"


# Of 200,000 edits none does what the first few do not; under valgrind they would take minutes.
SOURCES = [path for path in PROGRAMS if path.stem != "test_pending"]


@pytest.mark.parametrize("source", SOURCES, ids=ids(SOURCES))
def test_no_invalid_access_and_no_leak(library: Library, source: Path, tmp_path: Path) -> None:
    program = library.compile(tmp_path / source.stem, source)
    run(*MEMCHECK, program, tmp_path, environment=environment(source))


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [("trace.c", [], " paths; emitted "), ("trace.cpp", [], " paths; emitted "), ("drag.c", [MIRROR], "1000 steps, ")],
)
def test_examples_access_and_leak_nothing_either(
    library: Library, name: str, arguments: list[str], said: str, tmp_path: Path
) -> None:
    program = library.compile(tmp_path / "example", FFI / "examples" / name)
    assert said in run(*MEMCHECK, program, SCENE, *arguments)


def test_the_border_costs_less_than_two_percent(tmp_path: Path) -> None:
    """Counts instructions, which repeat exactly: 100 traces of 100 rays through C, over the same ones without it."""
    # Clients are no part of it.
    made = cargo("build", "-p", "optiverse-ffi", "--bench", "border", "--release", "--no-default-features")
    (bench,) = (path for path in made if path.stem.startswith("border-"))

    def instructions(way: str, traces: int) -> int:
        out = tmp_path / f"{way}-{traces}"
        run("valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}", bench, way, str(traces))
        return int(re.findall(r"^summary: (\d+)", out.read_text(), re.MULTILINE)[0])

    # What starting up costs goes out in the difference.
    in_rust, in_c = (instructions(way, 200) - instructions(way, 100) for way in ("rust", "c"))
    assert 100 * 100 * 100 < in_rust < in_c < 1.02 * in_rust
