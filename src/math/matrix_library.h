// The packaged matrix libraries, loaded at run time: OpenBLAS, BLIS and oneDNN. Loading instead of linking
// keeps the program's start short, lets it run where only one of them is installed, and lets it pick the
// fastest.
//
// A loaded library stays loaded for the life of the process. Its products run in the calling thread alone;
// several threads may call at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "math/matrix.h"

namespace cowatch {

// c (rows × columns) = alpha · op(a) · op(b) + beta · c, all row-major; `inner` is the summed extent. Strides
// in elements.
template <typename T>
struct ProductTask {
  Transpose transpose_a = Transpose::no, transpose_b = Transpose::no;
  size_t rows = 0, columns = 0, inner = 0;
  float alpha = 1;
  const T* a = nullptr;
  size_t stride_a = 0;
  const T* b = nullptr;
  size_t stride_b = 0;
  float beta = 0;
  float* c = nullptr;
  size_t stride_c = 0;
};

class MatrixLibrary {
 public:
  virtual ~MatrixLibrary() = default;

  const std::string& name() const { return name_; }        // "OpenBLAS"
  const std::string& version() const { return version_; }  // "0.3.21"
  const std::string& kernel() const { return kernel_; }    // what it uses on this processor: "Cooperlake"
  const std::string& file() const { return file_; }        // where it was found

  virtual void multiply(const ProductTask<float>& task) const = 0;
  // False when the library has no bfloat16 product (for this processor); c is then untouched.
  virtual bool multiply(const ProductTask<uint16_t>& task) const = 0;
  // Threads one product may use from now on, by the library's own means. For comparisons only: it holds for
  // the whole process.
  virtual void set_own_threads(int count) = 0;

 protected:
  std::string name_, version_, kernel_, file_;
};

// Names accepted by load_matrix_library, the preferred first.
const std::vector<std::string_view>& matrix_library_names();

// What `name` is packaged as in Debian: "libopenblas0-pthread".
std::string_view matrix_library_package(std::string_view name);

// The file that the system's loader would take for `name`, symbolic links resolved; "" when it is not
// installed. Loads nothing that stays.
std::string find_matrix_library(std::string_view name);

// Loads a library; nullptr when it is not installed or lacks the functions needed, with the reason in `note`.
//
// OpenBLAS chooses its kernel by processor model, and takes one without AVX for models newer than itself.
// When the kernel it reports does not use what the processor has, it is loaded again with OPENBLAS_CORETYPE
// set to one that does, unless the user has set that variable.
std::unique_ptr<MatrixLibrary> load_matrix_library(std::string_view name, std::string& note);

// The OpenBLAS kernel to force on this processor when OpenBLAS itself takes it for `detected`; "" to leave
// it.
std::string_view openblas_kernel_to_force(std::string_view detected);

}  // namespace cowatch
