#!/usr/bin/env bash
# the tests of each layer under the address and undefined-behaviour sanitizers; with --all those of whole programs too
# needs: src bench tests cmake CMakeLists.txt CMakePresets.json
# again for: cmake CMakeLists.txt CMakePresets.json
set -euo pipefail
# GCC 12's leak checker takes a thread-local block of a loaded library (the matrix kernels) that lies 16 bytes into a page for
# one of an old glibc, reads a length from its heap header and crashes. Not told of such blocks, it reaches them as memory
# of the dynamic linker.
export ASAN_OPTIONS=allocator_may_return_null=1:intercept_tls_get_addr=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
# The same code again for other metrics is left to the unit tests: it takes minutes here.
[ -n "${COWATCH_TEST_ALL:-}" ] || export GTEST_FILTER='-metrics/CollectionGraphTest.*/inner_product:metrics/CollectionGraphTest.*/cosine'
layers=(base math store graph learn search serve rpc media)
[ -z "${COWATCH_TEST_ALL:-}" ] || layers=()
bash tests/parts/programs.sh asan "${layers[@]}"
