#include "media/worker/analyse.h"

extern "C" {
#include <libavutil/channel_layout.h>
#include <libswresample/swresample.h>
}

#include <algorithm>
#include <cmath>
#include <new>

#include "media/worker/motion_features.h"
#include "media/worker/picture_features.h"
#include "media/worker/poster.h"
#include "media/worker/sound_features.h"

namespace cowatch {
namespace {

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

struct FreeResampler {
  void operator()(SwrContext* context) const { swr_free(&context); }
};

// Decodes the planned spans of one file and gathers what features need.
class Decoding {
 public:
  Decoding(MediaInput& input, const MediaLimits& limits)
      : input_(input),
        scaler_(input.picture() ? input.picture() : input.sound(),
                limits.preview_pixels > 0 ? static_cast<int>(limits.preview_pixels) : 320) {
    if (input.picture()) picture_decoder_ = input.open_decoder(input.picture());
    if (input.sound()) sound_decoder_ = input.open_decoder(input.sound());
  }

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
  // Reads on without decoding, to learn where the file really ends.
  void read_to_end() {
    PacketPointer packet(allocated(av_packet_alloc()));
    while (av_read_frame(input_.format(), packet.get()) >= 0) {
      note_end(*packet);
      av_packet_unref(packet.get());
    }
  }
  double end_seconds() const { return end_; }

  void fill(MediaFeatures& found) {
    found.has_picture = pictures_seen_ > 0;
    found.has_sound = !sound_.empty();
    found.width = scaler_.shown_width();
    found.height = scaler_.shown_height();
    if (found.has_picture) pictures_.finish(found.values);
    if (motion_.count() > 0) motion_.finish(found.values);
    const bool heard = fill_sound_features(sound_, found.values);
    found.present = {pictures_.count() > 0, motion_.count() > 0, heard};
    if (best_score_ > 0) found.poster = encode_jpeg(best_);
  }

 private:
  void note_end(const AVPacket& packet) {
    const AVStream* stream = input_.format()->streams[packet.stream_index];
    const double at = input_.seconds(packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts, stream);
    const double length =
        std::max<double>(0, static_cast<double>(packet.duration) * av_q2d(stream->time_base));
    if (std::isfinite(at + length)) end_ = std::max(end_, at + length);
  }

  void decode_span(const Span& span, bool jump) {
    if (jump) {
      input_.seek(span.begin);
      if (picture_decoder_) avcodec_flush_buffers(picture_decoder_.get());
      if (sound_decoder_) avcodec_flush_buffers(sound_decoder_.get());
      next_motion_ = next_picture_ = span.begin;
      last_picture_ = span.begin;
    }
    cut_ = true;
    PacketPointer packet(allocated(av_packet_alloc()));
    bool ended = false;
    while (!ended && av_read_frame(input_.format(), packet.get()) >= 0) {
      note_end(*packet);
      const AVStream* stream = input_.format()->streams[packet->stream_index];
      const double at = input_.seconds(packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts, stream);
      if (at > span.end + 1) ended = true;
      AVCodecContext* decoder = stream == input_.picture() ? picture_decoder_.get()
                                : stream == input_.sound() ? sound_decoder_.get()
                                                           : nullptr;
      const bool early_sound = decoder == sound_decoder_.get() && at >= 0 && at < span.begin - 0.2;
      if (decoder && !early_sound) feed(decoder, packet.get(), span);
      av_packet_unref(packet.get());
    }
    if (picture_decoder_) feed(picture_decoder_.get(), nullptr, span);
    if (sound_decoder_) feed(sound_decoder_.get(), nullptr, span);
  }

  void feed(AVCodecContext* decoder, const AVPacket* packet, const Span& span) {
    const int sent = avcodec_send_packet(decoder, packet);
    if (sent == AVERROR(ENOMEM)) throw std::bad_alloc();
    FramePointer frame(allocated(av_frame_alloc()));
    while (avcodec_receive_frame(decoder, frame.get()) >= 0) {
      if (decoder == picture_decoder_.get()) {
        take_picture(*frame, span);
      } else {
        take_sound(*frame, span);
      }
      av_frame_unref(frame.get());
    }
  }

