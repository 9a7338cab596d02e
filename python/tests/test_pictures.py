"""Pictures and tables of scenes and results."""

import csv
import io
import json
import struct
import xml.etree.ElementTree as ET
import zlib

import numpy as np
import pytest
from conftest import source

import optiverse_engine as oe
from optiverse_engine import Scene

SVG = "{http://www.w3.org/2000/svg}"


def read_png(data):
    """Width, height and the pixels of an RGBA PNG, shape (height, width, 4)."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, compressed, header = 8, b"", b""
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert crc == zlib.crc32(kind + body)
        header = body if kind == b"IHDR" else header
        compressed += body if kind == b"IDAT" else b""
        at += 12 + length
    width, height, depth, colours, *_ = struct.unpack(">IIBBBBB", header)
    assert (depth, colours) == (8, 6)
    rows = np.frombuffer(zlib.decompress(compressed), np.uint8).reshape(height, 1 + 4 * width)
    pixels = np.zeros((height, 4 * width), np.uint8)
    above = np.zeros(4 * width, np.uint8)
    for y, row in enumerate(rows):
        above = unfilter(row[0], row[1:].astype(np.int64), above.astype(np.int64))
        pixels[y] = above
    return width, height, pixels.reshape(height, width, 4)


def unfilter(kind, row, above):
    """One row of a PNG without its filter."""
    if kind == 0:
        return row
    if kind == 2:
        return (row + above) % 256
    out = np.zeros(len(row) + 4, np.int64)
    before = np.concatenate([np.zeros(4, np.int64), above])
    for i in range(len(row)):
        a, b, c = out[i], above[i], before[i]
        if kind == 1:
            guess = a
        elif kind == 3:
            guess = (a + b) // 2
        else:
            distances = [abs(b - c), abs(a - c), abs(a + b - 2 * c)]
            guess = (a, b, c)[distances.index(min(distances))]
        out[i + 4] = (row[i] + guess) % 256
    return out[4:]


def test_svg_of_a_scene_and_of_a_result(splitter_scene):
    alone, lit = ET.fromstring(splitter_scene.to_svg()), ET.fromstring(splitter_scene.trace().to_svg())
    for root in (alone, lit):
        assert root.tag == SVG + "svg"
        assert root.get("width", "").startswith("960")
        assert {element.get("data-item") for element in root.iter(SVG + "g")} >= {"splitter", "lens"}
    rays = [[e for e in root.iter() if "ray" in (e.get("class") or "").split()] for root in (alone, lit)]
    assert not rays[0]
    assert rays[1]


def test_notebooks_show_the_picture(splitter_scene):
    paths = splitter_scene.trace()
    assert splitter_scene._repr_svg_() == splitter_scene.to_svg()
    assert paths._repr_svg_() == paths.to_svg()


@pytest.mark.parametrize("of_result", [False, True])
def test_options_of_svg(splitter_scene, of_result):
    shown = splitter_scene.trace() if of_result else splitter_scene
    plain = shown.to_svg()
    root = ET.fromstring(shown.to_svg(width_px=500, background=None, labels=False, scale_bar=False))
    assert root.get("width", "").startswith("500")
    assert not list(root.iter(SVG + "text"))
    assert "#123abc" in shown.to_svg(background="#123abc")
    assert "background" not in shown.to_svg(background=None)
    assert (shown.to_svg(crop="everything") != plain) == of_result
    for width in (1, 16384):
        ET.fromstring(shown.to_svg(width_px=width))
    for option, value in [
        *[("width_px", value) for value in (0, -1, 16385, 2**40)],
        *[("background", value) for value in ("red", "#fff", "#12345g", "#+12345", "")],
        ("crop", "tight"),
    ]:
        with pytest.raises(oe.RenderError, match=f"^{option} is "):
            shown.to_svg(**{option: value})


@pytest.mark.parametrize("width", [1, 300, 1200])
def test_png_has_the_size_asked_for(splitter_scene, width):
    root = ET.fromstring(splitter_scene.trace().to_svg())
    ratio = float(root.get("height")) / float(root.get("width"))
    for shown in (splitter_scene, splitter_scene.trace()):
        got, height, pixels = read_png(shown.to_png(width) if width != 1200 else shown.to_png())
        assert got == width
        assert pixels.shape == (height, width, 4)
        if shown is not splitter_scene:
            assert abs(height - ratio * width) <= 1


def test_png_shows_light_and_elements(splitter_scene):
    _, _, pixels = read_png(splitter_scene.trace().to_png(400))
    colours = pixels[..., :3].astype(int)
    # Lines are about a pixel wide and mix with the white behind them.
    crimson = colours[..., 0] - colours[..., 1] > 60
    dark = colours.sum(axis=2) < 200
    assert crimson.sum() > 50
    assert dark.sum() > 50


def test_png_shows_labels_without_fonts_of_the_system(splitter_scene, monkeypatch):
    # The font is part of the module, so that a machine without any shows the same.
    monkeypatch.setenv("FONTCONFIG_FILE", "/nonexistent")
    svg = ET.fromstring(splitter_scene.to_svg())
    label = next(text for text in svg.iter(SVG + "text") if "f = " in "".join(text.itertext()))
    width, _, pixels = read_png(splitter_scene.to_png())
    scale = width / float(svg.get("width"))
    x, y = float(label.get("x")) * scale, float(label.get("y")) * scale
    around = pixels[max(0, int(y - 15)) : int(y + 5), max(0, int(x - 40)) : int(x + 40), :3]
    assert (around.astype(int).sum(axis=2) < 300).sum() > 50


def test_limits_of_png(splitter_scene):
    assert read_png(splitter_scene.to_png(2000))[0] == 2000
    assert splitter_scene.to_png(16384)[:4] == b"\x89PNG"
    for width in (0, -1, 16385, 2**40):
        with pytest.raises(oe.RenderError, match=f"width_px is {width}, expected a whole number from 1 to 16384"):
            splitter_scene.to_png(width)


def test_empty_scenes_have_pictures():
    ET.fromstring(Scene().to_svg())
    ET.fromstring(Scene().trace().to_svg())
    assert Scene().trace().to_png()[:4] == b"\x89PNG"


def test_csv_holds_the_arrays(splitter_scene):
    paths = splitter_scene.trace()
    rows = list(csv.DictReader(io.StringIO(paths.to_csv())))
    assert len(rows) == len(paths.points)
    np.testing.assert_array_equal([[float(row["x_mm"]), float(row["y_mm"])] for row in rows], paths.points)
    np.testing.assert_array_equal([float(row["intensity"]) for row in rows], paths.intensities)
    assert {row["source"] for row in rows} == {"laser"}


def test_json_holds_the_arrays(gaussian_scene):
    for scene in (gaussian_scene, Scene()):
        paths = scene.trace()
        found = json.loads(paths.to_json())
        np.testing.assert_array_equal(np.reshape(found["points"], (-1, 2)), paths.points)
        np.testing.assert_array_equal(found["offsets"], paths.offsets)
        np.testing.assert_array_equal(found["beam_radii_mm"], paths.beam_radii_mm)
        assert found["endings"] == paths.endings.tolist()


@pytest.fixture
def pyplot():
    """Matplotlib, drawing nowhere."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def test_plots(splitter_scene, gaussian_scene, pyplot):
    ax = splitter_scene.plot()
    assert len(ax.lines) == 2
    assert splitter_scene.plot(ax) is ax
    paths = splitter_scene.trace()
    ax = paths.plot()
    (light,) = ax.collections
    # What paths have in common is drawn once: 3 × (to the splitter, up, to the lens, on).
    assert len(light.get_segments()) == 12
    assert sorted({round(float(alpha), 9) for alpha in light.get_colors()[:, 3]}) == [0.5, 1.0]
    _, (ax,) = pyplot.subplots(1, 1, squeeze=False)[0], pyplot.gcf().axes
    assert gaussian_scene.trace().plot(ax=ax) is ax
    # The lens and both edges of the beam.
    assert len(ax.lines) == 3
    ax.figure.canvas.draw()
    assert len(Scene().trace().plot().lines) == 0


def test_hidden_surfaces_are_not_plotted(pyplot):
    scene = Scene.from_json(
        json.dumps(
            {
                "items": [
                    source(),
                    {"_type": "component", "item_uuid": "m", "interfaces": [{"element_type": "mirror"}]},
                ],
                "layer_state": {"version": 1, "nodes": [{"uuid": "m", "type": "item", "visible": False}]},
            }
        )
    )
    assert scene.surfaces[0].hidden
    assert len(scene.plot().lines) == 0


def test_plot_says_what_it_needs(splitter_scene, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    for shown in (splitter_scene, splitter_scene.trace()):
        with pytest.raises(oe.MissingDependencyError, match=r"matplotlib.*extra 'plot'"):
            shown.plot()
