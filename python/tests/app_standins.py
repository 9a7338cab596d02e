"""Objects with the attributes that the PyQt6 app's have: elements, sources, scene items, and classes of paths."""

import copy
import math
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np


class _Element:
    def __init__(self, p1, p2, definition=None, *, radius_mm=0.0, **parameters):
        self.p1, self.p2 = np.array(p1, dtype=float), np.array(p2, dtype=float)
        curved = {"is_curved": radius_mm != 0.0, "radius_of_curvature_mm": radius_mm}
        self._geometry = SimpleNamespace(p1=self.p1, p2=self.p2, **curved)
        vars(self).update(parameters)

    def interact(self, ray, hit_point, normal, tangent):
        """As each element of the app has it; the engine's own physics takes its place."""
        raise NotImplementedError


class MirrorElement(_Element):
    reflectivity = 1.0


class LensElement(_Element):
    pass


class RefractiveElement(_Element):
    pass


class BeamsplitterElement(_Element):
    is_polarizing = False
    polarization_axis_deg = 0.0


class WaveplateElement(_Element):
    waveplate_angle_deg = 90.0


class FaradayRotatorElement(_Element):
    pass


class LinearPolarizerElement(_Element):
    extinction_ratio_db = 40.0


class DichroicElement(_Element):
    pass


class BeamBlockElement(_Element):
    pass


class Mirror(MirrorElement):
    """The app's elements are of such derived classes."""


@dataclass
class Polarization:
    jones_vector: np.ndarray


@dataclass
class OldRayPath:
    """The class of paths of 0.2.7."""

    points: list
    rgba: tuple
    polarization: Polarization
    wavelength_nm: float


@dataclass
class Source:
    """The app's `SourceParams`."""

    x_mm: float = -400.0
    y_mm: float = 0.0
    angle_deg: float = 0.0
    size_mm: float = 10.0
    n_rays: int = 9
    ray_length_mm: float = 1000.0
    spread_deg: float = 0.0
    color_hex: str = "#DC143C"
    wavelength_nm: float = 633.0
    polarization_type: str = "horizontal"
    polarization_angle_deg: float = 0.0
    custom_jones_ex_real: float = 1.0
    custom_jones_ex_imag: float = 0.0
    custom_jones_ey_real: float = 0.0
    custom_jones_ey_imag: float = 0.0
    use_custom_jones: bool = False
    source_type: str = "ray"
    beam_waist_mm: float = 0.5

    @classmethod
    def of(cls, item):
        """The source of an item of an assembly."""
        return cls(**{key: value for key, value in item.items() if key in cls.__dataclass_fields__})

    def get_polarization(self):
        if self.use_custom_jones:
            e_h = complex(self.custom_jones_ex_real, self.custom_jones_ex_imag)
            e_v = complex(self.custom_jones_ey_real, self.custom_jones_ey_imag)
            return Polarization(np.array([e_h, e_v]))
        angle = math.radians(self.polarization_angle_deg)
        half = 1 / math.sqrt(2)
        states = {
            "horizontal": [1, 0],
            "vertical": [0, 1],
            "+45": [half, half],
            "-45": [half, -half],
            "circular_right": [half, 1j * half],
            "circular_left": [half, -1j * half],
            "linear": [math.cos(angle), math.sin(angle)],
        }
        return Polarization(np.array(states[self.polarization_type.lower()], dtype=complex))


DEFAULTS = {
    "x1_mm": 0.0,
    "y1_mm": 0.0,
    "x2_mm": 10.0,
    "y2_mm": 0.0,
    "element_type": "refractive_interface",
    "is_curved": False,
    "radius_of_curvature_mm": 0.0,
    "efl_mm": 100.0,
    "clear_aperture_mm": 0.0,
    "reflectivity": 100.0,
    "split_T": 50.0,
    "split_R": 50.0,
    "is_polarizing": False,
    "pbs_transmission_axis_deg": 0.0,
    "cutoff_wavelength_nm": 550.0,
    "transition_width_nm": 50.0,
    "pass_type": "longpass",
    "n1": 1.0,
    "n2": 1.5,
    "polarizer_subtype": "waveplate",
    "phase_shift_deg": 90.0,
    "fast_axis_deg": 0.0,
    "transmission_axis_deg": 0.0,
    "extinction_ratio_db": 40.0,
    "rotation_angle_deg": 45.0,
}


