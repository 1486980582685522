#!/usr/bin/env bash
# unit and end-to-end tests, a program for each folder under tests/
# needs: src bench tests cmake CMakeLists.txt CMakePresets.json
set -euo pipefail
bash tests/parts/programs.sh dev
