"""The library that the tests use."""

from __future__ import annotations

import pytest
from building import Library


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The library with debug assertions and checks of overflow."""
    return Library.build(tmp_path_factory.mktemp("debug") / "lib")
