// Draws from fixed weights in O(1): the alias method (Walker 1977; Vose 1991).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cowatch {

class AliasTable {
 public:
  AliasTable() = default;
  explicit AliasTable(std::span<const double> weights);  // positive and finite
  size_t size() const { return alias_.size(); }
  // Maps 64 uniform bits to a place in [0, size()) with probability in proportion to its weight.
  uint32_t draw(uint64_t bits) const;

 private:
  std::vector<uint32_t> threshold_;  // of 32 bits: below it the column's own place, from it on its alias
  std::vector<uint32_t> alias_;
};

}  // namespace cowatch
