"""Runs every suite of tests, and says which could not be run.

A suite that needs a command this machine lacks is left out; the last lines name it and the one line that installs what
is missing. With OPTIVERSE_TEST_ALL=1 a suite left out is a failure.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Suite:
    """A set of tests: the command that runs it, and what it needs with its Debian packages.

    What it needs is a program, or whatever lets the command `probe` end with code 0.
    """

    name: str
    command: Sequence[str]
    needs: str | None = None
    package: str | None = None
    probe: Sequence[str] | None = None


PYTHON = ".venv/bin/python"
# .ci/run installs the same.
QT_PACKAGES = "libdbus-1-3 libegl1 libfontconfig1 libgl1 libglib2.0-0 libgssapi-krb5-2 libxkbcommon0"
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
        needs="curl",
        package=f"curl {QT_PACKAGES}",
        probe=[PYTHON, "-c", "import PyQt6.QtWebSockets, PyQt6.QtWidgets"],
    ),
    Suite("tools", [PYTHON, "-m", "pytest", "-q", "-o", "pythonpath=tools", "tools/tests"]),
    # libFuzzer, which runs the targets, is written in C++. Each target is given its committed corpus once.
    *(
        Suite(f"fuzz corpus: {target.stem}", [*FUZZ, target.stem, "--", *seeds], needs="c++", package="g++")
        for target in sorted((ROOT / "fuzz/fuzz_targets").glob("*.rs"))
        if (seeds := [str(seed.relative_to(ROOT)) for seed in sorted((ROOT / "fuzz/corpus" / target.stem).glob("*"))])
    ),
]


def run_all(
    suites: Sequence[Suite],
    *,
    all_needed: bool,
    run: Callable[[Sequence[str]], int],
    which: Callable[[str], str | None] = shutil.which,
    works: Callable[[Sequence[str]], bool] = lambda _: True,
) -> int:
    """Run the suites in order and return the exit code: 0 where all that could run passed, otherwise 1."""
    failed: list[Suite] = []
    left_out: dict[str, tuple[Suite, str]] = {}
    for suite in suites:
        if suite.needs is not None and which(suite.needs) is None:
            left_out[suite.name] = (suite, f"it needs the command {suite.needs}")
            continue
        if suite.probe is not None and not works(suite.probe):
            left_out[suite.name] = (suite, f"this fails: {shlex.join(suite.probe)}")
            continue
        print(f"\n== {suite.name} ==", flush=True)
        if run(suite.command) != 0:
            failed.append(suite)

    print(f"\n{len(suites)} suites: {len(suites) - len(failed) - len(left_out)} passed, {len(failed)} failed", end="")
    print(f", {len(left_out)} left out" if left_out else "")
    for suite in failed:
        print(f"FAILED {suite.name}: {shlex.join(suite.command)}")
    for suite, why in left_out.values():
        print(f"{'FAILED' if all_needed else 'left out'} {suite.name}: {why}")
    if left_out:
        packages = {name for suite, _ in left_out.values() for name in (suite.package or str(suite.needs)).split()}
        print(f"apt-get install {' '.join(sorted(packages))}")
    return 1 if failed or (left_out and all_needed) else 0


def main() -> int:
    """Run the suites of this project in the checkout's own environment."""
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
