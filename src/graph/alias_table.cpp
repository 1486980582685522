#include "graph/alias_table.h"

#include <cmath>
#include <numeric>

namespace cowatch {

AliasTable::AliasTable(std::span<const double> weights) : threshold_(weights.size()), alias_(weights.size()) {
  const double mean =
      std::accumulate(weights.begin(), weights.end(), 0.0) / static_cast<double>(weights.size());
  std::vector<double> height(weights.size());  // of each column, 1 when full
  std::vector<uint32_t> low, high;
  for (uint32_t i = 0; i != weights.size(); ++i) {
    height[i] = weights[i] / mean;
    (height[i] < 1 ? low : high).push_back(i);
    threshold_[i] = ~uint32_t{0};
    alias_[i] = i;
  }
  while (!low.empty() && !high.empty()) {
    const uint32_t small = low.back(), large = high.back();
    low.pop_back();
    threshold_[small] = static_cast<uint32_t>(std::ldexp(height[small], 32));
    alias_[small] = large;
    height[large] -= 1 - height[small];
    if (height[large] < 1) {
      high.pop_back();
      low.push_back(large);
    }
  }
}

uint32_t AliasTable::draw(uint64_t bits) const {
  const auto scaled = static_cast<unsigned __int128>(bits) * size();
  const auto column = static_cast<uint32_t>(scaled >> 64);
  const auto rest = static_cast<uint32_t>(static_cast<uint64_t>(scaled) >> 32);
  return rest < threshold_[column] ? column : alias_[column];
}

}  // namespace cowatch
