#!/usr/bin/env bash
# the page in Chromium: every view, wide and narrow, dark and light, by keyboard, with axe
# needs: src web cmake CMakeLists.txt CMakePresets.json tests/e2e
set -euo pipefail
bash tests/parts/build.sh dev cowatch cowatch-media page
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
mkdir "$work/data"
python3 - "$work/data" <<'PY'
import random, struct, sys
folder, n, width = sys.argv[1], 240, 16
random.seed(1)
centres = [[random.gauss(0, 1) for _ in range(width)] for _ in range(12)]
with open(folder + "/ids.txt", "w") as ids, open(folder + "/titles.txt", "w") as titles:
    for i in range(n):
        ids.write(f"v{i}\n")
        titles.write(f"Band {i % 12} - Song {i}\n")
with open(folder + "/edges.tsv", "w") as edges:
    for i in range(n - 12):
        edges.write(f"{i}\t{i + 12}\t{1 + i % 5}\n")
with open(folder + "/features.npy", "wb") as features:
    head = str({"descr": "<f4", "fortran_order": False, "shape": (n, width)}).encode()
    head += b" " * (64 - (10 + len(head) + 1) % 64) + b"\n"
    features.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head)
    for i in range(n):
        features.write(struct.pack(f"<{width}f", *(c + random.gauss(0, 0.3) for c in centres[i % 12])))
PY
cowatch=build/dev/bin/cowatch
"$cowatch" import "$work/ws" --format graph --data "$work/data" --quiet >"$work/log"
"$cowatch" run "$work/ws" --quiet >>"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
"$cowatch" serve "$work/ws" --port 0 >"$work/address" &
server=$!
for _ in $(seq 100); do grep -q http "$work/address" && break; sleep 0.1; done
address=$(grep -o 'http://[0-9.:]*' "$work/address" | head -n 1)
[ -d tests/e2e/node_modules ] || npm --prefix tests/e2e ci --silent
node tests/e2e/page.mjs "$address" "$@"
