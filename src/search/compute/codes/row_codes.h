// Rows of embeddings by one byte a number, to look at a quarter of the bytes first: from the codes comes a
// bound of each row's score, and only rows whose bound is high enough need their own numbers. The answer
// stays that of a whole scan.
//
// With row x = x̂ + e and query q = q̂ + d (hats: what the codes say), ⟨q, x⟩ = ⟨q̂, x̂⟩ + ⟨q̂, e⟩ + ⟨d, x⟩, so it
// is at most ⟨q̂, x̂⟩ + ‖q̂‖ ‖e‖ + ‖d‖ ‖x‖ (Cauchy-Schwarz). ‖e‖ is kept for each row, ‖x‖ is 1 or 0.
#pragma once

#include <span>
#include <vector>

#include "math/matrix.h"
#include "search/compute/codes/scalar_codes.h"

namespace cowatch {

class RowCodes {
 public:
  RowCodes() = default;  // none
  // Borrowed: records as encode_rows() makes them, and one error a row.
  RowCodes(size_t width, std::span<const uint8_t> records, std::span<const float> errors)
      : layout_(width, 8), records_(records), errors_(errors) {}

  static size_t record_bytes(size_t width) { return ScalarLayout(width, 8).record_bytes; }
  // Rows of length 1, or zeros. `records` has rows.rows · record_bytes(rows.columns) bytes, `errors`
  // rows.rows numbers.
  static void encode_rows(ConstMatrix rows, std::span<uint8_t> records, std::span<float> errors);

  // What the bounds of one query need, for codes of any rows.
  struct Query {
    explicit Query(std::span<const float> query);
    CodeQuery coded;
    float kept_length = 0, rest = 0;  // ‖q̂‖, and ‖d‖ with what rounding does
  };

  bool empty() const { return errors_.empty(); }
  bool misses(size_t row) const { return !empty() && errors_[row] > 0; }  // zeros are coded without an error
  // bounds[i] ≥ the score, however its sum is made, of row begin + i with the query.
  void bound_scores(const Query& query, size_t begin, std::span<float> bounds) const;

 private:
  ScalarLayout layout_;
  std::span<const uint8_t> records_;
  std::span<const float> errors_;
};

// Codes that are held, of rows that come one by one or all at once.
class HeldRowCodes {
 public:
  HeldRowCodes() = default;  // none
  HeldRowCodes(size_t rows, size_t width)
      : width_(width), records_(rows * RowCodes::record_bytes(width)), errors_(rows) {}

  void encode(size_t begin, ConstMatrix rows) {
    const size_t record = RowCodes::record_bytes(width_);
    RowCodes::encode_rows(rows, std::span(records_).subspan(begin * record, rows.rows * record),
                          std::span(errors_).subspan(begin, rows.rows));
  }
  bool empty() const { return errors_.empty(); }
  RowCodes view() const { return {width_, records_, errors_}; }
  size_t bytes() const { return records_.size() + errors_.size() * sizeof(float); }

 private:
  size_t width_ = 0;
  std::vector<uint8_t> records_;
  std::vector<float> errors_;
};

}  // namespace cowatch
