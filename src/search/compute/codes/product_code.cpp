#include "search/compute/codes/product_code.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/threads.h"
#include "search/compute/codes/k_means.h"

namespace cowatch {

ProductCode::ProductCode(size_t dimension, size_t parts, unsigned bits, std::vector<float> centres, float eta)
    : dimension_(dimension), parts_(parts), bits_(bits), eta_(eta), centres_(std::move(centres)) {
  if ((bits != 4 && bits != 8) || parts == 0 || parts > dimension ||
      centres_.size() != dimension * entries()) {
    throw Error(ErrorCode::bad_argument, "product codes do not fit their vectors",
                {.expected = "4 or 8 bits, 1 to " + std::to_string(dimension) + " parts, " +
                             std::to_string(dimension) + " times 16 or 256 numbers of centres",
                 .found = std::to_string(bits) + " bits, " + std::to_string(parts) + " parts, " +
                          std::to_string(centres_.size()) + " numbers"});
  }
  turned_.resize(centres_.size());
  for (size_t p = 0; p < parts_; ++p) {
    const auto rows = this->centres(p);
    for (size_t e = 0; e < entries(); ++e) {
      double square = 0;
      for (size_t i = 0; i < rows.columns; ++i) {
        turned_[begin(p) * entries() + i * entries() + e] = rows.row(e)[i];
        square += double{rows.row(e)[i]} * rows.row(e)[i];
      }
      squares_.push_back(static_cast<float>(square));
    }
  }
}

size_t ProductCode::held_bytes() const {
  return (centres_.size() + turned_.size() + squares_.size()) * sizeof(float);
}

void ProductCode::encode(ConstMatrix rows, ConstMatrix whole, uint8_t* codes) const {
  encode_nearest(rows, codes);
  if (eta_ > 1) encode_anisotropic(rows, whole, codes);
}

void ProductCode::encode_nearest(ConstMatrix rows, uint8_t* codes) const {
  std::vector<uint32_t> nearest(rows.rows);
  std::vector<float> halves(entries());
  for (size_t p = 0; p < parts_; ++p) {
    const ConstMatrix part(rows.data + begin(p), rows.rows, begin(p + 1) - begin(p), rows.stride);
    for (size_t e = 0; e < entries(); ++e) halves[e] = squares_[p * entries() + e] / 2;
    nearest_here(part, centres(p), halves, nearest);
    for (size_t r = 0; r < rows.rows; ++r) codes[r * parts_ + p] = static_cast<uint8_t>(nearest[r]);
  }
}

void ProductCode::decode(const uint8_t* code, std::span<float> row) const {
  for (size_t p = 0; p < parts_; ++p) {
    const auto centre = centres(p).row(code[p]);
    std::copy(centre.begin(), centre.end(), row.begin() + static_cast<ptrdiff_t>(begin(p)));
  }
}

void ProductCode::pack(const uint8_t* code, uint8_t* block, size_t place) const {
  pack_parts(bits_, {code, parts_}, block, place);
}

void ProductCode::unpack(const uint8_t* block, size_t place, uint8_t* code) const {
  unpack_parts(bits_, block, place, {code, parts_});
}

void ProductCode::prepare(std::span<const float> query, float factor, float square_factor,
                          CodeTables& tables) const {
  tables.entries.resize(parts_ * entries());
  for (size_t p = 0; p < parts_; ++p) {
    const size_t first = begin(p), numbers = begin(p + 1) - first;
    part_table(query.subspan(first, numbers), {turned_.data() + first * entries(), numbers * entries()},
               factor, {squares_.data() + p * entries(), entries()}, square_factor,
               {tables.entries.data() + p * entries(), entries()});
  }
  round_tables(bits_, parts_, tables.entries, INFINITY, tables.tables);
}

size_t ProductCode::scan(CodeTables& tables, const uint8_t* blocks, size_t count, float least,
                         CodeHit* hits) const {
  // The more is known of what matters, the finer the tables; they are made anew when twice as fine.
  const float loss = std::max(tables.tables.best - least, 0.0f);
  if (2 * loss < tables.tables.widest) round_tables(bits_, parts_, tables.entries, loss, tables.tables);
  const float offset = tables.tables.offset, step = tables.tables.step;
  float wanted = 0;
  if (least > offset) wanted = step > 0 ? std::floor((least - offset) / step) : 65535;
  if (!(wanted <= 65535)) return 0;  // of tables that are no numbers too
  tables.hits.resize(std::max(tables.hits.size(), count * block_codes));
  const size_t found =
      scan_tables(tables.tables, blocks, count, static_cast<uint16_t>(wanted), tables.hits.data());
  for (size_t i = 0; i < found; ++i)
    hits[i] = {tables.hits[i].place, offset + step * static_cast<float>(tables.hits[i].sum)};
  return found;
}

void ProductCode::save(TensorFileWriter& writer) const {
  writer.set("parts", std::to_string(parts_));
  writer.add<float>("codebooks", {centres_.size()}, centres_);
  writer.add<float>("eta", {1}, std::span(&eta_, 1));
}

std::unique_ptr<ProductCode> train_product(ConstMatrix rows, ConstMatrix whole,
                                           const ProductOptions& options) {
  const size_t entries = size_t{1} << options.bits;
  // A code without centres tells where parts begin and refuses what does not fit.
  std::vector<float> centres(rows.columns * entries);
  const ProductCode shape(rows.columns, options.parts, options.bits, centres);
  parallel_for(options.parts, 1, [&](size_t p, size_t) {
    const size_t first = shape.begin(p), numbers = shape.begin(p + 1) - first;
    const auto found = k_means(ConstMatrix(rows.data + first, rows.rows, numbers, rows.stride),
                               {.count = entries,
                                .iterations = options.iterations,
                                .seed = options.seed,
                                .stream = 0x70710000u + static_cast<uint32_t>(p)});
    std::copy(found.begin(), found.end(), centres.begin() + static_cast<ptrdiff_t>(first * entries));
  });
  auto code = std::make_unique<ProductCode>(rows.columns, options.parts, options.bits, std::move(centres));
  if (options.threshold <= 0) return code;
  return train_anisotropic(*code, rows, whole, anisotropic_eta(options.threshold, rows.columns));
}

double product_loss(const ProductCode& code, ConstMatrix rows, ConstMatrix whole) {
  std::vector<uint8_t> codes(rows.rows * code.code_bytes());
  code.encode(rows, whole, codes.data());
  std::vector<float> decoded(rows.columns);
  double loss = 0;
  for (size_t r = 0; r < rows.rows; ++r) {
    code.decode(codes.data() + r * code.code_bytes(), decoded);
    double error = 0, along = 0, square = 0;
    for (size_t i = 0; i < rows.columns; ++i) {
      const double missed = double{rows.row(r)[i]} - decoded[i], w = whole.row(r)[i];
      error += missed * missed, along += missed * w, square += w * w;
    }
    loss += error + (square > 0 ? (double{code.eta()} - 1) * along * along / square : 0);
  }
  return loss;
}

}  // namespace cowatch
