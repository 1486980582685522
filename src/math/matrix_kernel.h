// Which packaged matrix library multiply() uses, and how fast it is.
//
// The choice is made by the program itself, at the first product on a machine: every installed library
// multiplies ragged matrices, is compared with a float64 loop, and is timed. The first in order of preference
// within 3 % of the fastest is taken, so that noise does not make the choice swing. It is kept in the user's
// cache folder
// (${XDG_CACHE_HOME:-~/.cache}/cowatch/matrix-kernel.json) for this processor and these library files;
// COWATCH_MATRIX_LIBRARY (OpenBLAS, oneDNN or BLIS) overrules it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "math/matrix_library.h"

namespace cowatch {

enum class Precision { float32, bfloat16 };
std::string_view precision_name(Precision precision);  // "float32", "bf16"

struct MatrixKernel {
  std::string library;  // "OpenBLAS"
  std::string version;  // "0.3.21"
  std::string kernel;   // "Cooperlake"
  Precision precision = Precision::float32;
  bool usable = false;  // installed and correct
  bool chosen = false;
  double error = 0;     // of the worst element, as a share of what rounding allows; above 1: wrong
  double gflops_1 = 0;  // billions of multiplications and additions a second, one thread
  double gflops_2 = 0;  // the same with two threads of the library's own; 0: not measured
  std::string note;     // why it is not used, or what was done to use it
};

// Names of multiply()'s kernel without measuring more than the choice itself needs (less than 0.3 s, once a
// machine). Rates are those of the time of the choice.
MatrixKernel matrix_kernel(Precision precision = Precision::float32);

// Loads, checks and times every packaged library, here and now: `size`³ products, interleaved, the best of
// `rounds`. `threads` 2 times two threads as well. `chosen` are those that multiply() uses in this process.
// Libraries that are not installed come with usable = false and a note.
std::vector<MatrixKernel> measure_matrix_kernels(size_t size, int rounds, int threads);

// Forgets the kept choice, so that the next process makes it again.
void forget_matrix_kernel();
Path matrix_kernel_cache();

// The library that multiply() uses, chosen on first use. Throws not_found when none is installed, with the
// command that helps.
const MatrixLibrary& matrix_library();
// The library whose bfloat16 products are faster than float32 ones here; nullptr: none.
const MatrixLibrary* bfloat_matrix_library();

// Name of the processor as the system tells it: "AMD EPYC".
std::string processor_name();

}  // namespace cowatch
