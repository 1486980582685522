// What extraction found in one file.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "media/feature_layout.h"

namespace cowatch {

struct MediaFeatures {
  bool refused = false;
  std::string reason;  // of the refusal, one line for people; empty when not refused

  double seconds = 0;         // length; 0 when refused
  int width = 0, height = 0;  // as shown: after rotation and pixel aspect; 0 without a picture
  bool has_picture = false;   // at least one picture of a video track decoded (a cover picture is none)
  bool has_sound = false;     // at least one sample of a sound track decoded
  std::string container;      // "mov", "matroska", …: FFmpeg's name
  std::string picture_codec, sound_codec;

  // modality_count flags and feature_count values (feature_layout.h); the columns of an absent modality are
  // 0.
  std::array<bool, modality_count> present = {};
  std::vector<float> values;

  std::string poster;   // JPEG; empty without a picture
  std::string preview;  // MP4 (H.264, AAC), index first; empty when nothing could be shown
};

}  // namespace cowatch
