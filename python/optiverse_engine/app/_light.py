"""The app's paths of a scene, kept from one trace to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optiverse_engine._native import RayPaths, Scene, Tracer, Update
from optiverse_engine.app._paths import Classes, Names, app_paths


@dataclass(frozen=True)
class _Known:
    """Paths as they were last returned, the ray that each is of, and the names that stand in them."""

    paths: NDArray[np.object_]
    rays: NDArray[np.int64]
    names: Names


class Light:
    """The light of a scene as paths of the app, which follow the scene's edits: only what has changed is made again."""

    def __init__(self, scene: Scene, options: Mapping[str, Any], classes: Classes) -> None:
        """Trace `scene`; `options` are those of `Tracer`."""
        self._tracer = Tracer(scene, **options)
        self._made_by = (options, classes)
        self._known: _Known | None = None

    def is_of(self, scene: Scene, options: Mapping[str, Any], classes: Classes) -> bool:
        """Whether this is what would be made of these."""
        return self._tracer.scene is scene and self._made_by == (options, classes)

    def paths(self, names: Names) -> list[Any]:
        """Return all paths as of now; of rays that no edit has changed, the objects that were returned before."""
        # Where this is interrupted the tracer may be further than what is known: the next call makes all anew.
        known, self._known = self._known, None
        update = self._tracer.update()
        if known is None or update.whole or not known.names.agree_with(names):
            paths = self._tracer.paths
            now = _Known(self._objects(paths, names), _rays_of(paths), names)
        else:
            now = self._merged(known, update, names)
        self._known = now
        everything: list[Any] = now.paths.tolist()
        return everything

    def _merged(self, known: _Known, update: Update, names: Names) -> _Known:
        stays = ~np.isin(known.rays, _keys(*update.rays.T))
        count = len(update.paths) + int(np.count_nonzero(stays))
        is_new = np.zeros(count, dtype=bool)
        is_new[update.indices] = True
        paths, rays = np.empty(count, dtype=object), np.empty(count, dtype=np.int64)
        paths[is_new], rays[is_new] = self._objects(update.paths, names), _rays_of(update.paths)
        paths[~is_new], rays[~is_new] = known.paths[stays], known.rays[stays]
        return _Known(paths, rays, names)

    def _objects(self, paths: RayPaths, names: Names) -> NDArray[np.object_]:
        _, classes = self._made_by
        return np.fromiter(app_paths(paths, names, classes), dtype=object, count=len(paths))


def _rays_of(paths: RayPaths) -> NDArray[np.int64]:
    return _keys(paths.source_index, paths.ray_index)


def _keys(source: NDArray[Any], ray: NDArray[Any]) -> NDArray[np.int64]:
    """Return one number for each ray."""
    keys: NDArray[np.int64] = (source.astype(np.int64) << 32) + ray
    return keys
