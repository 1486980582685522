#include "pipeline/embed_stage.h"

#include <algorithm>
#include <chrono>

#include "base/hash.h"
#include "base/progress.h"
#include "base/tensor_file.h"
#include "learn/relational/network.h"
#include "pipeline/contents.h"

namespace cowatch {
namespace {

constexpr size_t block_rows = 4096;
constexpr int format = 1;

// Embeds all rows into a file of nothing but numbers, block by block; returns how many videos have an
// embedding.
uint64_t embed_to(const Path& path, const Network& network, const FeatureTable& features) {
  const auto file = file_system().create(path);
  Progress progress("embedding", "videos", features.items());
  std::vector<float> values(std::min(block_rows, features.items()) * network.outputs());
  uint64_t embedded = 0;
  for (size_t first = 0; first < features.items(); first += block_rows) {
    throw_if_interrupted();
    const size_t count = std::min(block_rows, features.items() - first);
    network.embed(features, first, Matrix(values.data(), count, network.outputs()));
    file->write(std::as_bytes(std::span(values).first(count * network.outputs())));
    features.release(first, count);
    for (size_t r = 0; r < count; ++r) embedded += features.known(static_cast<uint32_t>(first + r));
    progress.add(count);
  }
  return embedded;
}

}  // namespace

std::string embed_fingerprint(const Workspace& workspace, const Settings&) {
  return Fingerprint()
      .add("embed 1")
      .add(content_digest(workspace.model(), "Run `cowatch train WS relational`."))
      .add(content_digest(workspace.features(), "Run `cowatch extract`, or import features."))
      .digest();
}

bool embeddings_are_current(const Workspace& workspace, const Settings& settings) {
  return input_of(workspace.embeddings()) == embed_fingerprint(workspace, settings);
}

EmbedSummary run_embed_stage(const Workspace& workspace, const Settings& settings) {
  const auto start = std::chrono::steady_clock::now();
  const std::string input = embed_fingerprint(workspace, settings);
  const Network network = Network::load(workspace.model());
  const FeatureTable features = FeatureTable::load(workspace.features());
  EmbedSummary summary;
  summary.videos = features.items();
  summary.width = network.outputs();
  Path rows = workspace.embeddings();
  rows += ".rows";
  summary.embedded = embed_to(rows, network, features);
  {
    const MappedFile map(rows);
    TensorFileWriter writer("embeddings", format);
    writer.set("input", input);
    writer.set("model", content_digest(workspace.model(), ""));
    writer.add_map("embeddings", ElementType::f32, {features.items(), network.outputs()}, map);
    writer.write(workspace.embeddings());
  }
  file_system().remove(rows);
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return summary;
}

}  // namespace cowatch
