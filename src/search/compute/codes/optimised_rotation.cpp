// The rotation before optimised product codes (product_code.h).
#include <cmath>

#include "base/threads.h"
#include "search/compute/codes/k_means.h"
#include "search/compute/codes/product_code.h"

namespace cowatch {
namespace {

constexpr size_t rotated_rows = 256, last_iterations = 6;

// Directions, most spread first, each to the part that has spread least so far (by the product of its
// variances) and has room.
Projection dealt_to_parts(const Projection& principal, ConstMatrix rows, const ProductCode& shape) {
  const size_t width = rows.columns, parts = shape.parts();
  std::vector<float> turned(rows.rows * width);
  const Matrix all(turned.data(), rows.rows, width);
  principal.apply_all(rows, all);
  std::vector<double> variances(width);
  for (size_t r = 0; r < rows.rows; ++r) {
    for (size_t i = 0; i < width; ++i) variances[i] += double{all.row(r)[i]} * all.row(r)[i];
  }
  std::vector<double> spread(parts);
  std::vector<size_t> filled(parts);
  std::vector<float> dealt(width * width);
  for (size_t i = 0; i < width; ++i) {
    size_t best = parts;
    for (size_t p = 0; p < parts; ++p) {
      const bool room = shape.begin(p) + filled[p] < shape.begin(p + 1);
      if (room && (best == parts || spread[p] < spread[best])) best = p;
    }
    const auto direction = principal.rows().row(i);
    std::copy(direction.begin(), direction.end(),
              dealt.begin() + static_cast<ptrdiff_t>((shape.begin(best) + filled[best]) * width));
    spread[best] += std::log(variances[i] / static_cast<double>(rows.rows) + 1e-12);
    ++filled[best];
  }
  return {width, width, std::move(dealt), {}};
}

// Lloyd's steps of each part, from the centres it has.
void improve_parts(ConstMatrix rows, const ProductCode& shape, size_t iterations,
                   std::vector<float>& centres) {
  const size_t entries = size_t{1} << shape.bits();
  parallel_for(shape.parts(), 1, [&](size_t p, size_t) {
    const size_t begin = shape.begin(p), numbers = shape.begin(p + 1) - begin;
    const auto from = centres.begin() + static_cast<ptrdiff_t>(begin * entries);
    std::vector<float> part(from, from + static_cast<ptrdiff_t>(numbers * entries));
    improve_centres(ConstMatrix(rows.data + begin, rows.rows, numbers, rows.stride), iterations, part);
    std::copy(part.begin(), part.end(), from);
  });
}

}  // namespace

std::unique_ptr<ProductCode> train_optimised(Matrix rows, Matrix whole, const ProductOptions& options,
                                             size_t rounds, Projection& rotation) {
  const size_t width = rows.columns, entries = size_t{1} << options.bits;
  ProductOptions plain = options;
  plain.threshold = 0;
  std::vector<float> centres(width * entries);
  const ProductCode shape(width, options.parts, options.bits, centres);
  rotation = dealt_to_parts(principal_directions(rows, width, false), rows, shape);
  std::vector<float> turned(rows.rows * width), decoded(rows.rows * width), agreement(width * width);
  const Matrix all(turned.data(), rows.rows, width), found(decoded.data(), rows.rows, width);
  const auto turn = [&](ConstMatrix from) {
    parallel_for(rows.rows, rotated_rows, [&](size_t begin, size_t end) {
      rotation.apply_all(from.rows_from(begin, end - begin), all.rows_from(begin, end - begin));
    });
  };
  turn(rows);
  centres = train_product(all, all, plain)->all_centres();
  for (size_t round = 0; round < rounds; ++round) {
    const ProductCode code(width, options.parts, options.bits, centres);
    parallel_for(rows.rows, rotated_rows, [&](size_t begin, size_t end) {
      std::vector<uint8_t> codes((end - begin) * code.code_bytes());
      code.encode(all.rows_from(begin, end - begin), all.rows_from(begin, end - begin), codes.data());
      for (size_t r = begin; r < end; ++r)
        code.decode(codes.data() + (r - begin) * code.code_bytes(), found.row(r));
    });
    // The rotation R that makes ‖X Rᵀ − X̂‖ least: the one that makes ⟨R, X̂ᵀ X⟩ largest.
    multiply(Transpose::yes, Transpose::no, 1.0f / static_cast<float>(rows.rows), found, rows, 0,
             Matrix(agreement.data(), width, width));
    rotation = {width, width, nearest_orthonormal({agreement.data(), width, width}, rotation.rows()), {}};
    turn(rows);
    improve_parts(all, shape, round + 1 < rounds ? 1 : last_iterations, centres);
  }
  std::copy(turned.begin(), turned.end(), rows.data);
  turn(whole);
  std::copy(turned.begin(), turned.end(), whole.data);
  auto code = std::make_unique<ProductCode>(width, options.parts, options.bits, std::move(centres));
  if (options.threshold <= 0) return code;
  return train_anisotropic(*code, rows, whole, anisotropic_eta(options.threshold, width));
}

}  // namespace cowatch
