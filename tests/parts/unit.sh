#!/usr/bin/env bash
# unit and end-to-end tests, a program for each folder under tests/
# needs: src bench tests cmake CMakeLists.txt CMakePresets.json
set -euo pipefail
bash tests/parts/programs.sh dev
# A processor with AVX512-VNNI need not have AVX-VNNI: what is meant for the one must not be written for the other.
if find build/dev/CMakeFiles/cowatch_{math,search}.dir -name '*.o' -print0 | xargs -0 objdump -d | grep -m 3 '{vex}'; then
  echo "instructions of AVX-VNNI (above) stand in a kernel that is chosen without asking for them" >&2
  exit 1
fi
