"""The command `optiverse-engine join`: who comes and goes in a session and what changes there, as it happens."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from optiverse_engine.events import (
    Disconnected,
    Missed,
    Peer,
    PeerChanged,
    RoleChanged,
    SceneChanged,
    StatusChanged,
    UserJoined,
    UserLeft,
)
from optiverse_engine.session import Session

if TYPE_CHECKING:
    import argparse

    from optiverse_engine import Item
    from optiverse_engine.events import Event

PASSWORD_VARIABLE = "OPTIVERSE_PASSWORD"
TOKEN_VARIABLE = "OPTIVERSE_TOKEN"

_FOLLOWED = 0
_NOT_JOINED = 1

# Longer values are cut in lines for people.
_MOST_CHARACTERS = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("url", metavar="URL", help="ws://HOST:PORT/ws/SESSION or …/SESSION/USER; wss:// for TLS")
    parser.add_argument("--user", metavar="NAME", help="your name, where the URL has none (default: the login name)")
    parser.add_argument("--once", action="store_true", help="print the session as it is now, and end")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument(
        "--timeout-s",
        type=float,
        default=10.0,
        metavar="S",
        help="with --once: how long to wait for the relay (default: %(default)s)",
    )
    parser.add_argument("--ca", metavar="FILE", help="a PEM file with certificates to trust besides the machine's")


def follow(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    # The name of the user stands behind that of the session, if anywhere.
    has_user = urlsplit(options.url).path.rstrip("/").split("/")[-2:-1] != ["ws"]
    user = options.user or (None if has_user else getpass.getuser())
    session = Session(
        options.url,
        user=user,
        password=os.environ.get(PASSWORD_VARIABLE),
        token=os.environ.get(TOKEN_VARIABLE),
        root_certificates=Path(options.ca).read_text() if options.ca else None,
    )
    with session:
        shown = _Json(session) if options.json else _Lines(session)
        if options.once:
            return _once(session, shown, options.timeout_s)
        try:
            while (event := session.wait_event()) is not None:
                shown.event(event)
                if isinstance(event, Disconnected) and not event.retries:
                    return _NOT_JOINED
        except KeyboardInterrupt:
            pass
        finally:
            shown.end()
    return _FOLLOWED


def _once(session: Session, shown: _Json | _Lines, timeout_s: float) -> int:
    deadline = time.monotonic() + timeout_s
    while session.status != "synchronised":
        event = session.wait_event(max(0.0, deadline - time.monotonic()))
        refused = isinstance(event, Disconnected) and not event.retries
        if isinstance(event, Disconnected):
            print(f"optiverse-engine: {event.message}", file=sys.stderr)
        if refused or (event is None and time.monotonic() >= deadline):
            print(f"optiverse-engine: error: {session.url}: not joined within {timeout_s:g} s", file=sys.stderr)
            return _NOT_JOINED
    shown.state()
    return _FOLLOWED


class _Json:
    """Every event as a JSON object on a line."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def event(self, event: Event) -> None:
        """Print an event; of changes with what the items have now."""
        members = {"event": type(event).__name__}
        if isinstance(event, SceneChanged):
            # As it is at one moment: others edit meanwhile.
            scene = self._session.scene.copy()
            ids = [*event.added, *event.changed]
            items = {id: dict(item) for id in ids if (item := scene.get(id)) is not None}
            self._print({**members, "items": items, "removed": list(event.removed)})
        else:
            self._print({**members, **asdict(event)})

    def state(self) -> None:
        """Print the session as it is."""
        session = self._session
        self._print(
            {
                "session": session.name,
                "user": session.user,
                "status": session.status,
                "role": session.role,
                "peers": [asdict(peer) for peer in session.peers.values()],
                "items": {id: dict(item) for id, item in session.scene.copy().items()},
            }
        )

    def end(self) -> None:
        """Nothing is left to print."""

    @staticmethod
    def _print(members: dict[str, Any]) -> None:
        # What is not finite is null: JSON has no word for it.
        print(json.dumps(_finite(members)), flush=True)


