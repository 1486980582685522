#!/usr/bin/env bash
# libFuzzer targets that take minutes to compile: files of indexes, and requests to the service of collections
# needs: src/base src/store src/math src/search src/serve tests/fuzz tests/data cmake CMakeLists.txt CMakePresets.json
# only with --all
set -euo pipefail
bash tests/parts/fuzz.sh long_fuzzers tests/fuzz/long 32768
