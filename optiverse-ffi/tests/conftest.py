"""The library that the tests use."""

from __future__ import annotations

import pytest
from building import Library


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The library with debug assertions and checks of overflow."""
    return Library.build(tmp_path_factory.mktemp("debug") / "lib")


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The library that is installed."""
    return Library.build(tmp_path_factory.mktemp("release") / "lib", "--release")


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The library without optimisation."""
    return Library.build(tmp_path_factory.mktemp("plain") / "lib", "--profile", "memcheck")
