"""Counts the instructions of tracing fixed scenes and compares with what was committed.

Instructions repeat where seconds do not. The counts belong to the compiler and the kind of processor named beside them:
with others they are printed and not compared. After a change that is meant to change them, or with a new compiler:
`tools/check_instructions.py --update`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COUNTS = ROOT / "tools" / "instructions.json"
# Rays of each scene: enough to outweigh what each trace costs once; multiples of the sixteen that go together.
SCENES = {"maze-1000": 96, "maze-20000": 96, "crowded": 96, "lenses": 16, "splitters": 192}
# Libraries of the system, which the counts include, differ by this much.
TOLERANCE = 0.03


def made_with() -> str:
    """Return the version of the compiler, the machine built for, and whether it has AVX2: other code runs then."""
    told = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    fields = dict(line.split(": ", 1) for line in told.splitlines() if ": " in line)
    cpuinfo = Path("/proc/cpuinfo")
    has_avx2 = cpuinfo.exists() and re.search(r"^flags\s*:.*\bavx2\b", cpuinfo.read_text(), re.MULTILINE) is not None
    return f"{fields['release']} {fields['host']}{' with AVX2' if has_avx2 else ''}"


def build() -> str:
    """Build the program that traces, and return its path."""
    command = ["cargo", "bench", "--locked", "-p", "optiverse-core", "--bench", "instructions", "--no-run"]
    built = subprocess.run(
        [*command, "--message-format=json"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    messages = [json.loads(line) for line in built.splitlines() if line.startswith("{")]
    return str(next(m["executable"] for m in reversed(messages) if m.get("executable")))


def count(program: str, scene: str, rays: int) -> int:
    """Return the instructions that the program needs for this many rays of a scene."""
    with tempfile.TemporaryDirectory() as scratch:
        counted = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={scratch}/out", program, scene, str(rays)],
            check=True,
            capture_output=True,
            text=True,
        ).stderr
    found = re.search(r"refs:\s+([\d,]+)", counted)
    if found is None:
        raise RuntimeError(f"valgrind counted nothing:\n{counted}")
    return int(found.group(1).replace(",", ""))


def compare(counted: dict[str, int], expected: dict[str, int]) -> list[str]:
    """Return what differs by more than the tolerance."""
    found = [f"{name}: no such scene any more" for name in expected.keys() - counted.keys()]
    for name, now in counted.items():
        before = expected.get(name)
        if before is None:
            found.append(f"{name}: {now:,} instructions a ray, none committed")
        elif abs(now - before) > TOLERANCE * before:
            found.append(f"{name}: {now:,} instructions a ray, {now / before - 1:+.1%} of the {before:,} committed")
    return found


def main() -> int:
    """Count and compare; return the exit code."""
    program = build()
    counted = {}
    for scene, rays in SCENES.items():
        counted[scene] = (count(program, scene, rays) - count(program, scene, 0)) // rays
        print(f"{scene}: {counted[scene]:,} instructions a ray")
    if "--update" in sys.argv[1:]:
        COUNTS.write_text(json.dumps({"made_with": made_with(), "instructions": counted}, indent=2) + "\n")
        return 0
    committed = json.loads(COUNTS.read_text())
    if committed["made_with"] != made_with():
        print(f"not compared: the committed counts are those of {committed['made_with']}, this is {made_with()}")
        return 0
    found = compare(counted, committed["instructions"])
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
