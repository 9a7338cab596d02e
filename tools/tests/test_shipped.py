"""What is committed is what the tools make: the pictures in docs, the examples in README.md, the Makefile's list."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the demo as `make demo` does; return the folder of the pictures and what was printed."""
    out = tmp_path_factory.mktemp("demo")
    ran = subprocess.run(
        [ROOT / "tools/demo.sh", out], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    assert ran.stderr == ""
    return out, ran.stdout


def test_committed_pictures_are_those_of_the_demo(demo: tuple[Path, str]) -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in demo[0].iterdir()}
    committed = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs/images").glob("*.svg")}
    assert written.keys() == committed.keys() == {f"{path.stem}.svg" for path in (ROOT / "examples/scenes").iterdir()}
    different = [name for name in written if written[name] != committed[name]]
    assert different == [], "look at them, then: tools/demo.sh docs/images"


def test_the_demo_says_where_the_power_went_and_where_the_pictures_are(demo: tuple[Path, str]) -> None:
    out, text = demo
    for name in ("Power monitor", "Rejected light", "Read-out PBS", "Detector", "Beam dump"):
        assert name in text
    for picture in out.iterdir():
        assert str(picture) in text


def test_the_demo_shows_two_people_with_one_scene(demo: tuple[Path, str]) -> None:
    digests = re.findall(r"^  (Ada|Bob|relay) +\d+ items, digest ([0-9a-f]{16})", demo[1], re.MULTILINE)
    assert [name for name, _ in digests] == ["Ada", "Bob", "relay"]
    assert len({digest for _, digest in digests}) == 1
    assert re.search(r"401 edits of Bob wait; the scenes differ: True", demo[1])
    assert re.search(r"the same \d+ ms after the connection was mended", demo[1])


def python_examples() -> list[str]:
    """Return the Python examples of README.md."""
    return re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", python_examples())
def test_python_examples_of_the_readme(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(example, "README.md", "exec"), {})


def test_the_readme_has_an_example() -> None:
    assert len(python_examples()) == 1


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    named = re.findall(r"^  make ([\w-]+)", listed, re.MULTILINE)
    assert named == re.findall(r"^([\w-]+):.*##", makefile, re.MULTILINE)
    assert sorted(phony.group(1).split()) == sorted(named)
