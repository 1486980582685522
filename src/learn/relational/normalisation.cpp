#include "learn/relational/normalisation.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace cowatch {
namespace {

// Deviations below this share of the column's magnitude are rounding, not variation.
constexpr double least_deviation = 1e-6;

struct Moments {
  std::vector<double> mean, variance, magnitude;
};

Moments moments_of(const FeatureTable& features) {
  const size_t width = features.width();
  std::vector<double> sum(width), square(width);
  std::vector<size_t> count(features.modalities().size());
  std::vector<float> row(width);
  const auto each_row = [&](const auto& add) {
    for (uint32_t item = 0; item < features.items(); ++item) {
      features.copy_row(item, row.data());
      for (size_t m = 0; m < features.modalities().size(); ++m) {
        if (features.present(item, m)) add(m, features.modalities()[m]);
      }
    }
  };
  Moments moments{std::vector<double>(width), std::vector<double>(width), std::vector<double>(width)};
  each_row([&](size_t m, const Modality& modality) {
    ++count[m];
    for (size_t k = modality.begin; k < modality.end; ++k) sum[k] += row[k];
  });
  for (size_t m = 0; m < count.size(); ++m) {
    for (size_t k = features.modalities()[m].begin; k < features.modalities()[m].end; ++k) {
      moments.mean[k] = count[m] == 0 ? 0 : sum[k] / static_cast<double>(count[m]);
    }
  }
  each_row(
      [&](size_t, const Modality& modality) {  // a second pass: differences of large sums would lose digits
        for (size_t k = modality.begin; k < modality.end; ++k) {
          square[k] += (row[k] - moments.mean[k]) * (row[k] - moments.mean[k]);
        }
      });
  for (size_t m = 0; m < count.size(); ++m) {
    for (size_t k = features.modalities()[m].begin; k < features.modalities()[m].end; ++k) {
      moments.variance[k] = count[m] == 0 ? 0 : square[k] / static_cast<double>(count[m]);
      moments.magnitude[k] = std::abs(moments.mean[k]) + std::sqrt(moments.variance[k]);
    }
  }
  return moments;
}

void forget_absent_modalities(const FeatureTable& features, Normalisation& normalisation) {
  for (size_t m = 0; m < features.modalities().size(); ++m) {
    bool found = false;
    for (uint32_t item = 0; item < features.items() && !found; ++item) found = features.present(item, m);
    const Modality& modality = features.modalities()[m];
    if (!found) std::fill_n(normalisation.scale.begin() + static_cast<ptrdiff_t>(modality.begin), modality.end - modality.begin, 0.0f);
  }
}

}  // namespace

void Normalisation::apply(const FeatureTable& features, uint32_t item, float* row) const {
  const auto& modalities = features.modalities();
  for (size_t m = 0; m < modalities.size(); ++m) {
    const bool present = features.present(item, m);
    for (size_t k = modalities[m].begin; k < modalities[m].end; ++k) {
      row[k] = present ? (row[k] - mean[k]) * scale[k] : 0;
    }
  }
}

Normalisation inverse_frequency(const FeatureTable& features) {
  const size_t width = features.width();
  std::vector<size_t> used(width);
  std::vector<float> row(width);
  for (uint32_t item = 0; item < features.items(); ++item) {
    features.copy_row(item, row.data());
    for (size_t k = 0; k < width; ++k) used[k] += row[k] != 0;
  }
  Normalisation result{std::vector<float>(width), std::vector<float>(width)};
  for (size_t k = 0; k < width; ++k) {
    const double ratio = static_cast<double>(1 + features.items()) / static_cast<double>(1 + used[k]);
    result.scale[k] = static_cast<float>(1 + std::log(ratio));
  }
  forget_absent_modalities(features, result);
  return result;
}

Normalisation normalisation_of(const FeatureTable& features, NormalisationKind kind) {
  const size_t width = features.width();
  Normalisation result{std::vector<float>(width), std::vector<float>(width, 1)};
  if (kind == NormalisationKind::none) {
    forget_absent_modalities(features, result);
    return result;
  }
  const Moments moments = moments_of(features);
  double total = 0;
  size_t varied = 0;
  for (size_t k = 0; k < width; ++k) {
    result.mean[k] = static_cast<float>(moments.mean[k]);
    const double deviation = std::sqrt(moments.variance[k]);
    const bool constant = deviation <= least_deviation * moments.magnitude[k];
    result.constant += constant;
    result.scale[k] = constant ? 0 : static_cast<float>(1 / deviation);
    total += constant ? 0 : moments.variance[k];
    varied += !constant;
  }
  if (varied == 0) {
    throw Error(ErrorCode::bad_input, "the features say nothing: no column differs between videos",
                {.where = "features of the videos to learn from",
                 .expected = "at least two videos with different features",
                 .found = std::to_string(features.items()) + " videos, " + std::to_string(width) +
                          " constant columns",
                 .remedy = "Extract features, or import some with --features."});
  }
  if (kind == NormalisationKind::table) {
    const auto factor = static_cast<float>(1 / std::sqrt(total / static_cast<double>(varied)));
    for (float& scale : result.scale) scale = scale == 0 ? 0 : factor;
  }
  return result;
}

}  // namespace cowatch
