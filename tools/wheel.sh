#!/usr/bin/env bash
# Builds the wheel in release and installs it into .venv with what it needs, so that what is tested is what is shipped.
# An argument names an extra of pyproject.toml to install too: dev.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh

# Environments that are active in the shell are not meant.
unset VIRTUAL_ENV CONDA_PREFIX PYTHONPATH PYTHONHOME
wheels=target/wheels
rm -rf "$wheels"
.venv/bin/maturin build --release --locked --interpreter .venv/bin/python --out "$wheels"
wheel=$(echo "$wheels"/*.whl)
pip=(.venv/bin/python -m pip --isolated --disable-pip-version-check --quiet)
# First the wheel itself, even where one of the same version is there; then what is missing of the rest.
"${pip[@]}" install --force-reinstall --no-deps "$wheel"
"${pip[@]}" install "$wheel${1:+[$1]}"
