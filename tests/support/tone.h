// Files of sound.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

namespace cowatch::test {

// 8-bit mono sound of one pitch.
inline std::string tone(double pitch, uint32_t count = 4000) {
  const uint32_t rate = 8000;
  std::string samples;
  for (uint32_t i = 0; i < count; ++i)
    samples += static_cast<char>(128 + std::lround(90 * std::sin(i * pitch * 6.283185307179586 / rate)));
  const auto number = [](uint32_t value, size_t size) {
    return std::string(reinterpret_cast<const char*>(&value), size);
  };
  return "RIFF" + number(36 + count, 4) + "WAVEfmt " + number(16, 4) + number(1, 2) + number(1, 2) +
         number(rate, 4) + number(rate, 4) + number(1, 2) + number(8, 2) + "data" + number(count, 4) +
         samples;
}

}  // namespace cowatch::test
