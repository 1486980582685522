// Decoded sound brought to one rate and number of channels.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libswresample/swresample.h>
}

#include <memory>
#include <vector>

namespace cowatch {

class SoundConverter {
 public:
  // `channels`: 1 or 2.
  SoundConverter(int rate, int channels) : rate_(rate), channels_(channels) {}

  // The frame's samples, finite and within ±4, a vector for each channel, valid until the next call; empty
  // when the frame cannot be converted. The converter starts anew when the format of frames changes.
  const std::vector<std::vector<float>>& convert(const AVFrame& frame);

 private:
  void prepare(const AVFrame& frame);

  struct Free {
    void operator()(SwrContext* context) const { swr_free(&context); }
  };
  int rate_, channels_;
  std::unique_ptr<SwrContext, Free> context_;
  int source_rate_ = 0, source_format_ = -1, source_channels_ = 0;
  std::vector<std::vector<float>> samples_;
};

}  // namespace cowatch
