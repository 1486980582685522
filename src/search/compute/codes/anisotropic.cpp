// The anisotropic loss of product codes (product_code.h).
#include <algorithm>
#include <array>
#include <cmath>

#include "base/threads.h"
#include "math/vectors.h"
#include "search/compute/codes/product_code.h"

namespace cowatch {
namespace {

constexpr size_t descents = 3, turns = 6, anisotropic_rows = 256;

// The solution of the symmetric positive definite system a x = b, by Cholesky; both are overwritten.
void solve(std::vector<double>& a, std::vector<double>& b) {
  const size_t n = b.size();
  for (size_t j = 0; j < n; ++j) {
    for (size_t k = 0; k < j; ++k) {
      for (size_t i = j; i < n; ++i) a[i * n + j] -= a[i * n + k] * a[j * n + k];
    }
    const double root = std::sqrt(a[j * n + j]);
    for (size_t i = j; i < n; ++i) a[i * n + j] /= root;
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
}

}  // namespace

float anisotropic_eta(float threshold, size_t dimension) {
  const float square = threshold * threshold;
  return std::max(1.0f, static_cast<float>(dimension - 1) * square / (1 - square));
}

// Changes one part's code at a time to the best given the others, until none changes.
void ProductCode::encode_anisotropic(ConstMatrix rows, ConstMatrix whole, uint8_t* codes) const {
  std::vector<float> distances(entries()), along(entries()), direction(dimension_);
  for (size_t r = 0; r < rows.rows; ++r) {
    const auto row = rows.row(r);
    std::copy(whole.row(r).begin(), whole.row(r).end(), direction.begin());
    if (normalise(direction) == 0) continue;
    uint8_t* code = codes + r * parts_;
    std::vector<float> decoded(dimension_);
    decode(code, decoded);
    float error_along = dot(row, direction) - dot(decoded, direction);
    for (size_t pass = 0; pass < descents; ++pass) {
      bool changed = false;
      for (size_t p = 0; p < parts_; ++p) {
        const size_t first = begin(p), numbers = begin(p + 1) - first;
        const auto part = row.subspan(first, numbers);
        const std::span<const float> part_direction(direction.data() + first, numbers);
        const std::span<const float> turned(turned_.data() + first * entries(), numbers * entries());
        const std::span<const float> squares(squares_.data() + p * entries(), entries());
        // ‖part − centre‖² less ‖part‖², and ⟨centre, direction⟩.
        part_table(part, turned, -2, squares, -1, distances);
        part_table(part_direction, turned, 1, squares, 0, along);
        const float others = error_along + along[code[p]];
        size_t best = code[p];
        const auto loss = [&](size_t e) {
          const float missed = others - along[e];
          return distances[e] + (eta_ - 1) * missed * missed;
        };
        float least = loss(best);
        for (size_t e = 0; e < entries(); ++e) {
          const float now = loss(e);
          if (now < least) least = now, best = e;
        }
        if (best == code[p]) continue;
        code[p] = static_cast<uint8_t>(best);
        error_along = others - along[best];
        changed = true;
      }
      if (!changed) break;
    }
  }
}

// Of each part in order, with the codes and the other parts' centres as they are: the centre of an entry
// makes the sum of its rows' losses least where
//   (n I + (η − 1) Σ u uᵀ) c = Σ x + (η − 1) Σ (a + ⟨u, ĉ⟩) u,
// u the part of the direction, a the whole error along it and ĉ the centre as it was.
std::unique_ptr<ProductCode> train_anisotropic(const ProductCode& plain, ConstMatrix rows, ConstMatrix whole,
                                               float eta) {
  const size_t width = rows.columns, parts = plain.parts(), entries = size_t{1} << plain.bits();
  auto code = std::make_unique<ProductCode>(width, parts, plain.bits(), plain.all_centres(), eta);
  std::vector<float> directions(rows.rows * width), decoded(width);
  for (size_t r = 0; r < rows.rows; ++r) {
    const std::span direction(directions.data() + r * width, width);
    std::copy(whole.row(r).begin(), whole.row(r).end(), direction.begin());
    normalise(direction);
  }
  std::vector<uint8_t> codes(rows.rows * parts);
  std::vector<double> along(rows.rows);
  for (size_t turn = 0; turn < turns; ++turn) {
    parallel_for(rows.rows, anisotropic_rows, [&](size_t begin, size_t end) {
      code->encode(rows.rows_from(begin, end - begin), whole.rows_from(begin, end - begin),
                   codes.data() + begin * parts);
    });
    for (size_t r = 0; r < rows.rows; ++r) {
      code->decode(codes.data() + r * parts, decoded);
      along[r] = 0;
      for (size_t i = 0; i < width; ++i)
        along[r] += (double{rows.row(r)[i]} - decoded[i]) * directions[r * width + i];
    }
    std::vector<float> centres = code->all_centres();
    for (size_t p = 0; p < parts; ++p) {
      const size_t first = code->begin(p), n = code->begin(p + 1) - first;
      std::vector<std::vector<uint32_t>> members(entries);
      for (uint32_t r = 0; r < rows.rows; ++r) members[codes[r * parts + p]].push_back(r);
      parallel_for(entries, 4, [&](size_t begin, size_t end) {
        for (size_t e = begin; e < end; ++e) {
          if (members[e].empty()) continue;
          float* centre = centres.data() + (first * entries + e * n);
          std::vector<double> a(n * n), b(n), before(centre, centre + n);
          for (const uint32_t r : members[e]) {
            const float *u = directions.data() + r * width + first, *x = rows.row(r).data() + first;
            double own = along[r];
            for (size_t i = 0; i < n; ++i) own += u[i] * before[i];
            for (size_t i = 0; i < n; ++i) {
              b[i] += x[i] + (eta - 1) * own * u[i];
              for (size_t j = 0; j <= i; ++j) a[i * n + j] += (eta - 1) * double{u[i]} * u[j];
            }
          }
          for (size_t i = 0; i < n; ++i) a[i * n + i] += static_cast<double>(members[e].size());
          solve(a, b);
          for (size_t i = 0; i < n; ++i) centre[i] = static_cast<float>(b[i]);
          for (const uint32_t r : members[e]) {
            for (size_t i = 0; i < n; ++i)
              along[r] += directions[r * width + first + i] * (before[i] - double{centre[i]});
          }
        }
      });
    }
    code = std::make_unique<ProductCode>(width, parts, plain.bits(), std::move(centres), eta);
  }
  return code;
}

}  // namespace cowatch
