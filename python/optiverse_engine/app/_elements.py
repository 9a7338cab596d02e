"""The app's elements and interfaces as interfaces of the file format."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from optiverse_engine.errors import OptiverseWarning, UnknownElementError

Properties: TypeAlias = dict[str, Any]

# Segments shorter than this are never met, in the app as in the engine.
SHORTEST_MM = 1e-9

# Lenses of a shorter focal length do nothing, in the app; radii under this are flat.
SHORTEST_FOCUS_MM = 1e-12
SMALLEST_RADIUS_MM = 1e-6

# What lets light through as it is, and counts as an interaction.
_NOTHING: Mapping[str, Any] = {
    "element_type": "polarizing_interface",
    "polarizer_subtype": "faraday_rotator",
    "rotation_angle_deg": 0.0,
}


def percent(share: float) -> float:
    """Return the percentage that the app divides by 100 to get `share`, to the last bit where there is one."""
    value = 100.0 * share
    for candidate in (value, math.nextafter(value, math.inf), math.nextafter(value, -math.inf)):
        if candidate / 100.0 == share:
            return candidate
    return value


def _no_gain(label: str, shares: Mapping[str, float]) -> list[float]:
    """Return shares of power that add up to 1 at most; those of an amplifier are divided by their sum, with a word."""
    total = math.fsum(shares.values())
    if not total > 1.0 + 1e-11:
        return list(shares.values())
    given = " and ".join(f"{key} {share:g}" for key, share in shares.items())
    traced = " and ".join(f"{share / total:g}" for share in shares.values())
    warnings.warn(
        f"{label}: {given}, expected shares of power that add up to 1 at most; traced as {traced}",
        OptiverseWarning,
        stacklevel=2,
    )
    return [share / total for share in shares.values()]


def _mirror(element: Any, label: str) -> Properties:
    (reflectivity,) = _no_gain(label, {"reflectivity": float(element.reflectivity)})
    return {"element_type": "mirror", "reflectivity": percent(reflectivity)}


def _lens(element: Any, label: str) -> Properties:
    if abs(element.efl_mm) <= SHORTEST_FOCUS_MM:
        return dict(_NOTHING)
    # The aperture stands with the interface the element was made from, if it was made from one.
    aperture = getattr(getattr(getattr(element, "interface", None), "properties", None), "clear_aperture_mm", None)
    return {"element_type": "lens", "efl_mm": element.efl_mm, "clear_aperture_mm": aperture or 0.0}


def _refractive(element: Any, label: str) -> Properties:
    return {"element_type": "refractive_interface", "n1": element.n1, "n2": element.n2}


def _beam_splitter(element: Any, label: str) -> Properties:
    if element.is_polarizing:
        return {
            "element_type": "beam_splitter",
            "is_polarizing": True,
            "pbs_transmission_axis_deg": element.polarization_axis_deg,
        }
    shares = {"transmission": float(element.transmission), "reflection": float(element.reflection)}
    transmission, reflection = _no_gain(label, shares)
    return {"element_type": "beam_splitter", "split_T": percent(transmission), "split_R": percent(reflection)}


def _waveplate(element: Any, label: str) -> Properties:
    return {
        "element_type": "polarizing_interface",
        "polarizer_subtype": "waveplate",
        "phase_shift_deg": element.phase_shift_deg,
        "fast_axis_deg": element.fast_axis_deg,
    }


def _faraday_rotator(element: Any, label: str) -> Properties:
    return {**_NOTHING, "rotation_angle_deg": element.rotation_angle_deg}


def _linear_polarizer(element: Any, label: str) -> Properties:
    return {
        "element_type": "polarizing_interface",
        "polarizer_subtype": "linear_polarizer",
        "transmission_axis_deg": element.transmission_axis_deg,
        "extinction_ratio_db": element.extinction_ratio_db,
    }


def _dichroic(element: Any, label: str) -> Properties:
    return {
        "element_type": "dichroic",
        "cutoff_wavelength_nm": element.cutoff_wavelength_nm,
        "transition_width_nm": element.transition_width_nm,
        # The app takes all but one word for the other.
        "pass_type": "shortpass" if element.pass_type == "shortpass" else "longpass",
    }


def _beam_block(element: Any, label: str) -> Properties:
    return {"element_type": "beam_block"}


_Reader: TypeAlias = Callable[[Any, str], Properties]

# By the class that does the physics; the app's `Mirror` and the like are derived from these.
_READERS: Mapping[str, _Reader] = {
    "BeamBlockElement": _beam_block,
    "BeamsplitterElement": _beam_splitter,
    "DichroicElement": _dichroic,
    "FaradayRotatorElement": _faraday_rotator,
    "LensElement": _lens,
    "LinearPolarizerElement": _linear_polarizer,
    "MirrorElement": _mirror,
    "RefractiveElement": _refractive,
    "WaveplateElement": _waveplate,
}

# The app's name for elements of each kind of interface; paths name elements by it.
_WRAPPERS: Mapping[str, str] = {
    "BeamBlockElement": "BeamBlock",
    "BeamsplitterElement": "Beamsplitter",
    "DichroicElement": "Dichroic",
    "FaradayRotatorElement": "FaradayRotator",
    "LensElement": "Lens",
    "LinearPolarizerElement": "LinearPolarizer",
    "MirrorElement": "Mirror",
    "RefractiveElement": "RefractiveInterfaceElement",
    "WaveplateElement": "Waveplate",
}


def _reader(element: Any, number: int) -> _Reader:
    """Return what reads an element: by the first class in its ancestry that says how light interacts with it."""
    for ancestor in type(element).__mro__:
        reader = _READERS.get(ancestor.__name__)
        if reader is not None:
            return reader
        # Physics of its own, which the engine does not have.
        if "interact" in vars(ancestor):
            break
    kind = type(element)
    raise UnknownElementError(
        f"element {number} is of the class {kind.__module__}.{kind.__qualname__}, "
        f"expected {', '.join(sorted(_READERS))} or a class derived from one that leaves `interact` as it is"
    )


def label_of(element: Any, number: int) -> str:
    """Return the name by which the app's paths know an element."""
    return str(getattr(element, "element_id", None) or f"{type(element).__name__}:{number}")


