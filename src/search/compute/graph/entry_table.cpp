#include "search/compute/graph/entry_table.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/threads.h"
#include "search/compute/graph/graph_data.h"

namespace cowatch {
namespace {

constexpr size_t entry_share = 8, fewest_entries = 64, assign_grain = 256;

}  // namespace

size_t EntryTable::entry_count(size_t vectors) {
  return std::min(vectors, std::max(vectors / entry_share, fewest_entries));
}

// As many pivots are scored as members of the two groups that most searches look into.
size_t EntryTable::pivot_count(size_t entries) {
  return static_cast<size_t>(std::sqrt(2.0 * static_cast<double>(entries)));
}

size_t EntryTable::bytes() const {
  return records_.bytes() + (slots_.size() + begins_.size()) * sizeof(uint32_t);
}

void EntryTable::build(const GraphData& data, std::span<const uint32_t> order) {
  const auto entries = order.first(entry_count(order.size()));
  const auto pivot_slots = entries.first(pivot_count(entries.size()));
  const auto members = entries.subspan(pivot_slots.size());
  std::vector<uint32_t> nearest(members.size());
  parallel_for(members.size(), assign_grain, [&](size_t begin, size_t end) {
    LinkScorer scorer(data);
    std::vector<float> scores(pivot_slots.size());
    for (size_t i = begin; i < end; ++i) {
      scorer.set(members[i]);
      scorer(data.records.data(), pivot_slots, scores.data());
      nearest[i] = static_cast<uint32_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
    }
  });
  begins_.assign(pivot_slots.size() + 2, 0);
  if (pivot_slots.empty()) begins_.clear();
  for (const uint32_t pivot : nearest) ++begins_[pivot + 2];
  if (!begins_.empty()) begins_[1] = static_cast<uint32_t>(pivot_slots.size());
  std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
  slots_.resize(entries.size());
  std::copy(pivot_slots.begin(), pivot_slots.end(), slots_.begin());
  std::vector<uint32_t> next(begins_.begin() + (begins_.empty() ? 0 : 1), begins_.end());
  for (size_t i = 0; i < members.size(); ++i) slots_[next[nearest[i]]++] = members[i];
  copy_records(data);
}

void EntryTable::restore(const GraphData& data, std::span<const uint32_t> slots,
                         std::span<const uint32_t> begins, HugeArray<uint8_t> records) {
  record_bytes_ = data.layout.record_bytes;
  slots_.assign(slots.begin(), slots.end());
  begins_.assign(begins.begin(), begins.end());
  records_ = std::move(records);
}

void EntryTable::add(const GraphData& data, uint32_t slot) {
  if (std::find(slots_.begin(), slots_.end(), slot) != slots_.end()) return refresh(data, slot);
  if (begins_.empty()) begins_.assign(2, 0);
  slots_.insert(slots_.begin() + begins_[1], slot);
  for (size_t g = 1; g < begins_.size(); ++g) ++begins_[g];
  copy_records(data);
}

void EntryTable::refresh(const GraphData& data, uint32_t slot) {
  const auto found = std::find(slots_.begin(), slots_.end(), slot);
  if (found == slots_.end()) return;
  std::copy_n(data.records.data() + slot * record_bytes_, record_bytes_,
              records_.writable() + static_cast<size_t>(found - slots_.begin()) * record_bytes_);
}

void EntryTable::copy_records(const GraphData& data) {
  record_bytes_ = data.layout.record_bytes;
  HugeArray<uint8_t> records(slots_.size() * record_bytes_);
  uint8_t* place = records.writable();
  for (const uint32_t slot : slots_) {
    std::copy_n(data.records.data() + slot * record_bytes_, record_bytes_, place);
    place += record_bytes_;
  }
  records_ = std::move(records);
}

}  // namespace cowatch
