#include "media/worker/poster.h"

#include <algorithm>
#include <cmath>

namespace cowatch {
namespace {

// Limited to full range, as JPEG wants it.
uint8_t full_range(uint8_t value, bool luma) {
  const double scaled = luma ? (value - 16) * 255.0 / 219 : (value - 128) * 255.0 / 224 + 128;
  return static_cast<uint8_t>(std::clamp(std::lround(scaled), 0L, 255L));
}

}  // namespace

std::string encode_jpeg(const SmallPicture& picture) {
  const AVCodec* codec = allocated(avcodec_find_encoder(AV_CODEC_ID_MJPEG));
  CodecPointer encoder(allocated(avcodec_alloc_context3(codec)));
  encoder->width = picture.width();
  encoder->height = picture.height();
  encoder->pix_fmt = AV_PIX_FMT_YUVJ420P;
  encoder->time_base = {1, 25};
  encoder->thread_count = 1;
  encoder->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT;
  encoder->global_quality = 4 * FF_QP2LAMBDA;
  if (avcodec_open2(encoder.get(), codec, nullptr) < 0) return "";
  FramePointer frame(allocated(av_frame_alloc()));
  frame->width = encoder->width;
  frame->height = encoder->height;
  frame->format = encoder->pix_fmt;
  frame->quality = encoder->global_quality;
  if (av_frame_get_buffer(frame.get(), 0) < 0) throw std::bad_alloc();
  const uint8_t* from = picture.i420.data;
  for (int plane = 0; plane < 3; ++plane) {
    const int width = plane ? frame->width / 2 : frame->width,
              height = plane ? frame->height / 2 : frame->height;
    for (int y = 0; y < height; ++y, from += width) {
      std::transform(from, from + width, frame->data[plane] + y * frame->linesize[plane],
                     [plane](uint8_t value) { return full_range(value, plane == 0); });
    }
  }
  PacketPointer packet(allocated(av_packet_alloc()));
  if (avcodec_send_frame(encoder.get(), frame.get()) < 0 || avcodec_send_frame(encoder.get(), nullptr) < 0 ||
      avcodec_receive_packet(encoder.get(), packet.get()) < 0) {
    return "";
  }
  return {reinterpret_cast<const char*>(packet->data), static_cast<size_t>(packet->size)};
}

double poster_score(const SmallPicture& picture) {
  cv::Scalar mean, deviation;
  cv::meanStdDev(picture.luma(), mean, deviation);
  const double distance = std::fabs(mean[0] - 126) / 110;  // from the middle of the limited range
  return deviation[0] * (1 - 0.8 * std::min(1.0, distance * distance)) + 1e-3;
}

}  // namespace cowatch
