#!/usr/bin/env bash
# Measures the same work as other libraries do it: each package in bench-peers, then the app's engine where OPTIVERSE_APP names a checkout of it and
# OPTIVERSE_APP_PYTHON an interpreter with what it needs (numpy, numba, PyQt6).
set -euo pipefail
cd "$(dirname "$0")/.."
for peers in bench-peers/*/; do
  cargo run --release --locked --manifest-path "${peers}Cargo.toml"
done
if [ -z "${OPTIVERSE_APP:-}" ] || [ -z "${OPTIVERSE_APP_PYTHON:-}" ]; then
  echo "Left out: the app's own engine. OPTIVERSE_APP=<its checkout> OPTIVERSE_APP_PYTHON=<python with numpy, numba, PyQt6> make bench-peers has it."
  exit
fi
tools/wheel.sh
# Beside the interpreter's own packages, not among them.
rm -rf target/bench-app
.venv/bin/python -m pip --isolated --disable-pip-version-check --quiet install --no-deps --target target/bench-app target/wheels/*.whl
for bench in bench_app_arrays bench_app; do
  PYTHONPATH=target/bench-app "$OPTIVERSE_APP_PYTHON" "tools/$bench.py"
done
