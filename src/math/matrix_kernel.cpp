#include "math/matrix_kernel.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "math/kernel_check.h"

namespace cowatch {
namespace {

constexpr size_t first_use_size =
    768;  // 9 ms a product at 100 GFLOP/s, large enough to be near the final rate
constexpr int first_use_rounds = 5;
constexpr double close_enough = 0.97;
// A library's own worker threads spin this long after a product and would steal the next one's core.
constexpr std::chrono::milliseconds spinning(60);
constexpr int cache_format = 2;  // 1 knew no AVX-512 kernel of OpenBLAS for processors newer than it

struct Candidate {
  std::unique_ptr<MatrixLibrary> library;
  MatrixKernel float32, bfloat16;
};

MatrixKernel kernel_of(const MatrixLibrary& library, Precision precision) {
  MatrixKernel kernel;
  kernel.library = library.name();
  kernel.version = library.version();
  kernel.kernel = library.kernel();
  kernel.precision = precision;
  return kernel;
}

void judge(MatrixKernel& kernel, double error) {
  kernel.error = error;
  kernel.usable = error <= 1;
  if (!kernel.usable) kernel.note = "rejected: its products are wrong on this processor";
}

Candidate make_candidate(std::string_view name) {
  Candidate candidate;
  std::string note;
  candidate.library = load_matrix_library(name, note);
  if (candidate.library == nullptr) {
    for (MatrixKernel* kernel : {&candidate.float32, &candidate.bfloat16}) {
      kernel->library = name;
      kernel->note =
          "not installed: apt-get install " + std::string(matrix_library_package(name)) + " (" + note + ")";
    }
    return candidate;
  }
  candidate.float32 = kernel_of(*candidate.library, Precision::float32);
  candidate.bfloat16 = kernel_of(*candidate.library, Precision::bfloat16);
  candidate.float32.note = note;
  bool supported = true;
  judge(candidate.float32, product_error<float>(*candidate.library, supported));
  const double error = product_error<uint16_t>(*candidate.library, supported);
  if (supported) {
    judge(candidate.bfloat16, error);
  } else {
    candidate.bfloat16.note = "no bfloat16 products";
  }
  return candidate;
}

// One product in each of `threads` threads' worth of the library's own threading.
template <typename T>
void time_once(ProductTimer<T>& timer, MatrixLibrary& library, int threads, MatrixKernel& kernel) {
  if (!kernel.usable) return;
  kernel.gflops_1 = std::max(kernel.gflops_1, timer.rate(library));
  if (threads < 2) return;
  library.set_own_threads(2);
  kernel.gflops_2 = std::max(kernel.gflops_2, timer.rate(library));
  library.set_own_threads(1);
  std::this_thread::sleep_for(spinning);
}

void time_candidates(std::vector<Candidate>& candidates, size_t size, int rounds, int threads) {
  ProductTimer<float> float32(size);
  ProductTimer<uint16_t> bfloat16(size);
  for (int round = 0; round < rounds; ++round) {
    for (Candidate& candidate : candidates) {
      if (candidate.library == nullptr) continue;
      time_once(float32, *candidate.library, threads, candidate.float32);
      time_once(bfloat16, *candidate.library, threads, candidate.bfloat16);
    }
  }
}

std::vector<Candidate> measure(size_t size, int rounds, int threads) {
  std::vector<Candidate> candidates;
  for (const std::string_view name : matrix_library_names()) candidates.push_back(make_candidate(name));
  time_candidates(candidates, size, rounds, threads);
  return candidates;
}

// The first usable one within close_enough of the fastest; nullptr when none is usable.
MatrixKernel* choose(std::vector<Candidate>& candidates, MatrixKernel Candidate::*precision) {
  double best = 0;
  for (Candidate& each : candidates) best = std::max(best, (each.*precision).gflops_1);
  for (Candidate& each : candidates) {
    MatrixKernel& kernel = each.*precision;
    if (kernel.usable && kernel.gflops_1 >= close_enough * best) return &kernel;
  }
  return nullptr;
}

void mark_chosen(std::vector<Candidate>& candidates) {
  MatrixKernel* float32 = choose(candidates, &Candidate::float32);
  if (float32 == nullptr) return;
  float32->chosen = true;
  MatrixKernel* bfloat16 = choose(candidates, &Candidate::bfloat16);
  if (bfloat16 == nullptr) return;
  if (bfloat16->gflops_1 > float32->gflops_1) {
    bfloat16->chosen = true;
  } else {
    bfloat16->note = "not used: slower than float32 here";
  }
}

Json to_json(const MatrixKernel& kernel) {
  return {{"library", kernel.library}, {"version", kernel.version},   {"kernel", kernel.kernel},
          {"error", kernel.error},     {"gflops_1", kernel.gflops_1}, {"note", kernel.note}};
}

MatrixKernel from_json(const Json& json, Precision precision) {
  MatrixKernel kernel;
  kernel.library = json.at("library");
  kernel.version = json.at("version");
  kernel.kernel = json.at("kernel");
  kernel.error = json.at("error");
  kernel.gflops_1 = json.at("gflops_1");
  kernel.note = json.at("note");
  kernel.precision = precision;
  kernel.usable = kernel.chosen = true;
  return kernel;
}

// Path, size and time of a library's file: changes with every update of the package.
std::string file_identity(const std::string& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error) return "";
  const auto time = std::filesystem::last_write_time(file, error);
  return file + "|" + std::to_string(size) + "|" + std::to_string(time.time_since_epoch().count());
}

struct Choice {
  std::shared_ptr<MatrixLibrary> library, bfloat_library;  // the second may be empty
  MatrixKernel float32, bfloat16;
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void save_choice(const Choice& choice) {
  Json files = Json::object();
  for (const std::string_view name : matrix_library_names()) {
    files[std::string(name)] = file_identity(find_matrix_library(name));
  }
  Json json = {{"format", cache_format},
               {"processor", processor_name()},
               {"openblas_coretype", environment("OPENBLAS_CORETYPE")},
               {"files", files},
               {"float32", to_json(choice.float32)}};
  if (choice.bfloat_library != nullptr) json["bf16"] = to_json(choice.bfloat16);
  try {
    std::filesystem::create_directories(matrix_kernel_cache().parent_path());
    write_atomically(matrix_kernel_cache(), json.dump(2) + "\n");
  } catch (const std::exception& error) {
    log(LogLevel::debug, std::string("the choice of the matrix kernel is not kept: ") + error.what());
  }
}

// A library that was absent has no file to look at: it is searched for again.
bool same_files(const Json& files) {
  for (const std::string_view name : matrix_library_names()) {
    const std::string known = files.at(std::string(name));
    const std::string file = known.empty() ? find_matrix_library(name) : known.substr(0, known.find('|'));
    if (file_identity(file) != known) return false;
  }
  return true;
}

// The kept choice, or nothing when there is none or it was made for another machine or other libraries.
std::optional<Choice> kept_choice() {
  std::ifstream file(matrix_kernel_cache());
  const Json json = Json::parse(file, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  try {
    if (json.at("format") != cache_format || json.at("processor") != processor_name() ||
        json.at("openblas_coretype") != environment("OPENBLAS_CORETYPE") || !same_files(json.at("files"))) {
      return std::nullopt;
    }
    Choice choice;
    std::string note;
    choice.float32 = from_json(json.at("float32"), Precision::float32);
    choice.library = load_matrix_library(choice.float32.library, note);
    if (choice.library == nullptr || choice.library->kernel() != choice.float32.kernel) return std::nullopt;
    if (!json.contains("bf16")) return choice;
    choice.bfloat16 = from_json(json.at("bf16"), Precision::bfloat16);
    const bool same = choice.bfloat16.library == choice.float32.library;
    choice.bfloat_library = same ? choice.library : load_matrix_library(choice.bfloat16.library, note);
    if (choice.bfloat_library == nullptr) return std::nullopt;
    return choice;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

[[noreturn]] void throw_no_library() {
  throw Error(ErrorCode::not_found, "no matrix library that computes correctly is installed",
              {.where = "",
               .expected = "OpenBLAS, oneDNN or BLIS",
               .found = "none",
               .remedy = "apt-get install " + std::string(matrix_library_package("OpenBLAS"))});
}

Choice measured_choice() {
  std::vector<Candidate> candidates = measure(first_use_size, first_use_rounds, 1);
  mark_chosen(candidates);
  Choice choice;
  for (Candidate& each : candidates) {
    const std::shared_ptr<MatrixLibrary> library = std::move(each.library);
    if (each.float32.chosen) choice.library = library, choice.float32 = each.float32;
    if (each.bfloat16.chosen) choice.bfloat_library = library, choice.bfloat16 = each.bfloat16;
  }
  if (choice.library == nullptr) throw_no_library();
  save_choice(choice);
  return choice;
}

// What COWATCH_MATRIX_LIBRARY asks for, checked but not timed.
Choice named_choice(const std::string& name) {
  const auto& names = matrix_library_names();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    throw Error(ErrorCode::bad_argument, "unknown matrix library",
                {.where = "COWATCH_MATRIX_LIBRARY",
                 .expected = "OpenBLAS, oneDNN or BLIS",
                 .found = name,
                 .remedy = ""});
  }
  Candidate candidate = make_candidate(name);
  if (!candidate.float32.usable) {
    throw Error(ErrorCode::not_found, "the matrix library asked for cannot be used",
                {.where = "COWATCH_MATRIX_LIBRARY",
                 .expected = "a library that is installed and correct",
                 .found = name + ": " + candidate.float32.note,
                 .remedy = "unset COWATCH_MATRIX_LIBRARY"});
  }
  Choice choice;
  choice.library = std::move(candidate.library);
  choice.float32 = candidate.float32;
  choice.float32.chosen = true;
  if (candidate.bfloat16.usable) {
    choice.bfloat_library = choice.library;
    choice.bfloat16 = candidate.bfloat16;
    choice.bfloat16.chosen = true;
  }
  return choice;
}

const Choice& choice() {
  static const Choice made = [] {
    if (const std::string name = environment("COWATCH_MATRIX_LIBRARY"); !name.empty())
      return named_choice(name);
    if (auto kept = kept_choice()) return *std::move(kept);
    return measured_choice();
  }();
  return made;
}

}  // namespace

std::string_view precision_name(Precision precision) {
  return precision == Precision::float32 ? "float32" : "bf16";
}

MatrixKernel matrix_kernel(Precision precision) {
  return precision == Precision::float32 ? choice().float32 : choice().bfloat16;
}

const MatrixLibrary& matrix_library() {
  return *choice().library;
}
const MatrixLibrary* bfloat_matrix_library() {
  return choice().bfloat_library.get();
}

std::vector<MatrixKernel> measure_matrix_kernels(size_t size, int rounds, int threads) {
  const MatrixKernel float32 = matrix_kernel(), bfloat16 = matrix_kernel(Precision::bfloat16);
  const std::vector<Candidate> candidates = measure(size, rounds, threads);
  std::vector<MatrixKernel> kernels;
  for (const Candidate& each : candidates) kernels.push_back(each.float32);
  for (const Candidate& each : candidates) kernels.push_back(each.bfloat16);
  for (MatrixKernel& kernel : kernels) {
    const MatrixKernel& used = kernel.precision == Precision::float32 ? float32 : bfloat16;
    kernel.chosen = kernel.usable && used.chosen && kernel.library == used.library;
  }
  return kernels;
}

void forget_matrix_kernel() {
  std::error_code error;
  std::filesystem::remove(matrix_kernel_cache(), error);
}

Path matrix_kernel_cache() {
  const std::string cache = environment("XDG_CACHE_HOME");
  const Path folder = cache.empty() ? Path(environment("HOME")) / ".cache" : Path(cache);
  return folder / "cowatch" / "matrix-kernel.json";
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string line, family, model, name;
  const auto value = [&](std::string_view key, std::string& into) {
    if (into.empty() && line.starts_with(key)) into = line.substr(std::min(line.size(), line.find(':') + 2));
  };
  while (std::getline(file, line) && !line.empty()) {
    value("model name", name);
    value("cpu family", family);
    value("model\t", model);
    value("CPU part", model);  // Arm
  }
  if (name.empty()) name = "unknown processor";
  return family.empty() ? name + " " + model : name + " (family " + family + ", model " + model + ")";
}

}  // namespace cowatch
