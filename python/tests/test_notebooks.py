"""The notebooks of examples/notebooks run, and give what is committed with them."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import nbformat  # noqa: E402
from run_notebooks import NOTEBOOKS, outputs, run  # noqa: E402

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))


def test_there_are_three():
    assert len(PATHS) == 3


# Jupyter's own libraries warn of what will change in them.
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_notebook(path):
    committed = nbformat.read(path, as_version=4)
    assert outputs(run(path)) == outputs(committed), "look at it, then: .venv/bin/python tools/run_notebooks.py"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_notebook_shows_pictures_and_numbers(path):
    committed = nbformat.read(path, as_version=4)
    shown = [output for cell in committed.cells for output in cell.get("outputs", [])]
    kinds = {kind for output in shown for kind in output.get("data", {})}
    assert "image/svg+xml" in kinds
    assert any(output["output_type"] == "stream" for output in shown)
    assert all(output["output_type"] != "error" for output in shown)
