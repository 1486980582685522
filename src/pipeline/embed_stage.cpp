#include "pipeline/embed_stage.h"

#include <algorithm>

#include "base/clock.h"
#include "base/hash.h"
#include "base/progress.h"
#include "base/tensor_file.h"
#include "learn/relational/network.h"
#include "pipeline/contents.h"
#include "search/compute/codes/row_codes.h"

namespace cowatch {
namespace {

constexpr size_t rows_at_once = 4096;
constexpr int format = 1;

// Files of nothing but numbers: what is embedded need not fit into memory. Removed as soon as they are mapped, so that a
// kill leaves them only where the stage has to run again.
struct Parts {
  Path rows, codes;
  explicit Parts(const Path& beside) : rows(beside), codes(beside) { rows += ".rows", codes += ".codes"; }
  Parts(const Parts&) = delete;
  ~Parts() { remove(); }
  void remove() const {
    std::error_code ignored;  // the next run writes over them
    std::filesystem::remove(rows, ignored);
    std::filesystem::remove(codes, ignored);
  }
};

// Embeds all rows block by block, with their codes; returns how many videos have an embedding.
uint64_t embed_to(const Parts& parts, std::vector<float>& errors, const Network& network,
                  const FeatureTable& features) {
  const auto file = file_system().create(parts.rows), code_file = file_system().create(parts.codes);
  Progress progress("embedding", "videos", features.items());
  std::vector<float> values(std::min(rows_at_once, features.items()) * network.outputs());
  std::vector<uint8_t> records(std::min(rows_at_once, features.items()) *
                               RowCodes::record_bytes(network.outputs()));
  errors.resize(features.items());
  uint64_t embedded = 0;
  for (size_t first = 0; first < features.items(); first += rows_at_once) {
    throw_if_interrupted();
    const size_t count = std::min(rows_at_once, features.items() - first);
    const Matrix rows(values.data(), count, network.outputs());
    network.embed(features, first, rows);
    const auto codes = std::span(records).first(count * RowCodes::record_bytes(network.outputs()));
    RowCodes::encode_rows(rows, codes, std::span(errors).subspan(first, count));
    file->write(std::as_bytes(std::span(values).first(count * network.outputs())));
    code_file->write(std::as_bytes(codes));
    features.release(first, count);
    for (size_t r = 0; r < count; ++r) embedded += network.sees(features, static_cast<uint32_t>(first + r));
    progress.add(count);
  }
  return embedded;
}

}  // namespace

std::string embed_fingerprint(const Workspace& workspace, const Settings&) {
  return Fingerprint()
      .add("embed 2")
      .add(content_digest(workspace.model(), "Run `cowatch train WS relational`."))
      .add(content_digest(workspace.features(), "Run `cowatch extract`, or import features."))
      .digest();
}

bool embeddings_are_current(const Workspace& workspace, const Settings& settings) {
  return input_of(workspace.embeddings()) == embed_fingerprint(workspace, settings);
}

EmbedSummary run_embed_stage(const Workspace& workspace, const Settings& settings) {
  const double start = seconds_now();
  const std::string input = embed_fingerprint(workspace, settings);
  const Network network = Network::load(workspace.model());
  const FeatureTable features = FeatureTable::load(workspace.features());
  EmbedSummary summary;
  summary.videos = features.items();
  summary.width = network.outputs();
  const Parts parts(workspace.embeddings());
  std::vector<float> errors;
  summary.embedded = embed_to(parts, errors, network, features);
  const MappedFile rows(parts.rows), codes(parts.codes);
  parts.remove();
  TensorFileWriter writer("embeddings", format);
  writer.set("input", input);
  writer.set("model", content_digest(workspace.model(), ""));
  writer.add_map("embeddings", ElementType::f32, {features.items(), network.outputs()}, rows);
  writer.add<float>("code_errors", {features.items()}, errors);
  writer.add_map("codes", ElementType::u8, {features.items(), RowCodes::record_bytes(network.outputs())},
                 codes);
  writer.write(workspace.embeddings());
  summary.seconds = seconds_now() - start;
  return summary;
}

}  // namespace cowatch
