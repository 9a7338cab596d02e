#!/usr/bin/env bash
# Runs the random schedules of synchronisation with fresh seeds, which are printed, for SOAK_SECONDS (600) altogether.
set -euo pipefail
cd "$(dirname "$0")/.."
suites=(--test sync_invariants --test sync_forward --test sync_presence)
# One after the other, each for its part of the time; tests without schedules take none.
schedules=$(cat optiverse-core/tests/sync_{invariants,forward,presence}.rs | grep -c 'for_seeds(')
export SOAK_SECONDS=$((${SOAK_SECONDS:-600} / schedules))
cargo test --release --locked -p optiverse-core "${suites[@]}" -- --test-threads 1 --show-output
