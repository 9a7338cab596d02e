"""One user's copy of a shared scene, with a connection of its own."""

from __future__ import annotations

import atexit
import importlib
import sys
import threading
import warnings
import weakref
from typing import TYPE_CHECKING, Any

from optiverse_engine._native import Edit, _Client
from optiverse_engine.errors import OptiverseWarning

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from optiverse_engine._native import _SectionName, _UndoStep
    from optiverse_engine.events import Event

__all__ = ["Session"]


_open_sessions: weakref.WeakSet[Session] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    # A thread that waits in native code must not outlive the interpreter.
    for session in list(_open_sessions):
        session._end(0.0)


class Session(_Client):
    """One user's copy of a shared scene, kept the same as everybody else's.

    A thread of the engine connects, sends, receives, and tries again by itself, for ever, after 0.5 s to 30 s. An edit
    shows in `scene` at once, connected or not; edits wait until the relay is there. What others do is in `scene` too,
    and told by events. There are four ways to take events; choose one:

    - `wait_event(timeout_s)` waits for the next one, `poll_event()` does not;
    - `async for event in session.events()`, or `await session.next_event()`, under asyncio;
    - `on_event`, a function that is called with each of them, on a thread of its own, one after the other;
    - none: those that nobody takes are dropped beyond 65,536 (`Missed` says how many).

    `with Session(…) as session:` closes the session at the end; one that is open when the program ends
    is closed then, without waiting.

    Args:
        url: where: `ws://HOST:PORT/ws/SESSION/USER`, or `wss://…` for TLS. Names are percent-encoded in it.
        user: the name of the user, where the URL ends with that of the session.
        password: the password of the session, if it has one.
        token: the owner's token, or an invitation.
        root_certificates: certificates of further authorities to trust with `wss://`, in PEM; those of the machine are
            trusted anyway.
        resume: what `save` wrote: the session goes on from there. One text must not be resumed twice.
        on_event: called with each event. What it raises is shown by `threading.excepthook`; the next event follows.

    Attributes:
        scene: the scene as the user is to see it: what is confirmed, with the user's own edits on top. Always the same
            object, which follows the session, also while you look at it: an item may be gone the next moment.
            `scene.copy()` is the scene at one moment, and free.
        url: the whole address.
        name: the name of the session.
        user: the name of the user.
        status: "offline", "connecting", "catching up", "sending", "unconfirmed" or "synchronised"; see `StatusChanged`.
        role: "owner", "editor" or "viewer", as the relay last said; None before it has.
        pending: the number of edits that the relay has not yet decided about.
        users: who else is in the session: the names of the other connections, one for each, in the order they came.
            Empty while there is no connection; whole once the status is "sending", "unconfirmed" or "synchronised".
        peers: those of the others who have shown where they are, by connection.
        can_undo: whether there is a step to undo.
        can_redo: whether there is a step to redo.
        is_closed: whether it was closed.

    Raises:
        SyncArgumentError: an argument cannot be used.
        SyncError: the system gives no thread.

    """

    _listener: threading.Thread | None
    _rings: dict[asyncio.AbstractEventLoop, asyncio.Event]

    def __new__(
        cls,
        url: str,
        /,
        *,
        user: str | None = None,
        password: str | None = None,
        token: str | None = None,
        root_certificates: str | None = None,
        resume: str | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> Self:
        """Start it; it returns at once."""
        self = super().__new__(
            cls,
            url,
            user=user,
            password=password,
            token=token,
            root_certificates=root_certificates,
            resume=resume,
        )
        self._rings = {}
        self._listener = None
        # They format the warning of `_close_all`. Loaded at exit they would make CPython forget that Ctrl-C ended it:
        # `tokenize` makes named tuples, which evaluate text, and that resets what was noted.
        for module in ("linecache", "tokenize"):
            importlib.import_module(module)
        _open_sessions.add(self)
        if on_event is not None:
            self._listener = threading.Thread(
                target=self._listen, args=(on_event,), name="optiverse-events", daemon=True
            )
            self._listener.start()
        return self

    def add(self, properties: Mapping[str, Any], /, *, section: _SectionName = "items", step: _UndoStep = "new") -> str:
        """Add an item and return its id; a random one where the properties have none. See `Scene.add` and `edit`."""
        edit = Edit.add(properties, section=section)
        self.edit(edit, step=step)
        return edit.items[0]

    def update(self, id: str, changes: Mapping[str, Any], /, *, step: _UndoStep = "new") -> None:
        """Give properties of an item new values. See `Scene.update` and `edit`."""
        self.edit(Edit.update(id, changes), step=step)

    def unset(self, id: str, /, *keys: str, step: _UndoStep = "new") -> None:
        """Remove properties of an item. See `Scene.unset` and `edit`."""
        self.edit(Edit.unset(id, *keys), step=step)

    def move(self, id: str, /, x_mm: float, y_mm: float, *, step: _UndoStep = "new") -> None:
        """Put an item at a position in mm. See `Scene.move` and `edit`."""
        self.edit(Edit.move(id, x_mm, y_mm), step=step)

    def remove(self, id: str, /, *, step: _UndoStep = "new") -> None:
        """Remove an item. See `Scene.remove` and `edit`."""
        self.edit(Edit.remove(id), step=step)

    async def next_event(self) -> Event | None:
        """Wait for the next event under asyncio; None where the session is closed."""
        # It takes as long to import as all the rest of the package.
        import asyncio

        loop = asyncio.get_running_loop()
        if loop not in self._rings:
            # Loops that have ended are of no use any more.
            self._rings = {other: ring for other, ring in self._rings.items() if not other.is_closed()}
            self._rings[loop] = asyncio.Event()
            self.set_bell(self._ring)
        ring = self._rings[loop]
        while True:
            # In this order: an event that comes after the look rings.
            ring.clear()
            closed = self.is_closed
            event = self.poll_event()
            if event is not None or closed:
                return event
            await ring.wait()

    async def events(self) -> AsyncIterator[Event]:
        """Iterate over the events under asyncio, until the session is closed."""
        while (event := await self.next_event()) is not None:
            yield event

    def close(self, timeout_s: float = 5.0) -> int:
        """Wait until the relay has decided about every edit, then close the connection and end the thread.

        It does not wait for a relay that refuses this client. A second call does nothing.

        Args:
            timeout_s: how long to wait for the relay, in seconds.

        Returns the number of edits that are still undecided; `save` gives them as text.

        """
        undecided = super().close(timeout_s)
        _open_sessions.discard(self)
        self._ring()
        self.set_bell(None)
        if self._listener is not None and self._listener is not threading.current_thread():
            self._listener.join()
        return undecided

    def __enter__(self) -> Self:
        """Return the session itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the session, after an exception without waiting; warn of edits that the relay has not decided about."""
        self._end(5.0 if kind is None else 0.0)

    def _end(self, timeout_s: float) -> None:
        undecided = self.close(timeout_s)
        if undecided:
            message = f"{self.url}: {undecided} edits were not acknowledged by the relay; `save` gives them as text"
            warnings.warn(message, OptiverseWarning, stacklevel=3)

    def _listen(self, on_event: Callable[[Event], object]) -> None:
        while (event := self.wait_event()) is not None:
            try:
                on_event(event)
            except Exception:
                threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))

    def _ring(self) -> None:
        """Wake the loops; called on any thread."""
        for loop, ring in list(self._rings.items()):
            # The loop may end at any moment.
            try:
                loop.call_soon_threadsafe(ring.set)
            except RuntimeError:
                self._rings.pop(loop, None)
