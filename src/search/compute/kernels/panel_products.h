// Products of many queries with many rows, compared with what each query looks for while they are in registers: no matrix of
// scores is written. Bound by multiplication; rows are read where they lie.
//
// A panel holds some queries by number: [dimension][query]. A tile of rows times the queries of a panel is summed up in
// registers, in order of the numbers, so that a score depends on its query and row alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "math/matrix.h"

namespace cowatch {

size_t panel_queries();  // of a panel: two vectors of the processor

class QueryPanel {
 public:
  // At most panel_queries() of them.
  explicit QueryPanel(ConstMatrix queries);
  size_t queries() const { return queries_; }
  size_t dimension() const { return dimension_; }
  const float* numbers() const { return numbers_.data(); }

 private:
  size_t queries_, dimension_;
  std::vector<float> numbers_;  // zeros where a query is missing
};

struct PanelHit {
  uint32_t query, row;
  float value;
};

struct PanelRows {
  ConstMatrix numbers;
  float factor = 1;
  const float* factors = nullptr;     // of each row, instead
  const float* subtracted = nullptr;  // of each row; none: 0
};

// Pairs of a query of the panel and a row whose value, product · factor − subtracted, is at least the query's threshold. `thresholds` has
// panel_queries() numbers: infinity where a query is missing. `hits` has room for all pairs. Returns how many there are. NaN is no hit.
size_t find_hits(const QueryPanel& panel, const PanelRows& rows, std::span<const float> thresholds, PanelHit* hits);

}  // namespace cowatch
