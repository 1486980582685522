#!/usr/bin/env bash
# unit tests under the address and undefined-behaviour sanitizers
set -euo pipefail
bash tests/parts/build.sh asan
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
ctest --preset asan -j2 2>&1 | tail -n 40
