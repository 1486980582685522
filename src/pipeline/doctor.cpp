#include "pipeline/doctor.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "base/error.h"
#include "base/json.h"
#include "base/tensor_file.h"
#include "base/threads.h"
#include "base/version.h"
#include "learn/torch/torch_module.h"
#include "math/matrix_kernel.h"
#include "math/read_rate.h"
#include "math/targets.h"
#include "media/extractor.h"
#include "pipeline/index_stage.h"
#include "store/catalogue.h"
#include "store/workspace.h"

namespace cowatch {
namespace {

constexpr size_t product_size = 1024;
constexpr int product_rounds = 3, read_rounds = 3;
constexpr size_t read_floats = size_t{32} << 20;  // 128 MiB: more than the caches of most processors
constexpr double gib = 1 << 30;
constexpr double least_memory_gib = 2, least_disk_gib = 2;
constexpr rlim_t least_files = 1024;

std::string text(const char* format, double a, double b = 0) {
  char buffer[160];
  std::snprintf(buffer, sizeof buffer, format, a, b);
  return buffer;
}

Finding ok(std::string name, std::string found) {
  return {std::move(name), FindingState::ok, std::move(found), ""};
}

Finding judged(std::string name, std::string found, bool enough, std::string remedy) {
  if (enough) return ok(std::move(name), std::move(found));
  return {std::move(name), FindingState::warning, std::move(found), std::move(remedy)};
}

Finding failed(std::string name, FindingState state, const Error& error, std::string remedy) {
  const std::string& found = error.details().found;
  return {std::move(name), state, error.message() + (found.empty() ? "" : ": " + found),
          remedy.empty() ? error.details().remedy : std::move(remedy)};
}

Finding processor() {
  const auto targets = supported_targets();
  return ok("processor", processor_name() + ", " + std::to_string(threads()) + " threads, instruction set " +
                             (targets.empty() ? "none" : std::string(targets.front().name)));
}

std::string rate_text(const MatrixKernel& kernel) {
  return kernel.library + " " + kernel.version + " " + kernel.kernel +
         text(": %.0f GFLOP/s with one thread", kernel.gflops_1);
}

void add_products(std::vector<Finding>& findings) {
  const std::string remedy = "apt-get install " + std::string(matrix_library_package("OpenBLAS"));
  try {
    const MatrixKernel chosen = matrix_kernel(), brain = matrix_kernel(Precision::bfloat16);
    const auto kernels = measure_matrix_kernels(product_size, product_rounds, 1);
    double best = 0;
    MatrixKernel now = chosen, brain_now = brain;
    for (const MatrixKernel& kernel : kernels) {
      if (kernel.precision == Precision::float32) best = std::max(best, kernel.gflops_1);
      if (kernel.precision == Precision::float32 && kernel.library == chosen.library) now = kernel;
      if (kernel.precision == Precision::bfloat16 && kernel.library == brain.library) brain_now = kernel;
    }
    // Below this a choice made on a busier day is worth making again.
    constexpr double far_from_best = 0.9;
    findings.push_back(judged("matrix products", rate_text(now) + text(", the best here %.0f", best),
                              now.gflops_1 >= far_from_best * best,
                              "rm " + matrix_kernel_cache().string() + "   # the next run chooses anew"));
    findings.push_back(ok("bf16 products", brain.usable ? rate_text(brain_now)
                                                        : "not faster than float32 here: widened to it"));
  } catch (const Error& error) {
    findings.push_back(failed("matrix products", FindingState::missing, error, remedy));
  }
}

// Not to have one is no fault: the processor trains. A module that does not load is.
Finding card() {
  if (!std::filesystem::exists(torch_module_file()))
    return ok("training on a card", "no module for libtorch (docs/performance.md): networks are trained on the processor");
  try {
    const TorchModule& module = torch_module();
    return ok("training on a card", "libtorch " + std::string(module.version) +
                                        (module.cuda_devices > 0 ? ", CUDA devices: " + std::to_string(module.cuda_devices)
                                                                 : ", no CUDA device: " + std::string(module.cuda_problem)));
  } catch (const Error& error) {
    return failed("training on a card", FindingState::warning, error, "cmake --fresh --preset release && cmake --build --preset release");
  }
}

Finding memory_rate() {
  const std::vector<float> values(read_floats, 1.0f);
  const ReadRates rates = measure_read_rates(values, read_rounds);
  return ok("memory bandwidth",
            text("%.1f GB/s with one thread, %.1f with all", rates.gbps_1, rates.gbps_all));
}

Finding memory() {
  const double size =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  return judged("memory", text("%.1f GiB", size / gib), size >= least_memory_gib * gib,
                "cowatch config --help   # lower graph.memory and train.batch");
}

Finding open_files() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  return judged("open files", std::to_string(limit.rlim_cur) + " at once", limit.rlim_cur >= least_files,
                "ulimit -n " + std::to_string(least_files));
}

Finding disk_space(const Path& disk) {
  std::error_code error;
  const auto space = std::filesystem::space(disk, error);
  if (error) return {"free disk", FindingState::warning, disk.string() + ": " + error.message(), "df -h"};
  const auto free = static_cast<double>(space.available);
  return judged("free disk", text("%.1f GiB in ", free / gib) + disk.string(), free >= least_disk_gib * gib,
                "df -h " + disk.string());
}

// The last line that `command` prints, parsed; not an object when it failed.
Json output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string output;
  char buffer[4096];
  while (const size_t count = fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, count);
  return pclose(pipe) == 0 ? Json::parse(output, nullptr, false) : Json();
}

