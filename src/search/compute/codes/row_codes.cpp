#include "search/compute/codes/row_codes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/threads.h"

namespace cowatch {
namespace {

// Sums of floats in any order are off by at most this times width · ‖q‖ ‖x‖ (2⁻²⁴ a step), twice: in the
// score and in the bound. Lengths of rows are 1 within the second number.
constexpr double rounding = 2.5e-7, length_slack = 1e-4;

double length_of(std::span<const float> values) {
  double square = 0;
  for (const float value : values) square += double{value} * value;
  return std::sqrt(square);
}

}  // namespace

void RowCodes::encode_rows(ConstMatrix rows, std::span<uint8_t> records, std::span<float> errors) {
  const ScalarLayout layout(rows.columns, 8);
  parallel_for(rows.rows, 1024, [&](size_t begin, size_t end) {
    std::vector<float> missed(rows.columns);
    for (size_t r = begin; r < end; ++r) {
      uint8_t* record = records.data() + r * layout.record_bytes;
      encode(layout, rows.row(r), record, nullptr);
      decode(layout, record, missed);
      for (size_t i = 0; i < missed.size(); ++i) missed[i] -= rows.row(r)[i];
      errors[r] = static_cast<float>(length_of(missed));
    }
  });
}

RowCodes::Query::Query(std::span<const float> query) {
  prepare_query(ScalarLayout(query.size(), 8), query, 1, 0, coded);
  std::vector<float> missed(query.begin(), query.end()), kept(query.size());
  for (size_t i = 0; i < query.size(); ++i) {
    kept[i] = coded.step * static_cast<float>(coded.codes[i]);
    missed[i] -= kept[i];
  }
  kept_length = static_cast<float>(length_of(kept));
  rest = static_cast<float>(length_of(missed) * (1 + length_slack) +
                            rounding * static_cast<double>(query.size()) * length_of(query));
}

void RowCodes::bound_scores(const Query& query, size_t begin, std::span<float> bounds) const {
  constexpr size_t block = 1024;
  std::array<uint32_t, block> rows;
  for (size_t at = 0; at < bounds.size(); at += block) {
    const size_t count = std::min(block, bounds.size() - at);
    std::iota(rows.begin(), rows.begin() + count, static_cast<uint32_t>(begin + at));
    score_codes(layout_, query.coded, records_.data(), std::span<const uint32_t>(rows).first(count),
                bounds.data() + at);
    for (size_t i = at; i < at + count; ++i) bounds[i] += query.kept_length * errors_[begin + i] + query.rest;
  }
}

}  // namespace cowatch
