#!/usr/bin/env bash
# Feeds random input to every fuzz target for FUZZ_SECONDS (600) altogether; what it finds is left in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! cargo fuzz --version >/dev/null 2>&1; then
  cargo install cargo-fuzz --locked --root target/cargo-fuzz
  export PATH="$PWD/target/cargo-fuzz/bin:$PATH"
fi
# cargo-fuzz asks for the sanitizers of a nightly compiler; this lets the stable one give them.
export RUSTC_BOOTSTRAP=1
targets=(fuzz/fuzz_targets/*.rs)
seconds=$((${FUZZ_SECONDS:-600} / ${#targets[@]}))
for target in "${targets[@]}"; do
  name=$(basename "$target" .rs)
  # New inputs go to the first folder; the committed seeds are only read.
  mkdir -p "fuzz/target/corpus/$name"
  cargo fuzz run "$name" "fuzz/target/corpus/$name" "fuzz/corpus/$name" -- -max_total_time="$seconds" -rss_limit_mb=2048
done
