#!/usr/bin/env bash
# The front end of the widget: its types, whether the committed bundle is what its sources make, and its tests.
# An argument is the npm script to run instead: check, test or build.
set -euo pipefail
cd "$(dirname "$0")/../widget"

if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
  echo "The front end needs Node 20 or later; this is $(node --version)." >&2
  exit 1
fi
# Installed again when the lockfile changes, or when an earlier attempt was cut short.
stamp=node_modules/.made-from
wanted=$(cksum < package-lock.json)
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  npm ci --silent --ignore-scripts
  echo "$wanted" > "$stamp"
fi
for script in ${1:-check test}; do
  npm run --silent "$script"
done
