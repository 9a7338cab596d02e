"""Paths of the engine as paths of the app."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from optiverse_engine._native import RayPaths

PhysicsName: TypeAlias = Literal["exact", "optiverse-0.3.4", "optiverse-0.2.7"]


@dataclass
class Polarization:
    """A state of polarisation, as the app has it.

    Attributes:
        jones_vector: [E_h, E_v], shape (2,), complex128.

    """

    jones_vector: NDArray[np.complex128]


@dataclass
class RayPath:
    """A path, as the app has it.

    Attributes:
        points: positions in mm, each of shape (2,), float64.
        rgba: the source's colour; alpha is the last intensity.
        polarization: the last state of polarisation.
        wavelength_nm: vacuum wavelength.
        source_index: the place of the source among those that were traced.
        polarizations: the state at each point.
        intensities: the share of the ray's power at each point.
        beam_radii: the 1/e² radius in mm at each point of a Gaussian beam; empty for rays.
        path_element_ids: the elements that were met, in their order.

    """

    points: list[NDArray[np.float64]]
    rgba: tuple[int, int, int, int]
    polarization: Polarization
    wavelength_nm: float
    source_index: int = 0
    polarizations: list[Polarization] = field(default_factory=list)
    intensities: list[float] = field(default_factory=list)
    beam_radii: list[float] = field(default_factory=list)
    path_element_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Classes:
    """The classes of the paths to return, and the rules of the version of the app that they belong to."""

    ray_path: Any
    polarization: Any
    along: bool
    """Whether paths hold more than their points and their last state."""
    physics: PhysicsName


OWN: Final = Classes(RayPath, Polarization, along=True, physics="optiverse-0.3.4")


def classes_of(ray_path: Any, polarization: Any) -> Classes:
    """Return what follows from an app's `RayPath`: 0.2.7's keeps nothing along the path."""
    along = "path_element_ids" in {entry.name for entry in dataclasses.fields(ray_path)}
    return Classes(ray_path, polarization, along, "optiverse-0.3.4" if along else "optiverse-0.2.7")


@cache
def classes() -> Classes:
    """Return the app's own classes, or those of this module where the app cannot be imported."""
    try:
        ray = importlib.import_module("optiverse.raytracing.ray")
        models = importlib.import_module("optiverse.core.models")
        return classes_of(ray.RayPath, models.Polarization)
    except (ImportError, AttributeError):
        return OWN


def _states(jones: NDArray[np.complex128], make: Any) -> list[Any]:
    """Return the state of polarisation at each vertex; equal ones are one object, as along the app's paths."""
    # A few states stand at many vertices: each is made once, and found by its bytes.
    keys = jones.view(np.dtype((np.void, 32))).ravel().tolist()
    known = {key: make(np.frombuffer(bytearray(key), dtype=np.complex128)) for key in set(keys)}
    return [known[key] for key in keys]


@dataclass(frozen=True)
class Names:
    """What the app's paths call the items and the sources of a scene.

    Attributes:
        interfaces: by the id of an item, the names of its interfaces.
        sources: the places of the scene's sources in the app's list.

    """

    interfaces: Mapping[str, Sequence[str]]
    sources: Sequence[int]

    def agree_with(self, later: Names) -> bool:
        """Whether what is in both has the same name in both."""
        common = self.interfaces.keys() & later.interfaces.keys()
        return all(self.interfaces[item] == later.interfaces[item] for item in common) and all(
            before == after for before, after in zip(self.sources, later.sources, strict=False)
        )


def app_paths(paths: RayPaths, names: Names, classes: Classes) -> list[Any]:
    """Return the paths of a trace as those of the app, in its order."""
    spans = list(itertools.pairwise(paths.offsets.tolist()))
    # Of their own memory, since the app's are: an array of the engine cannot be written to.
    points = list(np.array(paths.points))
    colours = list(map(tuple, paths.rgba.tolist()))
    wavelengths = paths.wavelengths_nm.tolist()
    make = classes.ray_path
    if not classes.along:
        last = _states(paths.jones[paths.offsets[1:] - 1], classes.polarization)
        rows = zip(spans, colours, last, wavelengths, strict=True)
        return [make(points[start:end], colour, state, nm) for (start, end), colour, state, nm in rows]

    states = _states(paths.jones, classes.polarization)
    intensities = paths.intensities.tolist()
    radii = paths.beam_radii_mm.tolist()
    is_beam = (~np.isnan(paths.beam_radii_mm[paths.offsets[:-1]])).tolist()
    sources = [names.sources[index] for index in paths.source_index.tolist()]
    met = paths.hit_item >= 0
    hits = zip(paths.hit_item[met].tolist(), paths.hit_interface[met].tolist(), strict=True)
    labels = [names.interfaces[item] for item in paths.items]
    elements = [labels[item][interface] for item, interface in hits]
    # How many vertices before each path's first are at an element.
    before = np.concatenate(([0], np.cumsum(met)))[paths.offsets].tolist()
    rows_along = zip(spans, itertools.pairwise(before), colours, wavelengths, sources, is_beam, strict=True)
    return [
        make(
            points[start:end],
            colour,
            states[end - 1],
            nm,
            source,
            states[start:end],
            intensities[start:end],
            radii[start:end] if beam else [],
            elements[first:after],
        )
        for (start, end), (first, after), colour, nm, source, beam in rows_along
    ]
