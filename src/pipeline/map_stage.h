// The stage that lays all embeddings out in the plane, for the page's map: map.safetensors (kind "map":
// `positions` F32 [n, 2] in [-1, 1], NaN for a video without an embedding).
#pragma once

#include "base/settings.h"
#include "store/workspace.h"

namespace cowatch {

Path map_file(const Workspace& workspace);
bool map_is_current(const Workspace& workspace);
// Projects onto the two leading principal directions of a few thousand videos, each axis scaled by its ranks'
// quantiles so that dense regions stay readable. Deterministic.
void run_map_stage(const Workspace& workspace);

}  // namespace cowatch
