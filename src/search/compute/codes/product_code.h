// Product quantization (Jégou, Douze and Schmid, TPAMI 2011): a vector is cut in M parts of consecutive
// numbers, and of each part a code of 4 or 8 bits names the nearest of 16 or 256 centres. A score is a sum of
// M table entries (kernels/table_scan.h). No constants are kept with a code.
//
// Anisotropic (Guo et al., ICML 2020), for inner products: an error along the vector changes its product with
// the queries that matter, one across it hardly; so codes and centres make
//   ‖x − x̂‖² + (η − 1) ⟨x − x̂, w⟩² / ‖w‖²
// small, w the whole vector of which x may be the remainder after a centre was subtracted, and η = (d − 1) T²
// / (1 − T²) for the threshold T, the cosine from which queries matter.
#pragma once

#include <algorithm>

#include "search/compute/codes/projection.h"
#include "search/compute/codes/vector_code.h"

namespace cowatch {

class ProductCode final : public VectorCode {
 public:
  // Part p has numbers begin(p) … begin(p + 1) − 1; the first ones are longer by one where M does not divide
  // the dimension. `centres`: part after part, 2^bits rows. eta 1: plain. Throws bad_argument for sizes that
  // do not fit.
  ProductCode(size_t dimension, size_t parts, unsigned bits, std::vector<float> centres, float eta = 1);

  size_t parts() const { return parts_; }
  unsigned bits() const { return bits_; }
  size_t begin(size_t part) const {
    return part * (dimension_ / parts_) + std::min(part, dimension_ % parts_);
  }
  ConstMatrix centres(size_t part) const {
    return {centres_.data() + begin(part) * entries(), entries(), begin(part + 1) - begin(part)};
  }
  const std::vector<float>& all_centres() const { return centres_; }
  float eta() const { return eta_; }

  size_t dimension() const override { return dimension_; }
  size_t code_bytes() const override { return parts_; }
  size_t block_bytes() const override { return table_block_bytes(bits_, parts_); }
  size_t held_bytes() const override;
  void encode(ConstMatrix rows, ConstMatrix whole, uint8_t* codes) const override;
  void decode(const uint8_t* code, std::span<float> row) const override;
  void pack(const uint8_t* code, uint8_t* block, size_t place) const override;
  void unpack(const uint8_t* block, size_t place, uint8_t* code) const override;
  void prepare(std::span<const float> query, float factor, float square_factor,
               CodeTables& tables) const override;
  size_t scan(CodeTables& tables, const uint8_t* blocks, size_t count, float least,
              CodeHit* hits) const override;
  void save(TensorFileWriter& writer) const override;  // tensor `codebooks`, borrowed

 private:
  size_t entries() const { return size_t{1} << bits_; }
  void encode_nearest(ConstMatrix rows, uint8_t* codes) const;
  void encode_anisotropic(ConstMatrix rows, ConstMatrix whole, uint8_t* codes) const;

  size_t dimension_, parts_;
  unsigned bits_;
  float eta_;
  std::vector<float> centres_, turned_;  // turned: part after part, numbers × entries
  std::vector<float> squares_;           // ‖centre‖², part after part
};

struct ProductOptions {
  size_t parts = 16;
  unsigned bits = 4;
  size_t iterations = 12;  // of Lloyd
  float threshold = 0;     // T of the anisotropic loss; 0: plain
  uint64_t seed = 1;
};
// η of a threshold below 1, at least 1.
float anisotropic_eta(float threshold, size_t dimension);

// The centres of each part by k-means. `whole` as in VectorCode::encode, looked at by the anisotropic loss
// only.
std::unique_ptr<ProductCode> train_product(ConstMatrix rows, ConstMatrix whole,
                                           const ProductOptions& options);

// Goes on from a plain code: codes by coordinate descent over the parts, centres by least squares, in turns.
// The loss falls with each turn.
std::unique_ptr<ProductCode> train_anisotropic(const ProductCode& plain, ConstMatrix rows, ConstMatrix whole,
                                               float eta);

// Σ of the loss above over rows: what training makes small.
double product_loss(const ProductCode& code, ConstMatrix rows, ConstMatrix whole);

// Product codes after a rotation that makes them err least (Ge et al., CVPR 2013): starts from the principal
// directions, dealt to the parts so that all spread alike, then alternates (`rounds`) between codes for the
// rotation and the rotation for the codes. `rows` and `whole` lie in one piece each, and are turned by the
// rotation.
std::unique_ptr<ProductCode> train_optimised(Matrix rows, Matrix whole, const ProductOptions& options,
                                             size_t rounds, Projection& rotation);

}  // namespace cowatch
