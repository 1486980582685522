#!/usr/bin/env bash
# libFuzzer targets with clang and sanitizers, a few seconds each from seeds: readers of everything that comes from outside
# needs: src/base src/store src/math src/media/worker_protocol.cpp src/media/worker_protocol.h src/serve src/search tests/fuzz cmake CMakeLists.txt CMakePresets.json
# again for: tests/fuzz cmake CMakeLists.txt CMakePresets.json
set -euo pipefail
# fuzz.sh [TARGET FOLDER LENGTH]: those of another folder, made by a target of their own, with inputs of so many bytes (fuzz_long.sh).
target=${1:-fuzzers} folder=${2:-tests/fuzz} length=${3:-8192}
bash tests/parts/build.sh fuzz "$target"
seconds=5
[ -z "${COWATCH_TEST_ALL:-}" ] || seconds=60
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 tests/fuzz/make_seeds.py "$work/seeds"
export seconds length work UBSAN_OPTIONS=print_stacktrace=1
run_one() {
  local name=$1 program=build/fuzz/bin/fuzz_$1 log=build/fuzz/$1.log
  mkdir -p "$work/found/$name" build/fuzz/findings
  if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2000 -max_len="$length" -print_final_stats=1 \
    -artifact_prefix="build/fuzz/findings/$name-" "$work/found/$name" "$work/seeds/$name" >"$log" 2>&1; then
    echo "   $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, $(sed -n 's/^stat::new_units_added: *//p' "$log") that went new ways"
  else
    grep -vE '^#[0-9]+.*(NEW|REDUCE|pulse)' "$log" | tail -n 40 >&2
    echo "   $name: FAILED; the input lies in build/fuzz/findings, the output in $log" >&2
    return 1
  fi
}
export -f run_one
find "$folder" -maxdepth 1 -name 'fuzz_*.cpp' -printf '%f\n' | sed 's/^fuzz_//; s/\.cpp$//' | sort | xargs -P "$(nproc)" -I{} bash -c 'run_one {}'
