// Decoded pictures brought to one small size and the usual colours.
#pragma once

extern "C" {
#include <libswscale/swscale.h>
}

#include <opencv2/core.hpp>

#include "media/worker/input.h"

namespace cowatch {

// A picture as poster and preview show it: planar 4:2:0 (I420: height × 3/2 rows of one byte), BT.601,
// limited range, square pixels, upright. Width and height are even.
struct SmallPicture {
  cv::Mat i420;
  int width() const { return i420.cols; }
  int height() const { return i420.rows * 2 / 3; }
  cv::Mat luma() const { return i420.rowRange(0, height()); }
};

// Scales, turns and converts the pictures of one track. Keeps its scaler between pictures of one format.
class PictureScaler {
 public:
  PictureScaler(const AVStream* stream, int longer_side);
  ~PictureScaler();
  PictureScaler(const PictureScaler&) = delete;
  PictureScaler& operator=(const PictureScaler&) = delete;

  SmallPicture scale(const AVFrame& frame);
  // Size as shown, of the last picture scaled.
  int shown_width() const { return shown_width_; }
  int shown_height() const { return shown_height_; }

 private:
  void prepare(const AVFrame& frame);

  int longer_side_;
  int quarter_turns_ = 0;  // clockwise
  AVRational stream_aspect_;
  SwsContext* scaler_ = nullptr;
  int source_width_ = 0, source_height_ = 0, source_format_ = -1;
  int shown_width_ = 0, shown_height_ = 0;
  cv::Size size_;  // before turning
};

}  // namespace cowatch
