"""The app's sources as sources of the file format."""

from __future__ import annotations

from typing import Any

from optiverse_engine.app._elements import Properties

_SAME = ("x_mm", "y_mm", "angle_deg", "size_mm", "ray_length_mm", "spread_deg", "color_hex", "wavelength_nm")


def source_properties(source: Any) -> Properties | None:
    """Return a source of the app as one of the file format; None where its rays have no length."""
    if source.ray_length_mm <= 0.0:
        return None
    e_h, e_v = source.get_polarization().jones_vector
    properties: Properties = {key: getattr(source, key) for key in _SAME}
    properties |= {
        "n_rays": max(int(source.n_rays), 0),
        "use_custom_jones": True,
        "custom_jones_ex_real": float(e_h.real),
        "custom_jones_ex_imag": float(e_h.imag),
        "custom_jones_ey_real": float(e_v.real),
        "custom_jones_ey_imag": float(e_v.imag),
    }
    if getattr(source, "source_type", "ray") == "gaussian":
        if source.beam_waist_mm > 0.0:
            properties |= {"source_type": "gaussian", "beam_waist_mm": source.beam_waist_mm}
        else:
            # One ray along the axis, in the app.
            properties["n_rays"] = 1
    return properties
