"""`make install`: what it puts where, and that pkg-config and CMake find it from a clean directory."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from building import FFI, INCLUDE, ROOT, STANDARDS, WARNINGS, functions, run, soname, version

SCENE = ROOT / "examples/scenes/isolator-and-interferometer.json"

CMAKE = """\
cmake_minimum_required(VERSION 3.16)
project(host C CXX)
find_package(optiverse {version} {exact} REQUIRED)
add_executable(shared trace.c)
target_link_libraries(shared optiverse::optiverse)
add_executable(static trace.c)
target_link_libraries(static optiverse::static)
add_executable(client client.c)
target_link_libraries(client optiverse::static)
add_executable(cpp trace.cpp)
target_compile_features(cpp PRIVATE cxx_std_17)
target_link_libraries(cpp optiverse::optiverse)
"""


def install(path: Path, *arguments: str) -> Path:
    """Install the library into a folder."""
    run("make", "--no-print-directory", "install", f"PREFIX={path}", *arguments, seconds=1200)
    return path


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the library installed in it."""
    return install(tmp_path_factory.mktemp("prefix"))


@pytest.fixture(scope="module")
def prefix_without_clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the library as those install it who want neither clients nor TLS."""
    return install(tmp_path_factory.mktemp("without"), "CLIENT=no")


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


def exported(prefix: Path) -> set[str]:
    lines = run("nm", "--dynamic", "--defined-only", "--format=posix", prefix / "lib/liboptiverse.so").splitlines()
    return {line.split()[0] for line in lines}


def test_library_exports_what_its_header_declares_and_nothing_else(prefix: Path, prefix_without_clients: Path) -> None:
    with_clients, without = (functions(path / "include") for path in (prefix, prefix_without_clients))
    assert exported(prefix) == with_clients
    assert exported(prefix_without_clients) == without
    assert len(without) >= 50
    assert {name for name in with_clients if "_client_" in name or "_peers_" in name} == with_clients - without


def test_libraries_are_small(prefix: Path, prefix_without_clients: Path) -> None:
    def size(prefix: Path) -> int:
        return (prefix / "lib/liboptiverse.so").stat().st_size

    assert 500_000 < size(prefix_without_clients) < 2_500_000 < size(prefix) < 4_500_000


def test_a_library_without_clients_says_so(prefix_without_clients: Path, tmp_path: Path) -> None:
    source = tmp_path / "features.cpp"
    source.write_text(
        "#include <optiverse.hpp>\n"
        '#if defined(OPTIVERSE_CLIENT)\n#error "there are none"\n#endif\n'
        "int main() { return optiverse_features() == OPTIVERSE_FEATURE_PARALLEL ? 0 : 1; }\n"
    )
    place = prefix_without_clients
    flags = [f"-I{place / 'include'}", f"-L{place / 'lib'}", f"-Wl,-rpath,{place / 'lib'}"]
    run(*STANDARDS[".cpp"], *WARNINGS, *flags, source, "-o", tmp_path / "features", "-loptiverse")
    run(tmp_path / "features")


def test_whether_there_are_clients_is_yes_or_no(tmp_path: Path) -> None:
    done = subprocess.run([ROOT / "tools/install.sh", tmp_path, "maybe"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "CLIENT is maybe, expected yes or no\n")
    assert list(tmp_path.iterdir()) == []


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
    for name in ("client.c", "trace.c", "trace.cpp"):
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
    for name in ("static", "client"):
        assert "liboptiverse" not in run("ldd", tmp_path / "build" / name)


@pytest.mark.parametrize("wanted", ["0.0.9", "0.2", "1.0", "9"])
def test_cmake_refuses_other_versions(prefix: Path, tmp_path: Path, wanted: str) -> None:
    (tmp_path / "CMakeLists.txt").write_text(CMAKE.format(version=wanted, exact=""))
    host(tmp_path)
    done = subprocess.run(
        ["cmake", f"-DCMAKE_PREFIX_PATH={prefix}", "."], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "optiverse-config.cmake, version: " in done.stderr