Finding media_program() {
  const Path program = program_folder() / "cowatch-media";
  const std::string remedy = "cmake --build --preset release --target cowatch-media";
  if (!std::filesystem::exists(program))
    return {"cowatch-media", FindingState::missing, "no " + program.string(), remedy};
  std::string quoted;
  for (const char c : program.string()) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  const Json versions = output_of("'" + quoted + "' versions 2>/dev/null");
  if (!versions.is_object())
    return {"cowatch-media", FindingState::missing, "does not start: " + program.string(), remedy};
  const auto said = [&](const Json& at, const char* name) { return at.value(name, std::string("?")); };
  return ok("cowatch-media",
            "FFmpeg " + said(versions.value("ffmpeg", Json::object()), "release") + ", OpenCV " +
                said(versions, "opencv") + ", libseccomp " + said(versions, "seccomp") +
                (versions.value("h264_encoder", false) ? ", encodes H.264" : ", no H.264 encoder"));
}

// How decoding is kept apart from the rest of the machine.
Finding confinement() {
  try {
    const bool apart = Extractor(MediaLimits()).namespaces();
    return judged("confinement of decoding", apart ? "namespaces of its own and a filter of system calls" : "a filter of system calls, no namespaces",
                  apart, "sysctl kernel.unprivileged_userns_clone=1   # or run where user namespaces are allowed");
  } catch (const Error& error) {
    return failed("confinement of decoding", FindingState::missing, error, "");
  }
}

Finding page_files() {
  const Path page = shared_file("web") / "index.html";
  if (std::filesystem::exists(page)) return ok("page", page.string());
  return {"page", FindingState::missing, "no " + page.string(), "cmake --build --preset release"};
}

struct Artifact {
  std::string_view file, verb;
  enum class Needs { nothing, contents, always } needs;  // contents: files of videos, or imported features
};
constexpr Artifact artifacts[] = {
    {"imported_features.safetensors", "import", Artifact::Needs::nothing},
    {"features.safetensors", "extract", Artifact::Needs::contents},
    {"graph.safetensors", "graph", Artifact::Needs::always},
    {"tree.safetensors", "graph", Artifact::Needs::always},
    {"model.safetensors", "train", Artifact::Needs::contents},
    {"embeddings.safetensors", "embed", Artifact::Needs::contents},
};

// The kinds and formats are the readers' business; here every byte is compared with its checksum.
Finding artifact_finding(const Path& path, const std::string& remedy) {
  constexpr int any_format = 1 << 30;
  const std::string name = path.filename().string();
  try {
    const TensorFile file(path, "", any_format);
    file.verify();
    return ok(name, text("%.1f MiB, checksums hold",
                         static_cast<double>(std::filesystem::file_size(path)) / (1 << 20)));
  } catch (const Error& error) {
    return {name, FindingState::warning, "damaged: " + error.message(), remedy};
  }
}

std::string verb_command(std::string_view verb, const Path& folder) {
  const std::string command = "cowatch " + std::string(verb) + " " + shell_word(folder);
  if (verb == "train") return command + " relational";
  return verb == "import" ? command + " --features FILE" : command;
}

