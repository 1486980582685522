#include "media/worker/pictures.h"

extern "C" {
#include <libavutil/display.h>
}

#include <opencv2/core/hal/interface.h>
#include <algorithm>
#include <cmath>

namespace cowatch {
namespace {

int turns_of(const AVStream* stream) {
  size_t size = 0;
  const uint8_t* matrix = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (!matrix || size < 9 * sizeof(int32_t)) return 0;
  const double degrees = -av_display_rotation_get(reinterpret_cast<const int32_t*>(matrix));
  if (!std::isfinite(degrees)) return 0;
  return ((static_cast<int>(std::lround(degrees / 90)) % 4) + 4) % 4;
}

int even(double value) {
  return std::max(2, static_cast<int>(std::lround(value / 2)) * 2);
}

cv::Mat turned(const cv::Mat& plane, int quarter_turns) {
  cv::Mat result;
  cv::rotate(plane, result,
             quarter_turns == 1   ? cv::ROTATE_90_CLOCKWISE
             : quarter_turns == 2 ? cv::ROTATE_180
                                  : cv::ROTATE_90_COUNTERCLOCKWISE);
  return result;
}

}  // namespace

PictureScaler::PictureScaler(const AVStream* stream, int longer_side)
    : longer_side_(longer_side),
      quarter_turns_(turns_of(stream)),
      stream_aspect_(stream->sample_aspect_ratio) {}

PictureScaler::~PictureScaler() {
  sws_freeContext(scaler_);
}

void PictureScaler::prepare(const AVFrame& frame) {
  if (scaler_ && frame.width == source_width_ && frame.height == source_height_ &&
      frame.format == source_format_) {
    return;
  }
  source_width_ = frame.width;
  source_height_ = frame.height;
  source_format_ = frame.format;
  AVRational aspect = frame.sample_aspect_ratio.num > 0 ? frame.sample_aspect_ratio : stream_aspect_;
  double ratio = aspect.num > 0 && aspect.den > 0 ? av_q2d(aspect) : 1;
  if (!(ratio > 0.1 && ratio < 10)) ratio = 1;
  const double width = frame.width * ratio, height = frame.height;
  const double factor = std::min(1.0, longer_side_ / std::max(width, height));
  size_ = cv::Size(even(width * factor), even(height * factor));
  shown_width_ = static_cast<int>(std::lround(width));
  shown_height_ = frame.height;
  if (quarter_turns_ % 2 == 1) std::swap(shown_width_, shown_height_);

  sws_freeContext(scaler_);
  scaler_ = sws_getContext(frame.width, frame.height, static_cast<AVPixelFormat>(frame.format), size_.width,
                           size_.height, AV_PIX_FMT_YUV420P, SWS_BILINEAR, nullptr, nullptr, nullptr);
  if (!scaler_) throw Refusal("its pictures are in a format that cannot be converted");
  const bool known = frame.colorspace != AVCOL_SPC_UNSPECIFIED && frame.colorspace != AVCOL_SPC_RGB;
  sws_setColorspaceDetails(
      scaler_, sws_getCoefficients(known ? static_cast<int>(frame.colorspace) : SWS_CS_ITU601),
      frame.color_range == AVCOL_RANGE_JPEG, sws_getCoefficients(SWS_CS_ITU601), 0, 0, 1 << 16, 1 << 16);
}

SmallPicture PictureScaler::scale(const AVFrame& frame) {
  if (frame.width <= 0 || frame.height <= 0) throw Refusal("its pictures have no size");
  prepare(frame);
  const int w = size_.width, h = size_.height;
  // The scaler writes in blocks of up to 64 bytes, also past the end of a row: rows are padded for it.
  const int stride = (w + 127) / 64 * 64;
  cv::Mat luma_rows(h + 1, stride, CV_8U), blue_rows(h / 2 + 1, stride, CV_8U),
      red_rows(h / 2 + 1, stride, CV_8U);
  uint8_t* planes[4] = {luma_rows.data, blue_rows.data, red_rows.data, nullptr};
  const int strides[4] = {stride, stride, stride, 0};
  sws_scale(scaler_, frame.data, frame.linesize, 0, frame.height, planes, strides);

  cv::Mat parts[3] = {luma_rows(cv::Rect(0, 0, w, h)), blue_rows(cv::Rect(0, 0, w / 2, h / 2)),
                      red_rows(cv::Rect(0, 0, w / 2, h / 2))};
  if (quarter_turns_ != 0) {
    for (cv::Mat& plane : parts) plane = turned(plane, quarter_turns_);
  }
  SmallPicture picture;
  const int width = parts[0].cols, height = parts[0].rows;
  picture.i420.create(height * 3 / 2, width, CV_8U);
  uint8_t* to = picture.i420.data;
  for (const cv::Mat& plane : parts) {
    for (int row = 0; row < plane.rows; ++row) to = std::copy_n(plane.ptr(row), plane.cols, to);
  }
  return picture;
}

}  // namespace cowatch
