"""An optical table for notebooks: elements are dragged, turned and edited, and the rays follow.

```python
from optiverse_engine import Scene
from optiverse_engine.widget import SceneWidget

table = SceneWidget(Scene.load("examples/scenes/isolator-and-interferometer.json"))
table  # shows it, in JupyterLab, VS Code and marimo
```

It needs anywidget, which the extra `widget` of this package brings.
"""

from __future__ import annotations

from optiverse_engine.errors import MissingDependencyError

try:
    import anywidget as _anywidget
except ImportError as error:
    _message = "optiverse_engine.widget needs anywidget: install it, or this package with the extra 'widget'"
    raise MissingDependencyError(_message) from error
else:
    del _anywidget

from optiverse_engine.widget._light import DEFAULT_MAX_VERTICES
from optiverse_engine.widget._widget import HEIGHTS_PX, SceneWidget

__all__ = ["DEFAULT_MAX_VERTICES", "HEIGHTS_PX", "SceneWidget"]
