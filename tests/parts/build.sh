#!/usr/bin/env bash
# configures and builds a preset: build.sh PRESET [TARGET…]
set -euo pipefail
preset=$1
shift
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >/dev/null
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cmake --build --preset "$preset" ${1:+--target "$@"} >"$log" 2>&1 || { grep -E -A12 'error|FAILED' "$log" | head -n 60 >&2; exit 1; }
