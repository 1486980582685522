// The network under training (methods §1.5): towers of two fully connected layers with ReLU between,
// multiplied elementwise when there are several, then the L2 norm:
//   z = y / |y|,   y = Π_t (W2_t · relu(W1_t · x_t + b1_t) + b2_t),   x_t: the tower's columns of the input.
// Of several towers one whose input is all zero, as a missing or hidden modality is, is masked: its factor is
// 1, so that the video is judged by what it has.
//
// Gradients are written out by hand. Rows go through in chunks that stay in the cache; bias, ReLU, dropout
// and their backward happen while a chunk is there. Activations are kept in float32 or bfloat16; parameters,
// gradients and all sums are float32. Results do not depend on the number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "learn/relational/activations.h"
#include "learn/relational/trainable_network.h"

namespace cowatch {

struct TowerShape {
  size_t begin = 0, end = 0;  // input columns
  size_t hidden = 0;
  size_t inputs() const { return end - begin; }
  bool operator==(const TowerShape&) const = default;
};

// The flat array of parameters holds, tower by tower: W1 (hidden × inputs), b1, W2 (outputs × hidden), b2.
struct PerceptronShape {
  std::vector<TowerShape> towers;
  size_t outputs = 256;

  struct Offsets {
    size_t first, first_bias, second, second_bias, end;
  };
  Offsets offsets(size_t tower) const;
  size_t parameters() const { return towers.empty() ? 0 : offsets(towers.size() - 1).end; }
  // Multiplications and additions that a row takes.
  double forward_operations() const;
  double backward_operations() const;
  bool operator==(const PerceptronShape&) const = default;
};

bool is_masked(const PerceptronShape& shape, size_t tower, const float* input);

// Normal with variance 2 / inputs for the first layer (He et al., 2015), 1 / hidden for the second; biases
// zero. `network` keeps several networks of one seed apart.
void initialise(const PerceptronShape& shape, uint64_t seed, uint64_t network, std::span<float> parameters);

// Leaves units of a row of hidden activations out and scales the others up. `row` holds those from `first`
// on, a multiple of 16, of the tower's `all`.
void drop_units(const Dropout& dropout, size_t tower, size_t row_number, size_t first, size_t all,
                std::span<float> row);
float kept_scale(const Dropout& dropout);

class Perceptron : public TrainableNetwork {
 public:
  Perceptron(PerceptronShape shape, Precision precision);
  const PerceptronShape& shape() const { return shape_; }

  void set_input(size_t rows, size_t width, const std::function<void(size_t, float*)>& fill) override;
  void forward(std::span<const float> parameters, const Dropout& dropout, Matrix z) override;
  void backward(std::span<const float> parameters, ConstMatrix z, ConstMatrix dz,
                const std::vector<uint32_t>& active, std::span<float> gradient) override;
  double operations() const override { return operations_; }

 private:
  MatrixPart in_precision(std::span<const float> values, size_t rows, size_t columns,
                          Activations& copy) const;
  void forward_tower(std::span<const float> parameters, size_t tower, const Dropout& dropout);
  void forward_hidden(const MatrixPart& input, const MatrixPart& w1, std::span<const float> bias,
                      size_t first, const Dropout& dropout, size_t tower);
  void backward_norm(ConstMatrix z, ConstMatrix dz, const std::vector<uint32_t>& order);
  void backward_tower(std::span<const float> parameters, size_t tower, const std::vector<uint32_t>& order,
                      std::span<float> gradient);
  void backward_hidden(const MatrixPart& dy, std::span<const float> second, size_t tower,
                       std::span<float> bias_gradient);
  std::span<const float> backward_product(size_t tower, const std::vector<uint32_t>& order);

  PerceptronShape shape_;
  Precision precision_;
  float kept_scale_ = 1;  // of dropout
  double operations_ = 0;
  Activations input_;
  std::vector<uint8_t> masked_;        // rows × towers
  std::vector<Activations> hidden_;    // after ReLU and dropout, then their gradient; a tower each
  std::vector<std::vector<float>> y_;  // outputs of each tower
  std::vector<float> lengths_;         // |y| of each row
  std::vector<float> dy_, tower_dy_;   // gradient of the product of towers, of one tower; active rows only
  Activations first_copy_, second_copy_, dy_copy_;  // in bfloat16, when that is the precision
  ScratchPool pool_;
};

}  // namespace cowatch
