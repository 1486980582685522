// `cowatch bench embed`: `cowatch embed` on a catalogue of generated features that need not fit in memory,
// and one new video by itself, whose aim is 5 ms. The limit of the catalogue is the rate of matrix products
// of the first layer's shape, measured in the same process. Peak memory is the process's own, pages of mapped
// files included.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/file.h"
#include "base/random.h"
#include "base/temporary_folder.h"
#include "base/tensor_file.h"
#include "base/threads.h"
#include "bench/benchmarks.h"
#include "learn/relational/joint.h"
#include "learn/relational/weights.h"
#include "math/float16.h"
#include "pipeline/embed_stage.h"
#include "store/workspace.h"

namespace cowatch::bench {
namespace {

struct EmbedArguments {
  size_t videos = 1'000'000, input = 256, hidden = 1000, outputs = 64;
  int repeats = 200;
};

constexpr size_t chunk = 1 << 15;
constexpr uint32_t stream = 0x656d6264;

// The network of one new video: features of 1,024 columns, and the defaults of train.hidden and
// train.outputs.
constexpr size_t network_columns = 1024, network_hidden = 4000, network_outputs = 256;

Branch make_branch(size_t columns, size_t hidden, size_t outputs) {
  Branch branch;
  branch.name = "generated";
  branch.kind = Branch::Kind::towers;
  branch.normalisation = {std::vector<float>(columns), std::vector<float>(columns, 1), 0};
  branch.shape = {{{0, columns, hidden}}, outputs};
  branch.parameters.resize(branch.shape.parameters());
  initialise(branch.shape, 1, 0, branch.parameters);
  return branch;
}

Network make_network(const EmbedArguments& options) {
  return Network({{"features", 0, options.input}},
                 {make_branch(options.input, options.hidden, options.outputs)});
}

// Numbers in [-1, 1); a word gives four.
std::vector<float> make_features(size_t first, size_t count, size_t width) {
  const Random random(1, stream);
  std::vector<float> values(count * width);
  parallel_for(count, 256, [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) {
      for (size_t k = 0; k < width; k += 16) {
        const auto words = random.words(first + r, static_cast<uint32_t>(k));
        for (size_t c = k; c < std::min(k + 16, width); ++c) {
          const auto byte = static_cast<int>(words[(c - k) / 4] >> ((c - k) % 4 * 8) & 0xff);
          values[r * width + c] = static_cast<float>(byte - 128) / 128;
        }
      }
    }
  });
  return values;
}

size_t peak_mib() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss) / 1024;
}

double product_gflops(const EmbedArguments& options) {
  constexpr size_t rows = 4096;
  std::vector<float> a(rows * options.input, 0.5f), b(options.hidden * options.input, 0.25f),
      c(rows * options.hidden);
  double best = 1e9;
  for (int turn = 0; turn < 5; ++turn) {
    const double start = seconds_now();
    multiply(Transpose::no, Transpose::yes, 1, ConstMatrix(a.data(), rows, options.input),
             ConstMatrix(b.data(), options.hidden, options.input), 0, Matrix(c.data(), rows, options.hidden));
    best = std::min(best, seconds_now() - start);
  }
  return 2e-9 * static_cast<double>(rows * options.input * options.hidden) / best;
}

// features.safetensors of generated numbers, in float16; written without ever being in memory as a whole.
void write_features(const EmbedArguments& options, const Workspace& workspace) {
  const Path plain = workspace.file("generated");
  const auto file = file_system().create(plain);
  std::vector<uint16_t> halves(chunk * options.input);
  for (size_t first = 0; first < options.videos; first += chunk) {
    const size_t count = std::min(chunk, options.videos - first);
    const auto values = make_features(first, count, options.input);
    const std::span<uint16_t> part(halves.data(), values.size());
    halves_from_floats(values, part);
    file->write(std::as_bytes(part));
  }
  const MappedFile map(plain);
  TensorFileWriter writer("features", 1);
  writer.add_map("features", ElementType::f16, {options.videos, options.input}, map);
  writer.write(workspace.features());
  file_system().remove(plain);
}

// `cowatch embed` itself, on a workspace whose catalogue is `videos` long.
void embed_catalogue(const EmbedArguments& options, Report& report) {
  const TemporaryFolder folder;
  const Workspace workspace = Workspace::open_or_create(folder.path() / "workspace");
  make_network(options).save(workspace.model(), {});
  write_features(options, workspace);
  const double product = product_gflops(options);
  const size_t before = peak_mib();
  const EmbedSummary summary = run_embed_stage(workspace, Settings());
  const double operations = 2.0 * static_cast<double>(options.videos) *
                            static_cast<double>(options.hidden * (options.input + options.outputs));
  report.add_row({{"what", "catalogue"},
                  {"videos", summary.embedded},
                  {"seconds", summary.seconds},
                  {"videos_per_second", static_cast<double>(options.videos) / summary.seconds},
                  {"gflops", operations * 1e-9 / summary.seconds},
                  {"sgemm_gflops", product},
                  {"features_mib", std::filesystem::file_size(workspace.features()) >> 20},
                  {"embeddings_mib", std::filesystem::file_size(workspace.embeddings()) >> 20},
                  {"peak_mib_before", before},
                  {"peak_mib", peak_mib()}});
}

