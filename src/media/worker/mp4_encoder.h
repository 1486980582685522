// An MP4 file in memory: H.264 pictures and, if there is any, AAC sound; the index stands first, so that a
// browser plays it while it loads. The same input gives the same bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace cowatch {

class Mp4Encoder {
 public:
  struct Settings {
    int width = 0, height = 0;         // both even
    int ticks_per_second = 1;          // the unit of a picture's time
    int pictures_per_second = 20;      // about; bounds the distance of key pictures
    int sound_rate = 0, channels = 1;  // rate 0: no sound
    int sound_bits_per_second = 56000;
  };
  explicit Mp4Encoder(const Settings& settings);  // throws internal when FFmpeg refuses
  ~Mp4Encoder();

  // 32 bits a pixel (blue, green, red, unused), `stride` bytes a row. Times ascend strictly.
  void add_bgr_picture(const uint8_t* pixels, int stride, int64_t ticks);
  // Planar 4:2:0 without gaps between rows (I420), BT.601, limited range.
  void add_i420_picture(const uint8_t* pixels, int64_t ticks);
  // The whole sound track, −1 … 1, channel after channel: `samples` holds as many for each. Call once, after
  // the pictures, then finish().
  void add_sound(std::span<const float> samples);
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cowatch
