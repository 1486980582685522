#include "media/worker/analyse.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "media/worker/motion_features.h"
#include "media/worker/picture_features.h"
#include "media/worker/poster.h"
#include "media/worker/preview.h"
#include "media/worker/sound_converter.h"
#include "media/worker/sound_features.h"
#include "media/worker/track_reader.h"

namespace cowatch {
namespace {

constexpr int analysed_side = 320;  // longer side of the pictures that are analysed

// Which seconds of a file are decoded: all of a short one, pieces spread over a long one.
constexpr double whole_seconds = 12;  // files up to this length are decoded whole
constexpr int pieces = 6;
constexpr double piece_seconds = 2;
constexpr double motion_interval = 1.0 / 8, picture_interval = 0.5;

struct Span {
  double begin, end;
};

std::vector<Span> plan(double seconds) {
  if (seconds <= whole_seconds) return {{0, whole_seconds}};
  std::vector<Span> spans;
  for (int i = 0; i < pieces; ++i) {
    const double middle = seconds * (i + 0.5) / pieces;
    spans.push_back({middle - piece_seconds / 2, middle + piece_seconds / 2});
  }
  return spans;
}

// Decodes the planned spans of one file and gathers what features need.
class Decoding : public TrackReader {
 public:
  explicit Decoding(MediaInput& input)
      : TrackReader(input),
        scaler_(input.picture() ? input.picture() : input.sound(), analysed_side),
        converter_(sound_rate, 1),
        best_(allocated(av_frame_alloc())) {}

  // Returns whether every span gave something.
  bool run(const std::vector<Span>& spans) {
    bool complete = true;
    for (const Span& span : spans) {
      const size_t before = pictures_seen_ + sound_.size();
      decode_span(span, spans.size() > 1);
      complete = complete && pictures_seen_ + sound_.size() > before;
    }
    return complete;
  }

  void fill(MediaFeatures& found) {
    found.has_picture = pictures_seen_ > 0;
    found.has_sound = !sound_.empty();
    found.width = scaler_.shown_width();
    found.height = scaler_.shown_height();
    if (found.has_picture) pictures_.finish(found.values);
    if (motion_.count() > 0) motion_.finish(found.values);
    const bool heard = fill_sound_features(sound_, found.values);
    found.present = {pictures_.count() > 0, motion_.count() > 0, heard};
  }

  // The picture that stands best for the video, as JPEG; "" without one. Its longer side is `side` at most.
  std::string poster(int side) const {
    if (best_score_ <= 0) return "";
    return encode_jpeg(PictureScaler(input_.picture(), side).scale(*best_));
  }
  double poster_seconds() const { return best_seconds_; }

 private:
  void decode_span(const Span& span, bool jumps) {
    span_ = span;
    cut_ = true;
    if (jumps) {
      jump(span.begin);
      next_motion_ = next_picture_ = last_picture_ = span.begin;
    }
    read(span.begin, span.end);
  }

  void take_picture(const AVFrame& frame, double at) override {
    if (!std::isfinite(at) || frame.best_effort_timestamp == AV_NOPTS_VALUE) at = last_picture_ + 1.0 / 25;
    last_picture_ = at;
    if (at < span_.begin - 1e-3 || at >= span_.end) return;
    ++pictures_seen_;
    if (at + 1e-3 < next_motion_ && pictures_.count() > 0) return;
    const SmallPicture picture = scaler_.scale(frame);
    motion_.add(picture, at, cut_);
    cut_ = false;
    next_motion_ = std::max(next_motion_ + motion_interval, at + motion_interval / 2);
    if (at + 1e-3 < next_picture_ && pictures_.count() > 0) return;
    next_picture_ = std::max(next_picture_ + picture_interval, at + picture_interval / 2);
    pictures_.add(picture);
    if (const double score = poster_score(picture); score > best_score_) {
      best_score_ = score;
      best_seconds_ = at;
      av_frame_unref(best_.get());
      if (av_frame_ref(best_.get(), &frame) < 0) throw std::bad_alloc();
    }
  }

