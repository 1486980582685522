#include "learn/torch/torch_module.h"

#include <dlfcn.h>

#include "base/error.h"

namespace cowatch {
namespace {

#define COWATCH_TEXT(name) #name
#define COWATCH_NAME_OF(macro) COWATCH_TEXT(macro)

constexpr const char* with_cuda =
    "With CUDA: unpack a libtorch of pytorch.org (cxx11 ABI) and build with it: cmake --fresh "
    "--preset release -DCMAKE_PREFIX_PATH=LIBTORCH && cmake --build --preset release. Without: "
    "--device cpu; --precision bf16 is up to twice as fast where the processor has bfloat16 products "
    "(`cowatch doctor` says so).";

[[noreturn]] void throw_no_module(const std::string& found) {
  throw Error(
      ErrorCode::unsupported, "this device needs the module for libtorch",
      {.where = "train.device",
       .expected = "lib/cowatch-torch.so beside bin/",
       .found = found,
       .remedy = "For torch-cpu: apt-get install libtorch-dev, and build again. " + std::string(with_cuda)});
}

std::string loading_problem() {
  const char* text = dlerror();
  return text != nullptr ? text : "it cannot be loaded";
}

}  // namespace

Path torch_module_file() {
  return program_folder().parent_path() / "lib" / "cowatch-torch.so";
}

const TorchModule& torch_module(const Path& file) {
  if (!std::filesystem::exists(file)) throw_no_module("no " + file.string());
  void* const handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw_no_module(loading_problem());
  void* const entry = dlsym(handle, COWATCH_NAME_OF(COWATCH_TORCH_ENTRY));
  if (entry == nullptr) throw_no_module(file.string() + " of another version: " + loading_problem());
  return *reinterpret_cast<decltype(&COWATCH_TORCH_ENTRY)>(entry)();
}

void check_device(Device device, const Path& file) {
  if (device == Device::cpu) return;
  const TorchModule& module = torch_module(file);
  if (device != Device::cuda || module.cuda_devices > 0) return;
  throw Error(ErrorCode::unsupported, "libtorch has no CUDA device here",
              {.where = "train.device",
               .expected = "a card that libtorch " + std::string(module.version) + " can use",
               .found = module.cuda_problem,
               .remedy = "Debian's libtorch is for the processor alone. " + std::string(with_cuda)});
}

}  // namespace cowatch
