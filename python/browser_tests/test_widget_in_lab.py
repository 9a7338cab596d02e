"""The widget in JupyterLab in Chromium: hand, keyboard, pointer, themes, and how fast it is."""

import json
import time

import pytest

#: A laser, a lens and a screen; millimetres are pixels times a scale that the tests read off the page.
SETUP = """
from optiverse_engine import Scene
from optiverse_engine.widget import SceneWidget
import json

def part(uuid, x, element_type, **parameters):
    line = {"x1_mm": 0.0, "y1_mm": -12.0, "x2_mm": 0.0, "y2_mm": 12.0, "element_type": element_type}
    names = {"_type": "component", "item_uuid": uuid, "name": uuid}
    return {**names, "x_mm": x, "y_mm": 0.0, "interfaces": [line | parameters]}

scene = Scene()
scene.add(_type="source", item_uuid="laser", name="HeNe", x_mm=-100.0, y_mm=0.0, n_rays=5, size_mm=8.0,
          wavelength_nm=632.8, polarization_type="circular_right")
scene.add(part("lens", 0.0, "lens", efl_mm=100.0))
scene.add(part("screen", 100.0, "beam_block"))
table = SceneWidget(scene, height_px=420)
table
"""
STATE = """
lens = table.scene.get("lens")
print(json.dumps({
    "lens": lens and [lens["x_mm"], lens["y_mm"], lens.get("angle_deg", 0.0)],
    "f": lens and lens["interfaces"][0]["efl_mm"],
    "ends": sorted(path.points[-1][1] for path in table.paths),
    "selected": table.selected,
}))
"""


def state(notebook):
    """What Python has; the second cell prints it."""
    return json.loads(notebook.run(1))


@pytest.fixture
def opened(open_notebook):
    """A notebook with the widget drawn, and the widget."""
    notebook = open_notebook(SETUP, STATE)
    notebook.run(0)
    return notebook, notebook.widget()


def test_a_drag_moves_the_lens_in_python_and_the_rays_follow(opened):
    notebook, widget = opened
    assert widget.root.locator(".oe-item").count() == 3
    assert widget.coloured_pixels() > 500
    before = state(notebook)
    # All rays meet in the focus, on the screen.
    assert max(before["ends"]) - min(before["ends"]) < 0.2

    revision = widget.revision
    widget.drag(widget.middle(widget.item("lens").locator(".oe-hit")), 60, -30)
    widget.wait_for_revision_after(revision)
    after = state(notebook)
    scale = 60 / after["lens"][0]
    assert after["lens"][1] == pytest.approx(30 / scale, rel=0.05)
    assert after["selected"] == "lens"
    # The lens is nearer to the screen and higher: rays meet it spread, and above the axis.
    assert max(after["ends"]) - min(after["ends"]) > 1.0
    assert sum(after["ends"]) > 1.0
    # The picture shows it where Python has it.
    x, _ = widget.middle(widget.item("lens").locator(".oe-hit"))
    laser, _ = widget.middle(widget.item("screen").locator(".oe-hit"))
    assert (laser - x) / scale == pytest.approx(100.0 - after["lens"][0], abs=1.0)

    # One drag is one step of undo.
    widget.root.get_by_role("button", name="Undo").click()
    notebook.page.wait_for_timeout(300)
    undone = state(notebook)
    assert undone["lens"] == [0.0, 0.0, 0.0]
    assert undone["ends"] == before["ends"]


def test_the_handle_turns_the_lens(opened):
    notebook, widget = opened
    widget.item("lens").locator(".oe-hit").click(force=True)
    knob = widget.root.locator(".oe-knob")
    x, y = widget.middle(knob)
    pivot = widget.middle(widget.item("lens").locator(".oe-hit"))
    revision = widget.revision
    # From above to the right of it: a quarter turn, clockwise.
    widget.drag((x, y), pivot[1] - y, pivot[1] - y)
    widget.wait_for_revision_after(revision)
    assert state(notebook)["lens"][2] == pytest.approx(90.0, abs=2.0)


