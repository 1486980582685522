#include "media/worker/motion_features.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "media/worker/row_blocks.h"

namespace cowatch {
namespace {

constexpr int longer_side = 112;
constexpr double still = 0.02;  // picture sides a second: slower counts as not moving
// Upper ends of the speed classes, in picture sides a second.
constexpr std::array<double, speed_bins - 1> speeds = {0.08, 0.25, 0.7};
constexpr std::array<double, camera_speed_bins - 1> camera_speeds = {0.08, 0.3};

size_t direction_bin(double x, double y) {
  const double turn = std::atan2(y, x) / (2 * std::numbers::pi) + 1;
  return static_cast<size_t>(turn * orientations + 0.5) % orientations;
}

template <size_t N>
size_t speed_bin(double speed, const std::array<double, N>& ends) {
  return static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), speed) - ends.begin());
}

// Shift, zoom and turn (of small angle) that fit a flow best: u = tx + s·x − r·y, v = ty + s·y + r·x with x,
// y about the weighted centre, by weighted least squares.
struct Similarity {
  double weight = 0, x = 0, y = 0;  // total weight and centre
  double shift_x = 0, shift_y = 0, zoom = 0, turn = 0;
};

template <typename Weight>
Similarity fit(const cv::Mat& flow, const Weight& weight_of) {
  Similarity result;
  double u_sum = 0, v_sum = 0;
  for (int y = 0; y < flow.rows; y += 2) {
    const auto* row = flow.ptr<cv::Vec2f>(y);
    for (int x = 0; x < flow.cols; x += 2) {
      const double w = weight_of(x, y, row[x]);
      result.weight += w;
      result.x += w * x;
      result.y += w * y;
      u_sum += w * row[x][0];
      v_sum += w * row[x][1];
    }
  }
  if (result.weight <= 0) return result;
  result.x /= result.weight;
  result.y /= result.weight;
  result.shift_x = u_sum / result.weight;
  result.shift_y = v_sum / result.weight;
  double radial = 0, tangential = 0, squares = 1e-9;
  for (int y = 0; y < flow.rows; y += 2) {
    const auto* row = flow.ptr<cv::Vec2f>(y);
    for (int x = 0; x < flow.cols; x += 2) {
      const double w = weight_of(x, y, row[x]), dx = x - result.x, dy = y - result.y;
      const double u = row[x][0] - result.shift_x, v = row[x][1] - result.shift_y;
      radial += w * (u * dx + v * dy);
      tangential += w * (v * dx - u * dy);
      squares += w * (dx * dx + dy * dy);
    }
  }
  result.zoom = radial / squares;
  result.turn = tangential / squares;
  return result;
}

cv::Vec2f predicted(const Similarity& camera, int x, int y) {
  const double dx = x - camera.x, dy = y - camera.y;
  return {static_cast<float>(camera.shift_x + camera.zoom * dx - camera.turn * dy),
          static_cast<float>(camera.shift_y + camera.zoom * dy + camera.turn * dx)};
}

// The camera moves most of the picture: refitted with weights that fall off with the residual (Cauchy), so
// that what moves by itself does not pull.
Similarity fit_camera(const cv::Mat& flow) {
  Similarity camera = fit(flow, [](int, int, const cv::Vec2f&) { return 1.0; });
  for (int round = 0; round < 4; ++round) {
    const Similarity last = camera;
    camera = fit(flow, [&](int x, int y, const cv::Vec2f& moved) {
      const cv::Vec2f rest = moved - predicted(last, x, y);
      return 1.0 / (1.0 + 4.0 * (rest[0] * rest[0] + rest[1] * rest[1]));
    });
  }
  return camera;
}

// Size of the series' swing at `hertz`, relative to its length.
double swing(std::span<const double> series, double interval, double hertz) {
  double mean = 0;
  for (const double value : series) mean += value;
  mean /= static_cast<double>(series.size());
  double real = 0, imaginary = 0;
  for (size_t i = 0; i < series.size(); ++i) {
    const double angle = 2 * std::numbers::pi * hertz * interval * static_cast<double>(i);
    real += (series[i] - mean) * std::cos(angle);
    imaginary += (series[i] - mean) * std::sin(angle);
  }
  return std::hypot(real, imaginary) / static_cast<double>(series.size());
}

}  // namespace

MotionFeatures::MotionFeatures() : flow_(cv::DISOpticalFlow::create(cv::DISOpticalFlow::PRESET_FAST)) {}

