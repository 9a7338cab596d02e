"""An application without windows, and a relay."""

import pytest
from PyQt6.QtCore import QCoreApplication
from qt_support import Relay


@pytest.fixture(scope="session", autouse=True)
def application():
    return QCoreApplication.instance() or QCoreApplication([])


@pytest.fixture
def relay():
    with Relay() as running:
        yield running
