#!/usr/bin/env bash
# unit tests of what runs on several threads, under the thread sanitizer
set -euo pipefail
targets=(test_base test_graph test_learn test_search)
bash tests/parts/build.sh tsan "${targets[@]}"
ctest --preset tsan -j2 -R "^($(IFS='|'; echo "${targets[*]#test_}"))\." 2>&1 | tail -n 40
