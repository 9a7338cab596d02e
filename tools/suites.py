"""Runs every suite of tests, and says which could not be run.

A suite that needs a command this machine lacks is left out; the last lines name it and the one line that installs what
is missing. With OPTIVERSE_TEST_ALL=1 a suite left out is a failure.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Suite:
    """A set of tests: the command that runs it, and the programs it needs, each with its Debian package.

    A need that ends in `.h` is a header of C. Where more is needed, `probe` is a command that ends with code 0 if it is
    there, and `probe_packages` are the Debian packages that bring it.
    """

    name: str
    command: Sequence[str]
    needs: Mapping[str, str] = field(default_factory=dict)
    probe: Sequence[str] | None = None
    probe_packages: str = ""


PYTHON = ".venv/bin/python"
# .ci/run installs the same.
QT_PACKAGES = "libdbus-1-3 libegl1 libfontconfig1 libgl1 libglib2.0-0 libgssapi-krb5-2 libxkbcommon0"
C_TESTS = [PYTHON, "-m", "pytest", "-q", "-o", "pythonpath=optiverse-ffi/tests"]
C_COMPILERS = {"cc": "gcc", "c++": "g++"}
FUZZ = ["cargo", "run", "--quiet", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--bin"]

SUITES = [
    Suite("lint", ["tools/lint.sh"]),
    Suite("rust", ["cargo", "test", "--workspace", "--locked", "--no-fail-fast"]),
    Suite(
        "rust without threads", ["cargo", "test", "--locked", "-p", "optiverse-core", "--no-default-features", "--lib"]
    ),
    Suite("python", [PYTHON, "-m", "pytest", "-q", "python/tests", "--ignore=python/tests/qt"]),
    # Qt comes with PyQt6, but wants libraries of the system.
    Suite(
        "python with Qt",
        [PYTHON, "-m", "pytest", "-q", "python/tests/qt"],
        {"curl": "curl"},
        probe=[PYTHON, "-c", "import PyQt6.QtWebSockets, PyQt6.QtWidgets"],
        probe_packages=QT_PACKAGES,
    ),
    Suite("instructions", [PYTHON, "tools/check_instructions.py"], {"valgrind": "valgrind"}),
    Suite("tools", [PYTHON, "-m", "pytest", "-q", "-o", "pythonpath=tools", "tools/tests"]),
    Suite("widget front end", ["tools/widget.sh"], {"npm": "npm"}),
    Suite("widget in a browser", ["tools/browser_tests.sh"], {"chromium": "chromium"}),
    Suite(
        "c", [*C_TESTS, *(f"optiverse-ffi/tests/test_{name}.py" for name in ("c", "examples", "golden"))], C_COMPILERS
    ),
    Suite(
        "c under valgrind", [*C_TESTS, "optiverse-ffi/tests/test_valgrind.py"], {**C_COMPILERS, "valgrind": "valgrind"}
    ),
    Suite(
        "c sessions",
        [*C_TESTS, "optiverse-ffi/tests/test_session.py"],
        {**C_COMPILERS, "valgrind": "valgrind", "wslay/wslay.h": "libwslay-dev", "nettle/sha1.h": "nettle-dev"},
    ),
    Suite(
        "c installed",
        [*C_TESTS, "optiverse-ffi/tests/test_install.py"],
        {**C_COMPILERS, "cmake": "cmake", "pkg-config": "pkg-config"},
    ),
    # libFuzzer, which runs the targets, is written in C++. Each target is given its committed corpus once.
    *(
        Suite(f"fuzz corpus: {target.stem}", [*FUZZ, target.stem, "--", *seeds], needs={"c++": "g++"})
        for target in sorted((ROOT / "fuzz/fuzz_targets").glob("*.rs"))
        if (seeds := [str(seed.relative_to(ROOT)) for seed in sorted((ROOT / "fuzz/corpus" / target.stem).glob("*"))])
    ),
]


def find(need: str) -> bool:
    """Return whether this machine has a program, or a header that its C compiler finds."""
    if not need.endswith(".h"):
        return shutil.which(need) is not None
    if shutil.which("cc") is None:
        return False
    command = ["cc", "-E", "-x", "c", "-include", need, os.devnull]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def run_all(
    suites: Sequence[Suite],
    *,
    all_needed: bool,
    run: Callable[[Sequence[str]], int],
    find: Callable[[str], bool] = find,
    works: Callable[[Sequence[str]], bool] = lambda _: True,
) -> int:
    """Run the suites in order and return the exit code: 0 where all that could run passed, otherwise 1."""
    failed: list[Suite] = []
    # With why, and the packages that would help.
    left_out: list[tuple[Suite, str, list[str]]] = []
    for suite in suites:
        missing = [need for need in suite.needs if not find(need)]
        if missing:
            left_out.append((suite, f"it needs {', '.join(missing)}", [suite.needs[need] for need in missing]))
            continue
        if suite.probe is not None and not works(suite.probe):
            why = f"this fails: {shlex.join(suite.probe)}"
            left_out.append((suite, why, suite.probe_packages.split()))
            continue
        print(f"\n== {suite.name} ==", flush=True)
        if run(suite.command) != 0:
            failed.append(suite)

    print(f"\n{len(suites)} suites: {len(suites) - len(failed) - len(left_out)} passed, {len(failed)} failed", end="")
    print(f", {len(left_out)} left out" if left_out else "")
    for suite in failed:
        print(f"FAILED {suite.name}: {shlex.join(suite.command)}")
    for suite, why, _ in left_out:
        print(f"{'FAILED' if all_needed else 'left out'} {suite.name}: {why}")
    if left_out:
        packages = {package for _, _, packages in left_out for package in packages}
        print(f"apt-get install {' '.join(sorted(packages))}")
    return 1 if failed or (left_out and all_needed) else 0


def main() -> int:
    """Run the suites of this project in the checkout's own environment."""
    # A shell has what it starts in the background ignore this signal, and so all that starts from there; tests send it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    # One interpreter for all builds, so that switching between them rebuilds nothing.
    environment["PYO3_PYTHON"] = str(ROOT / PYTHON)
    # Plots are drawn into memory; no window is opened.
    environment["MPLBACKEND"] = "Agg"

    # Nor by Qt.
    environment["QT_QPA_PLATFORM"] = "offscreen"

    def run(command: Sequence[str]) -> int:
        return subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=False).returncode

    def works(command: Sequence[str]) -> bool:
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False).returncode == 0

    return run_all(SUITES, all_needed=os.environ.get("OPTIVERSE_TEST_ALL") == "1", run=run, works=works)


if __name__ == "__main__":
    sys.exit(main())
