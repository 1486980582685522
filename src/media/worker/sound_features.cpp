#include "media/worker/sound_features.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "media/worker/row_blocks.h"

namespace cowatch {
namespace {

constexpr int window = 400, step = 160, transform = 512;  // 25 ms every 10 ms
constexpr int spectrum = transform / 2 + 1;
constexpr double floor_energy = 1e-8;  // about the noise of 16 bits
constexpr double least_hertz = 50, most_hertz = 7600;

double mel(double hertz) {
  return 2595 * std::log10(1 + hertz / 700);
}

// Triangular bands, mel_bands × spectrum.
cv::Mat mel_filters() {
  cv::Mat filters = cv::Mat::zeros(static_cast<int>(mel_bands), spectrum, CV_32F);
  const double low = mel(least_hertz), width = (mel(most_hertz) - low) / (mel_bands + 1);
  for (int bin = 0; bin < spectrum; ++bin) {
    const double place = (mel(static_cast<double>(bin) * sound_rate / transform) - low) / width;
    for (int band = 0; band < filters.rows; ++band) {
      filters.at<float>(band, bin) = static_cast<float>(std::max(0.0, 1 - std::fabs(place - (band + 1))));
    }
    // A narrow low band may lie between two bins: each bin also feeds its nearest band.
    const int nearest = static_cast<int>(std::lround(place)) - 1;
    if (nearest >= 0 && nearest < filters.rows) {
      filters.at<float>(nearest, bin) = std::max(filters.at<float>(nearest, bin), 0.5f);
    }
  }
  return filters;
}

// Power spectra, frames × spectrum.
cv::Mat power_spectra(std::span<const float> samples) {
  const int frames = static_cast<int>((samples.size() - window) / step + 1);
  cv::Mat windows = cv::Mat::zeros(frames, transform, CV_32F), packed;
  for (int frame = 0; frame < frames; ++frame) {
    auto* row = windows.ptr<float>(frame);
    for (int i = 0; i < window; ++i) {
      const double hann = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * (i + 0.5) / window);
      row[i] = samples[static_cast<size_t>(frame * step + i)] * static_cast<float>(hann);
    }
  }
  cv::dft(windows, packed, cv::DFT_ROWS);  // re0, re1, im1, re2, im2, …, re256
  cv::Mat power(frames, spectrum, CV_32F);
  for (int frame = 0; frame < frames; ++frame) {
    const auto* from = packed.ptr<float>(frame);
    auto* to = power.ptr<float>(frame);
    to[0] = from[0] * from[0];
    for (int bin = 1; bin < spectrum - 1; ++bin) {
      to[bin] = from[2 * bin - 1] * from[2 * bin - 1] + from[2 * bin] * from[2 * bin];
    }
    to[spectrum - 1] = from[transform - 1] * from[transform - 1];
  }
  return power;
}

void take_mean_off(std::span<float> values) {
  double mean = 0;
  for (const float value : values) mean += value;
  mean /= static_cast<double>(values.size());
  for (float& value : values) value -= static_cast<float>(mean);
}

void fill_mel(const cv::Mat& bands, std::span<float> row) {
  const auto mean = block_columns(row, Block::mel_mean), deviation = block_columns(row, Block::mel_deviation),
             delta = block_columns(row, Block::mel_delta);
  for (size_t band = 0; band < mel_bands; ++band) {
    const auto b = static_cast<int>(band);
    double sum = 0, squares = 0, changes = 0;
    for (int frame = 0; frame < bands.rows; ++frame) {
      const double value = bands.at<float>(frame, b);
      sum += value;
      squares += value * value;
      if (frame >= 2) changes += std::fabs(value - bands.at<float>(frame - 2, b));
    }
    const double n = bands.rows;
    mean[band] = static_cast<float>(sum / n);
    deviation[band] = static_cast<float>(std::sqrt(std::max(0.0, squares / n - sum / n * (sum / n))));
    delta[band] = static_cast<float>(changes / n);
  }
  for (const auto columns : {mean, deviation, delta}) take_mean_off(columns);
  finish_moments(row, Block::mel_mean, 4);  // natural logarithms of energy, over 64 bands
  finish_moments(row, Block::mel_deviation, 1);
  finish_moments(row, Block::mel_delta, 0.5);
}

// Spectrum over time of the rises of energy in four groups of bands.
void fill_beat(const cv::Mat& bands, std::span<float> row) {
  const auto columns = block_columns(row, Block::sound_beat);
  constexpr int group_size = static_cast<int>(mel_bands / mel_groups);
  for (size_t group = 0; group < mel_groups; ++group) {
    std::vector<double> onsets;
    double mean = 0;
    for (int frame = 1; frame < bands.rows; ++frame) {
      double rise = 0;
      for (int band = 0; band < group_size; ++band) {
        const int b = static_cast<int>(group) * group_size + band;
        rise += std::max(0.f, bands.at<float>(frame, b) - bands.at<float>(frame - 1, b));
      }
      onsets.push_back(rise / group_size);
      mean += rise / group_size;
    }
    if (onsets.empty()) return;
    mean /= static_cast<double>(onsets.size());
    for (size_t bin = 0; bin < beat_bins; ++bin) {
      const double hertz = 0.5 * std::pow(24.0, static_cast<double>(bin) / (beat_bins - 1));
      const double angle = 2 * std::numbers::pi * hertz * step / sound_rate;
      double real = 0, imaginary = 0;
      for (size_t i = 0; i < onsets.size(); ++i) {
        real += (onsets[i] - mean) * std::cos(angle * static_cast<double>(i));
        imaginary += (onsets[i] - mean) * std::sin(angle * static_cast<double>(i));
      }
      columns[group * beat_bins + bin] =
          static_cast<float>(std::hypot(real, imaginary) / static_cast<double>(onsets.size()));
    }
  }
  finish_moments(row, Block::sound_beat, 0.1);
}

void fill_moments(const cv::Mat& power, std::span<float> row) {
  const auto columns = block_columns(row, Block::sound_moments);
  double loud = 0, loud_squares = 0, bright = 0, bright_squares = 0, noise = 0, silent = 0;
  for (int frame = 0; frame < power.rows; ++frame) {
    double sum = 0, centre = 0, logarithms = 0;
    for (int bin = 1; bin < spectrum; ++bin) {
      const double value = power.at<float>(frame, bin) + floor_energy;
      sum += value;
      centre += value * bin;
      logarithms += std::log(value);
    }
    const double loudness = std::log(sum), brightness = centre / sum / spectrum;
    loud += loudness;
    loud_squares += loudness * loudness;
    bright += brightness;
    bright_squares += brightness * brightness;
    noise += std::exp(logarithms / (spectrum - 1)) / (sum / (spectrum - 1));
    silent += loudness < -6 ? 1 : 0;
  }
  const double n = power.rows;
  columns[0] = static_cast<float>(loud / n / 10);
  columns[1] = static_cast<float>(std::sqrt(std::max(0.0, loud_squares / n - loud / n * (loud / n))) / 5);
  columns[2] = static_cast<float>(bright / n * 2 - 0.4);
  columns[3] =
      static_cast<float>(std::sqrt(std::max(0.0, bright_squares / n - bright / n * (bright / n))) * 5);
  columns[4] = static_cast<float>(noise / n * 2 - 0.4);
  columns[5] = static_cast<float>(silent / n);
  finish_moments(row, Block::sound_moments, 0.5);
}

}  // namespace

bool fill_sound_features(std::span<const float> samples, std::span<float> row) {
  if (samples.size() < static_cast<size_t>(window)) return false;
  const auto loudest = std::max_element(samples.begin(), samples.end(),
                                        [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  if (std::fabs(*loudest) < 1e-5f) return false;
  const cv::Mat power = power_spectra(samples);
  cv::Mat bands;
  cv::gemm(power, mel_filters(), 1, cv::noArray(), 0, bands, cv::GEMM_2_T);
  bands += floor_energy;
  cv::log(bands, bands);
  fill_mel(bands, row);
  fill_beat(bands, row);
  fill_moments(power, row);
  return true;
}

}  // namespace cowatch
