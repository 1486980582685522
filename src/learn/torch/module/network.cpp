// The network under training (learn/relational/perceptron.h) in the tensors of libtorch, on whatever device
// it has. The only source that names libtorch: its headers take longer to compile than most libraries of this
// project.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "learn/torch/interface.h"

namespace cowatch {
namespace {

using at::Tensor;

int64_t whole(size_t number) {
  return static_cast<int64_t>(number);
}

// Views of one tower's part of the flat array of parameters, or of their gradient.
struct Layers {
  Tensor first, first_bias, second, second_bias;
};

class Network final : public TorchNetwork {
 public:
  explicit Network(const TorchRequest& request)
      : towers_(request.towers, request.towers + request.tower_count),
        outputs_(whole(request.outputs)),
        device_(request.cuda ? at::kCUDA : at::kCPU),
        type_(request.bfloat16 ? at::kBFloat16 : at::kFloat),
        hidden_(towers_.size()),
        y_(towers_.size()) {
    for (const TorchTower& tower : towers_)
      parameter_count_ += whole(tower.hidden) * (whole(tower.end - tower.begin) + 1 + outputs_) + outputs_;
  }

  void set_input(const float* input, size_t rows, size_t width, const uint8_t* masked) override {
    const c10::InferenceMode no_autograd;
    input_ = upload(input, {whole(rows), whole(width)}, at::kFloat).to(type_);
    masked_ = upload(masked, {whole(rows), whole(towers_.size())}, at::kByte).to(at::kBool);
  }

  void forward(const float* parameters, const uint8_t* kept, float kept_scale, float* z) override {
    const c10::InferenceMode no_autograd;
    parameters_ = upload(parameters, {parameter_count_}, at::kFloat);
    kept_scale_ = kept_scale;
    Tensor product;
    for (size_t t = 0; t < towers_.size(); ++t) {
      const Layers layers = layers_of(parameters_, t);
      Tensor& hidden = hidden_[t];
      hidden = at::mm(columns(input_, t), layers.first.to(type_).t()).add_(layers.first_bias).relu_();
      if (kept != nullptr) {
        hidden.mul_(upload(kept, hidden.sizes(), at::kByte)).mul_(kept_scale);
        kept += hidden.numel();
      }
      y_[t] = at::mm(hidden, layers.second.to(type_).t()).to(at::kFloat).add_(layers.second_bias);
      if (towers_.size() > 1) y_[t].masked_fill_(masked_.slice(1, whole(t), whole(t) + 1), 1);
      product = t == 0 ? y_[t] : product * y_[t];
    }
    const Tensor length = (product * product).sum(1, true).sqrt();
    inverse_length_ = length.reciprocal().masked_fill_(length == 0, 0);
    z_ = product * inverse_length_;
    download(z_, z);
  }

  void backward(const float* dz, const uint32_t* active, size_t active_count, float* gradient) override {
    const c10::InferenceMode no_autograd;
    const std::vector<int64_t> numbers(active, active + active_count);
    const Tensor order = upload(numbers.data(), {whole(active_count)}, at::kLong);
    const auto rows = [&](const Tensor& of) {
      return of.size(0) == order.size(0) ? of : of.index_select(0, order);
    };
    // dy = (dz - z (z · dz)) / |y|
    const Tensor along_z = rows(z_), from = rows(upload(dz, z_.sizes(), at::kFloat));
    const Tensor dy = (from - along_z * (from * along_z).sum(1, true)) * rows(inverse_length_);
    const Tensor input = rows(input_), all = at::empty({parameter_count_}, dy.options());
    for (size_t t = 0; t < towers_.size(); ++t) {
      const Layers layers = layers_of(parameters_, t), into = layers_of(all, t);
      Tensor own_dy = dy;
      for (size_t other = 0; other < towers_.size(); ++other) {
        if (other != t) own_dy = own_dy * rows(y_[other]);
      }
      if (towers_.size() > 1) own_dy = own_dy.masked_fill(rows(masked_.slice(1, whole(t), whole(t) + 1)), 0);
      into.second_bias.copy_(own_dy.sum(0));
      own_dy = own_dy.to(type_);
      const Tensor hidden = rows(std::exchange(hidden_[t], Tensor()));
      into.second.copy_(at::mm(own_dy.t(), hidden));
      Tensor dh = at::mm(own_dy, layers.second.to(type_)).mul_(kept_scale_);
      at::threshold_backward_out(dh, dh, hidden, 0);  // where a unit is 0, by ReLU or dropout
      into.first_bias.copy_(at::sum(dh, 0, false, at::kFloat));
      into.first.copy_(at::mm(dh.t(), columns(input, t)));
    }
    download(all, gradient);
  }

 private:
  // On the processor the memory itself, where it stays as the interface says.
  template <typename Number>
  Tensor upload(const Number* from, at::IntArrayRef sizes, at::ScalarType type) const {
    return at::from_blob(const_cast<Number*>(from), sizes, at::TensorOptions(type)).to(device_);
  }
  static void download(const Tensor& from, float* to) {
    at::from_blob(to, from.sizes(), at::TensorOptions(at::kFloat)).copy_(from);
  }

  Tensor columns(const Tensor& input, size_t tower) const {
    return input.slice(1, whole(towers_[tower].begin), whole(towers_[tower].end));
  }

  Layers layers_of(const Tensor& parameters, size_t tower) const {
    int64_t next = 0;
    const auto take = [&](int64_t count) {
      next += count;
      return parameters.narrow(0, next - count, count);
    };
    Layers layers;
    for (size_t t = 0; t <= tower; ++t) {
      const int64_t hidden = whole(towers_[t].hidden), inputs = whole(towers_[t].end - towers_[t].begin);
      layers.first = take(hidden * inputs).view({hidden, inputs});
      layers.first_bias = take(hidden);
      layers.second = take(outputs_ * hidden).view({outputs_, hidden});
      layers.second_bias = take(outputs_);
    }
    return layers;
  }

  std::vector<TorchTower> towers_;
  int64_t outputs_ = 0, parameter_count_ = 0;
  at::Device device_;
  at::ScalarType type_;
  float kept_scale_ = 1;
  Tensor input_, masked_, parameters_, z_, inverse_length_;
  std::vector<Tensor> hidden_, y_;  // of each tower
};

TorchNetwork* make(const TorchRequest& request) {
  at::set_num_threads(static_cast<int>(request.threads));
  at::globalContext().setAllowTF32CuBLAS(false);  // float32 is what it says
  return new Network(request);
}

// The first sentence: what follows is advice to others and addresses in libtorch.
std::string why_no_device() {
  try {
    at::zeros({1}, at::TensorOptions(at::kCUDA));
    return "it counts none";
  } catch (const std::exception& error) {
    const std::string text = error.what();
    return text.substr(0, std::min(text.find('\n'), text.find(". ")));
  }
}

}  // namespace

extern "C" const TorchModule* COWATCH_TORCH_ENTRY() {
  static const size_t devices = torch::cuda::device_count();
  static const std::string problem = devices > 0 ? "" : why_no_device();
  static const TorchModule module{TORCH_VERSION, devices, problem.c_str(), make};
  return &module;
}

}  // namespace cowatch
