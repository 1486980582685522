// One clip, drawn and encoded.
#pragma once

#include <cstdint>
#include <string>

#include "media/world.h"

namespace cowatch {

// An MP4 file of 288 × 384 pixels, 20 pictures a second, with mono sound: a function of the world and the
// video's number only. Thread-safe.
std::string draw_clip(const World& world, uint32_t video);

}  // namespace cowatch
