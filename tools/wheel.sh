#!/usr/bin/env bash
# Builds the wheel in release and installs it into .venv, so that what is tested is what is shipped.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh

# Environments that are active in the shell are not meant.
unset VIRTUAL_ENV CONDA_PREFIX PYTHONPATH PYTHONHOME
wheels=target/wheels
rm -rf "$wheels"
.venv/bin/maturin build --quiet --release --locked --interpreter .venv/bin/python --out "$wheels"
.venv/bin/python -m pip --isolated --disable-pip-version-check --quiet install --force-reinstall --no-deps "$wheels"/*.whl