  void take_sound(const AVFrame& frame, double at) override {
    if (frame.best_effort_timestamp != AV_NOPTS_VALUE && (at < span_.begin - 0.1 || at >= span_.end)) return;
    if (sound_.size() > static_cast<size_t>(sound_rate * (whole_seconds + 2))) return;
    for (const std::vector<float>& mono : converter_.convert(frame)) {
      sound_.insert(sound_.end(), mono.begin(), mono.end());
    }
  }

  PictureScaler scaler_;
  SoundConverter converter_;
  PictureFeatures pictures_;
  MotionFeatures motion_;
  std::vector<float> sound_;
  Span span_ = {};
  FramePointer best_;  // shares the decoder's buffers
  double best_score_ = 0, best_seconds_ = 0;
  size_t pictures_seen_ = 0;
  bool cut_ = true;
  double next_motion_ = 0, next_picture_ = 0, last_picture_ = 0;
};

// Poster and preview. What cannot be shown costs only that: the features are there.
void fill_pictures(const Decoding& decoding, int descriptor, const MediaLimits& limits, bool from_start,
                   MediaFeatures& found) {
  if (!found.has_picture || limits.preview_pixels == 0) return;
  try {
    found.poster = decoding.poster(static_cast<int>(limits.preview_pixels));
    MediaInput input(descriptor, limits);
    found.preview = make_preview(input, limits, from_start ? 0 : decoding.poster_seconds());
  } catch (const std::exception&) {
    found.preview.clear();
  }
}

MediaFeatures analyse_or_throw(int descriptor, const MediaLimits& limits) {
  MediaFeatures found;
  found.values.assign(feature_count, 0);
  MediaInput input(descriptor, limits);
  const double stated = input.stated_seconds();
  found.container = input.format()->iformat->name;
  if (input.picture()) found.picture_codec = avcodec_get_name(input.picture()->codecpar->codec_id);
  if (input.sound()) found.sound_codec = avcodec_get_name(input.sound()->codecpar->codec_id);
  const bool believable = stated > whole_seconds && stated <= limits.max_seconds;
  Decoding decoding(input);
  if (believable && decoding.run(plan(stated))) {
    found.seconds = stated;
    decoding.fill(found);
    fill_pictures(decoding, descriptor, limits, false, found);
    return found;
  }
  // Short, or its stated length is wrong: from the start, without jumps.
  MediaInput again(descriptor, limits);
  Decoding sequential(again);
  sequential.run(plan(0));
  sequential.read_to_end();
  found.seconds = sequential.end_seconds();
  sequential.fill(found);
  if (!found.has_picture && !found.has_sound) {
    throw Refusal(again.encrypted() ? "it is encrypted: nothing can be decoded without its key"
                                    : "nothing in it can be decoded: no picture and no sound came out");
  }
  if (found.seconds > limits.max_seconds) {
    throw Refusal("it is " + std::to_string(static_cast<int64_t>(found.seconds)) + " s long, more than the " +
                  std::to_string(static_cast<int64_t>(limits.max_seconds)) + " s allowed");
  }
  fill_pictures(sequential, descriptor, limits, true, found);
  return found;
}

MediaFeatures refused(std::string reason) {
  MediaFeatures found;
  found.refused = true;
  found.reason = std::move(reason);
  return found;
}

}  // namespace

MediaFeatures analyse(int input, const MediaLimits& limits) {
  const std::string memory =
      "it needs more than the " + std::to_string(limits.max_memory >> 20) + " MiB of memory allowed";
  try {
    return analyse_or_throw(input, limits);
  } catch (const Refusal& refusal) {
    return refused(refusal.what());
  } catch (const std::bad_alloc&) {
    return refused(memory);
  } catch (const cv::Exception& error) {
    return refused(error.code == cv::Error::StsNoMem ? memory : "its pictures cannot be analysed");
  }
}

void warm_up() {
  SmallPicture picture;
  picture.i420 = cv::Mat(96, 64, CV_8U, cv::Scalar(100));
  std::vector<float> row(feature_count), tone(sound_rate / 2, 0.1f);
  PictureFeatures pictures;
  MotionFeatures motion;
  pictures.add(picture);
  motion.add(picture, 0, true);
  motion.add(picture, 0.1, false);
  pictures.finish(row);
  motion.finish(row);
  fill_sound_features(tone, row);
  encode_jpeg(picture);
  warm_up_preview();
}

}  // namespace cowatch
