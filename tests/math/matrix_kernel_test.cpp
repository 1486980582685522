#include "math/matrix_kernel.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/time.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "math/kernel_check.h"

namespace cowatch {
namespace {

// A library that computes what it is told to get wrong.
class FaultyLibrary : public MatrixLibrary {
 public:
  enum class Fault { none, skips_the_last_column, reads_c_with_beta_0, forgets_alpha };
  explicit FaultyLibrary(Fault fault) : fault_(fault) { name_ = "faulty"; }
  void multiply(const ProductTask<float>& t) const override {
    for (size_t i = 0; i < t.rows; ++i) {
      for (size_t j = 0; j < t.columns - (fault_ == Fault::skips_the_last_column); ++j) {
        float sum = 0;
        for (size_t k = 0; k < t.inner; ++k) {
          sum += t.a[t.transpose_a == Transpose::yes ? k * t.stride_a + i : i * t.stride_a + k] *
                 t.b[t.transpose_b == Transpose::yes ? j * t.stride_b + k : k * t.stride_b + j];
        }
        float& c = t.c[i * t.stride_c + j];
        const float kept = t.beta == 0 && fault_ != Fault::reads_c_with_beta_0 ? 0 : t.beta * c;
        c = (fault_ == Fault::forgets_alpha ? 1 : t.alpha) * sum + kept;
      }
    }
  }
  bool multiply(const ProductTask<uint16_t>&) const override { return false; }
  void set_own_threads(int) override {}

 private:
  Fault fault_;
};

// Where the stack of the test's thread lies, and how often a handler of that thread found itself elsewhere.
pthread_t asked;
volatile uintptr_t stack_begin = 0, stack_end = 0;
volatile std::sig_atomic_t elsewhere = 0;
void look_at_the_stack(int) {
  if (!pthread_equal(pthread_self(), asked)) return;
  const auto place = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  if (place < stack_begin || place >= stack_end) elsewhere = elsewhere + 1;
}

// A kernel that uses the stack pointer for something else has the frame of a handler written there: over the heap, which ends the program.
TEST(MatrixLibrary, SignalsFindTheStackInPlace) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_getattr_np(pthread_self(), &attributes), 0);
  void* begin = nullptr;
  size_t size = 0;
  pthread_attr_getstack(&attributes, &begin, &size);
  pthread_attr_destroy(&attributes);
  asked = pthread_self();
  stack_begin = reinterpret_cast<uintptr_t>(begin);
  stack_end = reinterpret_cast<uintptr_t>(begin) + size;
  struct sigaction action = {}, before = {};
  action.sa_handler = look_at_the_stack;
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, &before);
  const itimerval often = {{0, 50}, {0, 50}}, never = {};
  setitimer(ITIMER_REAL, &often, nullptr);
  const size_t n = 160;
  std::vector<float> a(n * n, 1), b(n * n, 1), c(n * n);
  for (const std::string_view name : matrix_library_names()) {
    std::string note;
    const auto library = load_matrix_library(name, note);
    if (!library) continue;
    ProductTask<float> task{.rows = n, .columns = n, .inner = n, .a = a.data(), .stride_a = n, .b = b.data(),
                            .stride_b = n, .c = c.data(), .stride_c = n};
    for (int i = 0; i < 2000; ++i) library->multiply(task);
  }
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  EXPECT_EQ(elsewhere, 0);
}

TEST(KernelCheck, AcceptsAPlainLoop) {
  bool supported = false;
  EXPECT_LE(product_error<float>(FaultyLibrary(FaultyLibrary::Fault::none), supported), 1);
  EXPECT_TRUE(supported);
  product_error<uint16_t>(FaultyLibrary(FaultyLibrary::Fault::none), supported);
  EXPECT_FALSE(supported);
}

TEST(KernelCheck, FindsEveryFault) {
  using Fault = FaultyLibrary::Fault;
  for (const Fault fault : {Fault::skips_the_last_column, Fault::reads_c_with_beta_0, Fault::forgets_alpha}) {
    bool supported = true;
    EXPECT_GT(product_error<float>(FaultyLibrary(fault), supported), 1) << static_cast<int>(fault);
  }
}

TEST(MatrixKernel, ExactlyOneUsableLibraryIsChosenForFloat32) {
  int chosen = 0;
  const MatrixKernel used = matrix_kernel();
  for (const MatrixKernel& kernel : measure_matrix_kernels(64, 1, 1)) {
    if (!kernel.usable) {
      EXPECT_FALSE(kernel.note.empty()) << kernel.library;
      EXPECT_FALSE(kernel.chosen);
      continue;
    }
    EXPECT_LE(kernel.error, 1) << kernel.library;
    EXPECT_GT(kernel.gflops_1, 0) << kernel.library;
    if (kernel.precision != Precision::float32) continue;
    chosen += kernel.chosen;
    EXPECT_EQ(kernel.chosen, kernel.library == used.library);
  }
  EXPECT_EQ(chosen, 1);
}

TEST(MatrixKernel, TheChoiceIsTheOneInUse) {
  const MatrixKernel kernel = matrix_kernel();
  EXPECT_TRUE(kernel.chosen);
  EXPECT_EQ(kernel.library, matrix_library().name());
  EXPECT_EQ(kernel.kernel, matrix_library().kernel());
  EXPECT_EQ(bfloat_matrix_library() != nullptr, matrix_kernel(Precision::bfloat16).chosen);
}

TEST(MatrixKernel, OpenBlasIsForcedOnlyWhereItsKernelWastesTheProcessor) {
  for (const char* widest : {"SkylakeX", "Cooperlake"})
    EXPECT_EQ(openblas_kernel_to_force(widest), "") << widest;
#if defined(__x86_64__)
  // An AVX2 kernel leaves half of a processor with AVX-512 idle, and is right for one without.
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
  for (const char* narrower : {"Haswell", "Zen"})
    EXPECT_EQ(openblas_kernel_to_force(narrower), has_avx512 ? "SkylakeX" : "") << narrower;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) GTEST_SKIP() << "no AVX2 here";
  // What OpenBLAS 0.3.21 takes processors newer than itself for.
  for (const char* narrow : {"Barcelona", "Prescott", "Nehalem"})
    EXPECT_NE(openblas_kernel_to_force(narrow), "") << narrow;
#endif
}

TEST(MatrixKernel, LoadingLeavesNoVariablesBehindForProgramsStartedLater) {
  std::string note;
  const char* variables[] = {"OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE"};
  for (const char* variable : variables) unsetenv(variable);
  load_matrix_library("OpenBLAS", note);
  for (const char* variable : variables) EXPECT_EQ(getenv(variable), nullptr) << variable;
}

TEST(MatrixKernel, TheProcessorHasAName) {
  EXPECT_FALSE(processor_name().empty());
}

}  // namespace
}  // namespace cowatch
