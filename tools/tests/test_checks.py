"""The checks of `make lint` find what they are there for."""

from __future__ import annotations

from pathlib import Path

import check_dependencies
import check_house
import check_links
import pytest


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("see " + "/" + "tmp/notes.txt", "path"),
        ("see " + "/" + "home/ann/notes.txt", "path"),
        ("from https://" + "crates" + ".io/crates/glam", "registry"),
        ("index = " + "py" + "pi.org/simple", "registry"),
        ("as said in issue" + " 7", "issue"),
    ],
)
def test_forbidden_text_is_found(line: str, what: str) -> None:
    found = list(check_house.problems("a.md", f"fine\n{line}\n"))
    assert len(found) == 1
    assert found[0].startswith("a.md:2: ")
    assert what in found[0]


def test_other_text_is_not() -> None:
    text = "https://github.com/tmp/x a/work/b target/tmp/c ~/tmp {root}/tmp/x PyPI tissue 7"
    assert list(check_house.problems("a.md", text)) == []


def test_length_of_code() -> None:
    assert list(check_house.problems("a.rs", "x\n" * 800)) == []
    assert len(list(check_house.problems("a.rs", "x\n" * 801))) == 1
    assert list(check_house.problems("a.json", "x\n" * 801)) == []


def test_links(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# One heading: `code` & more\n\n```sh\n# no heading\n```\n## Twice\n## Twice\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n[a](other.md) [b](other.md#one-heading-code--more) [c](#here) [d](other.md#twice-1) [e](https://example.org/x)\n"
        "`[no link](nowhere.md)`\n"
    )
    assert list(check_links.broken_links(page)) == []
    page.write_text('[a](none.md) [b](other.md#no-heading) [c](#there)\n<img src="none.svg">\n')
    assert [problem.partition(":")[0] for problem in check_links.broken_links(page)] == [
        "none.md",
        "other.md#no-heading",
        "#there",
        "none.svg",
    ]


def test_packages_of_manifests() -> None:
    manifest = {
        "workspace": {"dependencies": {"ours": {"path": "ours", "version": "1"}, "glam": {"version": "1"}}},
        "dependencies": {"glam": {"workspace": True}, "renamed": {"package": "real", "version": "1"}},
        "dev-dependencies": {"proptest": "1"},
        "target": {"cfg(unix)": {"dependencies": {"libc": "1"}}},
    }
    assert check_dependencies.crates(manifest) == {"glam", "real", "proptest", "libc"}
    project = {
        "build-system": {"requires": ["maturin>=1.9,<2"]},
        "project": {"dependencies": ["numpy>=1"], "optional-dependencies": {"plot": ["Matplotlib"]}},
        "dependency-groups": {"dev": ["pytest", {"include-group": "plot"}, "tomli; python_version < '3.11'"]},
    }
    assert check_dependencies.python_packages(project) == {"maturin", "numpy", "matplotlib", "pytest", "tomli"}


def test_a_manifest_gives_reasons() -> None:
    manifest = """
[package]
name = "x"
[dependencies]
# Why.
first = "1"
second = { version = "1" }
third = "1" # why
fourth.workspace = true
fifth = { path = "../fifth" }
[features]
sixth = []
"""
    assert list(check_dependencies.without_reason(manifest)) == ["second"]


def test_the_table_is_read() -> None:
    text = "# A\n## Dependencies\n| package | why |\n|---|---|\n| `a` | for b |\n| `c` | |\n## Next\n| `d` | no |\n"
    assert check_dependencies.documented(text) == {"a": "for b", "c": ""}
