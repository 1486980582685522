#!/usr/bin/env bash
# tests of what runs on several threads, under the thread sanitizer
# needs: src bench tests cmake CMakeLists.txt CMakePresets.json
# only with --all
set -euo pipefail
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
bash tests/parts/programs.sh tsan base graph learn search serve