void MotionFeatures::add(const SmallPicture& picture, double seconds, bool cut) {
  const double factor = static_cast<double>(longer_side) / std::max(picture.width(), picture.height());
  cv::Mat grey;
  cv::resize(picture.luma(), grey,
             {std::max(16, static_cast<int>(picture.width() * factor)),
              std::max(16, static_cast<int>(picture.height() * factor))},
             0, 0, cv::INTER_AREA);
  const double elapsed = seconds - before_seconds_;
  if (!cut && !before_.empty() && grey.size() == before_.size() && elapsed > 0) {
    cv::Mat flow;
    flow_->calc(before_, grey, flow);
    pairs_.push_back(describe(flow, elapsed));
    elapsed_sum_ += elapsed;
  }
  before_ = grey;
  before_seconds_ = seconds;
}

MotionFeatures::Pair MotionFeatures::describe(const cv::Mat& flow, double elapsed) const {
  const double unit = longer_side * elapsed;  // pixels → picture sides a second
  const Similarity camera = fit_camera(flow);
  Pair pair;
  pair.camera = {camera.shift_x / unit, camera.shift_y / unit, camera.zoom / elapsed, camera.turn / elapsed};
  cv::Mat rest(flow.size(), CV_32FC2);
  for (int y = 0; y < flow.rows; ++y) {
    for (int x = 0; x < flow.cols; ++x) {
      rest.at<cv::Vec2f>(y, x) = flow.at<cv::Vec2f>(y, x) - predicted(camera, x, y);
    }
  }
  const auto speed_of = [unit](const cv::Vec2f& moved) {
    const double speed = std::hypot(moved[0], moved[1]) / unit;
    return speed < still ? 0 : speed;
  };
  const double samples = static_cast<double>(flow.rows / 2) * (flow.cols / 2);
  for (int y = 0; y < flow.rows; y += 2) {
    for (int x = 0; x < flow.cols; x += 2) {
      const cv::Vec2f& moved = rest.at<cv::Vec2f>(y, x);
      const double speed = speed_of(moved);
      if (speed <= 0) continue;
      const size_t cell = static_cast<size_t>(y) * grid / static_cast<size_t>(flow.rows) * grid +
                          static_cast<size_t>(x) * grid / static_cast<size_t>(flow.cols);
      pair.places[cell] += speed / samples;
      pair.directions[direction_bin(moved[0], moved[1]) * speed_bins + speed_bin(speed, speeds)] +=
          speed / samples;
      pair.energy += speed / samples;
    }
  }
  const Similarity subject = fit(rest, [&](int, int, const cv::Vec2f& moved) { return speed_of(moved); });
  if (subject.weight <= 0) return pair;
  pair.subject = {subject.shift_x / unit, subject.shift_y / unit, subject.zoom / elapsed,
                  subject.turn / elapsed};
  pair.centre_x = subject.x / flow.cols - 0.5;
  pair.centre_y = subject.y / flow.rows - 0.5;
  double squares = 0;
  for (int y = 0; y < flow.rows; y += 2) {
    for (int x = 0; x < flow.cols; x += 2) {
      const double dx = (x - subject.x) / longer_side, dy = (y - subject.y) / longer_side;
      squares += speed_of(rest.at<cv::Vec2f>(y, x)) * (dx * dx + dy * dy);
    }
  }
  pair.spread = std::sqrt(squares / subject.weight);
  return pair;
}

void MotionFeatures::fill_camera(std::span<float> row) const {
  const auto directions = block_columns(row, Block::camera_directions);
  for (const Pair& pair : pairs_) {
    const double speed = std::hypot(pair.camera[0], pair.camera[1]);
    if (speed < still) continue;
    directions[direction_bin(pair.camera[0], pair.camera[1]) * camera_speed_bins +
               speed_bin(speed, camera_speeds)] += static_cast<float>(speed);
  }
  double moving = 0;
  for (const float value : directions) moving += value;
  // A camera that stands still has no direction: the block stays near zero instead of showing noise.
  moving /= static_cast<double>(pairs_.size());
  finish_histogram(row, Block::camera_directions);
  for (float& value : directions) value = static_cast<float>(value * moving / (moving + still));
}

