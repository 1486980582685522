#!/usr/bin/env bash
# Builds test programs of a preset and runs those that changed since they passed: programs.sh PRESET [FOLDER…]
set -euo pipefail
preset=$1
shift
folders=("$@")
[ $# -gt 0 ] || mapfile -t folders < <(find tests -name '*_test.cpp' | cut -d/ -f2 | sort -u)
bash tests/parts/build.sh "$preset" "${folders[@]/#/test_}"

mkdir -p "build/$preset/passed" "build/$preset/test_logs"
export preset
# Every program runs in two halves, one test here, the next there, so that the longest keeps all processors busy.
# FOLDER.inputs, written by cmake/tests.cmake, names the program and those it starts: their bytes are what a result depends on.
run_half() {
  local name=$1 half=$2 start=$SECONDS state passed log
  passed=build/$preset/passed/$name.$half log=build/$preset/test_logs/$name.$half
  state=$({ echo "${COWATCH_DATA:-}"; xargs sha1sum <"build/$preset/$name.inputs"; } | sha1sum | cut -d' ' -f1)
  if [ -z "${COWATCH_TEST_ALL:-}" ] && [ "$(cat "$passed" 2>/dev/null)" = "$state" ]; then
    echo "   $name, half $half: unchanged since it passed"
  elif GTEST_TOTAL_SHARDS=2 GTEST_SHARD_INDEX=$((half - 1)) timeout -k 5 900 "build/$preset/bin/test_$name" --gtest_brief=1 >"$log" 2>&1; then
    echo "$state" >"$passed"
    echo "   $name, half $half: $(grep -oE '^\[==========\] [0-9]+ tests?' "$log" | grep -oE '[0-9]+ tests?') passed in $((SECONDS - start)) s$(grep -q SKIPPED "$log" && echo ", $(grep -c '\[  SKIPPED \]' "$log") skipped")"
  else
    tail -n 60 "$log" >&2
    echo "   $name, half $half: FAILED; whole output in $log" >&2
    return 1
  fi
}
export -f run_half
printf '%s\n' "${folders[@]}" | sed 's/.*/& 1\n& 2/' | xargs -P "$(nproc)" -L 1 bash -c 'run_half "$@"' half
