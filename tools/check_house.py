"""Holds every file under version control to the rules of the house that no other tool knows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Written so that no pattern matches itself.
FORBIDDEN = {
    "a path of somebody's machine": re.compile(r"(?<![\w.>}])/(?:work|tmp|root|home|Users)/[\w.]"),
    "the host of a package registry": re.compile(
        r"\b(?:crates\.io|pypi\.org|pythonhosted\.org|npmjs\.com|anaconda\.org)"
    ),
    "the number of an issue": re.compile(r"\bissue #?\d"),
}
# Written by cargo, with the registry of each package, and by `make header`.
GENERATED = ("Cargo.lock", "optiverse.h")
CODE = {".rs", ".py", ".pyi", ".sh", ".c", ".h", ".hpp", ".ts", ".mjs"}
MOST_LINES = 800


def problems(name: str, text: str) -> Iterator[str]:
    """Yield what is wrong with a file, as `name:line: what`."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        for what, pattern in FORBIDDEN.items():
            if found := pattern.search(line):
                yield f"{name}:{number}: {what}: {found.group()}"
    if Path(name).suffix in CODE and len(lines) > MOST_LINES:
        yield f"{name}: {len(lines)} lines; a file of code has at most {MOST_LINES}"


def main() -> int:
    """Check all files git knows; return the exit code."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    found: list[str] = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        # A file may be deleted but not yet committed.
        if path.name in GENERATED or not path.is_file():
            continue
        found += problems(name, path.read_bytes().decode(errors="replace"))
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
