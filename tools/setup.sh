#!/usr/bin/env bash
# Makes .venv with what builds the wheel. Nothing outside the checkout is changed.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
  echo "Python 3.10 or later is needed; set PYTHON to one." >&2
  exit 1
fi

# Made again when pyproject.toml changes, when an earlier attempt was cut short, or when the checkout was moved.
stamp=.venv/.made-from
wanted="$PWD $(cksum < pyproject.toml)"
if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then exit 0; fi

rm -rf .venv
if ! "$python" -m venv .venv; then
  rm -rf .venv
  echo "Python cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2
  exit 1
fi
builder=$(sed -n 's/^requires = \["\(.*\)"\]$/\1/p' pyproject.toml)
.venv/bin/python -m pip --isolated --disable-pip-version-check --quiet install "$builder"
echo "$wanted" > "$stamp"