class GraphicsScene:
    """What the app's items belong to."""


@dataclass(eq=False)
class ComponentItem:
    """A component on the app's canvas; its interfaces turn and move with it."""

    item_uuid: str
    interfaces: list
    x_mm: float = 0.0
    y_mm: float = 0.0
    angle_deg: float = 0.0
    has_image: bool = False
    host: GraphicsScene = field(default_factory=GraphicsScene)

    @classmethod
    def of(cls, item, host):
        """The component of an item of an assembly."""
        interfaces = [SimpleNamespace(**(DEFAULTS | interface)) for interface in item.get("interfaces") or []]
        place = {key: item.get(key, 0.0) for key in ("x_mm", "y_mm", "angle_deg")}
        has_image = bool(item.get("image_path"))
        return cls(item["item_uuid"], interfaces, has_image=has_image, host=host, **place)

    def scene(self):
        return self.host

    def get_interfaces_scene(self):
        if not self.interfaces:
            return []
        first = self.interfaces[0]
        middle = 0.5 * np.array([first.x1_mm + first.x2_mm, first.y1_mm + first.y2_mm])
        origin = middle if self.has_image else np.zeros(2)
        angle = -math.radians(self.angle_deg)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])

        def place(x, y):
            return np.array([self.x_mm, self.y_mm]) + turn @ (np.array([x, y]) - origin)

        return [(place(i.x1_mm, i.y1_mm), place(i.x2_mm, i.y2_mm), copy.copy(i)) for i in self.interfaces]


def element_of(p1, p2, definition):
    """The element that the app's adapter makes of an interface."""
    d = definition
    radius = d.radius_of_curvature_mm if d.is_curved and abs(d.radius_of_curvature_mm) > 1e-6 else 0.0
    kind = d.polarizer_subtype if d.element_type == "polarizing_interface" else d.element_type
    match kind:
        case "lens":
            lens = LensElement(p1, p2, radius_mm=radius, efl_mm=d.efl_mm)
            lens.interface = SimpleNamespace(properties=SimpleNamespace(clear_aperture_mm=d.clear_aperture_mm))
            return lens
        case "mirror":
            return Mirror(p1, p2, radius_mm=radius, reflectivity=d.reflectivity / 100.0)
        case "beam_splitter" | "beamsplitter":
            return BeamsplitterElement(
                p1,
                p2,
                radius_mm=radius,
                transmission=d.split_T / 100.0,
                reflection=d.split_R / 100.0,
                is_polarizing=d.is_polarizing,
                polarization_axis_deg=d.pbs_transmission_axis_deg,
            )
        case "waveplate":
            phases = {"phase_shift_deg": d.phase_shift_deg, "fast_axis_deg": d.fast_axis_deg}
            return WaveplateElement(p1, p2, radius_mm=radius, **phases)
        case "faraday_rotator":
            return FaradayRotatorElement(p1, p2, radius_mm=radius, rotation_angle_deg=d.rotation_angle_deg)
        case "linear_polarizer":
            axis = {"transmission_axis_deg": d.transmission_axis_deg, "extinction_ratio_db": d.extinction_ratio_db}
            return LinearPolarizerElement(p1, p2, radius_mm=radius, **axis)
        case "dichroic":
            return DichroicElement(
                p1,
                p2,
                radius_mm=radius,
                cutoff_wavelength_nm=d.cutoff_wavelength_nm,
                transition_width_nm=d.transition_width_nm,
                pass_type=d.pass_type,
            )
        case "beam_block":
            return BeamBlockElement(p1, p2, radius_mm=radius)
        case "refractive_interface":
            return RefractiveElement(p1, p2, radius_mm=radius, n1=d.n1, n2=d.n2)
    raise AssertionError(kind)


def of_assembly(assembly):
    """The app's items, elements and sources of an assembly."""
    host = GraphicsScene()
    items = [ComponentItem.of(item, host) for item in assembly["items"] if item["_type"] == "component"]
    elements = [element_of(*interface) for item in items for interface in item.get_interfaces_scene()]
    return items, elements, [Source.of(item) for item in assembly["items"] if item["_type"] == "source"]
