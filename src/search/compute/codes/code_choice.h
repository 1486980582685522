// From the options of an index to its code: what they allow, what it takes, how it is trained and opened.
#pragma once

#include "search/compute/codes/projection.h"
#include "search/compute/codes/vector_code.h"
#include "search/compute/vector_index.h"

namespace cowatch {

// Throws bad_argument for options that inverted lists over vectors of `dimension` numbers cannot have, saying
// which they can; bad_input for codebooks that do not fit.
void check_code_options(const IndexOptions& options, size_t dimension);

struct CodeSize {
  size_t dimension;    // of what is coded, after projection
  size_t block_bytes;  // of 32 codes
  size_t held_bytes;   // codebooks and projection
};
CodeSize code_size(const IndexOptions& options, size_t dimension);

// What comes before the coarse centres: the codebook's own projection, or the principal directions of the
// sample, or nothing.
Projection first_projection(const IndexOptions& options, ConstMatrix sample);

// Trained on `rows` (remainders, projected) of `whole` vectors. A code that wants a rotation gives it, and
// has turned rows and whole by it.
std::unique_ptr<VectorCode> train_code(const IndexOptions& options, Matrix rows, Matrix whole,
                                       Projection& rotation);
// From an index file, over what it projects to `dimension` numbers.
std::unique_ptr<VectorCode> open_code(const IndexOptions& options, const TensorFile& file, size_t dimension);

}  // namespace cowatch
