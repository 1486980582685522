// An MP4 file in memory: H.264 pictures and AAC sound. The same input gives the same bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace cowatch {

class Encoder {
 public:
  struct Settings {
    int width = 288, height = 384, pictures_per_second = 20, sound_rate = 24000;
  };
  explicit Encoder(const Settings& settings);  // throws internal when FFmpeg refuses
  ~Encoder();

  // 32 bits a pixel (blue, green, red, unused), `stride` bytes a row.
  void add_picture(const uint8_t* pixels, int stride);
  // The whole sound track: mono, −1 … 1. Call once, after the pictures, then finish().
  void add_sound(std::span<const float> samples);
  std::vector<uint8_t> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cowatch
