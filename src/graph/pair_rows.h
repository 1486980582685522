// The lists of a chunk of people, and the count of pairs they make, row by row.
//
// Row u counts its partners v > u: every person who watched u brings a list of them, and their counters are
// raised. What this costs is a pass over short lists in memory order and random access to counters that fit
// in a second-level cache.
#pragma once

#include <functional>

#include "graph/buffer.h"
#include "graph/pairs.h"

namespace cowatch {

class PairRows {
 public:
  // `bytes`: what lists and their transposition may take. `with_decay`: entries carry a decay in units of
  // 2^-30.
  PairRows(size_t items, size_t bytes, bool with_decay);

  bool empty() const { return entries_ == 0; }
  // Whether `entries` more in `rows` more rows of a person still fit.
  bool has_room(size_t entries, size_t rows) const;
  // A person's videos, ascending: each pairs with all after it. The decay of a pair is the larger of the two.
  void add_list(std::span<const uint32_t> items, std::span<const uint32_t> decay);
  // A person's partners of one video, ascending and larger than it.
  void add_row(uint32_t item, std::span<const uint32_t> partners, std::span<const uint32_t> decay);

  // Gives all pairs with at least min_people to `take`, in blocks, in order. Blocks under way take at most
  // about block_bytes. The lists are forgotten.
  void count(uint32_t min_people, size_t block_bytes, const std::function<void(PairBlock&&)>& take);

 private:
  struct Visit {
    uint32_t begin, count;  // entries
  };
  struct Row {
    uint32_t item, begin, count;
  };
  struct Transposed {
    std::vector<uint64_t> begins;  // item → first visit
    Buffer<Visit> visits;
  };
  template <typename Body>
  void for_each_visit(const Body& body) const;
  Transposed transpose() const;
  std::vector<size_t> cut(const Transposed& rows, size_t increments) const;
  PairBlock count_rows(const Transposed& rows, size_t first, size_t last, uint32_t min_people) const;

  size_t items_;
  size_t bytes_;
  bool with_decay_;
  size_t entries_ = 0, visits_ = 0;
  Buffer<uint32_t> list_;
  Buffer<uint32_t> decay_;
  std::vector<uint32_t> list_ends_;  // of add_list
  std::vector<Row> rows_;            // of add_row
};

}  // namespace cowatch
