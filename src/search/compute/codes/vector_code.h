// Codes of vectors, all behind one face: encode, decode, tables of a query, and a scan of packed codes.
//
// A code stands for a vector x̂ near the vector x that was encoded. A scan scores
//   factor · ⟨query, x̂⟩ − square_factor · ‖x‖²
// by it: (1, 0) for inner products, (2, 1) for −‖query − x‖² + ‖query‖². Codes lie in blocks of 32
// (block_codes), laid out as each kind's kernel wants them. Outside a block a code is code_bytes() bytes,
// which only its own kind reads.
//
// Codes are immutable once made: any threads may use one. Same rows, same codes, for any number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/tensor_file.h"
#include "math/matrix.h"
#include "search/compute/kernels/bit_planes.h"
#include "search/compute/kernels/packed_products.h"
#include "search/compute/kernels/table_scan.h"

namespace cowatch {

// What scanning needs of one query; its buffers keep their memory from query to query. Each kind of code
// fills what it uses.
struct CodeTables {
  float factor = 1, square_factor = 0;
  QueryBytes bytes;
  QueryPlanes planes;
  ByteTables tables;
  std::vector<float> entries;
  std::vector<TableHit> hits;
};

struct CodeHit {
  uint32_t place;  // among the codes of all blocks
  float score;
};

class VectorCode {
 public:
  virtual ~VectorCode() = default;
  virtual size_t dimension() const = 0;
  virtual size_t code_bytes() const = 0;   // of one code outside a block
  virtual size_t block_bytes() const = 0;  // of 32 codes, a multiple of 8; constants included
  virtual size_t held_bytes() const = 0;   // codebooks and the like

  // The codes of `rows`, code_bytes() each, one after another. `whole` has the vectors whose remainders
  // (after a centre was subtracted) the rows are, or the rows again: the anisotropic code looks at their
  // directions. In the calling thread.
  virtual void encode(ConstMatrix rows, ConstMatrix whole, uint8_t* codes) const = 0;
  virtual void decode(const uint8_t* code, std::span<float> row) const = 0;

  virtual void pack(const uint8_t* code, uint8_t* block, size_t place) const = 0;
  virtual void unpack(const uint8_t* block, size_t place, uint8_t* code) const = 0;

  virtual void prepare(std::span<const float> query, float factor, float square_factor,
                       CodeTables& tables) const = 0;
  // The codes of `count` consecutive blocks that score at least `least`, in order; more may be among them
  // whose scores are at most a rounding below. Fills `hits` (32 · count places) and returns how many.
  virtual size_t scan(CodeTables& tables, const uint8_t* blocks, size_t count, float least,
                      CodeHit* hits) const = 0;

  // What a saved index needs to make the same code again.
  virtual void save(TensorFileWriter& writer) const = 0;
};

}  // namespace cowatch
