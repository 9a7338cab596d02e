"""Two widgets in one session, side by side in one page, through a relay."""

import json

RELAY = """
import asyncio, json, re, subprocess, sys
from optiverse_engine import Scene
from optiverse_engine.widget import SceneWidget

command = [sys.executable, "-m", "optiverse_engine", "relay", "--listen", "127.0.0.1:0"]
relay = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
address = re.search(r"address=(\\S+?:\\d+)", relay.stderr.readline()).group(1)
line = {"x1_mm": 0.0, "y1_mm": -12.0, "x2_mm": 0.0, "y2_mm": 12.0, "element_type": "lens", "efl_mm": 100.0}
scene = Scene()
scene.add(_type="source", item_uuid="laser", x_mm=-100.0, y_mm=0.0, n_rays=5, size_mm=8.0)
scene.add(_type="component", item_uuid="lens", x_mm=0.0, y_mm=0.0, interfaces=[line])
ada, bob = SceneWidget(scene, height_px=320), SceneWidget(height_px=320)
ada.join(f"ws://{address}/ws/lab/ada", share=True)
bob.join(f"ws://{address}/ws/lab/bob")
ada
"""
STATE = """
for _ in range(1000):
    if ada.session.status == bob.session.status == "synchronised" and ada.scene.to_json() == bob.scene.to_json():
        break
    await asyncio.sleep(0.02)
print(json.dumps({
    "same": {id: dict(item) for id, item in ada.scene.items()} == {id: dict(item) for id, item in bob.scene.items()},
    "same light": ada.paths.points.tolist() == bob.paths.points.tolist(),
    "lens": [bob.scene["lens"][key] for key in ("x_mm", "y_mm")],
    "laser": [ada.scene["laser"][key] for key in ("x_mm", "y_mm")],
}))
"""
END = "ada.close(); bob.close(); relay.terminate(); print(relay.wait(20))"


def test_two_widgets_in_one_session_converge(open_notebook):
    notebook = open_notebook(RELAY, "bob", STATE, END, height=1500)
    try:
        notebook.run(0)
        notebook.run(1)
        adas, bobs = notebook.widget(0), notebook.widget(1)
        bobs.item("lens").wait_for()
        for widget in (adas, bobs):
            widget.root.get_by_text("lab: synchronised").wait_for()
            assert widget.root.locator(".oe-people li").count() == 2

        # One drags the lens, then the other the laser.
        revision = bobs.revision
        adas.drag(adas.middle(adas.item("lens").locator(".oe-hit")), 40, -20)
        bobs.wait_for_revision_after(revision)
        cursor = bobs.root.locator(".oe-cursor")
        cursor.get_by_text("ada").wait_for()
        bobs.root.locator('.oe-item.marked[data-item="lens"]').wait_for()
        revision = adas.revision
        bobs.drag(bobs.middle(bobs.item("laser").locator(".oe-emitter")), 0, 25)
        adas.wait_for_revision_after(revision)

        found = json.loads(notebook.run(2))
        assert found["same"]
        assert found["same light"]
        assert found["lens"][0] > 2
        assert found["lens"][1] > 1
        assert found["laser"][1] < -1
        # The undo of one takes back what that one did.
        adas.root.get_by_role("button", name="Undo").click()
        notebook.page.wait_for_timeout(500)
        found = json.loads(notebook.run(2))
        assert found["same"]
        assert found["lens"] == [0.0, 0.0]
        assert found["laser"][1] < -1
    finally:
        assert notebook.run(3) == "0"
