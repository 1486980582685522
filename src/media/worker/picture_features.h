// Colour and edge statistics over sampled pictures.
#pragma once

#include <opencv2/core.hpp>
#include <span>
#include <vector>

#include "media/feature_layout.h"
#include "media/worker/pictures.h"

namespace cowatch {

class PictureFeatures {
 public:
  void add(const SmallPicture& picture);
  size_t count() const { return count_; }
  // Fills the picture blocks of `row`.
  void finish(std::span<float> row) const;

 private:
  // Sum and sum of squares over pictures, for mean and deviation over time.
  struct Series {
    std::vector<double> sum, squares;
    void add(std::span<const double> values);
    double mean(size_t i, size_t count) const { return sum[i] / static_cast<double>(count); }
    double deviation(size_t i, size_t count) const;
  };
  void add_colours(const cv::Mat& lab);
  void add_edges(const cv::Mat& grey);

  size_t count_ = 0;
  Series moments_, histogram_, edges_;
};

}  // namespace cowatch