  void take_picture(const AVFrame& frame, const Span& span) {
    double at = input_.seconds(frame.best_effort_timestamp, input_.picture());
    if (!std::isfinite(at) || frame.best_effort_timestamp == AV_NOPTS_VALUE) at = last_picture_ + 1.0 / 25;
    last_picture_ = at;
    if (at < span.begin - 1e-3 || at >= span.end) return;
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
      best_ = picture;
    }
  }

  void take_sound(const AVFrame& frame, const Span& span) {
    const double at = input_.seconds(frame.best_effort_timestamp, input_.sound());
    if (frame.best_effort_timestamp != AV_NOPTS_VALUE && (at < span.begin - 0.1 || at >= span.end)) return;
    if (sound_.size() > static_cast<size_t>(sound_rate * (whole_seconds + 2)) || frame.nb_samples <= 0)
      return;
    if (!resampler_ || frame.sample_rate != source_rate_ || frame.format != source_format_ ||
        frame.ch_layout.nb_channels != source_channels_) {
      prepare_resampler(frame);
    }
    if (!resampler_) return;
    std::vector<float> piece(static_cast<size_t>(swr_get_out_samples(resampler_.get(), frame.nb_samples)) +
                             64);
    auto* out = reinterpret_cast<uint8_t*>(piece.data());
    const int count = swr_convert(resampler_.get(), &out, static_cast<int>(piece.size()),
                                  const_cast<const uint8_t**>(frame.extended_data), frame.nb_samples);
    for (int i = 0; i < count; ++i) {
      const float value = piece[static_cast<size_t>(i)];
      sound_.push_back(std::isfinite(value) ? std::clamp(value, -4.f, 4.f) : 0.f);
    }
  }

  void prepare_resampler(const AVFrame& frame) {
    source_rate_ = frame.sample_rate;
    source_format_ = frame.format;
    source_channels_ = frame.ch_layout.nb_channels;
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO, source = frame.ch_layout;  // not const in FFmpeg's call
    SwrContext* context = nullptr;
    const bool ready =
        swr_alloc_set_opts2(&context, &mono, AV_SAMPLE_FMT_FLT, sound_rate, &source,
                            static_cast<AVSampleFormat>(frame.format), frame.sample_rate, 0, nullptr) >= 0 &&
        swr_init(context) >= 0;
    resampler_.reset(context);
    if (!ready) resampler_.reset();
  }

  MediaInput& input_;
  PictureScaler scaler_;
  CodecPointer picture_decoder_, sound_decoder_;
  std::unique_ptr<SwrContext, FreeResampler> resampler_;
  int source_rate_ = 0, source_format_ = -1, source_channels_ = 0;
  PictureFeatures pictures_;
  MotionFeatures motion_;
  std::vector<float> sound_;
  SmallPicture best_;
  double best_score_ = 0;
  size_t pictures_seen_ = 0;
  bool cut_ = true;
  double next_motion_ = 0, next_picture_ = 0, last_picture_ = 0, end_ = 0;
};

MediaFeatures analyse_or_throw(int descriptor, const MediaLimits& limits) {
  MediaFeatures found;
  found.values.assign(feature_count, 0);
  MediaInput input(descriptor, limits);
  const double stated = input.stated_seconds();
  found.container = input.format()->iformat->name;
  if (input.picture()) found.picture_codec = avcodec_get_name(input.picture()->codecpar->codec_id);
  if (input.sound()) found.sound_codec = avcodec_get_name(input.sound()->codecpar->codec_id);
  const bool believable = stated > whole_seconds && stated <= limits.max_seconds;
  Decoding decoding(input, limits);
  if (believable && decoding.run(plan(stated))) {
    found.seconds = stated;
    decoding.fill(found);
    return found;
  }
  // Short, or its stated length is wrong: from the start, without jumps.
  MediaInput again(descriptor, limits);
  Decoding sequential(again, limits);
  sequential.run(plan(0));
  sequential.read_to_end();
  found.seconds = sequential.end_seconds();
  sequential.fill(found);
  if (!found.has_picture && !found.has_sound) {
    throw Refusal("nothing in it can be decoded: no picture and no sound came out");
  }
  if (found.seconds > limits.max_seconds) {
    throw Refusal("it is " + std::to_string(static_cast<int64_t>(found.seconds)) + " s long, more than the " +
                  std::to_string(static_cast<int64_t>(limits.max_seconds)) + " s allowed");
  }
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
}

}  // namespace cowatch
