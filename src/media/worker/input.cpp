#include "media/worker/input.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <new>
#include <string_view>

namespace cowatch {
namespace {

// Formats that hold sound or moving pictures by themselves. Left out on purpose: playlists and anything else
// that refers to other files (hls, dash, concat, image sequences), still pictures, text and tracker formats.
constexpr const char* formats =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,mpegvideo,m4v,h264,hevc,ivf,ogg,asf,gif,"
    "mp3,aac,loas,ac3,eac3,truehd,dts,flac,wav,w64,aiff,caf,au,amr,amrnb,amrwb";

constexpr const char* codecs =
    "h264,hevc,vp8,vp9,libdav1d,mpeg1video,mpeg2video,mpeg4,msmpeg4v2,msmpeg4,h263,h263i,flv,theora,mjpeg,"
    "prores,dnxhd,gif,wmv1,wmv2,wmv3,vc1,rawvideo,dvvideo,ffv1,"
    "aac,aac_latm,ac3,eac3,mp3float,mp3,mp2float,mp2,mp1float,mp1,opus,vorbis,flac,alac,amrnb,amrwb,truehd,"
    "mlp,dca,"
    "wmav1,wmav2,pcm_s16le,pcm_s16be,pcm_u8,pcm_s8,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_"
    "f32be,"
    "pcm_f64le,pcm_alaw,pcm_mulaw,adpcm_ima_wav,adpcm_ms,adpcm_ima_qt,adpcm_swf";

int refuse_to_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EACCES);
}

// Names what was refused, so that the owner sees why, from the first bytes.
std::string recognised_kind(int descriptor) {
  char bytes[512] = {};
  const ssize_t got = ::pread(descriptor, bytes, sizeof bytes, 0);
  const std::string_view head(bytes, got > 0 ? static_cast<size_t>(got) : 0);
  const auto begins = [&](std::string_view text) { return head.starts_with(text); };
  if (begins("\x89PNG") || begins("\xff\xd8\xff") || begins("BM") || begins("II*") || begins("MM\0*") ||
      (begins("RIFF") && head.substr(8, 4) == "WEBP")) {
    return "a still picture";
  }
  if (head.size() > 12 && head.substr(4, 4) == "ftyp" &&
      (head.substr(8, 4) == "heic" || head.substr(8, 4) == "mif1" || head.substr(8, 4) == "avif")) {
    return "a still picture";
  }
  if (begins("#EXTM3U") || begins("ffconcat") || begins("[playlist]"))
    return "a playlist that refers to other files";
  if (begins("<") || head.find("<svg") != std::string_view::npos) return "a text document (XML, HTML or SVG)";
  if (begins("PK\x03\x04") || begins("\x1f\x8b") || begins("7z\xbc\xaf") || begins("\x28\xb5\x2f\xfd")) {
    return "an archive";
  }
  if (begins("MThd")) return "notes (MIDI), not sound";
  if (begins("%!PS") || begins("%PDF")) return "a document";
  if (begins("push graphic-context") || begins("#!") || begins("MZ") ||
      begins("\x7f"
             "ELF"))
    return "a program or script";
  return "";
}

std::string error_text(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

// FFmpeg's name, or the four letters of a codec that FFmpeg does not know; somebody's bytes, so printable
// ones only.
std::string codec_name(const AVCodecParameters& parameters) {
  if (parameters.codec_id != AV_CODEC_ID_NONE) return avcodec_get_name(parameters.codec_id);
  std::string name = "of an unknown kind, ";
  for (int i = 0; i < 4; ++i) {
    const auto c = static_cast<char>(parameters.codec_tag >> (8 * i) & 0xff);
    name += c > 0x20 && c < 0x7f ? c : '?';
  }
  return name;
}

AVDictionary* demuxer_options(const MediaLimits& limits) {
  AVDictionary* options = nullptr;
  av_dict_set(&options, "format_whitelist", formats, 0);
  av_dict_set(&options, "codec_whitelist", codecs, 0);
  av_dict_set(&options, "protocol_whitelist", "none", 0);
  av_dict_set_int(&options, "probesize", limits.probe_bytes, 0);
  av_dict_set_int(&options, "formatprobesize", 1 << 20, 0);
  av_dict_set_int(&options, "max_streams", limits.max_streams, 0);
  av_dict_set_int(&options, "analyzeduration", 5'000'000, 0);
  return options;
}

}  // namespace

int MediaInput::read(void* self, uint8_t* buffer, int size) {
  auto& input = *static_cast<MediaInput*>(self);
  const ssize_t got = ::pread(input.descriptor_, buffer, static_cast<size_t>(size), input.position_);
  if (got < 0) return AVERROR(errno);
  if (got == 0) return AVERROR_EOF;
  input.position_ += got;
  return static_cast<int>(got);
}

int64_t MediaInput::seek_bytes(void* self, int64_t offset, int whence) {
  auto& input = *static_cast<MediaInput*>(self);
  if (whence == AVSEEK_SIZE) return input.size_;
  const int64_t base = whence == SEEK_CUR ? input.position_ : whence == SEEK_END ? input.size_ : 0;
  if (base + offset < 0) return AVERROR(EINVAL);
  return input.position_ = base + offset;
}

