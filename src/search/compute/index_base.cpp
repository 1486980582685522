#include "search/compute/index_base.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "base/error.h"
#include "math/float16.h"
#include "math/vectors.h"
#include "search/compute/codes/code_choice.h"
#include "search/compute/kernels/distances.h"
#include "search/compute/option_names.h"

namespace cowatch {
namespace {

constexpr std::array<std::string_view, 3> metrics = {"inner_product", "cosine", "l2"};
constexpr std::array<std::string_view, 3> kinds = {"exact", "graph", "ivf"};
constexpr std::array<std::string_view, 15> codes = {
    "scalar8", "scalar4", "scalar4x8", "product8", "product4", "optimised8", "optimised4", "rabitq1",
    "rabitq2", "rabitq3", "rabitq4",   "rabitq5",  "rabitq6",  "rabitq7",    "rabitq8"};

template <typename Enum, size_t count>
Enum named(const std::array<std::string_view, count>& names, std::string_view what, std::string_view name) {
  std::string known;
  for (size_t i = 0; i < count; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
    known += (i == 0 ? "" : i + 1 == count ? " or " : ", ") + std::string(names[i]);
  }
  throw Error(ErrorCode::bad_argument, "there is no such " + std::string(what),
              {.expected = known, .found = std::string(name)});
}

[[noreturn]] void refuse(const char* option, const char* what, std::string expected, std::string found) {
  throw Error(ErrorCode::bad_argument, what,
              {.where = option, .expected = std::move(expected), .found = std::move(found)});
}

[[noreturn]] void throw_bad_row(uint32_t slot, const char* found) {
  throw Error(ErrorCode::bad_input, "a vector cannot be indexed",
              {.where = "slot " + std::to_string(slot),
               .expected = "finite numbers, not all of them zero under cosine",
               .found = found});
}

}  // namespace

std::string_view metric_name(Metric metric) {
  return metrics[static_cast<size_t>(metric)];
}
Metric metric_of(std::string_view name) {
  return named<Metric>(metrics, "metric", name);
}
std::string_view index_kind_name(IndexKind kind) {
  return kinds[static_cast<size_t>(kind)];
}
IndexKind index_kind_of(std::string_view name) {
  return named<IndexKind>(kinds, "kind of index", name);
}
std::string_view code_kind_name(CodeKind kind) {
  return codes[static_cast<size_t>(kind)];
}
CodeKind code_kind_of(std::string_view name) {
  return named<CodeKind>(codes, "kind of code", name);
}

std::span<const float> float_row(const VectorSource& source, uint32_t slot, std::span<float> buffer) {
  const size_t dimension = source.dimension();
  const void* row = source.row(slot);
  if (source.type() == ElementType::f32) return {static_cast<const float*>(row), dimension};
  if (source.type() == ElementType::i8) {
    std::copy_n(static_cast<const int8_t*>(row), dimension, buffer.begin());
    return buffer.first(dimension);
  }
  const std::span words(static_cast<const uint16_t*>(row), dimension);
  if (source.type() == ElementType::f16) {
    floats_from_halves(words, buffer.first(dimension));
  } else {
    floats_from_bfloats(words, buffer.first(dimension));
  }
  return buffer.first(dimension);
}

std::vector<float> checked_query(Metric metric, size_t dimension, std::span<const float> query) {
  if (query.size() != dimension) {
    throw Error(ErrorCode::bad_argument, "the query has another dimension",
                {.expected = std::to_string(dimension) + " numbers", .found = std::to_string(query.size())});
  }
  std::vector<float> copy(query.begin(), query.end());
  const float square = dot(copy, copy);
  if (!std::isfinite(square)) {
    throw Error(ErrorCode::bad_argument, "the query cannot be searched for",
                {.expected = "finite numbers", .found = "NaN, an infinite or an overflowing value"});
  }
  if (metric == Metric::cosine && normalise(copy) == 0) {
    throw Error(ErrorCode::bad_argument, "the query has no direction",
                {.expected = "a vector that is not zero under cosine", .found = "zeros"});
  }
  return copy;
}

void checked_row(Metric metric, const VectorSource& source, uint32_t slot, std::span<float> row) {
  const auto found = float_row(source, slot, row);
  if (found.data() != row.data()) std::copy(found.begin(), found.end(), row.begin());
  if (!std::isfinite(dot(row, row))) throw_bad_row(slot, "NaN, an infinite or an overflowing value");
  if (metric == Metric::cosine && normalise(row) == 0) throw_bad_row(slot, "zeros");
}

float exact_score(Metric metric, std::span<const float> query, const VectorSource& source, uint32_t slot) {
  const void* row = source.row(slot);
  if (metric == Metric::inner_product) return inner_product(query, source.type(), row);
  if (metric == Metric::l2) return -squared_distance(query, source.type(), row);
  const auto [product, square] = product_and_square(query, source.type(), row);
  return product / std::sqrt(square);
}

float exact_score(Metric metric, std::span<const float> query, std::span<const float> row) {
  if (metric == Metric::l2) return -squared_distance(query, row);
  const float product = dot(query, row);
  return metric == Metric::cosine ? product / std::sqrt(dot(row, row)) : product;
}

void check_source(const VectorSource& source) {
  if (source.size() >= UINT32_MAX)
    refuse("", "too many vectors for one index", "below 2^32 - 1", std::to_string(source.size()));
  if (!is_vector_type(source.type()))
    refuse("", "vectors of a type that is not indexed", "F32, F16, BF16 or I8",
           std::string(element_name(source.type())));
}

void check_index_options(const IndexOptions& options, size_t dimension) {
  if (dimension == 0) refuse("size", "vectors without numbers", "a dimension of at least 1", "0");
  if (options.kind == IndexKind::ivf) {
    if (options.lists > IndexOptions::most_lists)
      refuse("lists", "too many inverted lists", "at most " + std::to_string(IndexOptions::most_lists),
             std::to_string(options.lists));
    return check_code_options(options, dimension);
  }
  if (options.lists > 0 || options.code_bytes > 0 || options.kept_dimensions > 0 ||
      options.anisotropic != 0 || !options.codebook.empty()) {
    refuse("index", "only inverted lists have lists, code_bytes, kept_dimensions, anisotropic or a codebook",
           "none of these, or index ivf", "index " + std::string(index_kind_name(options.kind)));
  }
  if (options.kind == IndexKind::exact) {
    if (options.codes != usual_codes(options.kind))
      refuse("codes", "an exact index has no codes", "index graph or ivf for them",
             std::string(code_kind_name(options.codes)));
    return;
  }
  if (options.codes > CodeKind::scalar4x8)
    refuse("codes", "a graph is not walked by these codes", "scalar4x8, scalar8 or scalar4, or an ivf index",
           std::string(code_kind_name(options.codes)));
  if (options.degree < 4 || options.degree > 256)
    refuse("degree", "a degree out of range", "4 to 256", std::to_string(options.degree));
  if (options.build_effort == 0 || options.build_effort > IndexOptions::most_build_effort)
    refuse("build_effort", "a build effort out of range",
           "1 to " + std::to_string(IndexOptions::most_build_effort), std::to_string(options.build_effort));
  if (!(options.alpha >= 1))
    refuse("alpha", "alpha out of range", "at least 1", std::to_string(options.alpha));
}

}  // namespace cowatch
