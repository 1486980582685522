#!/usr/bin/env bash
# unit tests, each folder's program
set -euo pipefail
bash tests/parts/build.sh dev
ctest --preset dev -j2 2>&1 | tail -n 40
