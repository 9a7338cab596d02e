"""The package as it is installed."""

import importlib.metadata
import importlib.util
import inspect
import sys
from pathlib import Path

import pytest

import optiverse_engine as oe
from optiverse_engine import _native, events, sync


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


PUBLIC = [(oe, name) for name in oe.__all__] + [(sync, name) for name in vars(sync) if not name.startswith("_")]
CLASSES = [getattr(module, name) for module, name in PUBLIC if inspect.isclass(getattr(module, name))]


def test_sync_has_the_engine_and_all_events():
    assert {name for module, name in PUBLIC if module is sync} == {"Engine", *events.__all__}


def test_all_names_exist_and_none_is_left_in_the_native_module():
    assert {name for name in _native.__all__ if name == "__version__" or not name.startswith("_")} <= {
        name for _, name in PUBLIC
    }
    for module, name in PUBLIC:
        assert hasattr(module, name)


@pytest.mark.parametrize("cls", CLASSES)
def test_everything_public_is_documented(cls):
    assert inspect.getdoc(cls)
    # Exceptions inherit attributes that others document.
    if issubclass(cls, BaseException):
        return
    attributes = inspect.getdoc(cls).partition("Attributes:")[2]
    for name, member in vars(cls).items():
        if not name.startswith("_"):
            assert f" {name}:" in attributes or getattr(member, "__doc__", None), f"{cls.__name__}.{name}"


def test_classes_are_those_of_the_engine_and_not_made_by_users():
    for cls in (oe.Item, oe.Layer, oe.Report, oe.Surface, oe.RayPaths, oe.RayPath, oe.Hit, oe.PowerBalance):
        assert cls.__module__ == "optiverse_engine"
        with pytest.raises(TypeError):
            cls()
