#include "media/worker/track_reader.h"

#include <algorithm>
#include <cmath>
#include <new>

namespace cowatch {

TrackReader::TrackReader(MediaInput& input) : input_(input) {
  if (input.picture()) picture_decoder_ = input.open_decoder(input.picture());
  if (input.sound()) sound_decoder_ = input.open_decoder(input.sound());
}

void TrackReader::jump(double seconds) {
  input_.seek(seconds);
  if (picture_decoder_) avcodec_flush_buffers(picture_decoder_.get());
  if (sound_decoder_) avcodec_flush_buffers(sound_decoder_.get());
}

void TrackReader::read(double begin, double end) {
  PacketPointer packet(allocated(av_packet_alloc()));
  bool ended = false;
  while (!ended && !enough() && av_read_frame(input_.format(), packet.get()) >= 0) {
    note_end(*packet);
    const AVStream* stream = input_.format()->streams[packet->stream_index];
    const double at = input_.seconds(packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts, stream);
    if (at > end + 1) ended = true;
    AVCodecContext* decoder = stream == input_.picture() ? picture_decoder_.get()
                              : stream == input_.sound() ? sound_decoder_.get()
                                                         : nullptr;
    const bool early_sound = decoder == sound_decoder_.get() && at >= 0 && at < begin - 0.2;
    if (decoder && !early_sound) feed(decoder, packet.get());
    av_packet_unref(packet.get());
  }
  if (picture_decoder_) feed(picture_decoder_.get(), nullptr);
  if (sound_decoder_) feed(sound_decoder_.get(), nullptr);
}

void TrackReader::read_to_end() {
  PacketPointer packet(allocated(av_packet_alloc()));
  while (av_read_frame(input_.format(), packet.get()) >= 0) {
    note_end(*packet);
    av_packet_unref(packet.get());
  }
}

void TrackReader::note_end(const AVPacket& packet) {
  const AVStream* stream = input_.format()->streams[packet.stream_index];
  const double at = input_.seconds(packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts, stream);
  const double length = std::max<double>(0, static_cast<double>(packet.duration) * av_q2d(stream->time_base));
  if (std::isfinite(at + length)) end_ = std::max(end_, at + length);
}

void TrackReader::feed(AVCodecContext* decoder, const AVPacket* packet) {
  const int sent = avcodec_send_packet(decoder, packet);
  if (sent == AVERROR(ENOMEM)) throw std::bad_alloc();
  FramePointer frame(allocated(av_frame_alloc()));
  while (avcodec_receive_frame(decoder, frame.get()) >= 0) {
    const bool picture = decoder == picture_decoder_.get();
    const double at =
        input_.seconds(frame->best_effort_timestamp, picture ? input_.picture() : input_.sound());
    if (picture) {
      take_picture(*frame, at);
    } else {
      take_sound(*frame, at);
    }
    av_frame_unref(frame.get());
  }
}

}  // namespace cowatch
