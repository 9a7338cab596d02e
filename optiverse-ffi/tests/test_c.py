"""The C and C++ programs of the tests, under sanitizers; what the header promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from building import FFI, INCLUDE, SANITIZERS, WARNINGS, Library, functions, run

PROGRAMS = sorted([*FFI.glob("tests/c/test_*.c"), *FFI.glob("tests/cpp/test_*.cpp")])
# More than any machine can address: a thread with such a stack cannot be started.
NO_STACK = {"RUST_MIN_STACK": "1000000000000000"}
# What the thread sanitizer looks at: code that was compiled for it.
ONLY_C = {"TSAN_OPTIONS": "ignore_noninstrumented_modules=1"}
# Two threads write the same array.
RACE = """
#include <pthread.h>
#include <stddef.h>
#include <optiverse.h>

static const char *versions[1000];

static void *ask(void *unused) {
  for (int i = 0; i < 1000; i++) versions[i] = optiverse_version();
  return unused;
}

int main(void) {
  pthread_t other;
  if (pthread_create(&other, NULL, ask, NULL) != 0) return 1;
  ask(NULL);
  return pthread_join(other, NULL) != 0;
}
"""


def environment(program: Path) -> dict[str, str]:
    return NO_STACK if program.stem == "test_no_thread" else {}


def ids(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


@pytest.mark.parametrize("source", PROGRAMS, ids=ids(PROGRAMS))
def test_program_passes_under_address_and_undefined_behaviour_sanitizer(
    library: Library, source: Path, tmp_path: Path
) -> None:
    program = library.compile(tmp_path / source.stem, source, flags=SANITIZERS)
    run(program, tmp_path, environment=environment(source))


def test_eight_threads_pass_under_thread_sanitizer(library: Library, tmp_path: Path) -> None:
    """It sees what C does with the memory it is shown.

    The locks and counters of the library are not compiled for it, so what the library does with memory behind them is
    left out; without that, what one thread freed after another had read it would count as a race.
    """
    program = library.compile(tmp_path / "threads", FFI / "tests/c/test_threads.c", flags=["-fsanitize=thread"])
    run(program, tmp_path, environment=ONLY_C)


def test_thread_sanitizer_reports_a_race_in_c(library: Library, tmp_path: Path) -> None:
    source = tmp_path / "race.c"
    source.write_text(RACE)
    program = library.compile(tmp_path / "race", source, flags=["-fsanitize=thread"])
    with pytest.raises(AssertionError, match="data race"):
        run(program, environment=ONLY_C)


@pytest.mark.parametrize(
    ("compiler", "language", "standard"),
    [("cc", "c", "c99"), ("cc", "c", "c11"), ("cc", "c", "c17"), ("c++", "c++", "c++17"), ("c++", "c++", "c++20")],
)
def test_header_is_clean(compiler: str, language: str, standard: str, tmp_path: Path) -> None:
    source = tmp_path / "only"
    headers = ["optiverse.h"] if language == "c" else ["optiverse.h", "optiverse.hpp"]
    for header in headers:
        source.write_text(f'#include "{header}"\n#include "{header}"\n')
        run(compiler, "-x", language, f"-std={standard}", *WARNINGS, "-fsyntax-only", f"-I{INCLUDE}", source)


def test_every_function_is_called_by_the_tests_in_c() -> None:
    text = "".join(path.read_text() for path in FFI.glob("tests/c/*.[ch]"))
    uncalled = {name for name in functions(INCLUDE) if f"{name}(" not in text}
    assert uncalled == set()


def test_every_code_is_met_by_the_tests_in_c() -> None:
    codes = set(re.findall(r"^  OPTIVERSE_RESULT_(\w+) = ", (INCLUDE / "optiverse.h").read_text(), re.MULTILINE))
    text = "".join(path.read_text() for path in FFI.glob("tests/c/*.[ch]"))
    met = set(re.findall(r"\b(?:EXPECT|REFUSED|EACH_REFUSES)\((\w+),", text)) | {"OK"}
    # A defect and 268 million handles cannot be had from C; tests in Rust plant them.
    assert codes - met == {"PANIC", "TOO_MANY_HANDLES"}


def test_numbers_of_codes_are_stable() -> None:
    listed = (FFI / "tests/codes.txt").read_text().splitlines()
    codes = re.findall(r"^  (OPTIVERSE_RESULT_\w+) = (\d+),", (INCLUDE / "optiverse.h").read_text(), re.MULTILINE)
    assert [f"{number} {name}" for name, number in codes] == listed
    assert len({number for _, number in codes}) == len(codes)
