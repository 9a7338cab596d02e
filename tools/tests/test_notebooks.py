"""The notebooks of examples/notebooks run, and give what is committed with them."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from run_notebooks import NOTEBOOKS, outputs, run

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))


def test_there_are_three() -> None:
    assert len(PATHS) == 3


# Jupyter's own libraries warn of what will change in them.
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_run_gives_what_is_committed(path: Path) -> None:
    committed = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    assert outputs(run(path)) == outputs(committed), "look at it, then: .venv/bin/python tools/run_notebooks.py"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_pictures_and_numbers_are_committed(path: Path) -> None:
    committed = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    shown = [output for cell in committed.cells for output in cell.get("outputs", [])]
    kinds = {kind for output in shown for kind in output.get("data", {})}
    assert "image/svg+xml" in kinds
    assert any(output["output_type"] == "stream" for output in shown)
    assert all(output["output_type"] != "error" for output in shown)
