"""The table of what left where with which power."""

import math

import pytest
from conftest import component, source

from optiverse_engine import Scene
from optiverse_engine.routes import format_routes, format_table, routes


def test_paths_are_gathered_by_the_way_they_took(splitter_scene):
    reflected, transmitted = sorted(routes(splitter_scene, splitter_scene.trace()), key=lambda route: route.last)
    assert reflected.source == transmitted.source == "HeNe"
    assert reflected.rays == transmitted.rays == 3
    assert reflected.last == "BS (beam splitter)"
    assert reflected.ending == "left"
    assert reflected.power == pytest.approx(1.5)
    # Up, which is anticlockwise.
    assert reflected.directions_deg == pytest.approx((-90.0, -90.0))
    assert transmitted.last == "lens (lens)"
    focus = math.degrees(math.atan2(2.0, 100.0))
    assert transmitted.directions_deg == pytest.approx((-focus, focus))


def test_the_strongest_route_of_each_source_comes_first():
    scene = Scene()
    scene.add(source("first", n_rays=1))
    scene.add(source("second", n_rays=1, y_mm=1.0))
    scene.add(component("splitter", "beam_splitter", line=(-10, -10, 10, 10), split_T=10, split_R=60))
    paths = scene.trace()
    found = [(route.source, round(route.power, 9)) for route in routes(scene, paths)]
    assert found == [("first", 0.6), ("first", 0.1), ("second", 0.6), ("second", 0.1)]
    assert "absorbed 0.6000" in format_routes(scene, paths)


def test_light_that_met_nothing():
    scene = Scene()
    scene.add(source("alone", n_rays=1, angle_deg=30.0))
    (route,) = routes(scene, scene.trace())
    assert (route.last, route.source) == ("", "alone")
    assert route.directions_deg == pytest.approx((30.0, 30.0))
    assert " – " in format_routes(scene, scene.trace())


def test_no_light():
    scene = Scene()
    assert routes(scene, scene.trace()) == []
    assert "emitted 0.0000: nothing" in format_routes(scene, scene.trace())


@pytest.mark.parametrize(("sources", "rest"), [(40, None), (41, "and 1 more routes with a power of 1.0000")])
def test_long_tables_are_cut_and_say_so(sources, rest):
    scene = Scene()
    for number in range(sources):
        scene.add(source(f"s{number}", n_rays=1))
    table = format_routes(scene, scene.trace())
    rows = [line for line in table.splitlines() if line.startswith("s") and " left " in line]
    assert len(rows) == 40
    assert (rest in table) if rest else ("more routes" not in table)


def test_what_an_arc_reflects_and_what_it_lets_through_are_two_routes():
    scene = Scene()
    scene.add(source(n_rays=9, size_mm=16.0))
    arc = {"is_curved": True, "radius_of_curvature_mm": -12.0}
    scene.add(component("arc", "beam_splitter", line=(0, 10, 0, -10), split_T=30, split_R=70, **arc))
    found = routes(scene, scene.trace())
    assert [(route.rays, round(route.power, 9)) for route in found] == [(9, 6.3), (9, 2.7)]


def test_surfaces_that_touch():
    scene = Scene()
    scene.add(source(n_rays=1))
    # Two splitters on one line: light that the first lets through meets the second at the same point.
    for uuid in ("first", "second"):
        scene.add(component(uuid, "beam_splitter", line=(-10, -10, 10, 10), split_T=50, split_R=50))
    paths = scene.trace(min_intensity=0.2)
    assert sorted(round(route.power, 9) for route in routes(scene, paths) if route.ending == "left") == [
        0.25,
        0.25,
        0.5,
    ]


def test_a_fan_about_the_direction_of_minus_x():
    scene = Scene()
    scene.add(source(n_rays=3, size_mm=0.0, angle_deg=180.0, spread_deg=2.0))
    (route,) = routes(scene, scene.trace())
    least, greatest = route.directions_deg
    assert greatest - least == pytest.approx(4.0)


def test_columns():
    assert format_table([("a", "bb"), ("ccc", "d")], right={1}) == "a    bb\n───  ──\nccc   d"
