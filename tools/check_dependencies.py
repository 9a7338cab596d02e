"""Holds the table of dependencies in CONTRIBUTING.md to the manifests, and each entry there to a reason beside it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
TABLES = ("dependencies", "dev-dependencies", "build-dependencies")


def crates(manifest: dict[str, Any]) -> set[str]:
    """Return the packages a Cargo manifest asks a registry for."""
    tables = [manifest.get("workspace", {}).get("dependencies", {})]
    for place in (manifest, *manifest.get("target", {}).values()):
        tables += [place.get(table, {}) for table in TABLES]
    found = set()
    for table in tables:
        for name, wanted in table.items():
            described = wanted if isinstance(wanted, dict) else {}
            if "path" not in described and not described.get("workspace"):
                found.add(described.get("package", name))
    return found


def python_packages(project: dict[str, Any]) -> set[str]:
    """Return the packages pyproject.toml asks for: to build, to run, for extras, to develop."""
    wanted = [*project["build-system"]["requires"], *project["project"].get("dependencies", [])]
    for table in (project["project"].get("optional-dependencies", {}), project.get("dependency-groups", {})):
        wanted += [entry for group in table.values() for entry in group if isinstance(entry, str)]
    return {re.split(r"[\s<>=!~;\[]", entry, maxsplit=1)[0].lower() for entry in wanted}


def node_packages(package: dict[str, Any]) -> set[str]:
    """Return the packages package.json asks for: to run and to develop."""
    return {name for table in ("dependencies", "devDependencies") for name in package.get(table, {})}


def documented(text: str) -> dict[str, str]:
    """Return the rows of the tables under "Dependencies": package and reason."""
    section = re.search(r"^## Dependencies$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| `([^`]+)` \|(.*)\|$", section.group(1) if section else "", re.MULTILINE)
    return {name: reason.strip() for name, reason in rows}


def without_reason(manifest: str) -> Iterator[str]:
    """Yield the entries of a Cargo manifest that have no comment above or beside them."""
    in_table, above = False, False
    for line in manifest.splitlines():
        if header := re.match(r"\[(.+)\]", line):
            in_table = header.group(1).split(".")[-1] in TABLES
            above = False
        elif line.startswith("#"):
            above = True
        elif in_table and (entry := re.match(r"([\w-]+)(\.workspace)? *=", line)):
            of_ours = entry.group(2) or "workspace = true" in line or "path =" in line
            if not (of_ours or above or "#" in line):
                yield entry.group(1)
            above = False
        elif not line.strip():
            above = False


def main() -> int:
    """Compare; return the exit code."""
    wanted: set[str] = set()
    found = []
    manifests = [ROOT / "Cargo.toml"]
    for folder in ("*", "bench-peers/*", "tools/*"):
        manifests += ROOT.glob(f"{folder}/Cargo.toml")
    for path in sorted(manifests):
        text = path.read_text(encoding="utf-8")
        wanted |= crates(tomllib.loads(text))
        found += [f"{path.relative_to(ROOT)}: {name}: no comment says why" for name in without_reason(text)]
    wanted |= python_packages(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    wanted |= node_packages(json.loads((ROOT / "widget/package.json").read_text(encoding="utf-8")))
    told = documented((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    found += [f"CONTRIBUTING.md: {name} is used but not in the table" for name in sorted(wanted - told.keys())]
    found += [f"CONTRIBUTING.md: {name} is in the table but not used" for name in sorted(told.keys() - wanted)]
    found += [f"CONTRIBUTING.md: {name}: no reason is given" for name, reason in told.items() if not reason]
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
