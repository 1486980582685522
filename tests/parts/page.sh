#!/usr/bin/env bash
# the page in Chromium: every view, wide and narrow, dark and light, with axe; clips that play, keyboard, upload
# needs: src web cmake CMakeLists.txt CMakePresets.json tests/e2e
# again for: web tests/e2e/page.mjs tests/e2e/package-lock.json
# Arguments go to tests/e2e/page.mjs: --screenshots FOLDER keeps a picture of every view.
set -euo pipefail
bash tests/parts/build.sh dev cowatch cowatch-media page
cowatch=build/dev/bin/cowatch
work=$(mktemp -d)
servers=()
trap 'for server in "${servers[@]}"; do kill "$server" 2>/dev/null || true; done; rm -rf "$work"' EXIT

run() {
  "$cowatch" run "$1" --quiet --set train.method=infonce --set train.steps=30 --set train.hidden=64 --set train.outputs=32 >>"$work/log" 2>&1 ||
    { cat "$work/log" >&2; exit 1; }
}
# Leaves the server's address in $address.
serve() {
  "$cowatch" serve "$1" --port 0 >"$1.address" &
  servers+=($!)
  for _ in $(seq 100); do grep -q http "$1.address" && break; sleep 0.1; done
  address=$(grep -o 'http://[0-9.:]*' "$1.address" | head -n 1)
}

# Clips: a rendered platform, and a copy of one of its clips to upload.
"$cowatch" render "$work/platform" --videos 24 --people 60 --seed 1 --quiet >"$work/log" 2>&1
"$cowatch" import "$work/clips" --videos "$work/platform/videos.jsonl" --events "$work/platform/events.jsonl" --quiet >>"$work/log"
run "$work/clips"
serve "$work/clips"
clips=$address
# A collection that is searched by a scan though it is large, and some searches of it: what the quality page warns of.
python3 - "$clips" <<'PY'
import json, random, sys, urllib.request
def ask(method, path, body):
    request = urllib.request.Request(sys.argv[1] + path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method)
    return json.load(urllib.request.urlopen(request))
random.seed(1)
ask("PUT", "/collections/moments", {"vectors": {"size": 4, "distance": "Cosine"}, "optimizers_config": {"indexing_threshold": 0}})
vector = lambda: [random.gauss(0, 1) for _ in range(4)]
for first in range(0, 60000, 10000):
    ask("PUT", "/collections/moments/points", {"points": [{"id": i, "vector": vector()} for i in range(first, first + 10000)]})
for _ in range(120):
    ask("POST", "/collections/moments/points/search?timeout=10", {"vector": vector(), "limit": 10})
PY

# Titles alone: a folder in the graph shape.
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
"$cowatch" import "$work/titles" --format graph --data "$work/data" --quiet >>"$work/log"
run "$work/titles"
serve "$work/titles"
titles=$address

# Nothing at all.
echo "id,title" >"$work/none.csv"
"$cowatch" import "$work/empty" --videos "$work/none.csv" --quiet >>"$work/log"
serve "$work/empty"

[ -d tests/e2e/node_modules ] || npm --prefix tests/e2e ci --silent
node tests/e2e/page.mjs --clips "$clips" --titles "$titles" --empty "$address" \
  --upload "$work/platform/videos/v000003.mp4" --same v000003 "$@"
