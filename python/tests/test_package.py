"""The package as it is installed."""

import importlib.metadata
import importlib.util
import inspect
import sys
from pathlib import Path

import pytest

import optiverse_engine as oe
from optiverse_engine import _native


def test_the_module_serves_every_python_from_3_10_on():
    name = Path(_native.__file__).name
    # On Windows such modules have no mark in their name.
    assert name == ("_native.pyd" if sys.platform == "win32" else "_native.abi3.so")


def test_version():
    assert oe.__version__ == importlib.metadata.version("optiverse")


def test_types_are_shipped():
    folder = Path(importlib.util.find_spec("optiverse_engine").origin).parent
    assert (folder / "py.typed").exists()
    assert (folder / "_native.pyi").exists()


def test_only_numpy_is_required():
    required = [name for name in importlib.metadata.requires("optiverse") if "extra ==" not in name]
    assert [name.split(">")[0] for name in required] == ["numpy"]


def test_matplotlib_is_not_imported_before_it_is_needed():
    import subprocess

    program = "import sys, optiverse_engine, optiverse_engine.cli; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_all_names_exist_and_are_sorted_by_kind():
    assert set(_native.__all__) <= set(oe.__all__)
    for name in oe.__all__:
        assert hasattr(oe, name)


@pytest.mark.parametrize("cls", [getattr(oe, name) for name in oe.__all__ if inspect.isclass(getattr(oe, name))])
def test_everything_public_is_documented(cls):
    assert inspect.getdoc(cls)
    if cls.__module__ != "optiverse_engine":
        return
    attributes = inspect.getdoc(cls).partition("Attributes:")[2]
    for name, member in vars(cls).items():
        if not name.startswith("_"):
            assert getattr(member, "__doc__", None) or f" {name}:" in attributes, f"{cls.__name__}.{name}"


def test_classes_are_those_of_the_engine_and_not_made_by_users():
    for cls in (oe.Item, oe.Layer, oe.Report, oe.Surface, oe.RayPaths, oe.RayPath, oe.Hit, oe.PowerBalance):
        assert cls.__module__ == "optiverse_engine"
        with pytest.raises(TypeError):
            cls()