def _shape(p1: Any, p2: Any, radius_mm: float) -> Properties | None:
    """Return the place of an interface in the scene; None where it is too short to be met."""
    x1, y1, x2, y2 = float(p1[0]), float(p1[1]), float(p2[0]), float(p2[1])
    if math.hypot(x2 - x1, y2 - y1) < SHORTEST_MM:
        return None
    shape = {"x1_mm": x1, "y1_mm": y1, "x2_mm": x2, "y2_mm": y2}
    return {**shape, "is_curved": True, "radius_of_curvature_mm": radius_mm} if radius_mm else shape


def element_interface(element: Any, number: int, physics: str) -> Properties | None:
    """Return an element of the app as an interface in the scene; None where it is too short to be met.

    Raises:
        UnknownElementError: the engine does not have the element's physics.

    """
    reader = _reader(element, number)
    label = label_of(element, number)
    if reader is _waveplate and physics == "optiverse-0.2.7":
        angle = getattr(element, "waveplate_angle_deg", 90.0)
        if angle != 90.0:
            raise UnknownElementError(f"{label}: waveplate_angle_deg is {angle}, expected 90, as the app makes them")
    geometry = getattr(element, "_geometry", None)
    if geometry is None:
        p1, p2 = element.get_geometry() if hasattr(element, "get_geometry") else (element.p1, element.p2)
        shape = _shape(p1, p2, 0.0)
    else:
        radius = float(geometry.radius_of_curvature_mm) if getattr(geometry, "is_curved", False) else 0.0
        shape = _shape(geometry.p1, geometry.p2, radius)
    return None if shape is None else {**reader(element, label), **shape}


# What each type of the app's interface definitions has, as in the file format, and the class of its elements.
_DEFINITIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "lens": ("LensElement", ("efl_mm", "clear_aperture_mm")),
    "mirror": ("MirrorElement", ("reflectivity",)),
    "beam_splitter": ("BeamsplitterElement", ("split_T", "split_R", "is_polarizing", "pbs_transmission_axis_deg")),
    "beamsplitter": ("BeamsplitterElement", ("split_T", "split_R", "is_polarizing", "pbs_transmission_axis_deg")),
    "dichroic": ("DichroicElement", ("cutoff_wavelength_nm", "transition_width_nm", "pass_type")),
    "refractive_interface": ("RefractiveElement", ("n1", "n2")),
    "waveplate": ("WaveplateElement", ("phase_shift_deg", "fast_axis_deg")),
    "beam_block": ("BeamBlockElement", ()),
}
_POLARIZERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "waveplate": ("WaveplateElement", ("phase_shift_deg", "fast_axis_deg")),
    "faraday_rotator": ("FaradayRotatorElement", ("rotation_angle_deg",)),
    "linear_polarizer": ("LinearPolarizerElement", ("transmission_axis_deg", "extinction_ratio_db")),
}


def known_to_027(definition: Any) -> bool:
    """Whether version 0.2.7 of the app traces an interface: of what polarises it has waveplates alone."""
    element_type = getattr(definition, "element_type", "")
    return (
        element_type != "polarizing_interface" or getattr(definition, "polarizer_subtype", "waveplate") == "waveplate"
    )


def definition_interface(p1: Any, p2: Any, definition: Any) -> tuple[Properties | None, str]:
    """Return an interface definition of the app at a place in the scene, and the app's name for such elements.

    A type that is not known goes into the scene as it is, where it is reported.
    """
    element_type = getattr(definition, "element_type", None)
    if element_type is None:
        # The app's older `RefractiveInterface`, which is one of two things.
        element_type = "beam_splitter" if definition.is_beam_splitter else "refractive_interface"
    properties: Properties = {"element_type": element_type}
    if element_type == "polarizing_interface":
        subtype = properties["polarizer_subtype"] = getattr(definition, "polarizer_subtype", "waveplate")
        kind, keys = _POLARIZERS.get(subtype, ("", ()))
    else:
        kind, keys = _DEFINITIONS.get(element_type, ("", ()))
    for key in keys:
        value = getattr(definition, key, None)
        if value is not None:
            properties[key] = value
    if element_type == "lens" and abs(properties.get("efl_mm", 100.0)) <= SHORTEST_FOCUS_MM:
        properties = dict(_NOTHING)
    radius = float(getattr(definition, "radius_of_curvature_mm", 0.0) or 0.0)
    is_curved = bool(getattr(definition, "is_curved", False)) and abs(radius) > SMALLEST_RADIUS_MM
    shape = _shape(p1, p2, radius if is_curved else 0.0)
    return (None if shape is None else {**properties, **shape}), _WRAPPERS.get(kind, str(element_type))
