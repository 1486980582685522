#include "media/worker/mp4_encoder.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace cowatch {
namespace {

int checked(int result, const char* what) {
  if (result >= 0) return result;
  if (result == AVERROR(ENOMEM)) throw std::bad_alloc();
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

// The file that the muxer writes, reads again to put the index first, and never sees on a disk.
class MemoryFile {
 public:
  // A view of the file with a position of its own; given back with close().
  static AVIOContext* open(std::string& bytes, bool writing) {
    auto* buffer = static_cast<unsigned char*>(av_malloc(buffer_size));
    AVIOContext* context =
        buffer ? avio_alloc_context(buffer, buffer_size, writing, new View{bytes, 0}, &read, &write, &seek)
               : nullptr;
    if (!context) throw std::bad_alloc();
    return context;
  }
  static void close(AVIOContext* context) {
    if (!context) return;
    avio_flush(context);
    delete static_cast<View*>(context->opaque);
    av_freep(&context->buffer);
    avio_context_free(&context);
  }

 private:
  static constexpr int buffer_size = 1 << 16;
  struct View {
    std::string& bytes;
    size_t position;
  };
  static int read(void* self, uint8_t* buffer, int size) {
    auto& view = *static_cast<View*>(self);
    const size_t left = view.bytes.size() - std::min(view.position, view.bytes.size());
    const size_t count = std::min(left, static_cast<size_t>(size));
    if (count == 0) return AVERROR_EOF;
    std::memcpy(buffer, view.bytes.data() + view.position, count);
    view.position += count;
    return static_cast<int>(count);
  }
  static int write(void* self, uint8_t* buffer, int size) {
    auto& view = *static_cast<View*>(self);
    const size_t end = view.position + static_cast<size_t>(size);
    if (end > view.bytes.size()) view.bytes.resize(end);
    std::memcpy(view.bytes.data() + view.position, buffer, static_cast<size_t>(size));
    view.position = end;
    return size;
  }
  static int64_t seek(void* self, int64_t offset, int whence) {
    auto& view = *static_cast<View*>(self);
    const auto size = static_cast<int64_t>(view.bytes.size());
    if (whence == AVSEEK_SIZE) return size;
    const int64_t base = whence == SEEK_CUR   ? static_cast<int64_t>(view.position)
                         : whence == SEEK_END ? size
                                              : 0;
    if (base + offset < 0) return AVERROR(EINVAL);
    view.position = static_cast<size_t>(base + offset);
    return base + offset;
  }
};

}  // namespace

struct Mp4Encoder::State {
  Settings settings;
  std::string bytes;
  AVFormatContext* format = nullptr;
  AVCodecContext* picture = nullptr;
  AVCodecContext* sound = nullptr;
  AVStream* picture_stream = nullptr;
  AVStream* sound_stream = nullptr;
  AVFrame* frame = nullptr;
  AVPacket* packet = nullptr;
  SwsContext* scaler = nullptr;

  ~State() {
    if (format != nullptr) MemoryFile::close(format->pb);
    avformat_free_context(format);
    avcodec_free_context(&picture);
    avcodec_free_context(&sound);
    av_frame_free(&frame);
    av_packet_free(&packet);
    sws_freeContext(scaler);
  }

  void open_file() {
    checked(avformat_alloc_output_context2(&format, nullptr, "mp4", nullptr), "make an MP4 file");
    format->flags |= AVFMT_FLAG_BITEXACT | AVFMT_FLAG_CUSTOM_IO;
    format->opaque = this;
    format->io_open = [](AVFormatContext* self, AVIOContext** context, const char*, int, AVDictionary**) {
      auto& state = *static_cast<State*>(self->opaque);
      avio_flush(self->pb);
      *context = MemoryFile::open(state.bytes, false);
      return 0;
    };
    format->io_close2 = [](AVFormatContext*, AVIOContext* context) {
      MemoryFile::close(context);
      return 0;
    };
    format->pb = MemoryFile::open(bytes, true);
  }

