"""The command `optiverse-engine`: trace, check and describe scenes; share them."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from optiverse_engine import (
    DEFAULT_MAX_VERTICES,
    PHYSICS,
    InvalidSceneError,
    OptiverseError,
    Scene,
    SceneFileError,
    __version__,
)
from optiverse_engine._native import _run_relay
from optiverse_engine._progress import ProgressBar
from optiverse_engine.info import describe
from optiverse_engine.join import PASSWORD_VARIABLE, TOKEN_VARIABLE, add_arguments, follow
from optiverse_engine.routes import format_routes, format_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from optiverse_engine import RayPaths

_DONE = 0
_FOUND = 1
_UNUSABLE = 2
_INTERRUPTED = 130
_BROKEN_PIPE = 141

_FORMATS = ("svg", "png", "csv", "json")

# Work shorter than this shows no bar.
_PROGRESS_DELAY_S = 0.5

_EXIT_CODES = """\
exit codes:
  0    done; for `check`: nothing to report; for `join`: ended by Ctrl-C
  1    for `check`: something was reported; for `trace --strict`: the scene was refused; for `join`: the relay refused
       you, or with --once could not be reached; for `relay`: it could not be started
  2    a file cannot be read or written, or is no scene; an argument cannot be used
  130  interrupted by Ctrl-C
  141  whoever read the standard output has closed it
"""


class _UsageError(Exception):
    """Arguments that do not go together."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (those of the process without any) and return its exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments[:1] == ["relay"]:
        # The relay has its own way with Ctrl-C; Python's would be called too, and raise when the relay has ended.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        return _run_relay(["optiverse-engine relay", *arguments[1:]])
    options = _parser().parse_args(arguments)
    try:
        with _warnings_as_lines():
            code: int = options.run(options)
            sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except InvalidSceneError as error:
        for report in error.reports:
            _say(f"{report.severity}: {report}")
        return _FOUND
    except SceneFileError as error:
        _say(f"error: {_one_line(error.filename or options.file)}: {_one_line(error.strerror or str(error))}")
    except OSError as error:
        _say(f"error: {_one_line(str(error.filename))}: {error.strerror}")
    except (OptiverseError, _UsageError) as error:
        _say(f"error: {_one_line(str(error))}")
    else:
        return code
    return _UNUSABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="optiverse-engine",
        description="Trace light through Optiverse scenes, and share them.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=_EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(run=run)
        return added

    def file_command(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        added = command(name, run, summary)
        added.add_argument("file", metavar="FILE", help="the scene; - reads standard input")
        return added

    trace = file_command("trace", _trace, "trace the light of a scene")
    trace.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="PATH",
        help="write a picture (.svg, .png) or the vertices (.csv, .json); repeatable; - is standard output",
    )
    trace.add_argument("--format", choices=_FORMATS, help="the format of standard output")
    trace.add_argument(
        "--table", action="store_true", help="print what left where with which power (done without -o too)"
    )
    trace.add_argument("--physics", choices=PHYSICS, default="exact", help="the laws to follow (default: %(default)s)")
    trace.add_argument(
        "--max-events",
        type=int,
        default=80,
        metavar="N",
        help="interactions after which a path ends (default: %(default)s)",
    )
    trace.add_argument(
        "--min-intensity",
        type=float,
        default=0.02,
        metavar="SHARE",
        help="share of the source ray below which light is not followed (default: %(default)s)",
    )
    trace.add_argument("--length-mm", type=float, metavar="MM", help="length of a path (default: that of its source)")
    trace.add_argument("--threads", type=int, metavar="N", help="number of threads (default: one for each core)")
    trace.add_argument(
        "--max-vertices",
        type=int,
        default=DEFAULT_MAX_VERTICES,
        metavar="N",
        help="vertices at which tracing stops, with a warning (default: %(default)s)",
    )
    trace.add_argument("--strict", action="store_true", help="refuse a scene with an item that cannot be traced")

    file_command("check", _check, "report every value of a scene that cannot be used")
    file_command("info", _info, "tell what is in a scene")
    join = command("join", follow, "follow a shared scene: who is there, and what changes")
    join.epilog = f"A password is taken from {PASSWORD_VARIABLE}, a token from {TOKEN_VARIABLE}.\n\n{_EXIT_CODES}"
    add_arguments(join)
    # Its options are the relay's own: they never come here.
    commands.add_parser("relay", help="run the relay of shared scenes; its own --help tells more", add_help=False)
    return parser


