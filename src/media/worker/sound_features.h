// Log-mel statistics of mono sound at 16 kHz.
#pragma once

#include <opencv2/core.hpp>
#include <span>
#include <vector>

#include "media/feature_layout.h"

namespace cowatch {

inline constexpr int sound_rate = 16000;  // samples a second

// Fills the sound blocks of `row`. Returns false, with the row unchanged, when there is less than one window
// (25 ms) or nothing but digital silence.
bool fill_sound_features(std::span<const float> samples, std::span<float> row);

}  // namespace cowatch
