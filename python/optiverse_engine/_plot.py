"""Drawing into axes of matplotlib; called by `plot()` of scenes and results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optiverse_engine.errors import MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from optiverse_engine._native import RayPaths, Scene, Surface

# Colours of the elements; what is not named is black.
_COLOURS = {
    "lens": "tab:blue",
    "refractive interface": "tab:blue",
    "beam splitter": "tab:green",
    "polarising beam splitter": "tab:green",
    "dichroic": "tab:orange",
    "waveplate": "tab:purple",
    "linear polariser": "tab:purple",
    "Faraday rotator": "tab:purple",
}


def plot_scene(scene: Scene, ax: Axes | None) -> Axes:
    """Draw the elements of a scene."""
    ax = _axes(ax)
    _draw_surfaces(scene.surfaces, ax)
    return _finish(ax)


def plot_paths(paths: RayPaths, ax: Axes | None) -> Axes:
    """Draw the elements and the light of a result; each stretch with the intensity it begins with as opacity."""
    ax = _axes(ax)
    from matplotlib.collections import LineCollection

    _draw_surfaces(paths.surfaces, ax)
    segments, colours = _segments(paths)
    ax.add_collection(LineCollection(list(segments), colors=colours, linewidths=1.0, zorder=1))
    for path in paths:
        if len(path) > 1 and not np.isnan(path.beam_radii_mm[0]):
            for sign in (1.0, -1.0):
                edge = path.points + sign * path.beam_radii_mm[:, np.newaxis] * _normals(path.points)
                ax.plot(edge[:, 0], edge[:, 1], color=np.array(path.rgba[:3]) / 255, alpha=0.4, linewidth=0.6, zorder=1)
    return _finish(ax)


def _axes(ax: Axes | None) -> Axes:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        message = "plot() needs matplotlib: install it, or this package with the extra 'plot'"
        raise MissingDependencyError(message) from error
    return pyplot.subplots()[1] if ax is None else ax


def _draw_surfaces(surfaces: Sequence[Surface], ax: Axes) -> None:
    for surface in surfaces:
        if not surface.hidden:
            points = surface.points
            colour = _COLOURS.get(surface.element, "black")
            width = 3.0 if surface.element == "beam block" else 1.5
            ax.plot(points[:, 0], points[:, 1], color=colour, linewidth=width, zorder=2)


def _segments(paths: RayPaths) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Every stretch that is a path's own, shape (k, 2, 2), and its colour, shape (k, 4)."""
    count = len(paths.points)
    if count < 2:
        return np.empty((0, 2, 2)), np.empty((0, 4))
    path_of = np.repeat(np.arange(len(paths)), np.diff(paths.offsets))
    vertex = np.arange(count) - paths.offsets[:-1][path_of]
    # What a path has in common with its parent is drawn by the parent.
    own = (path_of[1:] == path_of[:-1]) & (vertex[:-1] >= paths.branch_vertices[path_of[:-1]])
    start = np.flatnonzero(own)
    segments = np.stack([paths.points[start], paths.points[start + 1]], axis=1)
    colours = paths.rgba[path_of[start]] / 255.0
    colours[:, 3] = np.clip(paths.intensities[start], 0.05, 1.0)
    return segments, colours


def _normals(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors across the line through the points, shape (k, 2)."""
    steps = np.gradient(points, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    lengths[lengths == 0.0] = 1.0
    return np.stack([-steps[:, 1], steps[:, 0]], axis=1) / lengths[:, np.newaxis]


def _finish(ax: Axes) -> Axes:
    ax.set_aspect("equal", adjustable="datalim")
    ax.autoscale_view()
    ax.set_xlabel("x / mm")
    ax.set_ylabel("y / mm")
    return ax
