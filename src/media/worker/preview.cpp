#include "media/worker/preview.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "media/worker/mp4_encoder.h"
#include "media/worker/pictures.h"
#include "media/worker/sound_converter.h"
#include "media/worker/track_reader.h"

namespace cowatch {
namespace {

constexpr int ticks_per_second = 12800;  // a multiple of the usual picture rates
constexpr double most_pictures_per_second = 30;
constexpr int sound_rate = 44100;
// Pixels that are decoded for one preview: 480 pictures of 1920 × 1080, about a second of one processor.
constexpr int64_t most_pixels = 1'000'000'000;
// A sound that claims to begin this far from where the last one ended does so; less is the file's rounding.
constexpr double gap_seconds = 0.06;

class PreviewMaker : public TrackReader {
 public:
  PreviewMaker(MediaInput& input, const MediaLimits& limits)
      : TrackReader(input),
        seconds_(limits.preview_seconds),
        scaler_(input.picture(), static_cast<int>(limits.preview_pixels)),
        channels_(input.sound() && input.sound()->codecpar->ch_layout.nb_channels > 1 ? 2 : 1),
        converter_(sound_rate, channels_) {
    sound_.resize(input.sound() ? static_cast<size_t>(channels_) : 0);
  }

  std::string make(double begin) {
    if (begin > 0) jump(begin);
    read(0, std::max(0.0, begin) + seconds_);
    if (pictures_ < 2) return "";
    add_sound();
    return encoder_->finish();
  }

 private:
  bool enough() const override { return full_; }

  void take_picture(const AVFrame& frame, double at) override {
    pixels_ += static_cast<int64_t>(frame.width) * frame.height;
    if (!std::isfinite(at) || at < 0) at = start_ ? last_ + 1.0 / 25 : 0;
    if (!start_) start_ = at;
    const double time = at - *start_;
    full_ = full_ || time >= seconds_ || pixels_ > most_pixels;
    if (full_ || (pictures_ > 0 && at < last_ + 0.9 / most_pictures_per_second)) return;
    const SmallPicture picture = scaler_.scale(frame);
    if (!encoder_) begin_film(picture);
    if (picture.i420.size() != size_) return;  // a track may change its size on the way
    encoder_->add_i420_picture(picture.i420.data, std::llround(time * ticks_per_second));
    last_ = at;
    ++pictures_;
  }

  void take_sound(const AVFrame& frame, double at) override {
    // Sound of before the first picture is dropped; it comes before it by a little in most files.
    if (!std::isfinite(at) || at < 0) return;
    const auto& samples = converter_.convert(frame);
    if (samples.empty()) return;
    if (!sound_begin_) sound_begin_ = at;
    const double expected = *sound_begin_ + static_cast<double>(sound_[0].size()) / sound_rate;
    const double gap = at - expected;
    const auto most = static_cast<size_t>((seconds_ + 2) * sound_rate);
    for (size_t c = 0; c < sound_.size(); ++c) {
      if (sound_[c].size() > most) return;
      if (gap > gap_seconds) {
        sound_[c].resize(std::min(most, sound_[c].size() + static_cast<size_t>(gap * sound_rate)), 0.f);
      }
      sound_[c].insert(sound_[c].end(), samples[c].begin(), samples[c].end());
    }
  }

  void begin_film(const SmallPicture& picture) {
    size_ = picture.i420.size();
    encoder_.emplace(Mp4Encoder::Settings{.width = picture.width(),
                                          .height = picture.height(),
                                          .ticks_per_second = ticks_per_second,
                                          .pictures_per_second = 25,
                                          .sound_rate = sound_.empty() ? 0 : sound_rate,
                                          .channels = channels_,
                                          .sound_bits_per_second = 48000 * channels_});
  }

  // Cut and padded to begin with the first picture and to end with the last one.
  void add_sound() {
    if (sound_.empty()) return;
    const double length = last_ - *start_ + 1.0 / 25;
    const auto count = static_cast<size_t>(length * sound_rate);
    const auto shift = std::llround((sound_begin_.value_or(*start_) - *start_) * sound_rate);
    std::vector<float> track(count * sound_.size(), 0.f);
    for (size_t c = 0; c < sound_.size(); ++c) {
      const auto have = static_cast<int64_t>(sound_[c].size());
      for (int64_t i = std::max<int64_t>(0, shift); i < std::min<int64_t>(shift + have, count); ++i) {
        track[c * count + static_cast<size_t>(i)] =
            std::clamp(sound_[c][static_cast<size_t>(i - shift)], -1.f, 1.f);
      }
    }
    encoder_->add_sound(track);
  }

  double seconds_;
  PictureScaler scaler_;
  int channels_;
  SoundConverter converter_;
  std::optional<Mp4Encoder> encoder_;
  cv::Size size_;
  std::optional<double> start_, sound_begin_;
  double last_ = 0;
  size_t pictures_ = 0;
  int64_t pixels_ = 0;
  bool full_ = false;
  std::vector<std::vector<float>> sound_;  // one a channel, from sound_begin_ on
};

}  // namespace

std::string make_preview(MediaInput& input, const MediaLimits& limits, double begin) {
  if (!input.picture() || limits.preview_pixels == 0 || limits.preview_seconds <= 0) return "";
  return PreviewMaker(input, limits).make(begin);
}

void warm_up_preview() {
  Mp4Encoder encoder({.width = 64,
                      .height = 96,
                      .ticks_per_second = 25,
                      .pictures_per_second = 25,
                      .sound_rate = sound_rate});
  const std::vector<uint8_t> grey(64 * 96 * 3 / 2, 128);
  for (int i = 0; i < 3; ++i) encoder.add_i420_picture(grey.data(), i);
  encoder.add_sound(std::vector<float>(sound_rate / 8, 0.f));
  encoder.finish();
}

}  // namespace cowatch
