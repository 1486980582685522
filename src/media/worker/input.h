// One media file through FFmpeg: a single open descriptor, listed formats and codecs only, nothing else
// opened.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

#include <memory>
#include <stdexcept>
#include <string>

#include "media/limits.h"

namespace cowatch {

// What is wrong with the file, in words for its owner.
struct Refusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct CloseFormat {
  void operator()(AVFormatContext* context) const { avformat_close_input(&context); }
};
struct FreeCodec {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
};
struct FreeFrame {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
using CodecPointer = std::unique_ptr<AVCodecContext, FreeCodec>;
using FramePointer = std::unique_ptr<AVFrame, FreeFrame>;
using PacketPointer = std::unique_ptr<AVPacket, FreePacket>;

// Throws std::bad_alloc for a null pointer: FFmpeg allocates, and our memory is limited.
template <typename T>
T* allocated(T* pointer) {
  if (!pointer) throw std::bad_alloc();
  return pointer;
}

class MediaInput {
 public:
  // Throws Refusal when the bytes are no listed format, or beyond the limits.
  MediaInput(int descriptor, const MediaLimits& limits);
  MediaInput(const MediaInput&) = delete;
  MediaInput& operator=(const MediaInput&) = delete;
  ~MediaInput();

  AVFormatContext* format() const { return format_.get(); }
  AVStream* picture() const { return picture_; }  // nullptr: none; a cover picture is none
  AVStream* sound() const { return sound_; }
  const std::string& undecodable() const { return undecodable_; }  // codecs of tracks that were left out
  bool encrypted() const { return encrypted_; }                    // a track needs a key that nobody has
  double stated_seconds() const;                                   // of the header; 0: unknown
  // Seconds since the start of the file; negative when unknown.
  double seconds(int64_t timestamp, const AVStream* stream) const;
  void seek(double seconds);

  CodecPointer open_decoder(const AVStream* stream) const;  // nullptr when it does not open

 private:
  static int read(void* self, uint8_t* buffer, int size);
  static int64_t seek_bytes(void* self, int64_t offset, int whence);
  void choose_streams();
  void check_size(const AVCodecParameters& track) const;

  int descriptor_;
  MediaLimits limits_;
  int64_t position_ = 0, size_ = 0;
  AVIOContext* io_ = nullptr;
  std::unique_ptr<AVFormatContext, CloseFormat> format_;
  AVStream* picture_ = nullptr;
  AVStream* sound_ = nullptr;
  std::string undecodable_;
  bool encrypted_ = false;
};

}  // namespace cowatch