namespace {

// Mean in each part of four quantities, then their deviation over all.
template <typename Pairs, typename Member>
void fill_four(std::span<float> columns, const Pairs& pairs, const Member& member) {
  std::array<double, parts> counts = {};
  std::array<double, 4> sum = {}, squares = {};
  for (size_t i = 0; i < pairs.size(); ++i) {
    const size_t part = i * parts / pairs.size();
    counts[part] += 1;
    for (size_t k = 0; k < 4; ++k) {
      const double value = member(pairs[i])[k];
      columns[part * 4 + k] += static_cast<float>(value);
      sum[k] += value;
      squares[k] += value * value;
    }
  }
  const auto n = static_cast<double>(pairs.size());
  for (size_t k = 0; k < 4; ++k) {
    for (size_t part = 0; part < parts; ++part) {
      if (counts[part] > 0) columns[part * 4 + k] /= static_cast<float>(counts[part]);
    }
    const double mean = sum[k] / n;
    columns[parts * 4 + k] = static_cast<float>(std::sqrt(std::max(0.0, squares[k] / n - mean * mean)));
  }
}

}  // namespace

void MotionFeatures::fill_subject(std::span<float> row) const {
  const auto path = block_columns(row, Block::subject_path);
  std::array<double, parts> energy = {};
  for (size_t i = 0; i < pairs_.size(); ++i) {
    const Pair& pair = pairs_[i];
    const size_t part = part_of(i);
    energy[part] += pair.energy;
    path[part * 3] += static_cast<float>(pair.energy * pair.centre_x);
    path[part * 3 + 1] += static_cast<float>(pair.energy * pair.centre_y);
    path[part * 3 + 2] += static_cast<float>(pair.energy * (pair.spread - 0.25));
  }
  for (size_t part = 0; part < parts; ++part) {
    for (size_t k = 0; k < 3; ++k) path[part * 3 + k] /= static_cast<float>(energy[part] + still);
  }
}

void MotionFeatures::fill_rhythm(std::span<float> row) const {
  const auto columns = block_columns(row, Block::motion_rhythm);
  const double interval = elapsed_sum_ / static_cast<double>(pairs_.size());
  for (size_t kind = 0; kind < 5; ++kind) {
    std::vector<double> series;
    for (const Pair& pair : pairs_) series.push_back(kind == 0 ? 4 * pair.energy : pair.subject[kind - 1]);
    for (size_t bin = 0; bin < rhythm_bins; ++bin) {
      columns[kind * rhythm_bins + bin] =
          static_cast<float>(swing(series, interval, 0.5 * static_cast<double>(bin + 1)));
    }
  }
}

void MotionFeatures::finish(std::span<float> row) const {
  if (pairs_.empty()) return;
  const auto directions = block_columns(row, Block::residual_directions);
  const auto places = block_columns(row, Block::residual_places);
  const auto n = static_cast<double>(pairs_.size());
  std::array<double, cells> sum = {}, squares = {};
  double energy = 0;
  for (size_t i = 0; i < pairs_.size(); ++i) {
    const Pair& pair = pairs_[i];
    energy += pair.energy / n;
    const size_t offset = part_of(i) * pair.directions.size();
    for (size_t k = 0; k < pair.directions.size(); ++k) {
      directions[offset + k] += static_cast<float>(pair.directions[k]);
    }
    for (size_t cell = 0; cell < cells; ++cell) {
      sum[cell] += pair.places[cell] / n;
      squares[cell] += pair.places[cell] * pair.places[cell] / n;
    }
  }
  for (size_t cell = 0; cell < cells; ++cell) {
    places[cell] = static_cast<float>(sum[cell]);
    places[cells + cell] =
        static_cast<float>(std::sqrt(std::max(0.0, squares[cell] - sum[cell] * sum[cell])));
  }
  finish_histogram(row, Block::residual_directions);
  // As for the camera: what hardly moves gives a short block.
  for (float& value : directions) value = static_cast<float>(value * energy / (energy + still / 10));
  finish_moments(row, Block::residual_places, still / 10);
  fill_camera(row);
  fill_four(block_columns(row, Block::camera_moments), pairs_, [](const Pair& pair) { return pair.camera; });
  finish_moments(row, Block::camera_moments, 0.1);
  fill_four(block_columns(row, Block::subject_motion), pairs_, [](const Pair& pair) { return pair.subject; });
  finish_moments(row, Block::subject_motion, 0.2);
  fill_subject(row);
  finish_moments(row, Block::subject_path, 0.2);
  fill_rhythm(row);
  finish_moments(row, Block::motion_rhythm, 0.1);
}

}  // namespace cowatch
