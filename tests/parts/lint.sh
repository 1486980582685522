#!/usr/bin/env bash
# layers of the includes, formatting of scripts, nothing of one machine in the tree
# needs: .
set -euo pipefail
python3 scripts/check_includes.py
for script in scripts/*.sh tests/parts/*.sh tests/e2e/*.sh .ci/run; do
  [ ! -f "$script" ] || bash -n "$script"
done
if git grep -nIE '(^|[^A-Za-z0-9_.])/(wo[r]k|ro[o]t)/' -- . ':!web/package-lock.json'; then
  echo "a path of one machine stands in the tree (above)" >&2
  exit 1
fi
if grep -n '"resolved"' web/package-lock.json 2>/dev/null | head -n 3 | grep .; then
  echo "web/package-lock.json records download addresses" >&2
  exit 1
fi
