#include "math/matrix_library.h"

#include <dlfcn.h>
#include <link.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace cowatch {
namespace {

struct Package {
  std::string_view name, soname, debian;
};
// In order of preference: OpenBLAS is the fastest or close to it everywhere and suffers least from busy
// neighbours.
constexpr std::array packages = {Package{"OpenBLAS", "libopenblas.so.0", "libopenblas0-pthread"},
                                 Package{"oneDNN", "libdnnl.so.2", "libdnnl2"},
                                 Package{"BLIS", "libblis.so.4", "libblis4-pthread"}};

const Package& package(std::string_view name) {
  for (const Package& each : packages) {
    if (each.name == name) return each;
  }
  throw Error(ErrorCode::internal, "no matrix library is called " + std::string(name));
}

class SharedObject {
 public:
  explicit SharedObject(std::string_view soname)
      : handle_(dlopen(std::string(soname).c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) {
      const char* reason = dlerror();
      note_ = reason != nullptr ? reason : "it cannot be loaded";
    }
  }
  SharedObject(const SharedObject&) = delete;
  SharedObject(SharedObject&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  ~SharedObject() {
    if (handle_ != nullptr) dlclose(handle_);
  }

  explicit operator bool() const { return handle_ != nullptr; }
  void keep() { handle_ = nullptr; }
  const std::string& note() const { return note_; }

  template <typename Function>
  bool find(const char* symbol, Function& function) {
    function = reinterpret_cast<Function>(dlsym(handle_, symbol));
    if (function == nullptr) note_ = "it has no function " + std::string(symbol);
    return function != nullptr;
  }

  std::string file() const {
    link_map* map = nullptr;
    if (dlinfo(handle_, RTLD_DI_LINKMAP, &map) != 0 || map == nullptr) return "";
    std::error_code error;
    const auto resolved = std::filesystem::canonical(map->l_name, error);
    return error ? map->l_name : resolved.string();
  }

 private:
  void* handle_ = nullptr;
  std::string note_;
};

constexpr int row_major = 101, not_transposed = 111, transposed = 112;  // values of the CBLAS interface

using CblasProduct = void (*)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                              const float* a, int lda, const float* b, int ldb, float beta, float* c,
                              int ldc);

int checked_int(size_t extent) {
  if (extent > INT_MAX) {
    throw Error(ErrorCode::too_large, "a matrix is too large for the matrix library",
                {.where = "",
                 .expected = "at most " + std::to_string(INT_MAX) + " rows and columns",
                 .found = std::to_string(extent),
                 .remedy = ""});
  }
  return static_cast<int>(extent);
}

// OpenBLAS and BLIS: both speak the CBLAS interface, and neither has a bfloat16 product here.
template <typename Count>
class CblasLibrary : public MatrixLibrary {
 public:
  void multiply(const ProductTask<float>& t) const override {
    product_(row_major, t.transpose_a == Transpose::yes ? transposed : not_transposed,
             t.transpose_b == Transpose::yes ? transposed : not_transposed, checked_int(t.rows),
             checked_int(t.columns), checked_int(t.inner), t.alpha, t.a, checked_int(t.stride_a), t.b,
             checked_int(t.stride_b), t.beta, t.c, checked_int(t.stride_c));
  }
  bool multiply(const ProductTask<uint16_t>&) const override { return false; }
  void set_own_threads(int count) override { set_threads_(count); }

 protected:
  bool load_functions(SharedObject& object, const char* set_threads) {
    return object.find("cblas_sgemm", product_) && object.find(set_threads, set_threads_);
  }
  void describe(const SharedObject& object, std::string name, std::string version, std::string kernel) {
    name_ = std::move(name);
    version_ = std::move(version);
    kernel_ = std::move(kernel);
    file_ = object.file();
    set_threads_(1);
  }

