// Motion over sampled pictures: dense optical flow (DIS, Kroeger et al., ECCV 2016), the camera's share taken
// off by a fit, and what remains described by direction, speed, place, turn and rhythm.
#pragma once

#include <array>
#include <opencv2/core.hpp>
#include <opencv2/video/tracking.hpp>
#include <span>
#include <vector>

#include "media/feature_layout.h"
#include "media/worker/pictures.h"

namespace cowatch {

class MotionFeatures {
 public:
  MotionFeatures();
  // Pictures in order of time (seconds). `cut`: the picture does not follow on the one before.
  void add(const SmallPicture& picture, double seconds, bool cut);
  size_t count() const { return pairs_.size(); }
  // Fills the motion blocks of `row`; needs count() > 0.
  void finish(std::span<float> row) const;

 private:
  // Of one pair of pictures. Lengths in longer picture sides, times in seconds, angles in radians.
  struct Pair {
    std::array<double, 4> camera = {};   // shift x, y, zoom and turn, each a second
    std::array<double, 4> subject = {};  // the same of what moves, about its centre
    std::array<double, cells> places = {};
    std::array<double, orientations* speed_bins> directions = {};
    double energy = 0, centre_x = 0, centre_y = 0, spread = 0;
  };
  Pair describe(const cv::Mat& flow, double elapsed) const;
  void fill_camera(std::span<float> row) const;
  void fill_subject(std::span<float> row) const;
  void fill_rhythm(std::span<float> row) const;
  size_t part_of(size_t pair) const { return pair * parts / pairs_.size(); }

  cv::Ptr<cv::DISOpticalFlow> flow_;
  cv::Mat before_;
  double before_seconds_ = 0, elapsed_sum_ = 0;
  std::vector<Pair> pairs_;
};

}  // namespace cowatch
