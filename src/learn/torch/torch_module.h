// The module on libtorch (interface.h), which is there when libtorch was found while building.
#pragma once

#include "base/file.h"
#include "learn/relational/options.h"
#include "learn/torch/interface.h"

namespace cowatch {

Path torch_module_file();  // lib/cowatch-torch.so beside bin/
// Loaded by the first call, which takes half a second, and kept. Throws unsupported when there is none.
const TorchModule& torch_module(const Path& file = torch_module_file());
// Throws unsupported when nothing can be trained there, and says what is missing.
void check_device(Device device, const Path& file = torch_module_file());

}  // namespace cowatch