 private:
  CblasProduct product_ = nullptr;
  void (*set_threads_)(Count) = nullptr;
};

class OpenBlas : public CblasLibrary<int> {
 public:
  bool load(SharedObject& object) {
    char* (*config)() = nullptr;
    char* (*core)() = nullptr;
    if (!load_functions(object, "openblas_set_num_threads") || !object.find("openblas_get_config", config) ||
        !object.find("openblas_get_corename", core)) {
      return false;
    }
    const std::string text = config();  // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH …"
    const size_t begin = text.find(' ') + 1;
    describe(object, "OpenBLAS", text.substr(begin, text.find(' ', begin) - begin), core());
    return true;
  }
};

class Blis : public CblasLibrary<long> {
 public:
  bool load(SharedObject& object) {
    const char* (*version)() = nullptr;
    int (*architecture)() = nullptr;
    const char* (*architecture_name)(int) = nullptr;
    if (!load_functions(object, "bli_thread_set_num_threads") ||
        !object.find("bli_info_get_version_str", version) ||
        !object.find("bli_arch_query_id", architecture) ||
        !object.find("bli_arch_string", architecture_name)) {
      return false;
    }
    describe(object, "BLIS", version(), architecture_name(architecture()));
    return true;
  }
};

// Signals wait until the end of its scope. Kernels that oneDNN 2.6 makes for AVX-512 keep a place in a matrix in the stack
// pointer, so that the system would write the frame of a handler over the heap.
class SignalsWait {
 public:
  SignalsWait() {
    sigset_t waiting;
    sigfillset(&waiting);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) sigdelset(&waiting, fault);
    pthread_sigmask(SIG_BLOCK, &waiting, &before_);
  }
  SignalsWait(const SignalsWait&) = delete;
  ~SignalsWait() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

class OneDnn : public MatrixLibrary {
 public:
  struct Version {
    int major, minor, patch;
  };

  bool load(SharedObject& object) {
    const Version* (*version)() = nullptr;
    int (*isa)() = nullptr;
    if (!object.find("dnnl_sgemm", product_) || !object.find("dnnl_version", version) ||
        !object.find("dnnl_get_effective_cpu_isa", isa) ||
        !object.find("omp_set_num_threads", set_threads_)) {
      return false;
    }
    object.find("dnnl_gemm_bf16bf16f32", bfloat_product_);  // missing: no bfloat16 products
    name_ = "oneDNN";
    file_ = object.file();
    version_ = std::to_string(version()->major) + '.' + std::to_string(version()->minor) + '.' +
               std::to_string(version()->patch);
    kernel_ = isa_name(isa());
    return true;
  }
  void multiply(const ProductTask<float>& t) const override {
    claim_thread();
    const SignalsWait waiting;  // also in threads that are started now
    const int status = product_(letter(t.transpose_a), letter(t.transpose_b), t.rows, t.columns, t.inner,
                                t.alpha, t.a, t.stride_a, t.b, t.stride_b, t.beta, t.c, t.stride_c);
    if (status != 0)
      throw Error(ErrorCode::internal, "oneDNN refused a matrix product: " + std::to_string(status));
  }
  bool multiply(const ProductTask<uint16_t>& t) const override {
    if (bfloat_product_ == nullptr) return false;
    claim_thread();
    const SignalsWait waiting;
    return bfloat_product_(letter(t.transpose_a), letter(t.transpose_b), t.rows, t.columns, t.inner, t.alpha,
                           t.a, t.stride_a, t.b, t.stride_b, t.beta, t.c, t.stride_c) == 0;
  }
  void set_own_threads(int count) override { own_threads_ = count; }

 private:
  template <typename T>
  using Product = int (*)(char, char, long, long, long, float, const T*, long, const T*, long, float, float*,
                          long);

  static char letter(Transpose transpose) { return transpose == Transpose::yes ? 'T' : 'N'; }

