// Codebooks that were learned elsewhere, from a `.safetensors` file (docs/formats.md, "codebooks"):
//
//   codebooks  F32 [parts, centres, numbers]  16 or 256 centres a part
//   rotation   F32 [parts · numbers, dimension], optional: orthonormal rows applied first
//   mean       F32 [dimension], optional: subtracted before that
#pragma once

#include "base/file.h"
#include "search/compute/codes/product_code.h"

namespace cowatch {

struct Codebook {
  Projection projection;
  std::unique_ptr<ProductCode> code;
};

// For vectors of `dimension` numbers and codes of `bits`. Throws not_found, damaged, and bad_input that names
// the tensor and what was expected of it, for other shapes, types or numbers that are not finite.
Codebook read_codebook(const Path& path, size_t dimension, unsigned bits);

}  // namespace cowatch
