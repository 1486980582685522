// What is done to vectors before they are coded: y = P · (x − mean), P with orthonormal rows, as many of them
// as there are numbers or fewer. Distances between the y are those between the x (of what is kept of them).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/tensor_file.h"
#include "math/matrix.h"

namespace cowatch {

class ProductCode;

class Projection {
 public:
  Projection() = default;
  // Leaves vectors of so many numbers as they are.
  explicit Projection(size_t dimension) : inputs_(dimension), outputs_(dimension) {}
  // `rows` outputs × inputs numbers, or nothing; `mean` inputs numbers, or nothing. Throws bad_input when the
  // rows are not orthonormal to within 1e-3, naming what was found.
  Projection(size_t outputs, size_t inputs, std::vector<float> rows, std::vector<float> mean);

  size_t inputs() const { return inputs_; }
  size_t outputs() const { return outputs_; }
  size_t held_bytes() const { return (rows_.size() + mean_.size()) * sizeof(float); }
  ConstMatrix rows() const {
    return {rows_.data(), rows_.empty() ? 0 : outputs_, inputs_};
  }                                                      // none: identity
  std::span<const float> mean() const { return mean_; }  // none: zeros
  void apply(std::span<const float> x, std::span<float> y) const;
  void turn(std::span<const float> x, std::span<float> y) const;  // P · x: the mean is not subtracted
  void apply_all(ConstMatrix x, Matrix y) const;                  // in the calling thread
  // First this, then `next` (which subtracts no mean).
  Projection then(const Projection& next) const;

  void save(TensorFileWriter& writer) const;  // tensors `projection` and `mean`, borrowed
  static Projection load(const TensorFile& file, size_t inputs);

 private:
  size_t inputs_ = 0, outputs_ = 0;
  std::vector<float> rows_, mean_;
};

// The rotation of the seed (rotation.h) as a matrix, for those that are composed with others and stored.
Projection random_rotation(size_t dimension, uint64_t seed);
// The `kept` directions in which the rows spread most, around their mean or, when not `centred`, around zero.
Projection principal_directions(ConstMatrix rows, size_t kept, bool centred);

// R with orthonormal rows that makes ⟨R, m⟩ largest: U Vᵀ of the singular value decomposition m = U S Vᵀ (the
// orthogonal Procrustes problem), by Newton and Schulz's iteration, which needs products only. m has at most
// as many rows as columns. `before`: what directions take on which m has nothing.
std::vector<float> nearest_orthonormal(ConstMatrix m, ConstMatrix before);

}  // namespace cowatch