MediaInput::MediaInput(int descriptor, const MediaLimits& limits) : descriptor_(descriptor), limits_(limits) {
  size_ = ::lseek(descriptor, 0, SEEK_END);
  constexpr int buffer_size = 1 << 16;
  io_ = allocated(avio_alloc_context(static_cast<unsigned char*>(allocated(av_malloc(buffer_size))),
                                     buffer_size, 0, this, &MediaInput::read, nullptr,
                                     &MediaInput::seek_bytes));
  AVFormatContext* context = allocated(avformat_alloc_context());
  context->pb = io_;
  context->io_open = refuse_to_open;
  context->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_DISCARD_CORRUPT;
  AVDictionary* options = demuxer_options(limits);
  int code = avformat_open_input(&context, "", nullptr, &options);
  av_dict_free(&options);
  if (code >= 0) {
    format_.reset(context);
    code = avformat_find_stream_info(context, nullptr);
  }
  if (code == AVERROR(ENOMEM)) throw std::bad_alloc();
  if (const std::string kind = recognised_kind(descriptor); !kind.empty() && code < 0) {
    throw Refusal("it is " + kind + "; a video or sound file is needed");
  }
  if (code < 0) {
    throw Refusal(format_
                      ? "its tracks cannot be read (" + error_text(code) + ")"
                      : "it is not a video or sound file of a supported format (" + error_text(code) + ")");
  }
  choose_streams();
}

MediaInput::~MediaInput() {
  format_.reset();
  if (io_) av_freep(&io_->buffer);
  avio_context_free(&io_);
}

void MediaInput::choose_streams() {
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    AVStream* stream = format_->streams[i];
    stream->discard = AVDISCARD_ALL;
    const AVMediaType type = stream->codecpar->codec_type;
    const bool wanted =
        (type == AVMEDIA_TYPE_VIDEO && !(stream->disposition & AV_DISPOSITION_ATTACHED_PIC)) ||
        type == AVMEDIA_TYPE_AUDIO;
    if (!wanted) continue;
    if (av_dict_get(stream->metadata, "enc_key_id", nullptr, 0) ||
        av_stream_get_side_data(stream, AV_PKT_DATA_ENCRYPTION_INIT_INFO, nullptr)) {
      encrypted_ = true;
    }
    check_size(*stream->codecpar);  // a decoder refuses as well, without a word of why
    if (!open_decoder(stream)) {
      undecodable_ += (undecodable_.empty() ? "" : ", ") + codec_name(*stream->codecpar);
      continue;
    }
    AVStream*& chosen = type == AVMEDIA_TYPE_VIDEO ? picture_ : sound_;
    const bool preferred = chosen && !(chosen->disposition & AV_DISPOSITION_DEFAULT) &&
                           (stream->disposition & AV_DISPOSITION_DEFAULT);
    if (!chosen || preferred) chosen = stream;
  }
  if (picture_) picture_->discard = AVDISCARD_DEFAULT;
  if (sound_) sound_->discard = AVDISCARD_DEFAULT;
  if (picture_ || sound_) return;
  if (!undecodable_.empty()) throw Refusal("there is no decoder here for its tracks (" + undecodable_ + ")");
  throw Refusal(format_->nb_streams == 0 ? "it has no tracks" : "it has no track of pictures or sound");
}

void MediaInput::check_size(const AVCodecParameters& track) const {
  if (static_cast<int64_t>(track.width) * track.height <= static_cast<int64_t>(limits_.max_pixels)) return;
  throw Refusal("its picture of " + std::to_string(track.width) + " x " + std::to_string(track.height) +
                " is larger than the " + std::to_string(limits_.max_pixels) + " pixels allowed");
}

double MediaInput::stated_seconds() const {
  return format_->duration > 0 ? static_cast<double>(format_->duration) / AV_TIME_BASE : 0;
}

double MediaInput::seconds(int64_t timestamp, const AVStream* stream) const {
  if (timestamp == AV_NOPTS_VALUE) return -1;
  const double start =
      format_->start_time == AV_NOPTS_VALUE ? 0 : static_cast<double>(format_->start_time) / AV_TIME_BASE;
  return static_cast<double>(timestamp) * av_q2d(stream->time_base) - start;
}

void MediaInput::seek(double seconds) {
  const int64_t start = format_->start_time == AV_NOPTS_VALUE ? 0 : format_->start_time;
  const int64_t target = start + static_cast<int64_t>(seconds * AV_TIME_BASE);
  av_seek_frame(format_.get(), -1, target, AVSEEK_FLAG_BACKWARD);
}

CodecPointer MediaInput::open_decoder(const AVStream* stream) const {
  const AVCodec* codec = avcodec_find_decoder(stream->codecpar->codec_id);
  if (!codec) return nullptr;
  CodecPointer context(allocated(avcodec_alloc_context3(codec)));
  if (avcodec_parameters_to_context(context.get(), stream->codecpar) < 0) return nullptr;
  context->thread_count = 1;
  context->max_pixels = static_cast<int64_t>(limits_.max_pixels);
  context->pkt_timebase = stream->time_base;
  context->codec_whitelist = av_strdup(codecs);
  return avcodec_open2(context.get(), codec, nullptr) < 0 ? nullptr : std::move(context);
}

}  // namespace cowatch
