// Reads one file's packets and hands on what its picture and sound tracks decode to.
#pragma once

#include "media/worker/input.h"

namespace cowatch {

class TrackReader {
 public:
  // Borrows `input`, whose place in the file moves.
  explicit TrackReader(MediaInput& input);
  virtual ~TrackReader() = default;

  // Goes on from where the file is until a packet begins a second after `end`, `enough()` says so, or the
  // file ends; then drains the decoders. Sound before `begin` is left undecoded, pictures are not: later ones
  // may need them.
  void read(double begin, double end);
  // Goes to the last key picture before `seconds`, where the file allows that.
  void jump(double seconds);
  // Reads on without decoding, to learn where the file really ends.
  void read_to_end();
  double end_seconds() const { return end_; }  // of the packets read so far

 protected:
  // `at`: seconds from the start of the file; negative or not finite when the file does not say.
  virtual void take_picture(const AVFrame& frame, double at) = 0;
  virtual void take_sound(const AVFrame& frame, double at) = 0;
  virtual bool enough() const { return false; }

  MediaInput& input_;

 private:
  void note_end(const AVPacket& packet);
  void feed(AVCodecContext* decoder, const AVPacket* packet);  // null: drains

  CodecPointer picture_decoder_, sound_decoder_;
  double end_ = 0;
};

}  // namespace cowatch
