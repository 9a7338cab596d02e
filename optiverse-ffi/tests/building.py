"""Builds the library, and C and C++ programs against it, as the tests need them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FFI = ROOT / "optiverse-ffi"
INCLUDE = ROOT / "include"

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]
MEMCHECK = [
    "valgrind",
    "--quiet",
    "--error-exitcode=99",
    "--leak-check=full",
    "--show-leak-kinds=definite,indirect",
    "--errors-for-leak-kinds=definite,indirect",
]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
STANDARDS = {".c": ["cc", "-std=c99", "-D_DEFAULT_SOURCE"], ".cpp": ["c++", "-std=c++17"]}


def run(*command: str | Path, seconds: float = 300, environment: Mapping[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed; fail with all of that unless it succeeds."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def cargo(*arguments: str) -> list[Path]:
    """Build by a command of cargo and return the files that came of it."""
    command = ["cargo", *arguments, "--locked", "--quiet", "--message-format=json-render-diagnostics"]
    messages = map(json.loads, run(*command, seconds=1200).splitlines())
    made = [message for message in messages if message["reason"] == "compiler-artifact"]
    return [Path(name) for message in made for name in message["filenames"]]


def functions(include: Path) -> set[str]:
    """Return the functions that the header in a folder declares."""
    header = run("cc", "-E", "-P", include / "optiverse.h")
    return set(
        re.findall(r"^(?:optiverse_result|const char \*|size_t|uint32_t)\s*(optiverse_\w+)\(", header, re.MULTILINE)
    )


def soname(version: str) -> str:
    """Return the name by which programs find a library of this version."""
    major, minor, _ = version.split(".")
    return f"liboptiverse.so.{major}.{minor}" if major == "0" else f"liboptiverse.so.{major}"


def version() -> str:
    """Return the version of the workspace."""
    return run("cargo", "pkgid", "--locked", "-p", "optiverse-ffi").strip().rpartition("@")[2].rpartition("#")[2]


@dataclass(frozen=True)
class Library:
    """A shared library in a folder of its own, under the names that linkers and loaders look for."""

    folder: Path

    @classmethod
    def build(cls, folder: Path) -> Library:
        """Build it with debug assertions and checks of overflow."""
        folder.mkdir()
        made = cargo("rustc", "-p", "optiverse-ffi", "--lib", "--crate-type", "cdylib")
        shared = next(path for path in made if path.name == "liboptiverse.so")
        shutil.copy(shared, folder / soname(version()))
        (folder / "liboptiverse.so").symlink_to(soname(version()))
        return cls(folder)

    def compile(
        self, program: Path, *sources: Path, flags: list[str] | None = None, link: list[str] | None = None
    ) -> Path:
        """Compile and link a program; how follows from the last source."""
        compiler = STANDARDS[sources[-1].suffix]
        paths = [f"-I{INCLUDE}", f"-L{self.folder}", f"-Wl,-rpath,{self.folder}"]
        libraries = ["-loptiverse", *(link or [])]
        run(*compiler, "-g", *WARNINGS, *(flags or []), *paths, *sources, "-o", program, *libraries, "-lm", "-pthread")
        return program
