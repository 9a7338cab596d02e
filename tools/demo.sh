#!/usr/bin/env bash
# Traces the shipped scenes: a table of what left where with which power, and a picture of each in the folder named.
# Then two people edit one of them through a relay.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:?the folder for the pictures}
mkdir -p "$out"

trace() {
  printf '\n%s\n' "$1"
  .venv/bin/optiverse-engine trace "examples/scenes/$1.json" --table -o "$out/$1.svg" "${@:2}"
}
trace isolator-and-interferometer
# Over 4 %: uncoated glass would fill the picture with its reflections.
trace prism-spectrometer --min-intensity 0.05

printf '\nTwo people, one scene\n'
.venv/bin/python examples/two_people.py

printf '\nPictures:\n'
printf '  %s\n' "$out"/*.svg
