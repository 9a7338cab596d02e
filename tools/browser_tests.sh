#!/usr/bin/env bash
# Tests of the widget in JupyterLab and marimo in Chromium. Installs into .venv what they need; `make wheel` has put the wheel there.
set -euo pipefail
cd "$(dirname "$0")/.."
wheel=$(echo target/wheels/*.whl)
.venv/bin/python -m pip --isolated --disable-pip-version-check --quiet install "$wheel[browser]"
.venv/bin/python -m pytest -q python/browser_tests
