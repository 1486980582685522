#!/usr/bin/env bash
# From a bare Debian 12 to related videos in a browser: installs packages, builds, makes a workspace, runs the whole
# pipeline and serves http://127.0.0.1:8080. Repeatable: what is there already is kept.
#   scripts/demo.sh                 on a rendered platform of 300 clips
#   scripts/demo.sh --data DIR      on a folder in the graph shape (ids.txt, edges.tsv, features.npy, titles.txt)
#   scripts/demo.sh --videos DIR    on a folder of video files
#   scripts/demo.sh --no-serve      end after a check that the page and the interface answer
#   scripts/demo.sh --port N        another port than 8080
set -euo pipefail
cd "$(dirname "$0")/.."

data= videos= serve=yes port=8080
while [ $# -gt 0 ]; do
  case $1 in
    --data) data=$(realpath -m "${2:?--data needs a folder}"); shift ;;
    --videos) videos=$(realpath -m "${2:?--videos needs a folder}"); shift ;;
    --port) port=${2:?--port needs a number}; shift ;;
    --no-serve) serve=no ;;
    *) sed -n '2,8p' "$0" >&2; exit 2 ;;
  esac
  shift
done

step() { printf '\n== %s  (%d s)\n' "$*" $SECONDS; }
fail() { echo "$*" >&2; exit 2; }

# What would fail at the end fails now.
for folder in "$data" "$videos"; do
  [ -z "$folder" ] || [ -d "$folder" ] || fail "there is no folder $folder"
done
[ -z "$data" ] || [ -f "$data/ids.txt" ] || fail "$data is not in the graph shape: there is no ids.txt"
if [ $serve = yes ] && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
  fail "port $port is taken by another program: give --port N, such as --port $((port + 1))"
fi

step "packages"
scripts/install_packages.sh build run

step "build"
cmake --preset release >/dev/null
cmake --build --preset release --target cowatch cowatch-media page
cowatch=build/release/bin/cowatch

# A workspace for each kind of demo, so that one does not mix with another.
if [ -n "$data" ]; then
  workspace=build/demo/$(basename "$data")
  step "import $data"
  $cowatch import "$workspace" --format graph --data "$data"
  # Tens of thousands of videos in minutes: smaller networks, and one kind of them tried instead of three.
  export COWATCH_TRAIN_HIDDEN=${COWATCH_TRAIN_HIDDEN:-1000} COWATCH_TRAIN_BUDGET=${COWATCH_TRAIN_BUDGET:-4}
  echo "To be quick: train.hidden=$COWATCH_TRAIN_HIDDEN train.budget=$COWATCH_TRAIN_BUDGET. \`cowatch run $workspace\` trains in full."
elif [ -n "$videos" ]; then
  workspace=build/demo/$(basename "$videos")
  step "import $videos"
  $cowatch import "$workspace" --videos "$videos"
else
  workspace=build/demo/rendered
  step "render a platform"
  $cowatch render build/demo/platform --videos 300 --people 300 --seed 1
  step "import it"
  $cowatch import "$workspace" --videos build/demo/platform/videos.jsonl --events build/demo/platform/events.jsonl
fi

step "features, graph, training, embeddings"
$cowatch run "$workspace"

if [ $serve = yes ]; then
  step "serve http://127.0.0.1:$port"
  exec $cowatch serve "$workspace" --port "$port"
fi

step "check that the page and the interface answer"
scripts/check_server.sh $cowatch serve "$workspace" --port 0
echo "In $SECONDS s. Serve it with: $cowatch serve $workspace"
