"""One engine for 2-D optical layouts: scenes, polarised ray tracing, pictures.

```python
from optiverse_engine import Scene

scene = Scene()
scene.add(_type="source", x_mm=0.0, n_rays=3)
paths = scene.trace()
print(paths.points.shape, paths.endings)
```

Lengths are millimetres, wavelengths vacuum nanometres; y points up. Angles of the file format are clockwise from +x.
"""

from optiverse_engine._native import (
    DEFAULT_MAX_VERTICES,
    ENDINGS,
    PHYSICS,
    Edit,
    Hit,
    Item,
    Layer,
    PartialTrace,
    PowerBalance,
    RayPath,
    RayPaths,
    Report,
    Scene,
    Surface,
    Tracer,
    Update,
    __version__,
)
from optiverse_engine.errors import (
    EditError,
    InvalidSceneError,
    LinkError,
    MissingDependencyError,
    OptionError,
    OptiverseError,
    OptiverseWarning,
    PropertyTypeError,
    RenderError,
    SceneError,
    SceneFileError,
    SceneFileNotFoundError,
    SessionClosedError,
    ShareError,
    SyncArgumentError,
    SyncError,
    TraceError,
    UnknownElementError,
    UnknownItemError,
)
from optiverse_engine.session import Session

__all__ = [
    "DEFAULT_MAX_VERTICES",
    "ENDINGS",
    "PHYSICS",
    "Edit",
    "EditError",
    "Hit",
    "InvalidSceneError",
    "Item",
    "Layer",
    "LinkError",
    "MissingDependencyError",
    "OptionError",
    "OptiverseError",
    "OptiverseWarning",
    "PartialTrace",
    "PowerBalance",
    "PropertyTypeError",
    "RayPath",
    "RayPaths",
    "RenderError",
    "Report",
    "Scene",
    "SceneError",
    "SceneFileError",
    "SceneFileNotFoundError",
    "Session",
    "SessionClosedError",
    "ShareError",
    "Surface",
    "SyncArgumentError",
    "SyncError",
    "TraceError",
    "Tracer",
    "UnknownElementError",
    "UnknownItemError",
    "Update",
    "__version__",
]
