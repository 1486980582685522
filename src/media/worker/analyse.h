// Everything about one open file: recognise, decode at the sampled times, features, poster, preview.
#pragma once

#include "media/limits.h"
#include "media/media_features.h"

namespace cowatch {

// Throws nothing: what is wrong with the file becomes a refusal. `input` is a regular file, borrowed.
MediaFeatures analyse(int input, const MediaLimits& limits);

// Runs once over a clip drawn in memory, so that tables that libraries make on first use (and the files that
// they look at then) are there before the process is confined and forked.
void warm_up();

}  // namespace cowatch
