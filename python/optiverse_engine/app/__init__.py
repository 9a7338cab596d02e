"""A drop-in for the tracing of the PyQt6 app Optiverse, versions 0.2.7 and 0.3.4.

In the app two import lines change, and nothing else:

```python
from optiverse_engine.app import convert_scene as convert_scene_to_polymorphic
from optiverse_engine.app import trace_rays_polymorphic
```

`trace_rays_polymorphic` takes the app's own elements and sources, which it reads by attribute, follows the rules of the
app's version, and returns the app's own `RayPath` objects in the app's order. `convert_scene` takes the app's scene
items, without the way through elements, and keeps what it made of them: the next call changes only what has moved.

Where the app cannot be imported, paths are of the class `RayPath` of this module, which has the same fields.
"""

from optiverse_engine.app._paths import Polarization, RayPath
from optiverse_engine.app._scene import AppScene, convert_scene
from optiverse_engine.app._trace import trace_rays_polymorphic

__all__ = ["AppScene", "Polarization", "RayPath", "convert_scene", "trace_rays_polymorphic"]
