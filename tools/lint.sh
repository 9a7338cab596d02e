#!/usr/bin/env bash
# Everything that can be said about the code without running it. Needs .venv with the wheel: `make lint` sees to that.
set -euo pipefail
cd "$(dirname "$0")/.."
# One interpreter for all builds, so that switching between them rebuilds nothing.
export PYO3_PYTHON="$PWD/.venv/bin/python"
export RUSTDOCFLAGS="-D warnings"
bin=.venv/bin

cargo fmt --all --check
cargo clippy --workspace --all-targets --locked -- -D warnings
cargo run --quiet --locked -p optiverse-header -- --check
cargo doc --workspace --no-deps --locked --quiet
$bin/ruff check --quiet .
$bin/ruff format --check --quiet .
$bin/mypy
$bin/mypy --strict tools
MYPYPATH=optiverse-ffi/tests $bin/mypy --strict optiverse-ffi/tests
$bin/python -m mypy.stubtest optiverse_engine --allowlist tools/stubtest.allow
# The bundle in the wheel is what the sources make. Those without Node see it on the build server.
if command -v npm >/dev/null; then tools/widget.sh check; fi
$bin/python tools/check_house.py
$bin/python tools/check_links.py
$bin/python tools/check_dependencies.py
