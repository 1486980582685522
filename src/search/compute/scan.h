// Scores of one query against consecutive rows of vectors, by SIMD: the inner loop of exact search. Bound by
// memory: each row is read once.
#pragma once

#include <span>

#include "math/matrix.h"

namespace cowatch {

// scores[r] = ⟨query, rows.row(r)⟩. query.size() = rows.columns, scores.size() = rows.rows. The sum of a row
// is made in the same order wherever the row stands, so scores do not depend on how the rows are cut into
// blocks.
void score_rows(std::span<const float> query, ConstMatrix rows, std::span<float> scores);

// The first place from `begin` on whose score is at least `threshold`; scores.size() when there is none. NaN
// is not.
size_t next_at_least(std::span<const float> scores, size_t begin, float threshold);

}  // namespace cowatch
