#!/usr/bin/env bash
# Qdrant's npm client against the server's collections, before and after a restart
# needs: src cmake CMakeLists.txt CMakePresets.json tests/e2e/qdrant
# again for: src/serve/vectors tests/e2e/qdrant
set -euo pipefail
bash tests/parts/build.sh dev cowatch
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
printf '{"id": "a", "title": "a film"}\n' >"$work/items.jsonl"
build/dev/bin/cowatch import "$work/ws" --videos "$work/items.jsonl" --quiet >/dev/null
start() {
  build/dev/bin/cowatch serve "$work/ws" --port 0 >"$work/address" &
  server=$!
  for _ in $(seq 100); do grep -q http "$work/address" && break; sleep 0.1; done
  address=$(grep -o 'http://[0-9.:]*' "$work/address" | head -n 1)
}
[ -d tests/e2e/qdrant/node_modules ] || npm --prefix tests/e2e/qdrant ci --silent
start
node tests/e2e/qdrant/client.mjs "$address"
before=$(curl -s -XPOST "$address/collections/films/points/scroll" -d '{"limit":100,"with_vector":true}' | sed 's/"time".*//')
kill -9 "$server"
wait "$server" 2>/dev/null || true
start
after=$(curl -s -XPOST "$address/collections/films/points/scroll" -d '{"limit":100,"with_vector":true}' | sed 's/"time".*//')
[ "$before" = "$after" ] || { printf 'after kill -9 the points differ:\n%s\n%s\n' "$before" "$after" >&2; exit 1; }
