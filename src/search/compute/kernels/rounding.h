// Numbers of queries and vectors as small whole numbers, whatever they are: not every code of a file decodes
// to a number, and not every scale of tiny numbers is finite.
#pragma once

#include <algorithm>
#include <cmath>

namespace cowatch {

// The nearest whole number, 0 where it is not within ±most.
inline int rounded_within(float value, float most) {
  const float whole = std::floor(value + 0.5f);
  return std::fabs(whole) <= most ? static_cast<int>(whole) : 0;
}

// std::clamp(value, 0, most), but 0 for NaN.
inline float level_within(float value, float most) {
  return std::min(most, std::max(0.0f, value));
}

}  // namespace cowatch
