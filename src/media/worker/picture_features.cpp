#include "media/worker/picture_features.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "media/worker/row_blocks.h"

namespace cowatch {
namespace {

constexpr int side = 128;             // pictures are analysed at side × side
constexpr double grey_chroma = 8;     // below this a colour counts as grey (CIE L*C*h)
constexpr double strong_chroma = 35;  // above this as vivid

size_t colour_bin(double l, double a, double b) {
  const double chroma = std::hypot(a, b);
  if (chroma < grey_chroma) return std::min<size_t>(7, static_cast<size_t>(l / 12.5));
  const double turn = std::atan2(b, a) / (2 * std::numbers::pi) + 0.5;
  const size_t hue = std::min<size_t>(11, static_cast<size_t>(turn * 12));
  return 8 + (hue * 2 + (chroma > strong_chroma ? 1 : 0)) * 2 + (l > 50 ? 1 : 0);
}

cv::Rect cell_area(size_t cell) {
  constexpr int step = side / static_cast<int>(grid);
  return {static_cast<int>(cell % grid) * step, static_cast<int>(cell / grid) * step, step, step};
}

}  // namespace

void PictureFeatures::Series::add(std::span<const double> values) {
  sum.resize(values.size());
  squares.resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    sum[i] += values[i];
    squares[i] += values[i] * values[i];
  }
}

double PictureFeatures::Series::deviation(size_t i, size_t count) const {
  const double average = mean(i, count);
  return std::sqrt(std::max(0.0, squares[i] / static_cast<double>(count) - average * average));
}

void PictureFeatures::add(const SmallPicture& picture) {
  cv::Mat bgr, square, lab, grey;
  cv::cvtColor(picture.i420, bgr, cv::COLOR_YUV2BGR_I420);
  cv::resize(bgr, square, {side, side}, 0, 0, cv::INTER_AREA);
  square.convertTo(lab, CV_32F, 1.0 / 255);
  cv::cvtColor(lab, lab, cv::COLOR_BGR2Lab);
  add_colours(lab);
  cv::cvtColor(square, grey, cv::COLOR_BGR2GRAY);
  add_edges(grey);
  ++count_;
}

void PictureFeatures::add_colours(const cv::Mat& lab) {
  std::vector<double> moments(cells * 6), histogram(colour_bins);
  for (size_t cell = 0; cell < cells; ++cell) {
    cv::Scalar mean, deviation;
    cv::meanStdDev(lab(cell_area(cell)), mean, deviation);
    for (size_t channel = 0; channel < 3; ++channel) {
      // L* about its middle; all in units of 50.
      const auto c = static_cast<int>(channel);
      moments[cell * 6 + channel] = (mean[c] - (channel == 0 ? 50 : 0)) / 50;
      moments[cell * 6 + 3 + channel] = deviation[c] / 50;
    }
  }
  for (int y = 0; y < side; y += 2) {
    const auto* pixels = lab.ptr<cv::Vec3f>(y);
    for (int x = 0; x < side; x += 2) histogram[colour_bin(pixels[x][0], pixels[x][1], pixels[x][2])] += 1;
  }
  for (double& share : histogram) share /= side / 2 * (side / 2);
  moments_.add(moments);
  histogram_.add(histogram);
}

void PictureFeatures::add_edges(const cv::Mat& grey) {
  cv::Mat dx, dy;
  cv::Sobel(grey, dx, CV_32F, 1, 0);
  cv::Sobel(grey, dy, CV_32F, 0, 1);
  std::vector<double> histogram(cells * orientations);
  for (int y = 0; y < side; ++y) {
    const auto *along = dx.ptr<float>(y), *down = dy.ptr<float>(y);
    for (int x = 0; x < side; ++x) {
      const float strength = std::hypot(along[x], down[x]);
      if (strength < 40) continue;  // compression noise
      const double half_turns = std::atan2(down[x], along[x]) / std::numbers::pi + 1;
      const auto direction = static_cast<size_t>(half_turns * orientations) % orientations;
      const size_t cell = static_cast<size_t>(y) * grid / side * grid + static_cast<size_t>(x) * grid / side;
      histogram[cell * orientations + direction] += strength;
    }
  }
  double sum = 1e-9;
  for (const double value : histogram) sum += value;
  for (double& value : histogram) value /= sum;
  edges_.add(histogram);
}

void PictureFeatures::finish(std::span<float> row) const {
  if (count_ == 0) return;
  const auto fill = [&](Block block, auto&& value) {
    size_t i = 0;
    for (float& column : block_columns(row, block)) column = static_cast<float>(value(i++));
  };
  fill(Block::colour_moments, [&](size_t i) { return moments_.mean(i, count_); });
  fill(Block::colour_change, [&](size_t i) { return moments_.deviation(i / 3 * 6 + i % 3, count_); });
  fill(Block::colour_histogram, [&](size_t i) { return histogram_.mean(i, count_); });
  fill(Block::colour_histogram_change, [&](size_t i) { return histogram_.deviation(i, count_); });
  fill(Block::edges, [&](size_t i) { return edges_.mean(i, count_); });
  fill(Block::edges_change, [&](size_t i) { return edges_.deviation(i, count_); });
  finish_moments(row, Block::colour_moments, 0.5);
  finish_moments(row, Block::colour_change, 0.3);
  finish_histogram(row, Block::colour_histogram);
  finish_moments(row, Block::colour_histogram_change, 0.05);
  finish_histogram(row, Block::edges);
  finish_moments(row, Block::edges_change, 0.05);
}

}  // namespace cowatch