def _trace(options: argparse.Namespace) -> int:
    targets = [(path, _format_of(path, options.format)) for path in options.output]
    to_stdout = [path for path in options.output if path == "-"]
    if len(to_stdout) > 1:
        raise _UsageError("-o - is given more than once")
    if to_stdout and options.table:
        raise _UsageError("--table and -o - would both write standard output")
    if options.format and not to_stdout:
        raise _UsageError("--format goes with -o -; other outputs have the format of their suffix")
    scene = _read(options.file)
    bar = ProgressBar(_PROGRESS_DELAY_S) if sys.stderr.isatty() else None
    try:
        paths = scene.trace(
            options.physics,
            max_events=options.max_events,
            min_intensity=options.min_intensity,
            threads=options.threads,
            max_vertices=options.max_vertices,
            progress=bar,
            length_mm=options.length_mm,
            strict=options.strict,
        )
    finally:
        if bar:
            bar.close()
    for path, output_format in targets:
        contents = _contents(paths, output_format)
        if path == "-":
            _write(contents)
        else:
            Path(path).write_bytes(contents)
    if options.table or not targets:
        _print(format_routes(scene, paths))
    return _DONE


def _check(options: argparse.Namespace) -> int:
    scene = _read(options.file)
    reports = scene.reports
    if reports:
        rows: list[tuple[str, ...]] = [("severity", "item", "name", "key", "value", "expected")]
        rows += [
            tuple(_one_line(cell) for cell in (r.severity, r.item, r.name, r.key, r.value, r.expected)) for r in reports
        ]
        _print(format_table(rows))
    # What was odd about the text has been said on reading it.
    return _FOUND if reports or scene.warnings else _DONE


def _info(options: argparse.Namespace) -> int:
    _print(describe(_read(options.file)))
    return _DONE


def _read(path: str) -> Scene:
    """The scene at a path; - is standard input."""
    if path != "-":
        try:
            return Scene.load(path)
        except SceneFileError:
            raise
        except OptiverseError as error:
            raise _UsageError(f"{path}: {error}") from error
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise _UsageError(f"standard input is not UTF-8 text: byte {error.start}") from error
    try:
        return Scene.from_json(text)
    except OptiverseError as error:
        raise _UsageError(f"standard input: {error}") from error


def _format_of(path: str, stdout_format: str | None) -> str:
    if path == "-":
        if stdout_format is None:
            raise _UsageError(f"-o - needs --format, one of {', '.join(_FORMATS)}")
        return stdout_format
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in _FORMATS:
        raise _UsageError(f"{path} has the suffix {suffix!r}, expected one of {', '.join(_FORMATS)}")
    return suffix


def _contents(paths: RayPaths, output_format: str) -> bytes:
    match output_format:
        case "svg":
            return paths.to_svg().encode()
        case "png":
            return paths.to_png()
        case "csv":
            return paths.to_csv().encode()
        case _:
            return paths.to_json().encode()


@contextlib.contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Each warning as one line on standard error."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        _say(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        yield


def _print(text: str) -> None:
    """Print text, with what the terminal cannot show replaced."""
    _write((text + "\n").encode(sys.stdout.encoding or "ascii", "replace"))


def _write(contents: bytes) -> None:
    """Write all of it to standard output."""
    rest = memoryview(contents)
    while rest:
        # Where Python runs unbuffered, a write may stop halfway, without an error, when the reader goes away.
        rest = rest[sys.stdout.buffer.write(rest) :]


def _say(line: str) -> None:
    """Print one line to standard error."""
    encoding = sys.stderr.encoding or "ascii"
    sys.stderr.write(f"optiverse-engine: {_one_line(line)}\n".encode(encoding, "replace").decode(encoding))


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main())
