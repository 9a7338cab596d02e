"""The command, run as its users run it."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import component, source
from test_pictures import read_png

import optiverse_engine as oe
from optiverse_engine import Scene
from optiverse_engine.cli import main


def run(*arguments, stdin=None, **options):
    """The finished process; its output is bytes."""
    command = [sys.executable, "-m", "optiverse_engine", *map(str, arguments)]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        command, input=stdin, capture_output=True, check=False, env=environment, timeout=60, **options
    )


@pytest.fixture
def good(splitter_scene, tmp_path):
    """A file that is clean."""
    path = tmp_path / "good.json"
    splitter_scene.save(path)
    return path


@pytest.fixture
def bad(bad_scene, tmp_path):
    """A file with two reports."""
    path = tmp_path / "bad.json"
    bad_scene.save(path)
    return path


def test_the_entry_point_is_installed():
    script = Path(sys.executable).parent / ("optiverse-engine.exe" if os.name == "nt" else "optiverse-engine")
    done = subprocess.run([script, "--version"], capture_output=True, check=True, text=True)
    assert done.stdout == f"optiverse-engine {oe.__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["trace", "--help"], ["check", "--help"], ["info", "--help"]])
def test_help_tells_the_exit_codes(arguments):
    done = run(*arguments)
    assert done.returncode == 0
    assert b"exit codes:" in done.stdout
    assert b"130  interrupted" in done.stdout


def test_trace_writes_every_format(good, tmp_path):
    outputs = [tmp_path / f"rays.{suffix}" for suffix in ("svg", "png", "csv", "json")]
    done = run("trace", good, *(part for path in outputs for part in ("-o", path)))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    paths = Scene.load(good).trace()
    svg, png, table, arrays = (path.read_bytes() for path in outputs)
    assert svg.decode() == paths.to_svg()
    assert read_png(png)[0] == 1200
    assert table.decode() == paths.to_csv()
    assert arrays.decode() == paths.to_json()


def test_standard_input_and_output(good):
    done = run("trace", "-", "-o", "-", "--format", "csv", stdin=good.read_bytes())
    assert done.returncode == 0
    assert done.stdout.decode() == Scene.load(good).trace().to_csv()
    assert run("check", "-", stdin=good.read_bytes()).returncode == 0
    assert b"3: 2 component, 1 source" in run("info", "-", stdin=good.read_bytes()).stdout


def test_options_reach_the_trace(good):
    def trace(*options):
        done = run("trace", good, "-o", "-", "--format", "json", *options)
        assert done.returncode == 0
        return done.stdout.decode()

    scene = Scene.load(good)
    assert trace("--physics", "optiverse-0.3.4") == scene.trace("optiverse-0.3.4").to_json()
    assert trace("--max-events", "1") == scene.trace(max_events=1).to_json()
    assert trace("--min-intensity", "0.6") == scene.trace(min_intensity=0.6).to_json()
    assert trace("--length-mm", "130", "--threads", "2") == scene.trace(length_mm=130).to_json()
    assert trace("--strict") == scene.trace().to_json()


def test_truncation_is_said(good):
    done = run("trace", good, "--max-vertices", "5")
    assert done.returncode == 0
    assert "warning: the trace stopped at max_vertices = 5: paths are missing" in done.stderr.decode()
    assert "paths are missing" in done.stdout.decode()


def test_without_output_the_table_is_printed(good, tmp_path):
    plain, with_picture = run("trace", good), run("trace", good, "--table", "-o", tmp_path / "rays.svg")
    assert plain.returncode == 0
    assert plain.stdout == with_picture.stdout
    lines = plain.stdout.decode().splitlines()
    assert lines[0].split() == ["source", "rays", "last", "element", "ending", "power", "share", "direction"]
    assert lines[2].split() == ["HeNe", "3", "BS", "(beam", "splitter)", "left", "1.5000", "50.00%", "-90.00°"]
    assert "emitted 3.0000: left 3.0000" in lines


def test_items_that_are_left_out_are_said(bad):
    done = run("trace", bad)
    assert done.returncode == 0
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 2
    assert any(
        line.startswith("optiverse-engine: warning: item bad (broken): interfaces[0].efl_mm is 0") for line in lines
    )


def test_strict_refuses(bad):
    done = run("trace", bad, "--strict")
    assert done.returncode == 1
    assert b"error: item bad (broken)" in done.stderr
    assert done.stdout == b""


def test_check(good, bad):
    clean = run("check", good)
    assert (clean.returncode, clean.stdout, clean.stderr) == (0, b"", b"")
    reported = run("check", bad)
    assert reported.returncode == 1
    lines = reported.stdout.decode().splitlines()
    assert lines[0].split() == ["severity", "item", "name", "key", "value", "expected"]
    assert len(lines) == 4
    assert any(line.split()[:5] == ["error", "bad", "broken", "interfaces[0].efl_mm", "0"] for line in lines)


def test_check_counts_warnings_of_the_text(tmp_path):
    path = tmp_path / "twice.json"
    path.write_text(json.dumps({"items": [source("a"), source("a")]}))
    done = run("check", path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"warning: items[1]: the id a is taken" in done.stderr


def test_info(linked_files):
    document = json.loads(linked_files.read_text())
    document["layer_state"]["nodes"][0]["children"] = [
        {"uuid": "laser", "type": "item", "visible": False, "locked": True}
    ]
    linked_files.write_text(json.dumps(document))
    done = run("info", linked_files)
    assert done.returncode == 0
    lines = dict(line.split(maxsplit=1) for line in done.stdout.decode().splitlines() if not line.startswith(" "))
    assert lines["version"] == "2.0"
    assert lines["items"] == "1: 1 source"
    assert lines["surfaces"] == "1: 1 mirror"
    assert lines["extent"] == "x -100 to 10 mm, y -5 to 15 mm"
    assert lines["hidden"] == "1"
    assert lines["reports"] == lines["warnings"] == "0"
    assert lines["links"] == "1, which bring in 1 items"
    assert lines["layers"] == "2: 1 group, 1 item"
    assert "\n            laser [hidden] [locked]\n" in done.stdout.decode() + "\n"


def test_info_of_an_empty_scene(capsys, tmp_path):
    path = tmp_path / "empty.json"
    path.write_text("{}")
    assert main(["info", str(path)]) == 0
    assert "version   none" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["trace", "check", "info"])
def test_files_that_cannot_be_read(command, tmp_path):
    (tmp_path / "text.json").write_text('{"items": [5]}')
    (tmp_path / "bytes.json").write_bytes(b"\xff")
    for name, message in [
        ("none.json", "No such file or directory"),
        (".", "Is a directory"),
        ("text.json", "items[0] is the number 5, expected an object"),
        ("bytes.json", "not UTF-8 text"),
    ]:
        done = run(command, tmp_path / name)
        assert (done.returncode, done.stdout) == (2, b"")
        (line,) = done.stderr.decode().splitlines()
        assert line.startswith(f"optiverse-engine: error: {tmp_path / name}")
        assert message in line


@pytest.mark.parametrize(
    ("stdin", "message"),
    [(b"\xff", "standard input is not UTF-8 text: byte 0"), (b"[]", "standard input: the document is a list of 0")],
)
def test_standard_input_that_is_no_scene(stdin, message):
    done = run("check", "-", stdin=stdin)
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert message in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "rays.pdf"], "rays.pdf has the suffix 'pdf', expected one of svg, png, csv, json"),
        (["-o", "-"], "-o - needs --format"),
        (["-o", "-", "-o", "-", "--format", "csv"], "-o - is given more than once"),
        (["-o", "-", "--format", "csv", "--table"], "would both write standard output"),
        (["-o", "rays.svg", "--format", "csv"], "--format goes with -o -"),
        (["--threads", "0"], "threads is 0, expected"),
        (["-o", "none/rays.svg"], "none/rays.svg: No such file or directory"),
    ],
)
def test_arguments_that_cannot_be_used(good, arguments, message, tmp_path):
    done = run("trace", good, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("optiverse-engine: error: ")
    assert message in line


def test_unknown_options_end_with_the_code_of_argparse(good):
    assert run("trace", good, "--wrong").returncode == 2
    assert run().returncode == 2


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_broken_pipe_is_quiet(good, unbuffered):
    scene = Scene.load(good)
    scene.update("laser", n_rays=20_000)
    scene.save(good)
    arguments = [sys.executable, "-m", "optiverse_engine", "trace", str(good), "-o", "-", "--format", "csv"]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout.readline().startswith(b"path,vertex")
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_output_that_cannot_show_all_characters_is_still_written(good):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "optiverse_engine", "trace", str(good)]
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    assert b"-90.00?" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")
def test_a_bar_is_shown_on_a_terminal_alone(long_scene, tmp_path):
    path = tmp_path / "long.json"
    long_scene.update("laser", n_rays=100_000)
    long_scene.save(path)
    # No waiting before the bar is shown, and no table, which would take longer than the trace.
    program = (
        "import sys, optiverse_engine.cli as cli\n"
        "cli._PROGRESS_DELAY_S = 0.0\n"
        "cli.format_routes = lambda scene, paths: 'done'\n"
        "sys.exit(cli.main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", program, "trace", str(path), "--max-vertices", "3000000"]
    shown_in_pipe = subprocess.run(command, capture_output=True, check=True).stderr
    assert b"rays" not in shown_in_pipe
    ours, theirs = os.openpty()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        # A terminal whose other side is closed reads as an error.
        with contextlib.suppress(OSError):
            while part := os.read(ours, 1024):
                shown += part
    os.close(ours)
    assert process.returncode == 0
    assert b"/100,000 rays" in shown


def test_names_with_line_breaks_stay_on_one_line(tmp_path):
    scene = Scene()
    scene.add(source(n_rays=1), name="two\nlines")
    scene.add(component("block", "beam_block"), name="end\nhere")
    path = tmp_path / "scene.json"
    scene.save(path)
    done = run("trace", path)
    assert "two lines" in done.stdout.decode()
    assert "end here (beam block)" in done.stdout.decode()
