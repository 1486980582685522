// The stage that lays all embeddings out in the plane, for the page's map: map.safetensors (kind "map":
// `positions` F32 [n, 2] in [-1, 1], NaN for a video without an embedding).
#pragma once

#include "base/settings.h"
#include "store/workspace.h"

namespace cowatch {

Path map_file(const Workspace& workspace);
bool map_is_current(const Workspace& workspace);
// Keeps each video's nearest neighbours near (learn/neighbour_layout.h), beginning with the two leading principal
// directions; a catalogue of more than 150,000 videos stays with those. Deterministic for any number of threads.
void run_map_stage(const Workspace& workspace);

}  // namespace cowatch
