#include "graph/pair_rows.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/progress.h"
#include "base/threads.h"
#include "graph/pair_counters.h"

namespace cowatch {
namespace {

// Raises of counters in one piece of work: long against clearing a set of counters, short against the whole.
constexpr size_t most_increments = size_t{1} << 22;
constexpr size_t blocks_under_way = 16;
constexpr size_t look_ahead = 6;      // lists fetched before their turn
constexpr size_t words_of_line = 16;  // 32-bit words in a cache line

// Memory of a vector while it takes `more`: one that grows is there twice for a moment, then twice as large.
template <typename T>
size_t bytes_with(const std::vector<T>& values, size_t more) {
  const size_t wanted = values.size() + more, room = values.capacity();
  return sizeof(T) * (wanted <= room ? room : room + std::max(wanted, 2 * room));
}

}  // namespace

PairRows::PairRows(size_t items, size_t bytes, bool with_decay)
    : items_(items), bytes_(bytes), with_decay_(with_decay), list_(bytes / sizeof(uint32_t)) {
  if (with_decay) decay_ = Buffer<uint32_t>(list_.size());
}

bool PairRows::has_room(size_t entries, size_t rows) const {
  const size_t all_entries = entries_ + entries;
  const size_t per_entry = sizeof(uint32_t) * (with_decay_ ? 2 : 1);
  const size_t all_bytes = all_entries * per_entry + (visits_ + rows) * sizeof(Visit) +
                           bytes_with(list_ends_, 1) + bytes_with(rows_, rows);
  return all_bytes <= bytes_ && all_entries < std::numeric_limits<uint32_t>::max();
}

void PairRows::add_list(std::span<const uint32_t> items, std::span<const uint32_t> decay) {
  std::copy(items.begin(), items.end(), list_.data() + entries_);
  if (with_decay_) std::copy(decay.begin(), decay.end(), decay_.data() + entries_);
  entries_ += items.size();
  visits_ += items.size();
  list_ends_.push_back(static_cast<uint32_t>(entries_));
}

void PairRows::add_row(uint32_t item, std::span<const uint32_t> partners, std::span<const uint32_t> decay) {
  rows_.push_back({item, static_cast<uint32_t>(entries_), static_cast<uint32_t>(partners.size())});
  std::copy(partners.begin(), partners.end(), list_.data() + entries_);
  if (with_decay_) std::copy(decay.begin(), decay.end(), decay_.data() + entries_);
  entries_ += partners.size();
  ++visits_;
}

template <typename Body>
void PairRows::for_each_visit(const Body& body) const {
  uint32_t begin = 0;
  for (const uint32_t end : list_ends_) {
    for (uint32_t i = begin; i + 1 < end; ++i) body(list_[i], Visit{i + 1, end - i - 1});
    begin = end;
  }
  for (const Row& row : rows_) body(row.item, Visit{row.begin, row.count});
}

PairRows::Transposed PairRows::transpose() const {
  Transposed rows;
  rows.begins.assign(items_ + 1, 0);
  for_each_visit([&](uint32_t item, Visit) { ++rows.begins[item + 1]; });
  std::partial_sum(rows.begins.begin(), rows.begins.end(), rows.begins.begin());
  rows.visits = Buffer<Visit>(rows.begins.back());
  std::vector<uint64_t> next(rows.begins.begin(), rows.begins.end() - 1);
  for_each_visit([&](uint32_t item, Visit visit) { rows.visits[next[item]++] = visit; });
  return rows;
}

// Rows in pieces of about equal work: first row of each, and the end.
std::vector<size_t> PairRows::cut(const Transposed& rows, size_t increments) const {
  std::vector<size_t> first{0};
  size_t in_piece = 0;
  for (size_t row = 0; row != items_; ++row) {
    for (size_t v = rows.begins[row]; v != rows.begins[row + 1]; ++v) in_piece += rows.visits[v].count;
    if (in_piece < increments) continue;
    first.push_back(row + 1);
    in_piece = 0;
  }
  if (first.back() != items_) first.push_back(items_);
  return first;
}

PairBlock PairRows::count_rows(const Transposed& rows, size_t first, size_t last, uint32_t min_people) const {
  PairBlock block;
  // A row of fewer than 2^16 people needs half the cache for its counters; the others are few.
  PairCounters<uint16_t> narrow(items_, with_decay_);
  std::optional<PairCounters<uint32_t>> wide;
  const auto count_row = [&](auto& counters, uint32_t row) {
    const Visit* visit = rows.visits.data() + rows.begins[row];
    const Visit* const end = rows.visits.data() + rows.begins[row + 1];
    for (; visit != end; ++visit) {
      if (end - visit > static_cast<std::ptrdiff_t>(look_ahead)) {
        const uint32_t* ahead = list_.data() + visit[look_ahead].begin;
        for (uint32_t i = 0; i < visit[look_ahead].count && i < 8 * words_of_line; i += words_of_line) {
          __builtin_prefetch(ahead + i);
        }
      }
      const uint32_t* partners = list_.data() + visit->begin;
      if (with_decay_) {
        const uint32_t own = rows_.empty() ? decay_[visit->begin - 1] : 0;
        const uint32_t* decay = decay_.data() + visit->begin;
        for (uint32_t i = 0; i != visit->count; ++i) counters.raise(partners[i], 1, std::max(own, decay[i]));
      } else {
        for (uint32_t i = 0; i != visit->count; ++i) counters.raise(partners[i]);
      }
    }
    counters.harvest(row, min_people, block);
  };
  for (size_t row = first; row != last; ++row) {
    const uint64_t people = rows.begins[row + 1] - rows.begins[row];
    if (people < min_people) continue;
    if (people <= std::numeric_limits<uint16_t>::max()) {
      count_row(narrow, static_cast<uint32_t>(row));
      continue;
    }
    if (!wide) wide.emplace(items_, with_decay_);
    count_row(*wide, static_cast<uint32_t>(row));
  }
  return block;
}

void PairRows::count(uint32_t min_people, size_t block_bytes, const std::function<void(PairBlock&&)>& take) {
  // A piece ends with the row that fills it, which may bring a pair with every video.
  const size_t room = pairs_within(block_bytes / blocks_under_way, with_decay_);
  const size_t increments = std::clamp<size_t>(room - std::min(items_, room / 2), 1, most_increments);
  const Transposed rows = transpose();
  const std::vector<size_t> first = cut(rows, increments);
  const size_t pieces = first.size() - 1;
  std::vector<PairBlock> blocks(blocks_under_way);
  for (size_t begin = 0; begin < pieces; begin += blocks_under_way) {
    throw_if_interrupted();
    const size_t count = std::min(blocks_under_way, pieces - begin);
    parallel_for(count, 1, [&](size_t from, size_t to) {
      for (size_t i = from; i != to; ++i) {
        blocks[i] = count_rows(rows, first[begin + i], first[begin + i + 1], min_people);
      }
    });
    for (size_t i = 0; i != count; ++i) take(std::move(blocks[i]));
  }
  entries_ = visits_ = 0;
  list_ends_.clear();
  rows_.clear();
}

}  // namespace cowatch
