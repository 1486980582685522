#include "media/worker/sound_converter.h"

extern "C" {
#include <libavutil/channel_layout.h>
}

#include <algorithm>
#include <cmath>

namespace cowatch {

const std::vector<std::vector<float>>& SoundConverter::convert(const AVFrame& frame) {
  samples_.clear();
  if (frame.nb_samples <= 0) return samples_;
  if (!context_ || frame.sample_rate != source_rate_ || frame.format != source_format_ ||
      frame.ch_layout.nb_channels != source_channels_) {
    prepare(frame);
  }
  if (!context_) return samples_;
  const auto most = static_cast<size_t>(swr_get_out_samples(context_.get(), frame.nb_samples)) + 64;
  samples_.assign(static_cast<size_t>(channels_), std::vector<float>(most));
  uint8_t* out[2] = {};
  for (size_t c = 0; c < samples_.size(); ++c) out[c] = reinterpret_cast<uint8_t*>(samples_[c].data());
  const int count = swr_convert(context_.get(), out, static_cast<int>(most),
                                const_cast<const uint8_t**>(frame.extended_data), frame.nb_samples);
  for (std::vector<float>& channel : samples_) {
    channel.resize(static_cast<size_t>(std::max(0, count)));
    for (float& value : channel) value = std::isfinite(value) ? std::clamp(value, -4.f, 4.f) : 0.f;
  }
  return samples_;
}

void SoundConverter::prepare(const AVFrame& frame) {
  source_rate_ = frame.sample_rate;
  source_format_ = frame.format;
  source_channels_ = frame.ch_layout.nb_channels;
  AVChannelLayout wanted, source = frame.ch_layout;  // not const in FFmpeg's call
  av_channel_layout_default(&wanted, channels_);
  SwrContext* context = nullptr;
  const bool ready =
      swr_alloc_set_opts2(&context, &wanted, AV_SAMPLE_FMT_FLTP, rate_, &source,
                          static_cast<AVSampleFormat>(frame.format), frame.sample_rate, 0, nullptr) >= 0 &&
      swr_init(context) >= 0;
  context_.reset(context);
  if (!ready) context_.reset();
}

}  // namespace cowatch
