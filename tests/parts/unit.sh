#!/usr/bin/env bash
# unit and end-to-end tests, a program for each folder under tests/
# needs: src bench tests cmake CMakeLists.txt CMakePresets.json
set -euo pipefail
bash tests/parts/programs.sh dev
# A processor with AVX512-VNNI need not have AVX-VNNI: what is meant for the one must not be written for the other.
found=$(find build/dev/CMakeFiles/cowatch_{math,search}.dir -name '*.o' -print0 | xargs -0 objdump -d | grep '{vex}' || true)
if [ -n "$found" ]; then
  printf 'instructions of AVX-VNNI stand in kernels that are chosen without asking for it:\n%s\n' "$found" >&2
  exit 1
fi
