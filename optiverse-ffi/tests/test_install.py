"""`make install`: what it puts where, and that pkg-config and CMake find it from a clean directory."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from building import FFI, INCLUDE, ROOT, run, soname, version

SCENE = ROOT / "examples/scenes/isolator-and-interferometer.json"

CMAKE = """\
cmake_minimum_required(VERSION 3.16)
project(host C CXX)
find_package(optiverse {version} {exact} REQUIRED)
add_executable(shared trace.c)
target_link_libraries(shared optiverse::optiverse)
add_executable(static trace.c)
target_link_libraries(static optiverse::static)
add_executable(cpp trace.cpp)
target_compile_features(cpp PRIVATE cxx_std_17)
target_link_libraries(cpp optiverse::optiverse)
"""


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the library installed in it."""
    path = tmp_path_factory.mktemp("prefix")
    run("make", "--no-print-directory", "install", f"PREFIX={path}", seconds=1200)
    return path


def test_files_are_in_place(prefix: Path) -> None:
    files = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if not path.is_dir()}
    assert files == {
        "include/optiverse.h",
        "include/optiverse.hpp",
        "lib/liboptiverse.a",
        "lib/liboptiverse.so",
        f"lib/{soname(version())}",
        f"lib/liboptiverse.so.{version()}",
        "lib/pkgconfig/optiverse.pc",
        "lib/cmake/optiverse/optiverse-config.cmake",
        "lib/cmake/optiverse/optiverse-config-version.cmake",
    }
    dynamic = run("readelf", "--dynamic", prefix / "lib/liboptiverse.so")
    assert f"soname: [{soname(version())}]" in dynamic


def test_versions_are_one(prefix: Path, tmp_path: Path) -> None:
    header = re.search(r'#define OPTIVERSE_VERSION "(.+)"', (INCLUDE / "optiverse.h").read_text())
    assert header is not None
    told = run(
        "pkg-config", "--modversion", "optiverse", environment={"PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    ).strip()
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(host NONE)\n"
        'find_package(optiverse REQUIRED)\nmessage(NOTICE "found ${optiverse_VERSION}")\n'
    )
    cmake = subprocess.run(
        ["cmake", f"-DCMAKE_PREFIX_PATH={prefix}", "."], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert f"found {version()}\n" in cmake.stdout + cmake.stderr
    # The library's own is compared with the header's in C.
    assert [header.group(1), told] == [version()] * 2


def host(folder: Path) -> Path:
    """A clean directory with somebody's program."""
    for name in ("trace.c", "trace.cpp"):
        (folder / name).write_text((FFI / "examples" / name).read_text())
    return folder


def test_pkg_config_finds_it(prefix: Path, tmp_path: Path) -> None:
    host(tmp_path)
    for compiler, source in [("cc", "trace.c"), ("c++ -std=c++17", "trace.cpp")]:
        line = f"{compiler} {source} -o program $(pkg-config --cflags --libs optiverse)"
        environment = {"PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig"), "PATH": "/usr/local/bin:/usr/bin:/bin"}
        subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environment, check=True)
        out = run(tmp_path / "program", SCENE, environment={"LD_LIBRARY_PATH": str(prefix / "lib")})
        assert " paths; emitted " in out


@pytest.mark.parametrize("exact", ["", "EXACT"])
def test_cmake_finds_it(prefix: Path, tmp_path: Path, exact: str) -> None:
    host(tmp_path)
    (tmp_path / "CMakeLists.txt").write_text(CMAKE.format(version=version(), exact=exact))
    run("cmake", f"-DCMAKE_PREFIX_PATH={prefix}", "-S", tmp_path, "-B", tmp_path / "build")
    if exact:
        return
    run("cmake", "--build", tmp_path / "build")
    tables = {name: run(tmp_path / "build" / name, SCENE) for name in ("shared", "static")}
    assert tables["shared"] == tables["static"]
    assert " paths; emitted " in run(tmp_path / "build/cpp", SCENE)
    assert "liboptiverse" not in run("ldd", tmp_path / "build/static")


@pytest.mark.parametrize("wanted", ["0.0.9", "0.2", "1.0", "9"])
def test_cmake_refuses_other_versions(prefix: Path, tmp_path: Path, wanted: str) -> None:
    (tmp_path / "CMakeLists.txt").write_text(CMAKE.format(version=wanted, exact=""))
    host(tmp_path)
    done = subprocess.run(
        ["cmake", f"-DCMAKE_PREFIX_PATH={prefix}", "."], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "optiverse-config.cmake, version: " in done.stderr
