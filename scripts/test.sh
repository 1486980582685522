#!/usr/bin/env bash
# Installs what the tests need, builds, runs them all.
#   scripts/test.sh              the daily parts: layers and unit tests
#   scripts/test.sh --all        every part, with the sanitizers
#   scripts/test.sh --list       the names of the parts;  scripts/test.sh PART…  only those
set -euo pipefail
cd "$(dirname "$0")/.."

parts=(lint unit)
mapfile -t every < <(ls tests/parts | sed 's/\.sh$//' | grep -v '^build$')
case ${1:-} in
  --list) printf '%s\n' "${every[@]}"; exit 0 ;;
  --all) parts=("${every[@]}") ;;
  -*) sed -n '2,5p' "$0" >&2; exit 2 ;;
  ?*) parts=("$@") ;;
esac

scripts/install_packages.sh build run test
if [ -z "${COWATCH_DATA:-}" ] && [ -d ../shared/data ]; then
  COWATCH_DATA=$(cd ../shared/data && pwd)
  export COWATCH_DATA
fi

passed=0 failed=0 broken=()
for part in "${parts[@]}"; do
  script=tests/parts/$part.sh
  [ -f "$script" ] || { echo "there is no part '$part'; --list names them" >&2; exit 2; }
  echo "== $part: $(sed -n '2s/^# //p' "$script")"
  start=$SECONDS
  if bash "$script"; then
    passed=$((passed + 1))
    echo "== $part: passed in $((SECONDS - start)) s"
  else
    failed=$((failed + 1))
    broken+=("$part")
    echo "== $part: FAILED after $((SECONDS - start)) s"
  fi
done
[ $failed = 0 ] || echo "failed: ${broken[*]}"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