// Without any, the graph alone answers, and what is learned has nothing to learn from.
bool has_contents(const Workspace& workspace) {
  if (std::filesystem::exists(workspace.imported_features())) return true;
  const Catalogue catalogue(workspace.catalogue(), Catalogue::Mode::read);
  for (uint32_t first = 0;;) {
    const auto items = catalogue.items(first, 5000);
    if (items.empty()) return false;
    for (const ItemRecord& item : items)
      if (!item.media_path.empty()) return true;
    first = items.back().index + 1;
  }
}

// What searches read.
void add_release(const Workspace& workspace, std::vector<Finding>& findings) {
  const std::string remedy = verb_command("index", workspace.folder());
  try {
    for (const Path& path : index_artifacts(workspace)) {
      findings.push_back(artifact_finding(path, remedy));
      findings.back().name = std::filesystem::relative(path, workspace.folder()).string();
    }
  } catch (const Error& error) {
    findings.push_back(failed("search", FindingState::warning, error, remedy));
  }
}

void add_artifacts(const Workspace& workspace, bool contents, std::vector<Finding>& findings) {
  if (!contents) {
    findings.push_back(ok("features", "no video has a file and none were imported: related videos come from the graph alone; "
                                      "`cowatch import " + shell_word(workspace.folder()) + " --videos FOLDER` changes that"));
  }
  std::map<std::string, std::string> remedies;
  for (const Artifact& artifact : artifacts) {
    const std::string name(artifact.file), command = verb_command(artifact.verb, workspace.folder());
    remedies[name] = command;
    const bool wanted = artifact.needs == Artifact::Needs::always || (artifact.needs == Artifact::Needs::contents && contents);
    if (wanted && !std::filesystem::exists(workspace.file(name)))
      findings.push_back({name, FindingState::missing, "not made yet", command});
  }
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::directory_iterator(workspace.folder())) {
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const Path& file : files) {
    const auto known = remedies.find(file.filename().string());
    findings.push_back(
        artifact_finding(file, known != remedies.end() ? known->second : "rm " + file.string()));
  }
}

Finding catalogue_finding(const Workspace& workspace) {
  const std::string remedy = "cowatch import " + shell_word(workspace.folder()) + " --events FILE";
  if (!std::filesystem::exists(workspace.catalogue()))
    return {"catalogue", FindingState::missing, "nothing was imported yet", remedy};
  try {
    const Catalogue catalogue(workspace.catalogue(), Catalogue::Mode::read);
    return ok("catalogue", std::to_string(catalogue.item_count()) + " videos, " +
                               std::to_string(catalogue.user_count()) + " people, " +
                               std::to_string(catalogue.event_count()) + " events");
  } catch (const Error& error) {
    return failed("catalogue", FindingState::warning, error,
                  "mv " + workspace.catalogue().string() + " " + workspace.catalogue().string() +
                      ".damaged && " + remedy);
  }
}

}  // namespace

std::string_view state_name(FindingState state) {
  constexpr std::string_view names[] = {"ok", "warning", "missing"};
  return names[static_cast<size_t>(state)];
}

std::vector<Finding> examine_machine(const Path& disk) {
  std::vector<Finding> findings;
  findings.push_back(ok("program", "cowatch " + std::string(version()) + " (" + std::string(commit()) + ")"));
  findings.push_back(processor());
  add_products(findings);
  findings.push_back(card());
  findings.push_back(memory_rate());
  findings.push_back(memory());
  findings.push_back(open_files());
  findings.push_back(disk_space(disk));
  findings.push_back(media_program());
  if (findings.back().state == FindingState::ok) findings.push_back(confinement());
  findings.push_back(page_files());
  findings.push_back(ok("SQLite", std::string(sqlite_version())));
  return findings;
}

std::vector<Finding> examine_workspace(const Path& folder) {
  std::vector<Finding> findings;
  try {
    const Workspace workspace = Workspace::open(folder, Workspace::Access::read);
    findings.push_back(ok("layout", std::to_string(Workspace::layout_version) + " in " + folder.string()));
    findings.push_back(catalogue_finding(workspace));
    const bool readable = findings.back().state == FindingState::ok;
    add_artifacts(workspace, !readable || has_contents(workspace), findings);
    add_release(workspace, findings);
  } catch (const Error& error) {
    findings.push_back(failed("layout", FindingState::missing, error, ""));
  }
  return findings;
}

}  // namespace cowatch
