// What opening one file may cost at most. Everything is finite: FFmpeg by itself would take a picture of any
// size and a file of any length.
#pragma once

#include <cstdint>

namespace cowatch {

// Passed to the worker as bytes: numbers only.
struct MediaLimits {
  uint64_t max_bytes = uint64_t{4} << 30;       // size of the file
  uint64_t max_memory = uint64_t{2} << 30;      // address space of the process that decodes it
  uint64_t max_pixels = uint64_t{4096} * 4096;  // width × height of a picture
  double max_seconds = 4 * 3600;                // length of the video
  double wall_seconds = 60;                     // until the worker is killed
  double cpu_seconds = 30;                      // processor time of the worker
  uint32_t max_streams = 64;                    // tracks in the file
  uint32_t probe_bytes = 5u << 20;              // read to recognise format and codecs
  uint32_t preview_pixels = 480;                // longer side of poster and preview; 0: make neither
  double preview_seconds = 6;                   // length of the preview

  bool operator==(const MediaLimits&) const = default;
};

}  // namespace cowatch
