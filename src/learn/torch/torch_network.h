// The network under training on the device that is asked for: the one of perceptron.h, or the same in
// libtorch's tensors.
#pragma once

#include <memory>

#include "learn/relational/options.h"
#include "learn/relational/perceptron.h"
#include "learn/relational/trainable_network.h"

namespace cowatch {

// Throws unsupported as check_device() does. On libtorch each step takes parameters, inputs and the units
// left out to the device, z and the gradients back. There what a device makes of float32 sums is its own: the
// bytes differ between devices, and between the processors and versions of libtorch. In bfloat16 it rounds
// the results of products too.
std::unique_ptr<TrainableNetwork> make_network(const PerceptronShape& shape, Precision precision,
                                               Device device);

}  // namespace cowatch
