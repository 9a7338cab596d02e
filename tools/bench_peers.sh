#!/usr/bin/env bash
# The tracer beside other kernels, in one run. Embree takes part where the system has libembree-dev, the app where OPTIVERSE_APP names a
# checkout of it and OPTIVERSE_APP_PYTHON an interpreter with what it needs (and `make wheel` has been run).
set -euo pipefail
cd "$(dirname "$0")/.."
(cd bench-peers/trace && cargo run --release --locked --quiet)
if [ -n "${OPTIVERSE_APP:-}" ]; then
  "${OPTIVERSE_APP_PYTHON:-python3}" bench-peers/trace/app.py "$OPTIVERSE_APP" .venv/bin/python
fi
