// One clip, drawn and encoded.
#pragma once

#include <cstdint>
#include <vector>

#include "media/world.h"

namespace cowatch {

// An MP4 file of 288 × 384 pixels, 20 pictures a second, with mono sound: a function of the world and the
// video's number only. Thread-safe.
std::vector<uint8_t> draw_clip(const World& world, uint32_t video);

}  // namespace cowatch
