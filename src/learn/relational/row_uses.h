// Which parts of a batch use which row of the network's output. A video that comes up several times in a
// batch is one row; its gradient is the sum over its uses, taken in order of use, so that the sum is the same
// for any number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cowatch {

class RowUses {
 public:
  // rows_of_uses[u] is the row that use u reads.
  RowUses(size_t rows, std::span<const uint32_t> rows_of_uses)
      : begins_(rows + 1), uses_(rows_of_uses.size()) {
    for (const uint32_t row : rows_of_uses) ++begins_[row + 1];
    for (size_t r = 0; r < rows; ++r) begins_[r + 1] += begins_[r];
    std::vector<uint32_t> next(begins_.begin(), begins_.end() - 1);
    for (uint32_t u = 0; u < rows_of_uses.size(); ++u) uses_[next[rows_of_uses[u]]++] = u;
  }
  size_t rows() const { return begins_.size() - 1; }
  std::span<const uint32_t> of(size_t row) const {
    return {uses_.data() + begins_[row], uses_.data() + begins_[row + 1]};
  }

 private:
  std::vector<uint32_t> begins_, uses_;
};

}  // namespace cowatch
