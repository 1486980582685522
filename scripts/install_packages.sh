#!/usr/bin/env bash
# Installs the Debian packages of the sections named (build, run, test, arm, bench) that are not there yet.
#   scripts/install_packages.sh build run
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

wanted=()
for section in "$@"; do
  mapfile -t names < <(awk -v want="[$section]" '/^\[/ { on = ($0 == want); next } on && NF && !/^#/' "$here/packages.txt")
  [ ${#names[@]} -gt 0 ] || { echo "no section [$section] in scripts/packages.txt" >&2; exit 2; }
  wanted+=("${names[@]}")
done

missing=()
for name in "${wanted[@]}"; do
  # A newer Node.js than Debian's brings its own npm: the program counts, not the package.
  case $name in nodejs | npm) command -v "${name/nodejs/node}" >/dev/null && continue ;; esac
  dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
done
[ ${#missing[@]} -gt 0 ] || exit 0

sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
echo "Installing ${#missing[@]} packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt_install() { $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$log" 2>&1; }
# The package lists may be old or absent: try, refresh, try again.
apt_install || { $sudo apt-get update -qq && apt_install; } || { tail -n 20 "$log" >&2; exit 1; }