def _finite(value: Any) -> Any:  # noqa: ANN401  # Properties are any value that JSON has.
    match value:
        case float() if value - value != 0.0:
            return None
        case dict():
            return {key: _finite(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_finite(inner) for inner in value]
    return value


class _Lines:
    """Lines for a person; in a terminal the last one says how things are now."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._live = sys.stdout.isatty()
        self._has_status_line = False

    def event(self, event: Event) -> None:
        """Print an event, if it is worth a line, and bring the last line up to date."""
        for line in self._describe(event):
            self._print(f"{time.strftime('%H:%M:%S')}  {line}")
        self._show_status()

    def state(self) -> None:
        """Print the session as it is."""
        session, scene = self._session, self._session.scene.copy()
        self._print(f"session {session.name}, {len(scene)} items; {session.user} is {session.role}")
        for peer in session.peers.values():
            self._print(f"  seen: {_one_line(peer.user)}{_whereabouts(peer)}")
        for item in scene.values():
            self._print(f"  {_label(item)}")

    def end(self) -> None:
        """Leave the last line standing."""
        if self._has_status_line:
            print(flush=True)

    def _describe(self, event: Event) -> list[str]:
        match event:
            case StatusChanged(status="synchronised"):
                return [f"synchronised: {len(self._session.scene)} items"]
            case StatusChanged(status="connecting", attempt=attempt):
                return [f"connecting, attempt {attempt}"]
            case RoleChanged(role=role):
                return [f"you are {role}"]
            case Disconnected(message=message, retries=retries):
                return [f"{message}; {'trying again' if retries else 'given up'}"]
            case UserJoined(user=user):
                return [f"{_one_line(user)} joined"]
            case UserLeft(user=user):
                return [f"{_one_line(user)} left"]
            case SceneChanged():
                return self._changes(event)
            case Missed(count=count):
                return [f"{count} events were missed"]
            case PeerChanged() | StatusChanged():
                return []
        return [_one_line(str(event))]

    def _changes(self, event: SceneChanged) -> list[str]:
        # As it is at one moment: others edit meanwhile.
        scene = self._session.scene.copy()
        lines = [f"+ {_label(item)}" for id in event.added if (item := scene.get(id)) is not None]
        for id, keys in event.changed.items():
            item = scene.get(id)
            if item is not None:
                lines.append(f"~ {_label(item)}: " + ", ".join(f"{_one_line(key)} {_value(item, key)}" for key in keys))
        return lines + [f"- {_one_line(id)}" for id in event.removed]

    def _show_status(self) -> None:
        if not self._live:
            return
        session = self._session
        # Only who shows where they are is known: the app's windows never do, so that nobody shown is not nobody there.
        seen = ", ".join(_one_line(peer.user) + _whereabouts(peer) for peer in session.peers.values())
        line = f"{session.status} · {len(session.scene)} items" + (f" · seen: {seen}" if seen else "")
        width = shutil.get_terminal_size().columns - 1
        # To the line's start, the text, and away with what stood there before.
        self._write(f"\r{line[:width]}\x1b[K")
        self._has_status_line = True

    def _print(self, line: str) -> None:
        clear = "\r\x1b[K" if self._has_status_line else ""
        self._has_status_line = False
        self._write(f"{clear}{line}\n")

    @staticmethod
    def _write(text: str) -> None:
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()


def _label(item: Item) -> str:
    name = item.get("name")
    return _one_line(f"{item.id} ({item.kind}{f' {name!r}' if isinstance(name, str) and name else ''})")


def _value(item: Item, key: str) -> str:
    if key not in item:
        return "removed"
    value = item[key]
    text = f"{value:g}" if isinstance(value, float) else _one_line(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def _whereabouts(peer: Peer) -> str:
    parts = []
    if peer.cursor_mm is not None:
        parts.append(f"at ({peer.cursor_mm[0]:.1f}, {peer.cursor_mm[1]:.1f}) mm")
    if peer.selection:
        parts.append(f"{len(peer.selection)} selected")
    return f" {', '.join(parts)}" if parts else ""


def _one_line(text: str) -> str:
    """The text without line breaks and without what a terminal would take for a command."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))
