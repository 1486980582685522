// What the program and its module on libtorch (module/network.cpp) agree on. The module is a shared library
// of its own that is loaded only when a training asks for it: a program that links libtorch takes half a
// second to start. Neither links the other, so numbers, pointers and virtual functions are all that passes. A
// failure passes as std::exception.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cowatch {

struct TorchTower {
  size_t begin, end, hidden;  // as TowerShape
};

struct TorchRequest {
  const TorchTower* towers;
  size_t tower_count, outputs;
  bool cuda;       // or libtorch on the processor,
  size_t threads;  // with so many
  bool bfloat16;   // activations and results of products; or all in float32
};

// TrainableNetwork in plain numbers; all matrices row by row.
class TorchNetwork {
 public:
  virtual ~TorchNetwork() = default;
  // `masked`: rows × towers, not 0 where a modality is missing. Both stay where they are until the next call.
  virtual void set_input(const float* input, size_t rows, size_t width, const uint8_t* masked) = 0;
  // `parameters` in the order of PerceptronShape, unchanged until backward(). `kept`: of each tower rows ×
  // hidden, 0 for the units that dropout leaves out and else 1; null without dropout.
  virtual void forward(const float* parameters, const uint8_t* kept, float kept_scale, float* z) = 0;
  virtual void backward(const float* dz, const uint32_t* active, size_t active_count, float* gradient) = 0;
};

struct TorchModule {
  const char* version;       // of libtorch
  size_t cuda_devices;       // 0 also where libtorch is without CUDA;
  const char* cuda_problem;  // then what libtorch says of it
  TorchNetwork* (*make)(const TorchRequest& request);
};

// The one symbol of the module. Its name counts the versions of this file.
#define COWATCH_TORCH_ENTRY cowatch_torch_1
extern "C" __attribute__((visibility("default"))) const TorchModule* COWATCH_TORCH_ENTRY();

}  // namespace cowatch
