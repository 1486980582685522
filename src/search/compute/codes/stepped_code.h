// Codes of B bits a number, x̂ᵢ = offset + step · codeᵢ with a step of each vector, of two kinds:
//
// - scalar (LVQ; Aguerrebere et al., VLDB 2023), 4 or 8 bits: offset = min x, the step covers the range,
// rounded to
//   bfloat16 so that the range stays covered. ‖x̂‖² is kept with the code.
// - RaBitQ (Gao and Long, SIGMOD 2024; 1 to 8 bits: Gao et al., SIGMOD 2025): codes are taken from the grid
// ±½, ±1½ …
//   scaled so that its direction v is near that of x; the step is ‖x‖² / ⟨x, v⟩. When the vectors were
//   rotated at random beforehand (projection.h) ⟨q, x̂⟩ is an unbiased estimate of ⟨q, x⟩, off by more than
//   1.9 · ‖q‖ ‖x‖ √((1 − c²) / c²) / √(d − 1), c the cosine of x and v, for few of them. ‖x‖² itself is kept.
//
// Queries are rounded to signed integers by one step of their own. 8 bytes of constants a vector.
#pragma once

#include "search/compute/codes/vector_code.h"

namespace cowatch {

class SteppedCode final : public VectorCode {
 public:
  enum class Kind { scalar, rabitq };
  // Scalar codes have 4 or 8 bits, RaBitQ 1 to 8 (internal error otherwise).
  SteppedCode(Kind kind, size_t dimension, unsigned bits);

  size_t dimension() const override { return dimension_; }
  size_t code_bytes() const override { return dimension_ + sizeof(Constants); }
  size_t block_bytes() const override { return codes_bytes_ + block_codes * 8; }
  size_t held_bytes() const override { return 0; }
  void encode(ConstMatrix rows, ConstMatrix whole, uint8_t* codes) const override;
  void decode(const uint8_t* code, std::span<float> row) const override;
  void pack(const uint8_t* code, uint8_t* block, size_t place) const override;
  void unpack(const uint8_t* block, size_t place, uint8_t* code) const override;
  void prepare(std::span<const float> query, float factor, float square_factor,
               CodeTables& tables) const override;
  size_t scan(CodeTables& tables, const uint8_t* blocks, size_t count, float least,
              CodeHit* hits) const override;
  void save(TensorFileWriter&) const override {}

 private:
  struct Constants {
    float offset, step, square;
  };
  Constants encode_scalar(std::span<const float> row, uint8_t* codes) const;
  Constants encode_rabitq(std::span<const float> row, uint8_t* codes) const;
  bool in_planes() const { return bits_ != 4 && bits_ != 8; }

  Kind kind_;
  size_t dimension_;
  unsigned bits_, query_bits_;
  size_t codes_bytes_;  // of a block, without constants
};

}  // namespace cowatch
