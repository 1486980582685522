// A platform of short sounds: files, people and what they listened to, small enough to go the whole way in a
// second.
#pragma once

#include <string>

#include "base/file.h"
#include "pipeline/import_stage.h"
#include "support/tone.h"

namespace cowatch::test {

// clips/s0.wav … in four groups, low to high; videos.csv and events.csv; cowatch.toml with settings of a
// quick training. The last sound of each group is one nobody listened to.
inline void write_sound_world(const Path& folder, const std::string& method = "infonce") {
  constexpr int sounds = 16;
  std::filesystem::create_directories(folder / "clips");
  std::string events = "user,item,kind,time\n", videos = "id,path\n";
  for (int i = 0; i < sounds; ++i) {
    const int group = i * 4 / sounds;
    const Path clip = folder / "clips" / ("s" + std::to_string(i) + ".wav");
    write_atomically(clip, tone(200 * std::pow(2, group) + 7 * i));
    videos += "s" + std::to_string(i) + "," + clip.string() + "\n";
    if ((i + 1) * 4 / sounds != group) continue;
    for (const char* person : {"ann", "ben", "cleo"})
      events += person + std::to_string(group) + ",s" + std::to_string(i) + ",watch," +
                std::to_string(1700000000 + 60 * i) + "\n";
  }
  write_atomically(folder / "videos.csv", videos);
  write_atomically(folder / "events.csv", events);
  write_atomically(folder / "cowatch.toml",
                   "[train]\nmethod = \"" + method +
                       "\"\nhidden = 32\noutputs = 8\nbatch = 32\nsteps = 12\ncheckpoint_every = 2\n");
}

// Imports a sound world into a new workspace.
inline Workspace import_sound_world(const Path& world, const Path& folder) {
  Workspace workspace = Workspace::open_or_create(folder);
  std::filesystem::copy(world / "cowatch.toml", workspace.file("cowatch.toml"));
  ImportRequest request;
  request.videos = {world / "videos.csv"};
  request.events = {world / "events.csv"};
  run_import(workspace, request);
  return workspace;
}

// Every derived artifact of a finished workspace, in the order of the way.
inline constexpr const char* artifact_names[] = {"features.safetensors",   "graph.safetensors",
                                                 "tree.safetensors",       "model.safetensors",
                                                 "embeddings.safetensors", "map.safetensors"};

}  // namespace cowatch::test
