#!/usr/bin/env bash
# the SIMD kernels compiled for ARM (NEON), against plain loops on an emulated processor
# needs: src/base src/math src/search/compute tests/math tests/search/compute CMakeLists.txt
# only with --all
set -euo pipefail
scripts/install_packages.sh arm
work=$(realpath -m build/neon)
root=$work/root/usr
mkdir -p "$work"/{packages,state/lists/partial,cache/archives/partial,objects}

# ARM's libraries are unpacked beside the build: the system's packages and lists stay what they are.
if [ ! -d "$root" ]; then
  apt() { apt-get -qq -o Dir::State="$work/state" -o Dir::Cache="$work/cache" -o APT::Architecture=arm64 -o APT::Architectures=arm64 "$@"; }
  apt update
  (cd "$work/packages" && apt -o APT::Sandbox::User=root download libhwy1 libhwy-dev libtbb12 libtbb-dev libgtest-dev libxxhash0 libxxhash-dev nlohmann-json3-dev)
  for package in "$work"/packages/*.deb; do dpkg -x "$package" "$work/root.partial"; done
  mv "$work/root.partial" "$work/root"
fi

# What the kernels and their tests are made of; base only as far as they need it.
mapfile -t sources < <(ls src/math/{targets,vectors,float16}.cpp src/search/compute/kernels/*.cpp src/search/compute/scan.cpp \
  src/search/compute/codes/{rotation,scalar_codes,scalar_kernels}.cpp src/base/{error,file,hash,page_release,random,tensor_file,threads,version}.cpp \
  tests/math/{float16,vectors}_test.cpp tests/search/compute/kernels/*_test.cpp tests/search/compute/{rotation,scalar_codes,scan}_test.cpp)
mkdir -p "$work/generated"
sed 's/@[A-Za-z_]*@/none/' cmake/version.h.in >"$work/generated/generated_version.h"
HWY=$(sed -n 's/.*"\(HWY_DISABLED_TARGETS=[^"]*\)".*/\1/p' CMakeLists.txt)
export HWY work root
compile() {
  aarch64-linux-gnu-g++ -std=c++20 -O2 "-D$HWY" -Isrc -Itests -I. "-I$work/generated" -isystem "$root/include" \
    -isystem "$root/include/aarch64-linux-gnu" -c "$1" -o "$work/objects/${1//\//_}.o"
}
export -f compile
rm -f "$work"/objects/*
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -I FILE bash -c 'compile FILE'
libraries=$root/lib/aarch64-linux-gnu
aarch64-linux-gnu-g++ "$work"/objects/*.o -o "$work/test_neon" "-L$libraries" "-Wl,-rpath-link,$libraries" -lgtest -lgtest_main -lhwy -ltbb -lxxhash
output=$(qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$libraries" "$work/test_neon" --gtest_brief=1) || { echo "$output" | tail -n 60 >&2; exit 1; }
echo "   $(grep -oE '[0-9]+ tests? from' <<<"$output" | grep -oE '[0-9]+') tests of kernels passed on $(qemu-aarch64 --version | head -n 1 | grep -oE 'qemu-aarch64 version [0-9.]+')"
