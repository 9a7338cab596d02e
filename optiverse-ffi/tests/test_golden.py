"""The golden scenes traced through C are those traced without it, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

from building import FFI, ROOT, Library, cargo, run

GOLDEN = sorted((ROOT / "optiverse-core/tests/data/golden").glob("*.json"))


def test_golden_scenes_are_the_same_through_c(library: Library, tmp_path: Path) -> None:
    records = [record for path in GOLDEN for record in json.loads(path.read_text(encoding="utf-8"))]
    assert len(records) == 236
    lines = []
    for number, record in enumerate(records):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(record["assembly"]), encoding="utf-8")
        options = f"{record.get('max_events', 80)} {record.get('min_intensity', 0.02)!r}"
        lines += [f"{preset} {options} {path}\n" for preset in (0, 1, 2)]
    (tmp_path / "list").write_text("".join(lines))

    in_c = library.compile(tmp_path / "golden", FFI / "tests/c/golden.c")
    (in_rust,) = (
        path for path in cargo("build", "-p", "optiverse-ffi", "--example", "golden") if path.parent.name == "examples"
    )
    written: list[bytes] = []
    for program in (in_c, in_rust):
        output = tmp_path / f"{len(written)}.bin"
        run(program, tmp_path / "list", output)
        written.append(output.read_bytes())
    assert len(written[0]) > 1_000_000
    assert written[0] == written[1]
