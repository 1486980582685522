#include "media/worker/render/encoder.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <cstring>
#include <string>

#include "base/error.h"

namespace cowatch {
namespace {

int checked(int result, const char* what) {
  if (result >= 0) return result;
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(result, text, sizeof text);
  throw Error(ErrorCode::internal, std::string("FFmpeg cannot ") + what, {.found = text});
}

const AVCodec* codec_named(const char* name) {
  const AVCodec* codec = avcodec_find_encoder_by_name(name);
  if (codec == nullptr) {
    throw Error(ErrorCode::unsupported, "FFmpeg lacks an encoder",
                {.expected = name, .remedy = "Install Debian's libavcodec-extra."});
  }
  return codec;
}

}  // namespace

struct Encoder::State {
  Settings settings;
  AVFormatContext* format = nullptr;
  AVCodecContext* picture = nullptr;
  AVCodecContext* sound = nullptr;
  AVStream* picture_stream = nullptr;
  AVStream* sound_stream = nullptr;
  AVFrame* frame = nullptr;
  AVPacket* packet = nullptr;
  SwsContext* scaler = nullptr;
  int64_t pictures = 0;

  ~State() {
    if (format != nullptr && format->pb != nullptr) {
      uint8_t* bytes = nullptr;
      avio_close_dyn_buf(format->pb, &bytes);
      av_free(bytes);
    }
    avformat_free_context(format);
    avcodec_free_context(&picture);
    avcodec_free_context(&sound);
    av_frame_free(&frame);
    av_packet_free(&packet);
    sws_freeContext(scaler);
  }

  void open_picture() {
    const AVCodec* codec = codec_named("libx264");
    picture = avcodec_alloc_context3(codec);
    picture->width = settings.width;
    picture->height = settings.height;
    picture->pix_fmt = AV_PIX_FMT_YUV420P;
    picture->color_range = AVCOL_RANGE_MPEG;
    picture->time_base = {1, settings.pictures_per_second};
    picture->framerate = {settings.pictures_per_second, 1};
    picture->gop_size = 2 * settings.pictures_per_second;
    picture->thread_count = 1;
    picture->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
    av_opt_set(picture->priv_data, "preset", "superfast", 0);
    av_opt_set(picture->priv_data, "crf", "25", 0);
    av_opt_set(picture->priv_data, "x264-params", "log-level=error:rc-lookahead=0:sync-lookahead=0", 0);
    checked(avcodec_open2(picture, codec, nullptr), "open the H.264 encoder");
    picture_stream = add_stream(picture);
  }

  void open_sound() {
    const AVCodec* codec = codec_named("aac");
    sound = avcodec_alloc_context3(codec);
    sound->sample_rate = settings.sound_rate;
    sound->sample_fmt = AV_SAMPLE_FMT_FLTP;
    av_channel_layout_default(&sound->ch_layout, 1);
    sound->bit_rate = 56000;
    sound->time_base = {1, settings.sound_rate};
    sound->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
    av_opt_set(sound->priv_data, "aac_coder", "fast", 0);
    checked(avcodec_open2(sound, codec, nullptr), "open the AAC encoder");
    sound_stream = add_stream(sound);
  }

  AVStream* add_stream(AVCodecContext* codec) {
    AVStream* stream = avformat_new_stream(format, nullptr);
    checked(avcodec_parameters_from_context(stream->codecpar, codec), "describe a stream");
    stream->time_base = codec->time_base;
    return stream;
  }

  // `input` null: drains the encoder.
  void encode(AVCodecContext* codec, AVStream* stream, const AVFrame* input) {
    checked(avcodec_send_frame(codec, input), "encode");
    while (true) {
      const int result = avcodec_receive_packet(codec, packet);
      if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
      checked(result, "encode");
      av_packet_rescale_ts(packet, codec->time_base, stream->time_base);
      packet->stream_index = stream->index;
      checked(av_interleaved_write_frame(format, packet), "write a packet");
    }
  }
};

Encoder::Encoder(const Settings& settings) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.settings = settings;
  av_log_set_level(AV_LOG_ERROR);
  checked(avformat_alloc_output_context2(&s.format, nullptr, "mp4", nullptr), "make an MP4 file");
  s.format->flags |= AVFMT_FLAG_BITEXACT;
  s.packet = av_packet_alloc();
  s.open_picture();
  s.open_sound();
  checked(avio_open_dyn_buf(&s.format->pb), "reserve memory");
  checked(avformat_write_header(s.format, nullptr), "write the header");
  s.frame = av_frame_alloc();
  s.frame->format = s.picture->pix_fmt;
  s.frame->width = settings.width;
  s.frame->height = settings.height;
  checked(av_frame_get_buffer(s.frame, 0), "reserve a picture");
  s.scaler = sws_getContext(settings.width, settings.height, AV_PIX_FMT_BGR0, settings.width, settings.height,
                            AV_PIX_FMT_YUV420P, SWS_FAST_BILINEAR, nullptr, nullptr, nullptr);
}

Encoder::~Encoder() = default;

void Encoder::add_picture(const uint8_t* pixels, int stride) {
  State& s = *state_;
  checked(av_frame_make_writable(s.frame), "reserve a picture");
  sws_scale(s.scaler, &pixels, &stride, 0, s.settings.height, s.frame->data, s.frame->linesize);
  s.frame->pts = s.pictures++;
  s.encode(s.picture, s.picture_stream, s.frame);
}

void Encoder::add_sound(std::span<const float> samples) {
  State& s = *state_;
  const auto piece = static_cast<size_t>(s.sound->frame_size);
  AVFrame* frame = av_frame_alloc();
  const std::unique_ptr<AVFrame, void (*)(AVFrame*)> owner(frame, [](AVFrame* f) { av_frame_free(&f); });
  for (size_t begin = 0; begin < samples.size(); begin += piece) {
    av_frame_unref(frame);
    frame->format = s.sound->sample_fmt;
    frame->nb_samples = static_cast<int>(std::min(piece, samples.size() - begin));
    frame->sample_rate = s.settings.sound_rate;
    checked(av_channel_layout_copy(&frame->ch_layout, &s.sound->ch_layout), "describe the sound");
    checked(av_frame_get_buffer(frame, 0), "reserve sound");
    std::memcpy(frame->data[0], samples.data() + begin,
                static_cast<size_t>(frame->nb_samples) * sizeof(float));
    frame->pts = static_cast<int64_t>(begin);
    s.encode(s.sound, s.sound_stream, frame);
  }
}

std::vector<uint8_t> Encoder::finish() {
  State& s = *state_;
  s.encode(s.picture, s.picture_stream, nullptr);
  s.encode(s.sound, s.sound_stream, nullptr);
  checked(av_write_trailer(s.format), "write the trailer");
  uint8_t* bytes = nullptr;
  const int size = avio_close_dyn_buf(s.format->pb, &bytes);
  s.format->pb = nullptr;
  std::vector<uint8_t> file(bytes, bytes + size);
  av_free(bytes);
  return file;
}

}  // namespace cowatch
