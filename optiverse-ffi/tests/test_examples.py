"""The examples do what they say."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from building import FFI, INCLUDE, ROOT, SANITIZERS, STANDARDS, WARNINGS, Library, run

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
    assert re.fullmatch(r"1000 steps, .* each; the light moved, and is back where it was\n", said)


def blocks(guide: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)


def test_pieces_of_the_guide_compile(tmp_path: Path) -> None:
    guide = (ROOT / "docs/c-api.md").read_text(encoding="utf-8")
    pieces = [block for block in blocks(guide, "c") if " main(" not in block]
    assert len(pieces) == 2
    source = tmp_path / "piece.c"
    function = "void piece(optiverse_scene *scene, optiverse_system *system)"
    for piece in pieces:
        # None needs both.
        body = f"(void)scene;\n(void)system;\n{piece}"
        source.write_text(f"#include <optiverse.h>\n{function};\n{function} {{\n{body}}}\n")
        run(*STANDARDS[".c"], *WARNINGS, "-fsyntax-only", f"-I{INCLUDE}", source)


def test_programs_of_the_guide_print_the_same(library: Library, tmp_path: Path) -> None:
    guide = (ROOT / "docs/c-api.md").read_text(encoding="utf-8")
    tables = []
    for language, suffix in [("c", ".c"), ("cpp", ".cpp")]:
        (text,) = (block for block in blocks(guide, language) if " main(" in block)
        source = tmp_path / f"guide{suffix}"
        source.write_text(text)
        table = run(library.compile(tmp_path / f"guide-{language}", source, flags=SANITIZERS), SCENE)
        tables.append([[float(number) for number in line.split()] for line in table.splitlines()])
    in_c, in_cpp = tables
    assert len(in_c) > 10
    assert [x for line in in_cpp for x in line] == pytest.approx([x for line in in_c for x in line], abs=0.01)


def test_every_code_is_in_the_guide() -> None:
    guide = (ROOT / "docs/c-api.md").read_text(encoding="utf-8")
    codes = [line.split() for line in (FFI / "tests/codes.txt").read_text().splitlines()]
    for number, name in codes:
        assert f"`{name.removeprefix('OPTIVERSE_RESULT_')}`" in guide
        ranges = re.findall(r"^\| (\d+)(?:–(\d+))? \|", guide, re.MULTILINE)
        assert any(int(first) <= int(number) <= int(last or first) for first, last in ranges)
