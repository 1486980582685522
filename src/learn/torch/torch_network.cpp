#include "learn/torch/torch_network.h"

#include <algorithm>

#include "base/error.h"
#include "base/threads.h"
#include "learn/torch/torch_module.h"

namespace cowatch {
namespace {

// What libtorch throws becomes an error with a remedy. Its further lines are addresses.
template <typename Call>
auto on_device(const Call& call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception& failure) {
    const std::string text = failure.what();
    throw Error(
        ErrorCode::system, "libtorch failed in a training step",
        {.where = "train.device",
         .found = text.substr(0, text.find('\n')),
         .remedy =
             "If its memory is full, lower train.batch or train.hidden; --device cpu needs no libtorch."});
  }
}

class NetworkOnTorch : public TrainableNetwork {
 public:
  NetworkOnTorch(const PerceptronShape& shape, Precision precision, Device device) : shape_(shape) {
    check_device(device);
    std::vector<TorchTower> towers;
    for (const TowerShape& tower : shape.towers) towers.push_back({tower.begin, tower.end, tower.hidden});
    const TorchRequest request{towers.data(),          towers.size(), shape.outputs,
                               device == Device::cuda, threads(),     precision == Precision::bfloat16};
    network_ = on_device([&] { return std::unique_ptr<TorchNetwork>(torch_module().make(request)); });
  }

  void set_input(size_t rows, size_t width, const std::function<void(size_t, float*)>& fill) override {
    const size_t towers = shape_.towers.size();
    rows_ = rows;
    input_.resize(rows * width);
    masked_.resize(rows * towers);
    parallel_for(rows, 64, [&](size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        float* const row = input_.data() + r * width;
        fill(r, row);
        for (size_t t = 0; t < towers; ++t) masked_[r * towers + t] = is_masked(shape_, t, row);
      }
    });
    on_device([&] { network_->set_input(input_.data(), rows, width, masked_.data()); });
  }

  void forward(std::span<const float> parameters, const Dropout& dropout, Matrix z) override {
    const bool drops = dropout.rate > 0;
    if (drops) draw_kept(dropout);
    on_device([&] {
      network_->forward(parameters.data(), drops ? kept_.data() : nullptr, kept_scale(dropout), z.data);
    });
    operations_ += static_cast<double>(rows_) * shape_.forward_operations();
  }

  void backward(std::span<const float>, ConstMatrix, ConstMatrix dz, const std::vector<uint32_t>& active,
                std::span<float> gradient) override {
    if (active.empty()) {
      std::ranges::fill(gradient, 0.0f);
      return;
    }
    on_device([&] { network_->backward(dz.data, active.data(), active.size(), gradient.data()); });
    operations_ += static_cast<double>(active.size()) * shape_.backward_operations();
  }

  double operations() const override { return operations_; }

 private:
  // The units that Perceptron keeps, by the same draws.
  void draw_kept(const Dropout& dropout) {
    size_t first = 0;
    for (const TowerShape& tower : shape_.towers) first += rows_ * tower.hidden;
    kept_.resize(first);
    first = 0;
    for (size_t t = 0; t < shape_.towers.size(); ++t) {
      const size_t units = shape_.towers[t].hidden;
      parallel_for(rows_, 64, [&](size_t begin, size_t end) {
        std::vector<float> row(units);
        for (size_t r = begin; r < end; ++r) {
          std::ranges::fill(row, 1.0f);
          drop_units(dropout, t, r, 0, units, row);
          std::ranges::transform(row, kept_.begin() + static_cast<ptrdiff_t>(first + r * units),
                                 [](float unit) { return unit > 0; });
        }
      });
      first += rows_ * units;
    }
  }

  PerceptronShape shape_;
  std::unique_ptr<TorchNetwork> network_;
  size_t rows_ = 0;
  std::vector<float> input_;
  std::vector<uint8_t> masked_, kept_;
  double operations_ = 0;
};

}  // namespace

std::unique_ptr<TrainableNetwork> make_network(const PerceptronShape& shape, Precision precision,
                                               Device device) {
  if (device == Device::cpu) return std::make_unique<Perceptron>(shape, precision);
  return std::make_unique<NetworkOnTorch>(shape, precision, device);
}

}  // namespace cowatch
