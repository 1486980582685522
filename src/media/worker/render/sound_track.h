// A clip's sound, synthesised: seven kinds of music and five kinds of ambience, in the series' key and tempo.
#pragma once

#include <vector>

#include "media/world.h"

namespace cowatch {

// Mono samples in −0.9 … 0.9, `rate` a second, for the whole clip. A series keeps its tune; where in it a
// clip begins is the video's own.
std::vector<float> sound_track(const World& world, uint32_t video, int rate);

}  // namespace cowatch
