#!/usr/bin/env bash
# the same tests under the address and undefined-behaviour sanitizers
# needs: src bench tests cmake CMakeLists.txt CMakePresets.json
set -euo pipefail
export ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
bash tests/parts/programs.sh asan
