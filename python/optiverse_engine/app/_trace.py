"""The app's tracing function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optiverse_engine.app import _paths
from optiverse_engine.app._scene import AppScene


def trace_rays_polymorphic(
    elements: Sequence[Any] | AppScene,
    sources: Sequence[Any],
    max_events: int = 80,
    epsilon: float = 1e-3,
    min_intensity: float = 0.02,
    parallel: bool | None = None,
    parallel_threshold: int = 20,
    *,
    physics: _paths.PhysicsName | None = None,
) -> list[Any]:
    """Trace the light of the app's sources through the app's elements, as the app's function of this name does.

    Paths are the same as the app's, in the same order, but for rounding. Where the app multiplies light (shares of
    power over 1) they are divided by their sum, with an `OptiverseWarning`.

    Of what `convert_scene` made, only what has changed since the last call is traced, and paths that are as they were
    are the same objects again: write to none of them. Of a list of elements all is traced, and the paths are new.

    Args:
        elements: the app's elements, read by attribute, or what `convert_scene` made of its items.
        sources: the app's source parameters, read by attribute.
        max_events: interactions after which a path ends; 0 or more.
        epsilon: surfaces nearer than this, in mm, are not seen.
        min_intensity: share of the source ray below which light is not followed.
        parallel: False traces on one thread.
        parallel_threshold: with fewer rays, one thread is used too.
        physics: the laws to follow, one of `optiverse_engine.PHYSICS`; None takes the rules of the version of the app
            that is importable, those of 0.3.4 where none is.

    Returns:
        The app's own `RayPath` objects, or `optiverse_engine.app.RayPath` where the app cannot be imported.

    Raises:
        UnknownElementError: an element's class has physics that the engine does not have.
        InvalidSceneError: a value of an element or a source cannot be used; its message and its `reports` say which.
        OptionError: an option cannot be used.

    """
    classes = _paths.classes()
    physics = classes.physics if physics is None else physics
    few = sum(max(int(source.n_rays), 1) for source in sources) < parallel_threshold
    options: dict[str, Any] = {
        "physics": physics,
        "max_events": max_events,
        "min_intensity": min_intensity,
        "smallest_hit_mm": epsilon,
        "threads": 1 if parallel is False or few else None,
    }
    if isinstance(elements, AppScene):
        elements.set_sources(sources)
        return elements.paths(options, classes)
    app = AppScene()
    app.set_elements(elements, physics)
    app.set_sources(sources)
    return _paths.app_paths(app.scene.trace(**options, strict=True), app.names, classes)
