#!/usr/bin/env bash
# From a bare Debian 12 to related videos in a browser: installs packages, builds, makes a workspace, runs the whole
# pipeline and serves http://127.0.0.1:8080. Repeatable: what is there already is kept.
#   scripts/demo.sh                 on a rendered platform of 300 clips
#   scripts/demo.sh --data DIR      on a folder in the graph shape (ids.txt, edges.tsv, features.npy, titles.txt)
#   scripts/demo.sh --videos DIR    on a folder of video files
#   scripts/demo.sh --no-serve      end after a check that the page and the interface answer
#   scripts/demo.sh --port N        another port than 8080
set -euo pipefail
script=$(realpath "$0")

data= videos= serve=yes port=8080
while [ $# -gt 0 ]; do
  case $1 in
    --data) data=$(realpath -m "${2:?--data needs a folder}"); shift ;;
    --videos) videos=$(realpath -m "${2:?--videos needs a folder}"); shift ;;
    --port) port=${2:?--port needs a number}; shift ;;
    --no-serve) serve=no ;;
    --help | -h) sed -n '2,8p' "$script"; exit 0 ;;
    *) sed -n '2,8p' "$script" >&2; exit 2 ;;
  esac
  shift
done
cd "$(dirname "$script")/.."

step() { printf '\n== %s  (%d s)\n' "$*" $SECONDS; }
fail() { echo "$*" >&2; exit 2; }

# A workspace for each folder: one's name alone may be that of others.
workspace_of() { echo "build/demo/$(basename "$1")-$(sha1sum <<<"$1" | cut -c1-8)"; }

# What would fail at the end fails now.
[ -z "$data" ] || [ -z "$videos" ] || fail "--data and --videos are two demonstrations: give one"
[[ $port =~ ^[0-9]+$ ]] && [ "$port" -le 65535 ] || fail "--port takes a number up to 65535, not '$port'"
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

if [ -n "$data" ]; then
  workspace=$(workspace_of "$data")
  step "import $data"
  $cowatch import "$workspace" --format graph --data "$data"
  export COWATCH_TRAIN_BUDGET=${COWATCH_TRAIN_BUDGET:-4}  # tens of thousands of videos: one kind of network in place of three
elif [ -n "$videos" ]; then
  workspace=$(workspace_of "$videos")
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
export COWATCH_TRAIN_HIDDEN=${COWATCH_TRAIN_HIDDEN:-1000}
echo "To be quick: train.hidden=$COWATCH_TRAIN_HIDDEN${COWATCH_TRAIN_BUDGET:+ train.budget=$COWATCH_TRAIN_BUDGET}. \`cowatch run $workspace\` trains in full."
$cowatch run "$workspace"

if [ $serve = yes ]; then
  step "serve http://127.0.0.1:$port"
  exec $cowatch serve "$workspace" --port "$port"
fi

step "check that the page and the interface answer"
scripts/check_server.sh $cowatch serve "$workspace" --port 0
echo "In $SECONDS s. Serve it with: $cowatch serve $workspace"
