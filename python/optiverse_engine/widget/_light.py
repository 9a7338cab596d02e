"""The light of a widget: how it follows the scene, and what is sent of it to the front end."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optiverse_engine._native import Tracer
from optiverse_engine.errors import OptiverseWarning
from optiverse_engine.widget._requests import RequestError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optiverse_engine._native import RayPaths, Scene

#: Vertices at which a widget's trace stops by itself: some ten megabytes a frame. It then says that paths are missing.
DEFAULT_MAX_VERTICES = 500_000


@dataclass(frozen=True)
class TraceSettings:
    """How a widget traces; the options of `Scene.trace`."""

    physics: str = "exact"
    max_events: int = 80
    min_intensity: float = 0.02
    max_vertices: int = DEFAULT_MAX_VERTICES


class Light:
    """The light of a scene, which follows it: what an edit cannot have changed is not traced again."""

    def __init__(self, settings: TraceSettings) -> None:
        """Trace nothing yet."""
        self._settings = settings
        self._tracer: Tracer | None = None

    def of(self, scene: Scene) -> RayPaths:
        """Return the light of a scene as it is now; of the same scene as before, with what has changed since."""
        with warnings.catch_warnings():
            # The widget shows what would be warned of: it is in `reports` and `truncated` of the result.
            warnings.simplefilter("ignore", OptiverseWarning)
            if self._tracer is not None and self._tracer.scene is scene:
                self._tracer.update()
            else:
                self._tracer = Tracer(
                    scene,
                    # The tracer refuses the presets it does not know.
                    self._settings.physics,  # type: ignore[arg-type]
                    max_events=self._settings.max_events,
                    min_intensity=self._settings.min_intensity,
                    max_vertices=self._settings.max_vertices,
                )
        return self._tracer.paths


def pack(paths: RayPaths) -> dict[str, bytes]:
    """Return the light as buffers, little-endian, of k paths with n vertices of their own.

    What a path has in common with its parent is left out: the parent draws it.

    - `points` (n, 2) float32, mm; `intensities` (n,) float32, the share of the source ray that leaves the vertex;
    - `radii` (n,) float32, mm, the 1/e² radius of a Gaussian beam, NaN for rays; empty where there are rays only;
    - `starts` (k + 1,) uint32: path i has the vertices `starts[i]` to `starts[i + 1]` of these;
    - `firsts` (k,) uint32: the place of its first own vertex in the path; `colours` (k, 3) uint8.
    """
    count = len(paths)
    lengths = np.diff(paths.offsets)
    path_of = np.repeat(np.arange(count), lengths)
    vertex = np.arange(len(paths.points)) - paths.offsets[:-1][path_of]
    own = vertex >= paths.branch_vertices[path_of]
    starts = np.concatenate([[0], np.cumsum(lengths - paths.branch_vertices)])
    radii = paths.beam_radii_mm[own]
    return {
        "points": _buffer(paths.points[own], "<f4"),
        "intensities": _buffer(paths.intensities[own], "<f4"),
        "radii": _buffer(radii, "<f4") if np.isfinite(radii).any() else b"",
        "starts": _buffer(starts, "<u4"),
        "firsts": _buffer(paths.branch_vertices, "<u4"),
        "colours": _buffer(paths.rgba[:, :3], "u1"),
    }


def _buffer(values: NDArray[Any], dtype: str) -> bytes:
    # Coordinates beyond the range of float32 become infinite: the front end does not draw to them.
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, dtype=dtype).tobytes()


def lit_sides(paths: RayPaths) -> dict[tuple[str, int], int]:
    """Return for each surface that light meets, by item and interface, from where.

    1 is the side of its normal, 2 the other, 3 both.
    """
    items = {item: number for number, item in enumerate(paths.items)}
    surfaces = [surface for surface in paths.surfaces if surface.item in items]
    hit = np.flatnonzero(paths.hit_item >= 0)
    hit = hit[hit > 0]
    if not surfaces or len(hit) == 0:
        return {}
    interfaces = 1 + max(surface.interface for surface in surfaces)
    number_of = np.full((len(items), interfaces), -1)
    normals = np.empty((len(surfaces), 2))
    for number, surface in enumerate(surfaces):
        number_of[items[surface.item], surface.interface] = number
        along = surface.points[0] - surface.points[-1]
        normals[number] = (-along[1], along[0])
    surface_of = number_of[paths.hit_item[hit], paths.hit_interface[hit]]
    arriving = paths.points[hit] - paths.points[hit - 1]
    against = (arriving * normals[surface_of]).sum(axis=1) < 0
    sides = np.zeros(len(surfaces), dtype=int)
    sides[np.unique(surface_of[against])] |= 1
    sides[np.unique(surface_of[~against])] |= 2
    return {(surface.item, surface.interface): int(side) for surface, side in zip(surfaces, sides, strict=True) if side}


def probe(paths: RayPaths, path: int, vertex: int, share: float) -> dict[str, Any]:
    """Return what the light is at a point of a path.

    Args:
        paths: the light.
        path: which path.
        vertex: the vertex at which the stretch begins, from 0 at the source.
        share: where on the stretch, from 0 to 1.

    Returns:
        `intensity`, the share of the source ray; `optical_path_mm`, interpolated as is `radius_mm` (None for rays);
        `wavelength_nm` (None where the source has none); `source`, the id; `ray`; `ending`; and `polarisation`.

    Raises:
        RequestError: there is no such stretch.

    """
    if not (0 <= path < len(paths)) or not (0 <= vertex < len(paths[path]) - 1):
        raise RequestError(f"path {path} has no stretch that begins at vertex {vertex}")
    at = paths[path]
    share = min(max(share, 0.0), 1.0)

    def between(values: NDArray[np.float64]) -> float:
        return float(values[vertex] + share * (values[vertex + 1] - values[vertex]))

    radius = between(at.beam_radii_mm)
    return {
        "intensity": float(at.intensities[vertex]),
        "optical_path_mm": between(at.optical_path_mm),
        "radius_mm": radius if math.isfinite(radius) else None,
        "wavelength_nm": at.wavelength_nm if at.wavelength_nm > 0 else None,
        "source": at.source,
        "ray": at.ray_index,
        "ending": at.ending,
        "polarisation": polarisation(*at.jones[vertex]),
    }


def polarisation(e_h: complex, e_v: complex) -> dict[str, float]:
    """Return the ellipse of a Jones vector [E_h, E_v] (Born and Wolf, 7th ed., §1.4.2).

    Returns:
        `azimuth_deg` of the major axis from h towards v, in (−90, 90]; `ellipticity_deg`, the arc tangent of minor by
        major axis, in [−45, 45], above 0 for the sense of `circular_right`, (1, i)/√2.

    """
    s0 = abs(e_h) ** 2 + abs(e_v) ** 2
    if s0 == 0.0:
        return {"azimuth_deg": 0.0, "ellipticity_deg": 0.0}
    product = complex(e_h).conjugate() * complex(e_v)
    s1, s2, s3 = abs(e_h) ** 2 - abs(e_v) ** 2, 2 * product.real, 2 * product.imag
    return {
        "azimuth_deg": math.degrees(0.5 * math.atan2(s2, s1)),
        "ellipticity_deg": math.degrees(0.5 * math.asin(min(1.0, max(-1.0, s3 / s0)))),
    }
