"""The C and C++ programs under valgrind: no invalid access, no leak."""

from __future__ import annotations

from pathlib import Path

import pytest
from building import FFI, ROOT, Library, run
from test_c import PROGRAMS, environment, ids

SCENE = ROOT / "examples/scenes/isolator-and-interferometer.json"
MEMCHECK = [
    "valgrind",
    "--quiet",
    "--error-exitcode=99",
    "--leak-check=full",
    "--show-leak-kinds=definite,indirect",
    "--errors-for-leak-kinds=definite,indirect",
]


@pytest.mark.parametrize("source", PROGRAMS, ids=ids(PROGRAMS))
def test_no_invalid_access_and_no_leak(plain: Library, source: Path, tmp_path: Path) -> None:
    program = plain.compile(tmp_path / source.stem, source)
    run(*MEMCHECK, program, tmp_path, **environment(source))


@pytest.mark.parametrize("name", ["trace.c", "trace.cpp"])
def test_examples_access_and_leak_nothing_either(plain: Library, name: str, tmp_path: Path) -> None:
    program = plain.compile(tmp_path / "example", FFI / "examples" / name)
    assert " paths; emitted " in run(*MEMCHECK, program, SCENE)
