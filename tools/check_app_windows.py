"""Opens two windows of a checkout of the PyQt6 app with the manager of docs/pyqt6-app.md, and compares what they show.

Set OPTIVERSE_APP to a checkout of the app, 0.3.4, and run this with an interpreter that has what the app needs (PyQt6,
numpy, numba) and the engine's wheel:

    OPTIVERSE_APP=<checkout> python tools/check_app_windows.py [SEED]

Both users add, move, turn, lock, write, delete, undo and redo at random, also while the relay is killed. When all is
sent, both windows have to show the same items with the same values, and these have to be the items of the shared scene.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback
import types
from pathlib import Path
from typing import Any

from bench_app import named_checkout

PATIENCE_S = 30.0
ROUNDS = 6
STEPS = 40
DOCUMENT = Path(__file__).resolve().parent.parent / "docs/pyqt6-app.md"


def documented_manager() -> type[Any]:
    """Return the class that the document tells users of the app to add."""
    code = re.search(
        r'```python\n(""".*?^class SceneSyncManager.*?)^```', DOCUMENT.read_text(), re.DOTALL | re.MULTILINE
    )
    if code is None:
        raise SystemExit(f"{DOCUMENT} holds no class SceneSyncManager")
    module = types.ModuleType("optiverse.services.scene_sync_manager")
    module.__package__ = "optiverse.services"
    exec(compile(code[1], str(DOCUMENT), "exec"), module.__dict__)
    manager: type[Any] = module.SceneSyncManager
    return manager


def end_with(*error: Any) -> None:  # noqa: ANN401  # As `sys.excepthook` has it.
    """Say what went wrong and end, where the app would open a dialog and wait."""
    traceback.print_exception(*error)
    sys.stderr.flush()
    os._exit(1)


def run_window(checkout: str) -> int:
    """Show the app's main window without a screen, and do what each line of standard input says."""
    sys.path.insert(0, str(Path(checkout) / "src"))
    # What the app prints is no answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    from PyQt6.QtCore import QPointF, QSocketNotifier
    from PyQt6.QtWidgets import QApplication, QMessageBox
    from PyQt6.sip import voidptr

    application = QApplication(sys.argv[:1])
    serializable: Any = importlib.import_module("optiverse.core.protocols").Serializable
    graphics_view: Any = importlib.import_module("optiverse.objects.views.graphics_view")
    main_window: Any = importlib.import_module("optiverse.ui.views.main_window")

    graphics_view.OPENGL_AVAILABLE = False
    # There is nobody to close it.
    setattr(QMessageBox, "warning", lambda *_: None)  # noqa: B010  # It is a method to the checker.
    main_window.CollaborationManager = documented_manager()
    window = main_window.MainWindow()
    window.show()
    sys.excepthook = end_with

    def items() -> dict[str, Any]:
        return {item.item_uuid: item for item in window.scene.items() if isinstance(item, serializable)}

    def state() -> dict[str, Any]:
        sync = window.collaboration_manager.sync
        # The order of layers is each user's own.
        shown = {id: {k: v for k, v in item.to_dict().items() if k != "z_value"} for id, item in items().items()}
        return {
            "sent": sync.status == "synchronised" and sync.pending == 0,
            "shown": shown,
            "shared": sorted(sync.scene),
        }

    def answer() -> None:
        line = sys.stdin.readline()
        if not line:
            application.quit()
            return
        here = items()
        names = {
            "window": window,
            "sync": window.collaboration_manager.sync,
            "state": state,
            "items": here,
            "pick": lambda number: here[sorted(here)[number % len(here)]],
            "Point": QPointF,
        }
        print(json.dumps(eval(json.loads(line), names), default=str), file=answers, flush=True)

    notifier = QSocketNotifier(voidptr(0), QSocketNotifier.Type.Read)
    notifier.activated.connect(answer)
    return application.exec()


class Window:
    """A window of the app, in a process and with settings of its own."""

    def __init__(self, checkout: Path, name: str, folder: Path) -> None:
        """Open it."""
        home = folder / name
        home.mkdir()
        own = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
        self.name, self.log = name, home / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, __file__, "--window", str(checkout)],
                env={**os.environ, **own},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def __call__(self, code: str) -> Any:  # noqa: ANN401  # Whatever JSON has.
        """Return what an expression gives in the window."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(code), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the window of {self.name} has ended at {code}:\n{self.log.read_text()[-3000:]}")
        return json.loads(line)


class Relay:
    """A relay with a store, that can be killed and comes back on its port."""

    def __init__(self, folder: Path) -> None:
        """Start it."""
        self.log, self.store, self.port = folder / "relay.log", folder / "relay.db", 0
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        options = ["--listen", f"127.0.0.1:{self.port}", "--store", f"sqlite:{self.store}"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "optiverse_engine", "relay", *options], stderr=log)
        deadline = time.monotonic() + PATIENCE_S
        while (found := re.search(r"address=127\.0\.0\.1:(\d+)", self.log.read_text())) is None:
            if time.monotonic() > deadline:
                raise SystemExit(f"the relay does not listen:\n{self.log.read_text()}")
            time.sleep(0.02)
        self.port = int(found[1])

    def kill(self) -> None:
        """Kill it, as a crash would."""
        self.process.kill()
        self.process.wait()


def step(chance: random.Random, window: Window) -> None:
    """Do something that a user does."""
    x, y, angle = chance.uniform(-200.0, 200.0), chance.uniform(-100.0, 100.0), chance.uniform(0.0, 360.0)
    item = f"pick({chance.randrange(1000)})"
    kind = chance.choice(["lens", "mirror", "source", "beamsplitter", "text", "rectangle"])
    add = f"window.placement_handler.place_component_at({kind!r}, Point({x}, {y}))"
    # Half of the time near what the app would let it snap to.
    move = f"{item}.setPos({x}, {chance.choice([y, chance.uniform(-2.0, 2.0)])})"
    lock = f"hasattr({item}, 'set_locked') and {item}.set_locked({chance.random() < 0.3})"
    write = f"hasattr({item}, 'setPlainText') and {item}.setPlainText('{x}')"
    delete = f"(window.scene.clearSelection(), {item}.setSelected(True), window.delete_selected())"
    turn = f"{item}.setRotation({angle})"
    undo = ["window._do_undo()", "window._do_redo()", "sync.undo()", "sync.redo()"]
    window(f"{chance.choice([add, add, move, move, move, turn, lock, write, delete, *undo])} if items else {add}")


def difference(windows: list[Window]) -> str:
    """Wait until all is sent; return how the windows differ, or nothing."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        states = [window("state()") for window in windows]
        unsent = [window.name for window, state in zip(windows, states, strict=True) if not state["sent"]]
        first = states[0]["shown"]
        different = [
            f"{window.name} shows {id} as {state['shown'].get(id)}, {windows[0].name} as {first.get(id)}; "
            f"it is {'' if id in state['shared'] else 'not '}shared"
            for window, state in zip(windows, states, strict=True)
            for id in sorted(first.keys() | state["shown"].keys() | set(state["shared"]))
            if id not in state["shared"] or id not in first or state["shown"].get(id) != first[id]
        ]
        if not unsent and not different:
            return ""
        if time.monotonic() > deadline:
            return "\n".join([*(f"{name} has not sent everything" for name in unsent), *different])
        time.sleep(0.1)


def check(checkout: Path, seed: int, folder: Path, windows: list[Window], relays: list[Relay]) -> int:
    """Let two users work; return the exit code: 1 where their windows differ."""
    chance = random.Random(seed)
    relay = Relay(folder)
    relays.append(relay)
    windows += [Window(checkout, name, folder) for name in ("ada", "bob")]
    for window in windows:
        join = f"window.collaboration_manager.join_session('ws://127.0.0.1:{relay.port}', 'bench', {window.name!r})"
        window(join)
    for number in range(ROUNDS):
        is_alone = number % 3 == 2
        if is_alone:
            relay.kill()
        for _ in range(STEPS):
            step(chance, chance.choice(windows))
        if is_alone:
            relay.start()
        if found := difference(windows):
            print(f"seed {seed}, round {number}: the windows differ\n{found}", file=sys.stderr)
            return 1
        how = "without a relay" if is_alone else "with a relay"
        print(f"round {number}, {STEPS} steps {how}: {len(windows[0]('state()')['shown'])} items, the same in both")
    return check_preview(*windows)


def check_preview(ada: Window, bob: Window) -> int:
    """Have one user hold a component over the canvas: the other is shown it when it is put down, not before."""
    before = bob("state()")["shown"]
    for placing in ("window.placement_handler.activate('lens')", "window.placement_handler._create_ghost(Point(0, 0))"):
        ada(placing)
    # As long as an edit takes, several times.
    time.sleep(0.5)
    seen = bob("state()")["shown"].keys() ^ before.keys()
    ada("window._cancel_placement_mode()")
    if seen:
        print(f"bob is shown what ada has not put down yet: {sorted(seen)}", file=sys.stderr)
    return 1 if seen else 0


def main() -> int:
    """Check the checkout that the environment names."""
    checkout = named_checkout()
    if checkout is None:
        return 2
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    windows: list[Window] = []
    relays: list[Relay] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            return check(checkout, seed, Path(folder), windows, relays)
        finally:
            for process in [window.process for window in windows] + [relay.process for relay in relays]:
                process.kill()
                process.wait()


if __name__ == "__main__":
    sys.exit(run_window(sys.argv[2]) if sys.argv[1:2] == ["--window"] else main())
