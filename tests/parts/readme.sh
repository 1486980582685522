#!/usr/bin/env bash
# the README's commands, one after another as they stand there, on a small platform
# needs: README.md src cmake CMakeLists.txt CMakePresets.json
# again for: README.md
set -euo pipefail
bash tests/parts/build.sh dev cowatch cowatch-media page
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
PATH=$root/build/dev/bin:$PATH
export COWATCH_TRAIN_HIDDEN=64 COWATCH_TRAIN_STEPS=20 COWATCH_SERVE_PORT=0  # the same way, in seconds

# Lines of the ```sh blocks that call cowatch; the scripts are run by who reads this output.
mapfile -t commands < <(awk '/^```sh/ { on = 1; next } /^```/ { on = 0 } on' "$root/README.md" | sed 's/[[:space:]]*#.*//' | grep '^cowatch ')
[ ${#commands[@]} -ge 5 ] || { echo "README.md shows only ${#commands[@]} commands" >&2; exit 1; }
video=
for command in "${commands[@]}"; do
  # Placeholders, and a platform of a size for tests.
  command=$(sed -E "s/--videos [0-9]+/--videos 24/; s/--people [0-9]+/--people 40/; s/ VIDEO( |$)/ $video\1/" <<<"$command")
  echo "   $command"
  read -ra words <<<"$command"
  if [ "${words[1]}" = serve ]; then
    "$root/scripts/check_server.sh" "${words[@]}" || { echo "failed: $command" >&2; exit 1; }
    continue
  fi
  "${words[@]}" >output 2>log || { cat output log >&2; echo "failed: $command" >&2; exit 1; }
  [ -s output ] || { echo "says nothing: $command" >&2; exit 1; }
  if [ "${words[1]}" = render ]; then
    video=$(grep -oE '"id":"[^"]*"' "${words[2]}/videos.jsonl" | head -n 1 | cut -d'"' -f4)
    cp "$(find "${words[2]}" -name '*.mp4' | sort | head -n 1)" clip.mp4
  fi
done
