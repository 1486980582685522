#!/usr/bin/env bash
# Runs a command that serves, checks that page and interface answer, and ends it.
#   scripts/check_server.sh cowatch serve WS --port 0
set -euo pipefail
said=$(mktemp)
"$@" >"$said" &
server=$!
trap 'kill $server 2>/dev/null || true; rm -f "$said"' EXIT
fail() { echo "$*" >&2; exit 1; }

for _ in $(seq 600); do
  grep -q '(interface' "$said" && break
  kill -0 $server 2>/dev/null || fail "the server did not start"
  sleep 0.1
done
address=$(grep -oE 'http://[0-9.]+:[0-9]+' "$said") || fail "the server does not say its address"
curl -fsS "$address/" | grep -qi '<!doctype html' || fail "the page does not answer at $address/"
curl -fsS "$address/api/health/live" | grep -q true || fail "the interface does not answer at $address/api"
first=$(curl -fsS "$address/api/items?n=1" | grep -oE '"ItemId":"[^"]*"' | head -n 1 | cut -d'"' -f4)
[ -n "$first" ] || fail "the interface lists no videos"
path=$(node -p 'encodeURIComponent(JSON.parse(`"${process.argv[1]}"`))' -- "$first")
curl -fsS "$address/api/item-to-item/related/$path?n=3" | grep -q '^\[' || fail "there is no answer to what is related to $first"
kill $server
wait $server || fail "the server did not end well"
trap 'rm -f "$said"' EXIT
echo "page and interface answer (asked for what is related to $first)"
