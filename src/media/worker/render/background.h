// Where a clip plays: a still picture made once from the background's seed, and small things that move in it.
#pragma once

#include "media/worker/render/canvas.h"
#include "media/world.h"

namespace cowatch {

// The colours of a palette under a light.
struct Scene {
  Color sky_top, sky_bottom, ground, ground_far, accent, accent_second;
  double daylight = 1;
};
Scene scene_of(const VideoFactors& factors);

// Fills [0, 1] × [0, height], the ground's edge at about 0.62 of the height.
void paint_background(Canvas& canvas, const VideoFactors& factors, const Scene& scene, double height);

// What falls, flies or rises in front of it: snow, leaves, bubbles, stars … In the same units.
void paint_particles(Canvas& canvas, const VideoFactors& factors, const Scene& scene, double height,
                     double seconds);

}  // namespace cowatch
