"""Runs the notebooks of examples/notebooks; tests compare what they give with what is committed.

    .venv/bin/python tools/run_notebooks.py

runs each anew and writes it with its outputs.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parent.parent / "examples/notebooks"
#: What a cell may take on a busy machine.
TIMEOUT_S = 120
#: Differs from run to run, or with the version of the library that draws it.
VARYING = {"application/vnd.jupyter.widget-view+json", "image/png"}


def run(path: Path) -> Any:  # noqa: ANN401  # nbformat has no types
    """Return the notebook after a run in a kernel of its own, in the folder of the notebooks."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(notebook, timeout=TIMEOUT_S, resources={"metadata": {"path": str(path.parent)}})
    # Figures are shown in the notebook, whatever is set for the tests.
    client.execute(env={**os.environ, "MPLBACKEND": "module://matplotlib_inline.backend_inline"})
    tidy(notebook)
    return notebook


def tidy(notebook: Any) -> None:  # noqa: ANN401
    """Leave out what differs from run to run: times, the state of widgets, the version of Python."""
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for cell in notebook.cells:
        cell.metadata = {}
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)


def outputs(notebook: Any) -> list[list[dict[str, Any]]]:  # noqa: ANN401
    """Return for each cell what it has put out, without what varies."""
    return [
        [
            {
                "type": output["output_type"],
                "text": output.get("text"),
                "data": {kind: data for kind, data in output.get("data", {}).items() if kind not in VARYING},
            }
            for output in cell.get("outputs", [])
        ]
        for cell in notebook.cells
    ]


def main() -> int:
    """Run all and write them."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        nbformat.write(run(path), path)  # type: ignore[no-untyped-call]
        print(path.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
