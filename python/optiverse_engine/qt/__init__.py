"""Sessions in a PyQt6 application: no thread, all on Qt's event loop.

- `CollaborationService` has the signals, methods and attributes of the app's class of that name. The app's manager
  works with it unchanged, on this project's relay and on the app's own server; it reconnects by itself.
- `SceneSync` is one user's copy of a shared scene: edits merge property by property, offline work is kept and sent
  later, undo takes back one's own steps.
- `RelayProcess` starts a relay, says when it is ready, and stops it; it does not outlive the application.

PyQt6 comes with the extra `qt`.
"""

from optiverse_engine.errors import MissingDependencyError

try:
    import PyQt6.QtWebSockets  # noqa: F401 -- to say what is missing before the modules below need it
except ModuleNotFoundError as error:
    raise MissingDependencyError("optiverse_engine.qt needs PyQt6: pip install 'optiverse[qt]'") from error

from optiverse_engine.qt._relay_process import RelayProcess
from optiverse_engine.qt._scene_sync import SceneSync
from optiverse_engine.qt._service import CollaborationService

__all__ = ["CollaborationService", "RelayProcess", "SceneSync"]
