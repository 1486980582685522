// What training needs of a network, whatever it runs on: the processor (perceptron.h) or libtorch
// (learn/torch/torch_network.h).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "math/matrix.h"

namespace cowatch {

// Which hidden units a step leaves out; what is kept is scaled up to make good for it.
struct Dropout {
  double rate = 0;  // rounded to a multiple of 1/256
  uint64_t seed = 0, step = 0;
};

class TrainableNetwork {
 public:
  virtual ~TrainableNetwork() = default;

  // Makes room for `rows` inputs of `width` columns; `fill(row, numbers)` writes each of them, called in
  // parallel.
  virtual void set_input(size_t rows, size_t width, const std::function<void(size_t, float*)>& fill) = 0;
  // z: rows × outputs; a row whose y is zero stays zero.
  virtual void forward(std::span<const float> parameters, const Dropout& dropout, Matrix z) = 0;
  // Overwrites `gradient` with the parameters' gradient of a loss whose gradient by z is `dz`. Parameters and
  // z are those of the last forward(). `active` lists, ascending, the rows where dz is not zero: only they
  // are worked on, and only they are kept of the activations, so each forward() allows one backward(). The
  // input's gradient is not needed and not made.
  virtual void backward(std::span<const float> parameters, ConstMatrix z, ConstMatrix dz,
                        const std::vector<uint32_t>& active, std::span<float> gradient) = 0;
  // Multiplications and additions of the matrix products since construction.
  virtual double operations() const = 0;
};

}  // namespace cowatch
