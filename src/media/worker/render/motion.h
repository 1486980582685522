// Where the subject is at a moment: the eight motion patterns, performed in segments.
#pragma once

#include "media/world.h"

namespace cowatch {

// Shifts are in widths of the picture, from the subject's place of rest; scales about its foot.
struct Pose {
  double x = 0, y = 0, turn = 0, scale_x = 1, scale_y = 1;
  double phase = 0;  // cycles of the pattern so far: limbs follow it
  bool faces_left = false;
};

Pose pose_at(const VideoFactors& factors, double seconds);

}  // namespace cowatch