  // OpenMP's thread count belongs to the calling thread, so each caller sets its own.
  void claim_thread() const {
    thread_local int claimed = 0;
    if (claimed != own_threads_) set_threads_(claimed = own_threads_);
  }

  // Values of dnnl_cpu_isa_t, the widest first; each contains the bits of the narrower ones.
  static std::string isa_name(int isa) {
    constexpr std::pair<int, const char*> names[] = {{0x3e7, "avx512_core_amx"}, {0xe7, "avx512_core_bf16"},
                                                     {0x67, "avx512_core_vnni"}, {0x27, "avx512_core"},
                                                     {0x407, "avx2_vnni"},       {0x7, "avx2"}};
    for (const auto& [bits, name] : names) {
      if ((isa & bits) == bits) return name;
    }
    return "generic";
  }

  Product<float> product_ = nullptr;
  Product<uint16_t> bfloat_product_ = nullptr;
  void (*set_threads_)(int) = nullptr;
  int own_threads_ = 1;
};

template <typename Library>
std::unique_ptr<MatrixLibrary> load(const Package& package, std::string& note) {
  SharedObject object(package.soname);
  auto library = std::make_unique<Library>();
  if (!object || !library->load(object)) {
    note = object.note();
    return nullptr;
  }
  object.keep();
  return library;
}

// Sets an environment variable, when it has no value yet, for as long as a library is being loaded. Programs
// started later must not inherit it.
class VariableWhileLoading {
 public:
  explicit VariableWhileLoading(const char* name) : name_(name), given_(getenv(name) != nullptr) {}
  VariableWhileLoading(const VariableWhileLoading&) = delete;
  ~VariableWhileLoading() {
    if (!given_) unsetenv(name_);
  }
  bool given() const { return given_; }
  void set(std::string_view value) {
    if (!given_) setenv(name_, std::string(value).c_str(), 1);
  }

 private:
  const char* name_;
  bool given_;
};

std::unique_ptr<MatrixLibrary> load_openblas(const Package& package, std::string& note) {
  VariableWhileLoading threads("OPENBLAS_NUM_THREADS"), core_type("OPENBLAS_CORETYPE");
  threads.set("1");  // a product runs in its caller's thread; without this, loading starts a pool of threads
  if (!core_type.given()) {
    SharedObject object(package.soname);
    OpenBlas first;
    const bool loaded = object && first.load(object);
    const std::string_view forced = loaded ? openblas_kernel_to_force(first.kernel()) : "";
    if (!forced.empty()) {
      note =
          "OpenBLAS takes this processor for " + first.kernel() + "; " + std::string(forced) + " was forced";
      core_type.set(forced);
    }
  }
  return load<OpenBlas>(package, note);
}

}  // namespace

const std::vector<std::string_view>& matrix_library_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const Package& each : packages) all.push_back(each.name);
    return all;
  }();
  return names;
}

std::string_view matrix_library_package(std::string_view name) {
  return package(name).debian;
}

std::string find_matrix_library(std::string_view name) {
  const SharedObject object(package(name).soname);
  return object ? object.file() : "";
}

std::string_view openblas_kernel_to_force(std::string_view detected) {
  const auto is_one_of = [&](std::initializer_list<std::string_view> kernels) {
    return std::find(kernels.begin(), kernels.end(), detected) != kernels.end();
  };
  if (is_one_of({"SkylakeX", "Cooperlake", "Sapphirerapids"})) return "";
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
    return "SkylakeX";  // on a Zen 5 twice as fast as an AVX2 kernel
  }
  if (is_one_of({"Haswell", "Zen", "Excavator"})) return "";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
  return "";
}

std::unique_ptr<MatrixLibrary> load_matrix_library(std::string_view name, std::string& note) {
  const Package& found = package(name);
  if (name == "OpenBLAS") return load_openblas(found, note);
  if (name == "BLIS") return load<Blis>(found, note);
  return load<OneDnn>(found, note);
}

}  // namespace cowatch
