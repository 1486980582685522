#!/usr/bin/env bash
# Installs what the tests need, builds, runs them all. A part whose files are as they were when it last passed is skipped.
#   scripts/test.sh              from nothing every part, but for those "only with --all"; then what something changed for. Parts
#                                that take minutes are not repeated for every change of the sources (what waits is said), and
#                                the tests that kill programs do it 4 times instead of a dozen or 20
#   scripts/test.sh --all        every part, changed or not, with the long forms (50 kills instead of a dozen)
#   scripts/test.sh --list       the names of the parts
#   scripts/test.sh PART…        only those, changed or not
set -euo pipefail
script=$(realpath "$0")
cd "$(dirname "$script")/.."

# A part is a script whose second line says what it does and whose third line which files it depends on. A fourth line
# "# only with --all", or "# again for: FILES": once it has passed here, an ordinary run repeats it for changes of these alone.
mapfile -t parts < <(grep -l '^# needs: ' tests/parts/*.sh | xargs -n 1 basename -s .sh)
force=
case ${1:-} in
  --list) for part in "${parts[@]}"; do printf '%-8s %s\n' "$part" "$(sed -n '2s/^# //p' "tests/parts/$part.sh")"; done; exit 0 ;;
  --all) force=yes; export COWATCH_TEST_ALL=1 ;;
  --help | -h) sed -n '2,8p' "$script"; exit 0 ;;
  -*) sed -n '2,8p' "$script" >&2; exit 2 ;;
  "") mapfile -t parts < <(grep -L '^# only with --all' $(printf 'tests/parts/%s.sh ' "${parts[@]}") | xargs -n 1 basename -s .sh) ;;
  *)
    force=yes
    for part in "$@"; do
      printf '%s\n' "${parts[@]}" | grep -qx -- "$part" || { echo "there is no part '$part'; --list names them" >&2; exit 2; }
    done
    parts=("$@") ;;
esac

scripts/install_packages.sh build run test
if [ -z "${COWATCH_DATA:-}" ] && [ -d ../shared/data ]; then
  COWATCH_DATA=$(cd ../shared/data && pwd)
  export COWATCH_DATA
fi

# Those of git and new ones; of a tree without git, all but what is made.
files_of() {
  git ls-files -z --cached --others --exclude-standard -- "$@" 2>/dev/null ||
    find "$@" \( -name node_modules -o -path './build' \) -prune -o -type f -print0
}

# Digest of files as they lie there, of the compiler and of the data at hand.
state_of() {
  local needs
  read -ra needs
  {
    echo "${COWATCH_DATA:-}"
    c++ --version
    files_of "${needs[@]}" tests/parts scripts | sort -zu | xargs -0 sha1sum 2>/dev/null || true
  } | sha1sum | cut -d' ' -f1
}

mkdir -p build/passed
if [ -z "$force" ] && [ -e build/passed/unit ]; then export COWATCH_TEST_KILLS=${COWATCH_TEST_KILLS:-4}; fi
summary=() failed=0
for part in "${parts[@]}"; do
  about=$(sed -n '2s/^# //p' "tests/parts/$part.sh")
  state=$(sed -n '3s/^# needs: //p' "tests/parts/$part.sh" | state_of)
  again=$(sed -n '4s/^# again for: //p' "tests/parts/$part.sh" | state_of)
  if [ -z "$force" ] && [ "$(cat "build/passed/$part" 2>/dev/null)" = "$state" ]; then
    summary+=("PASS  $part: unchanged since it passed")
    continue
  fi
  if [ -z "$force" ] && [ "$(cat "build/passed/$part.again" 2>/dev/null)" = "$again" ]; then
    summary+=("WAIT  $part: passed before the last changes; repeat it with scripts/test.sh $part")
    continue
  fi
  echo "== $part: $about"
  rm -f "build/passed/$part" "build/passed/$part.again"
  start=$SECONDS
  if bash "tests/parts/$part.sh"; then
    echo "$state" >"build/passed/$part"
    ! grep -q '^# again for: ' "tests/parts/$part.sh" || echo "$again" >"build/passed/$part.again"
    summary+=("PASS  $part: $((SECONDS - start)) s")
  else
    failed=$((failed + 1))
    summary+=("FAIL  $part: after $((SECONDS - start)) s; alone: scripts/test.sh $part")
  fi
done
echo
printf '%s\n' "${summary[@]}"
echo "$failed of ${#parts[@]} parts failed; $SECONDS s"
[ $failed = 0 ]