def test_everything_can_be_done_with_the_keyboard(opened):
    notebook, widget = opened
    page = notebook.page
    widget.root.locator(".oe-stage").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("lens, f = 100 mm")
    revision = widget.revision
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowUp", "]", "]", "["):
        page.keyboard.press(key)
    widget.wait_for_revision_after(revision)
    page.wait_for_timeout(300)
    # The focus stays on the element through all that was drawn.
    assert page.evaluate("document.activeElement.dataset.item") == "lens"
    page.wait_for_timeout(900)
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.field") == "x"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "oe-stage"
    after = state(notebook)
    assert after["lens"] == [2.0, 10.0, 1.0]
    assert after["selected"] is None

    widget.item("lens").focus()
    page.keyboard.press("Delete")
    widget.item("lens").wait_for(state="detached")
    assert state(notebook)["lens"] is None
    widget.root.locator(".oe-stage").focus()
    page.keyboard.press("Control+z")
    widget.item("lens").wait_for()
    page.keyboard.press("Control+z")
    page.wait_for_timeout(300)
    assert state(notebook)["lens"] == [0.0, 0.0, 0.0]


def test_the_panel_edits_and_says_what_cannot_be_used(opened):
    notebook, widget = opened
    widget.item("lens").locator(".oe-hit").click(force=True)
    panel = widget.root.locator(".oe-panel")
    focal = panel.locator('[data-field="0.efl_mm"]')
    focal.fill("50")
    focal.press("Enter")
    widget.item("lens").get_by_text("f = 50 mm").wait_for()
    assert state(notebook)["f"] == 50
    focal.fill("0")
    focal.press("Enter")
    panel.get_by_text("interfaces[0].efl_mm is 0, expected a finite number other than 0").wait_for()
    assert "1 element at fault" in widget.root.locator(".oe-status").inner_text()


def test_hovering_says_what_the_light_is(opened):
    notebook, widget = opened
    laser, y = widget.middle(widget.item("laser").locator(".oe-emitter"))
    lens, _ = widget.middle(widget.item("lens").locator(".oe-hit"))
    notebook.page.mouse.move((laser + lens) / 2, y)
    card = widget.root.locator(".oe-card")
    card.get_by_text("circular, right").wait_for()
    text = card.inner_text()
    assert "HeNe · ray 3" in text
    assert "100 %" in text
    assert "632.8 nm" in text
    path = float(text.split("Optical path")[1].split("mm")[0])
    assert 40 < path < 60
    notebook.page.mouse.move(laser, y - 150)
    card.wait_for(state="hidden")


def test_it_follows_the_theme_of_the_page(opened):
    notebook, widget = opened
    assert widget.root.get_attribute("data-theme") == "light"
    notebook.page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    notebook.page.wait_for_function("document.querySelector('.oe-root').dataset.theme === 'dark'")
    background = widget.root.evaluate("root => getComputedStyle(root).backgroundColor")
    assert background == "rgb(17, 21, 28)"


def test_keys_of_the_notebook_stay_out(opened):
    notebook, widget = opened
    widget.item("lens").focus()
    # In a notebook, d twice removes the cell, and x cuts it.
    for key in ("d", "d", "x"):
        notebook.page.keyboard.press(key)
    notebook.page.wait_for_timeout(300)
    assert notebook.page.locator(".jp-CodeCell").count() == 2


def test_what_python_changes_is_shown(open_notebook):
    notebook = open_notebook(SETUP, "table.move('lens', 40.0, 5.0); table.selected = 'lens'; table.height_px = 300")
    notebook.run(0)
    widget = notebook.widget()
    revision = widget.revision
    notebook.run(1)
    widget.wait_for_revision_after(revision)
    assert widget.root.locator('[data-field="x"]').input_value() == "40"
    assert widget.root.bounding_box()["height"] == 300


#: 200 elements and 2,000 rays that meet nine elements each.
MANY = """
from optiverse_engine import Scene
from optiverse_engine.widget import SceneWidget
scene = Scene()
for row in range(20):
    y = 20.0 * row - 190.0
    light = {"n_rays": 100, "size_mm": 15.0, "ray_length_mm": 2000.0}
    scene.add(light, _type="source", item_uuid=f"source {row}", x_mm=-400.0, y_mm=y)
    for place in range(9):
        kind = ["lens", "waveplate", "mirror"][(place + row) % 3]
        line = {"x1_mm": 0, "y1_mm": -9, "x2_mm": 0, "y2_mm": 9, "element_type": kind, "efl_mm": 400.0}
        if kind == "mirror":
            line |= {"element_type": "beam_splitter", "split_T": 98.5, "split_R": 1.5}
        uuid = f"element {row} {place}"
        scene.add(_type="component", item_uuid=uuid, x_mm=80.0 * place - 330.0, y_mm=y, interfaces=[line])
table = SceneWidget(scene, height_px=640)
assert len(scene) == 200 and len(table.paths) == 2000
table
"""
FRAMES = """root => {
    window.frames_ms = [];
    window.updates_ms = [];
    let last = performance.now();
    let seen = last;
    const tick = now => { window.frames_ms.push(now - last); last = now; requestAnimationFrame(tick); };
    requestAnimationFrame(tick);
    new MutationObserver(() => {
        const now = performance.now();
        window.updates_ms.push(now - seen);
        seen = now;
    }).observe(root, { attributes: true, attributeFilter: ["data-revision"] });
}"""


def test_frames_while_dragging_200_elements_and_2000_rays(open_notebook, capsys):
    notebook = open_notebook(MANY)
    notebook.run(0)
    widget = notebook.widget()
    page = notebook.page
    x, y = widget.middle(widget.item("element 10 1").locator(".oe-hit"))
    page.mouse.move(x, y)
    page.mouse.down()
    widget.root.evaluate(FRAMES)
    start = time.monotonic()
    for step in range(120):
        page.mouse.move(x + 30 * step / 120, y + 10 * ((step % 20) - 10) / 10)
        page.wait_for_timeout(10)
    page.mouse.up()
    seconds = time.monotonic() - start
    frames, updates = (sorted(page.evaluate(f"window.{name}_ms")) for name in ("frames", "updates"))
    middle, most = frames[len(frames) // 2], frames[int(0.95 * len(frames))]
    with capsys.disabled():
        print(f"\n200 elements and 2,000 rays, {seconds:.1f} s of dragging:")
        print(f"frames every {middle:.0f} ms (median), 95 % within {most:.0f} ms")
        print(f"new light every {updates[len(updates) // 2]:.0f} ms (median), {len(updates)} times")
    # Light follows during the drag, not after it. Times are stated, not judged: the machine is not this test's alone.
    assert len(updates) > 20