constexpr double aim_milliseconds = 5;

// Embeds one row at a time.
void embed_one(const std::string& what, Network network, int repeats, Report& report) {
  network.keep_halves();  // as for an upload
  size_t parameters =
      network.joint_width() == network.outputs() ? 0 : network.joint_width() * network.outputs();
  for (const Branch& branch : network.branches()) parameters += branch.parameters.size();
  std::vector<double> milliseconds;
  std::vector<float> row(network.outputs());
  for (int k = 0; k <= repeats; ++k) {
    const FeatureTable features = FeatureTable::of_rows(
        1, network.inputs(), make_features(static_cast<size_t>(k), 1, network.inputs()));
    const double start = seconds_now();
    network.embed(features, 0, Matrix(row.data(), 1, row.size()));
    if (k > 0) milliseconds.push_back(1e3 * (seconds_now() - start));  // the first loads the matrix library
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  const Spread taken = spread(milliseconds, true);
  report.add_row({{"what", what},
                  {"branches", network.branches().size()},
                  {"parameters_mb", static_cast<double>(parameters) * sizeof(float) * 1e-6},
                  {"milliseconds", taken.median},
                  {"milliseconds_best", taken.best},
                  {"milliseconds_p99", milliseconds[milliseconds.size() * 99 / 100]},
                  {"limit_milliseconds", aim_milliseconds}});
  std::printf("%s: %.2f ms, %.0f %% of the aim of %.0f ms\n", what.c_str(), taken.median,
              100 * taken.median / aim_milliseconds, aim_milliseconds);
}

void add_branch(std::vector<Branch>& branches, Branch::Kind kind, size_t hidden) {
  Branch branch = make_branch(network_columns, hidden, network_outputs);
  branch.name = "branch " + std::to_string(branches.size());
  branch.kind = kind;
  if (kind != Branch::Kind::towers) branch.shape.towers.clear();
  if (kind == Branch::Kind::features) branch.parameters.clear();
  if (kind == Branch::Kind::linear) branch.parameters.resize(network_columns * network_outputs);
  branches.push_back(std::move(branch));
}

// As large as `default` makes it of so many columns at its defaults (learn/relational/joint.cpp): features as
// they are in two ways, linear maps with three dampings, and as many trainings of three networks as can each
// carry more than the weight that a further one needs; then the projection to the width of the features.
// (Narrower features get random units too; with them it is smaller all the same.)
Network largest_join() {
  std::vector<Branch> branches;
  for (int k = 0; k < 2; ++k) add_branch(branches, Branch::Kind::features, 1);
  for (int k = 0; k < 3; ++k) add_branch(branches, Branch::Kind::linear, 1);
  const JointOptions options;
  const std::vector<double> weights(3, 0.26);
  for (const size_t starts : starts_of(weights, options.budget - weights.size() * options.splits)) {
    for (size_t k = 0; k < starts; ++k) add_branch(branches, Branch::Kind::towers, network_hidden);
  }
  const size_t joint = Network({{"features", 0, network_columns}}, branches).outputs();
  std::vector<float> projection = make_features(0, network_columns, joint);
  return Network({{"features", 0, network_columns}}, std::move(branches), std::move(projection));
}

// One new video through one network, and through what `cowatch train` makes at the most when nothing is said.
void embed_new_videos(const EmbedArguments& options, Report& report) {
  std::vector<Branch> one;
  add_branch(one, Branch::Kind::towers, network_hidden);
  embed_one("one video, 1024->4000->256", Network({{"features", 0, network_columns}}, std::move(one)),
            options.repeats, report);
  embed_one("one video, the largest join of default", largest_join(), options.repeats, report);
}

void run_embed(const EmbedArguments& options, Report& report) {
  report.settings = {{"videos", options.videos},   {"input", options.input},     {"hidden", options.hidden},
                     {"outputs", options.outputs}, {"repeats", options.repeats}, {"threads", threads()}};
  embed_new_videos(options, report);
  embed_catalogue(options, report);
}

std::function<void(Report&)> configure_embed(CommandLine app) {
  auto options = std::make_shared<EmbedArguments>();
  const Flags add(app);
  add.positive("--videos", options->videos, "videos of the catalogue");
  add.positive("--input", options->input, "features of a video");
  add.positive("--hidden", options->hidden, "hidden units");
  add.positive("--outputs", options->outputs, "width of the embedding");
  add.positive("--repeats", options->repeats, "times that one video is embedded");
  return [options](Report& report) { run_embed(*options, report); };
}

}  // namespace

Benchmark embed_benchmark() {
  return {"embed", "a catalogue of any length in bounded memory, and one new video", "--videos 10000000", configure_embed};
}

}  // namespace cowatch::bench
