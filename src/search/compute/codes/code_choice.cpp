#include "search/compute/codes/code_choice.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "search/compute/codes/codebook_file.h"
#include "search/compute/codes/product_code.h"
#include "search/compute/codes/stepped_code.h"
#include "search/compute/index_file.h"

namespace cowatch {
namespace {

constexpr size_t rotation_rounds = 10;

bool is_product(CodeKind kind) {
  return kind >= CodeKind::product8 && kind <= CodeKind::optimised4;
}
bool is_optimised(CodeKind kind) {
  return kind == CodeKind::optimised8 || kind == CodeKind::optimised4;
}
bool is_rabitq(CodeKind kind) {
  return kind >= CodeKind::rabitq1;
}
unsigned bits_of(CodeKind kind) {
  if (is_rabitq(kind)) return static_cast<unsigned>(kind) - static_cast<unsigned>(CodeKind::rabitq1) + 1;
  return kind == CodeKind::scalar8 || kind == CodeKind::product8 || kind == CodeKind::optimised8 ? 8 : 4;
}

size_t kept(const IndexOptions& options, size_t dimension) {
  return options.kept_dimensions > 0 ? std::min(options.kept_dimensions, dimension) : dimension;
}

// Without a size asked for, a bit a number: 8 bits for 8 numbers, 4 for 4.
size_t parts_of(const IndexOptions& options, size_t dimension) {
  const unsigned bits = bits_of(options.codes);
  const size_t bytes = options.code_bytes > 0 ? options.code_bytes : std::max<size_t>(1, dimension / 8);
  return options.code_bytes > 0 ? bytes * (8 / bits) : std::min(dimension, bytes * (8 / bits));
}

SteppedCode stepped(const IndexOptions& options, size_t dimension) {
  return {is_rabitq(options.codes) ? SteppedCode::Kind::rabitq : SteppedCode::Kind::scalar, dimension,
          bits_of(options.codes)};
}

ProductOptions product_options(const IndexOptions& options, size_t dimension) {
  return {.parts = parts_of(options, dimension),
          .bits = bits_of(options.codes),
          .threshold = options.anisotropic,
          .seed = options.seed};
}

[[noreturn]] void refuse(const char* option, const char* what, std::string expected, std::string found,
                         std::string remedy = "") {
  throw Error(ErrorCode::bad_argument, what,
              {.where = option,
               .expected = std::move(expected),
               .found = std::move(found),
               .remedy = std::move(remedy)});
}

}  // namespace

void check_code_options(const IndexOptions& options, size_t dimension) {
  const std::string name(code_kind_name(options.codes));
  if (options.codes == CodeKind::scalar4x8) {
    refuse("codes", "inverted lists do not hold these codes",
           "scalar8, scalar4, product8, product4, optimised8, optimised4 or rabitq1 to rabitq8", name);
  }
  const size_t coded = kept(options, dimension);
  if (options.kept_dimensions > dimension)
    refuse("kept_dimensions", "more dimensions to keep than there are",
           "at most " + std::to_string(dimension), std::to_string(options.kept_dimensions));
  if (!is_product(options.codes)) {
    if (options.code_bytes > 0)
      refuse("code_bytes", "the size of these codes is not chosen by bytes",
             "0, or product and optimised codes", name,
             "Choose the bits (scalar4, rabitq2 …) or kept_dimensions instead.");
    if (options.anisotropic != 0)
      refuse("anisotropic", "the anisotropic loss is for product codes", "product or optimised codes", name);
    if (!options.codebook.empty())
      refuse("codebook", "a codebook is for product codes", "product8 or product4", name);
    return;
  }
  if (options.code_bytes > coded || parts_of(options, coded) > coded) {
    refuse("code_bytes", "the codes have more parts than the vectors have numbers",
           "at most " + std::to_string(std::max<size_t>(1, coded * bits_of(options.codes) / 8)) + " bytes",
           std::to_string(options.code_bytes));
  }
  if (!(options.anisotropic >= 0 && options.anisotropic < 1))
    refuse("anisotropic", "the threshold of the anisotropic loss is a cosine", "0 (plain) or more, below 1",
           std::to_string(options.anisotropic));
  if (options.anisotropic > 0 && options.metric != Metric::inner_product) {
    refuse("anisotropic", "the anisotropic loss is for inner products", "inner_product",
           std::string(metric_name(options.metric)),
           "Bring the vectors to length 1 and search them by inner_product.");
  }
  if (options.codebook.empty()) return;
  if (is_optimised(options.codes) || options.kept_dimensions > 0 || options.code_bytes > 0 ||
      options.anisotropic > 0) {
    refuse("codebook", "a codebook brings its own rotation and size",
           "product8 or product4 without further choices", name);
  }
  read_codebook(options.codebook, dimension, bits_of(options.codes));
}

CodeSize code_size(const IndexOptions& options, size_t dimension) {
  if (!options.codebook.empty()) {
    const Codebook book = read_codebook(options.codebook, dimension, bits_of(options.codes));
    return {book.code->dimension(), book.code->block_bytes(),
            book.code->held_bytes() + book.projection.held_bytes()};
  }
  const size_t coded = kept(options, dimension);
  const bool projected = coded < dimension || is_optimised(options.codes) || is_rabitq(options.codes);
  const bool centred = coded < dimension && options.metric != Metric::inner_product;
  const size_t projection = ((projected ? coded * dimension : 0) + (centred ? dimension : 0)) * sizeof(float);
  if (!is_product(options.codes)) return {coded, stepped(options, coded).block_bytes(), projection};
  const unsigned bits = bits_of(options.codes);
  const size_t parts = parts_of(options, coded), entries = size_t{1} << bits;
  return {coded, table_block_bytes(bits, parts), projection + (2 * coded + parts) * entries * sizeof(float)};
}

Projection first_projection(const IndexOptions& options, ConstMatrix sample) {
  if (!options.codebook.empty())
    return read_codebook(options.codebook, sample.columns, bits_of(options.codes)).projection;
  const size_t coded = kept(options, sample.columns);
  if (coded == sample.columns) return Projection(sample.columns);
  return principal_directions(sample, coded, options.metric != Metric::inner_product);
}

std::unique_ptr<VectorCode> train_code(const IndexOptions& options, Matrix rows, Matrix whole,
                                       Projection& rotation) {
  if (!is_product(options.codes)) {
    if (is_rabitq(options.codes)) rotation = random_rotation(rows.columns, options.seed);
    return std::make_unique<SteppedCode>(stepped(options, rows.columns));
  }
  if (!options.codebook.empty()) {
    // Of the source's dimension only the projection knows.
    const TensorFile file(options.codebook, "", INT32_MAX);
    const size_t dimension = file.has("rotation") ? file.shape("rotation")[1] : rows.columns;
    return read_codebook(options.codebook, dimension, bits_of(options.codes)).code;
  }
  const ProductOptions product = product_options(options, rows.columns);
  if (is_optimised(options.codes)) return train_optimised(rows, whole, product, rotation_rounds, rotation);
  return train_product(rows, whole, product);
}

std::unique_ptr<VectorCode> open_code(const IndexOptions& options, const TensorFile& file, size_t dimension) {
  if (options.codes == CodeKind::scalar4x8)
    throw_damaged_index(file, "an index has codes of another kind", "codes of inverted lists", "scalar4x8");
  if (!is_product(options.codes)) return std::make_unique<SteppedCode>(stepped(options, dimension));
  const unsigned bits = bits_of(options.codes);
  const size_t parts = stored_number(file, "parts", 1, dimension);
  const auto centres = stored<float>(file, "codebooks", dimension << bits);
  const auto eta = stored<float>(file, "eta", 1);
  return std::make_unique<ProductCode>(dimension, parts, bits,
                                       std::vector<float>(centres.begin(), centres.end()), eta[0]);
}

}  // namespace cowatch
