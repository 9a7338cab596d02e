"""The C and C++ programs under valgrind: no invalid access, no leak."""

from __future__ import annotations

from pathlib import Path

import pytest
from building import FFI, Library, run
from test_c import PROGRAMS, environment, ids

EXAMPLES = [FFI / "examples/trace.c", FFI / "examples/drag.c", FFI / "examples/trace.cpp"]
MEMCHECK = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect"]


@pytest.mark.parametrize("source", PROGRAMS, ids=ids(PROGRAMS))
def test_no_invalid_access_and_no_leak(library: Library, source: Path, tmp_path: Path) -> None:
    program = library.compile(tmp_path / source.stem, source)
    run(*MEMCHECK, program, tmp_path, **environment(source))
