"""The widget in marimo in Chromium: it is drawn, and a drag moves the element in Python."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from conftest import PATIENCE_MS, Widget
from lab import START_S, free_port

#: What Python has goes into a file beside the notebook, since marimo shows none of what a callback prints.
NOTEBOOK = """
import marimo

app = marimo.App()


@app.cell
def _():
    from pathlib import Path

    from optiverse_engine import Scene
    from optiverse_engine.widget import SceneWidget

    def part(uuid, x, element_type, **parameters):
        line = {"x1_mm": 0.0, "y1_mm": -12.0, "x2_mm": 0.0, "y2_mm": 12.0, "element_type": element_type}
        return {"_type": "component", "item_uuid": uuid, "x_mm": x, "y_mm": 0.0, "interfaces": [line | parameters]}

    scene = Scene()
    scene.add(_type="source", item_uuid="laser", x_mm=-100.0, y_mm=0.0, n_rays=5, size_mm=8.0)
    scene.add(part("lens", 0.0, "lens", efl_mm=100.0))
    scene.add(part("screen", 100.0, "beam_block"))
    table = SceneWidget(scene, height_px=420)

    def tell(_):
        places = [table.scene["lens"]["x_mm"], *(path.points[1][0] for path in table.paths)]
        Path(__file__).with_name("told").write_text(" ".join(f"{x:.3f}" for x in places))

    table.observe(tell, "revision")
    table
    return (table,)


if __name__ == "__main__":
    app.run()
"""


@pytest.fixture
def marimo(tmp_path):
    """The address of a server that shows the notebook."""
    (tmp_path / "table.py").write_text(NOTEBOOK)
    port = free_port()
    options = ["--headless", "--no-token", "--host", "127.0.0.1", "--port", str(port)]
    # Neither updates are looked for, nor are settings of the user.
    environment = {**os.environ, "MARIMO_SKIP_UPDATE_CHECK": "1", "HOME": str(tmp_path)}
    url = f"http://127.0.0.1:{port}"
    with (tmp_path / "marimo.log").open("w+") as log:
        command = [sys.executable, "-m", "marimo", "run", *options, str(tmp_path / "table.py")]
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + START_S
            while True:
                try:
                    urllib.request.urlopen(f"{url}/health", timeout=5).close()
                    break
                except (urllib.error.URLError, ConnectionError, TimeoutError):
                    said = (tmp_path / "marimo.log").read_text()
                    assert process.poll() is None, said
                    assert time.monotonic() < deadline, said
                    time.sleep(0.1)
            yield url
        finally:
            process.terminate()
            process.wait(20)


def test_a_drag_moves_the_lens_in_python_and_the_rays_follow(marimo, chromium, tmp_path):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(marimo)
    root = page.locator(".oe-root")
    root.locator("canvas").wait_for()
    widget = Widget(page, root)
    widget.wait_for_revision_after(0)
    assert root.locator(".oe-item").count() == 3
    assert widget.coloured_pixels() > 500

    widget.drag(widget.middle(widget.item("lens").locator(".oe-hit")), 60, 0)
    # Where Python has the lens, and where the five rays meet it; the panel shows the same.
    deadline = time.monotonic() + 10
    while True:
        told = (tmp_path / "told").read_text().split() if (tmp_path / "told").exists() else []
        x = float(root.locator('[data-field="x"]').input_value())
        if x > 5.0 and told == 6 * [f"{x:.3f}"]:
            break
        assert time.monotonic() < deadline, (x, told)
        page.wait_for_timeout(50)
    page.close()
    assert problems == []
