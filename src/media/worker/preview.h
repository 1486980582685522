// A short film of a file, for the page.
#pragma once

#include <string>

#include "media/limits.h"
#include "media/worker/input.h"

namespace cowatch {

// An MP4 (H.264, AAC where there is sound, index first) of limits.preview_seconds, its longer side
// limits.preview_pixels at most, beginning with the key picture before `begin` seconds. Shorter when the
// pictures are so large that decoding them would cost too much; "" when fewer than two pictures come out.
// Throws Refusal and std::bad_alloc. `input` must be freshly opened.
std::string make_preview(MediaInput& input, const MediaLimits& limits, double begin);

// Encodes a short grey film, so that the encoders' tables are there before a process is confined.
void warm_up_preview();

}  // namespace cowatch
