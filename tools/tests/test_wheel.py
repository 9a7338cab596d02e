"""The wheel that `make wheel` leaves: where it can be installed, how large it is, how long its import takes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
#: Most that the wheel may weigh; a build with line tables, or with a second copy of a library, is over it.
MOST_MB = 12
#: Most that the import may take, numpy's share left out.
MOST_IMPORT_MS = 50.0
#: Libraries of the system that PEP 600 lets every Linux of that age have.
SYSTEM = {"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6"}
SYSTEM |= {"libpthread.so.0", "librt.so.1", "libutil.so.1"}

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="manylinux is a matter of Linux")


@pytest.fixture(scope="module")
def wheel() -> Path:
    """Return the one wheel there is."""
    (found,) = (ROOT / "target/wheels").glob("*.whl")
    return found


@pytest.fixture(scope="module")
def module(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the native module, taken out of the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract("optiverse_engine/_native.abi3.so", folder))


def readelf(*arguments: str | Path) -> str:
    """Return what readelf, which comes with the C compiler, says."""
    return subprocess.run(["readelf", *arguments], capture_output=True, text=True, check=True).stdout


def test_one_wheel_serves_every_python(wheel: Path) -> None:
    assert "-cp310-abi3-" in wheel.name


@on_linux
def test_the_tag_says_which_linux_is_needed(wheel: Path, module: Path) -> None:
    tag = re.search(r"-manylinux_(\d+)_(\d+)_", wheel.name)
    assert tag is not None, f"{wheel.name} is for this machine only"
    promised = (int(tag.group(1)), int(tag.group(2)))
    wanted = {
        (int(major), int(minor))
        for major, minor in re.findall(r"Name: GLIBC_(\d+)\.(\d+)", readelf("--version-info", "--wide", module))
    }
    assert wanted
    print(f"\n{wheel.name}: wants glibc {max(wanted)}, promises {promised}")
    assert max(wanted) <= promised


@on_linux
def test_only_libraries_of_the_system_are_needed(module: Path) -> None:
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", readelf("--dynamic", "--wide", module)))
    assert "libc.so.6" in needed
    assert needed <= SYSTEM


def test_size(wheel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = wheel.stat().st_size / 1e6
    with capsys.disabled():
        print(f"\n{wheel.name}: {size:.2f} MB")
    assert size < MOST_MB


def test_what_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = {
        str(path.relative_to(ROOT / "python"))
        for path in (ROOT / "python/optiverse_engine").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in {".pyc", ".so"}
    }
    assert {"optiverse_engine/widget/static/widget.js", "optiverse_engine/py.typed"} <= package
    shipped = {name for name in names if name.startswith("optiverse_engine/") and not name.endswith(".so")}
    assert shipped == package
    # Neither tests nor sources of the front end.
    assert {name.split("/")[0] for name in names} == {"optiverse_engine", f"{wheel.name.split('-cp')[0]}.dist-info"}


def test_it_is_installed_where_there_is_no_rust(wheel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=True)
    # Only what an interpreter needs: no cargo, no compiler.
    environment = {"PATH": str(folder / "bin"), "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    environment |= {
        key: value for key, value in os.environ.items() if key.lower().endswith(("_proxy", "_cert", "_url"))
    }

    def run(*command: str | Path) -> str:
        ran = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    assert shutil.which("cargo", path=environment["PATH"]) is None
    run(folder / "bin/python", "-m", "pip", "--disable-pip-version-check", "--quiet", "install", wheel)
    scene = ROOT / "examples/scenes/prism-spectrometer.json"
    table = run(folder / "bin/optiverse-engine", "trace", scene, "--table")
    assert "Detector" in table


def import_shares() -> tuple[float, float]:
    """Return in ms what an import of the package takes, numpy left out, and what numpy takes in the same process."""
    program = "import optiverse_engine, numpy"
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", program], capture_output=True, text=True, check=True
    )
    # Children stand before their parents, indented by two more.
    lines = re.findall(r"^import time:\s+(\d+) \|\s+(\d+) \| ( *)(\S+)$", ran.stderr, re.MULTILINE)
    cumulative = {name: (int(total) / 1000, len(indent) // 2) for _, total, indent, name in lines}
    ours, depth = cumulative["optiverse_engine"]
    numpys, numpy_depth = cumulative["numpy"]
    return ours - (numpys if numpy_depth > depth else 0.0), numpys


def test_import_time(capsys: pytest.CaptureFixture[str]) -> None:
    # The quickest of five: what else runs on the machine is not the package's share.
    ours, numpys = min(import_shares() for _ in range(5))
    with capsys.disabled():
        print(f"\nimport: {ours:.1f} ms, and {numpys:.1f} ms for numpy")
    assert ours < MOST_IMPORT_MS


def locked_versions(lock: Path) -> set[tuple[str, ...]]:
    """Return name, version and checksum (empty for packages of the workspace) of all packages in a lock file."""
    entry = re.compile(r'^name = "(.+)"\nversion = "(.+)"(?:\nsource = ".+"\nchecksum = "(.+)")?$', re.MULTILINE)
    return {match.groups(default="") for match in entry.finditer(lock.read_text(encoding="utf-8"))}


def test_the_source_distribution_builds(tmp_path: Path) -> None:
    """In the profile of the tests, some of whose dependencies are built already; it is about what is missing."""
    maturin = Path(sys.executable).with_name("maturin")
    subprocess.run([maturin, "sdist", "--out", tmp_path], cwd=ROOT, check=True, capture_output=True)
    (packed,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert {"Cargo.lock", "LICENSE", "README.md", "pyproject.toml"} <= {path.name for path in unpacked.iterdir()}
    assert (unpacked / "python/optiverse_engine/widget/static/widget.js").is_file()
    assert not list(unpacked.rglob("node_modules"))
    # All files are of one day in 2006: cargo would take what it built of an earlier distribution for this one's.
    for path in unpacked.rglob("*"):
        path.touch()

    # The lock file is that of the whole workspace, of which a distribution has a part: cargo strikes out the rest, and
    # takes every version from it.
    environment = {**os.environ, "CARGO_TARGET_DIR": str(ROOT / "target")}
    whole = locked_versions(unpacked / "Cargo.lock")
    assert whole == locked_versions(ROOT / "Cargo.lock")
    command: list[str | Path] = ["cargo", "metadata", "--quiet", "--format-version", "1"]
    subprocess.run(command, cwd=unpacked, env=environment, check=True, capture_output=True)
    part = locked_versions(unpacked / "Cargo.lock")
    assert "optiverse-py" in {name for name, *_ in part}
    assert part < whole

    out = tmp_path / "wheels"
    command = [maturin, "build", "--locked", "--interpreter", sys.executable, "--out", out]
    built = subprocess.run(command, cwd=unpacked, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert len(list(out.glob("*.whl"))) == 1
