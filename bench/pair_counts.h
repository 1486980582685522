// What every engine of `cowatch bench pairs` must agree in.
#pragma once

#include <vector>

#include "base/json.h"

namespace cowatch::bench {

// Throws internal when rows differ in `pairs` or `weight_sum`, or in `hash` where they have one: a comparison
// of the time that different answers took says nothing.
void check_same_counts(const std::vector<Json>& rows);

}  // namespace cowatch::bench