  void open_picture() {
    const AVCodec* codec = codec_named("libx264");
    picture = avcodec_alloc_context3(codec);
    picture->width = settings.width;
    picture->height = settings.height;
    picture->pix_fmt = AV_PIX_FMT_YUV420P;
    picture->color_range = AVCOL_RANGE_MPEG;
    picture->time_base = {1, settings.ticks_per_second};
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
    av_channel_layout_default(&sound->ch_layout, settings.channels);
    sound->bit_rate = settings.sound_bits_per_second;
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

  void begin() {
    AVDictionary* options = nullptr;
    av_dict_set(&options, "movflags", "+faststart", 0);
    const int result = avformat_write_header(format, &options);
    av_dict_free(&options);
    checked(result, "write the header");
    packet = av_packet_alloc();
    frame = av_frame_alloc();
    if (!packet || !frame) throw std::bad_alloc();
    frame->format = picture->pix_fmt;
    frame->width = settings.width;
    frame->height = settings.height;
    checked(av_frame_get_buffer(frame, 0), "reserve a picture");
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

Mp4Encoder::Mp4Encoder(const Settings& settings) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.settings = settings;
  s.open_file();
  s.open_picture();
  if (settings.sound_rate > 0) s.open_sound();
  s.begin();
}

Mp4Encoder::~Mp4Encoder() = default;

void Mp4Encoder::add_bgr_picture(const uint8_t* pixels, int stride, int64_t ticks) {
  State& s = *state_;
  const int width = s.settings.width, height = s.settings.height;
  if (!s.scaler) {
    s.scaler = sws_getContext(width, height, AV_PIX_FMT_BGR0, width, height, AV_PIX_FMT_YUV420P,
                              SWS_FAST_BILINEAR, nullptr, nullptr, nullptr);
  }
  checked(av_frame_make_writable(s.frame), "reserve a picture");
  sws_scale(s.scaler, &pixels, &stride, 0, height, s.frame->data, s.frame->linesize);
  s.frame->pts = ticks;
  s.encode(s.picture, s.picture_stream, s.frame);
}

void Mp4Encoder::add_i420_picture(const uint8_t* pixels, int64_t ticks) {
  State& s = *state_;
  const int width = s.settings.width, height = s.settings.height;
  checked(av_frame_make_writable(s.frame), "reserve a picture");
  uint8_t* planes[4] = {};
  int strides[4] = {};
  checked(av_image_fill_arrays(planes, strides, pixels, AV_PIX_FMT_YUV420P, width, height, 1),
          "read a picture");
  av_image_copy(s.frame->data, s.frame->linesize, const_cast<const uint8_t**>(planes), strides,
                AV_PIX_FMT_YUV420P, width, height);
  s.frame->pts = ticks;
  s.encode(s.picture, s.picture_stream, s.frame);
}

void Mp4Encoder::add_sound(std::span<const float> samples) {
  State& s = *state_;
  const auto piece = static_cast<size_t>(s.sound->frame_size);
  const auto channels = static_cast<size_t>(s.settings.channels);
  const size_t length = samples.size() / channels;
  AVFrame* frame = av_frame_alloc();
  const std::unique_ptr<AVFrame, void (*)(AVFrame*)> owner(frame, [](AVFrame* f) { av_frame_free(&f); });
  for (size_t begin = 0; begin < length; begin += piece) {
    av_frame_unref(frame);
    frame->format = s.sound->sample_fmt;
    frame->nb_samples = static_cast<int>(std::min(piece, length - begin));
    frame->sample_rate = s.settings.sound_rate;
    checked(av_channel_layout_copy(&frame->ch_layout, &s.sound->ch_layout), "describe the sound");
    checked(av_frame_get_buffer(frame, 0), "reserve sound");
    for (size_t c = 0; c < channels; ++c) {
      std::memcpy(frame->data[c], samples.data() + c * length + begin,
                  static_cast<size_t>(frame->nb_samples) * sizeof(float));
    }
    frame->pts = static_cast<int64_t>(begin);
    s.encode(s.sound, s.sound_stream, frame);
  }
}

std::string Mp4Encoder::finish() {
  State& s = *state_;
  s.encode(s.picture, s.picture_stream, nullptr);
  if (s.sound) s.encode(s.sound, s.sound_stream, nullptr);
  checked(av_write_trailer(s.format), "write the trailer");
  MemoryFile::close(s.format->pb);
  s.format->pb = nullptr;
  return std::move(s.bytes);
}

}  // namespace cowatch
