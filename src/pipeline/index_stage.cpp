#include "pipeline/index_stage.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/hash.h"
#include "base/progress.h"
#include "base/tensor_file.h"
#include "learn/relational/joint.h"
#include "math/matrix.h"
#include "math/vectors.h"
#include "pipeline/contents.h"
#include "pipeline/search_release.h"
#include "search/compute/codes/row_codes.h"
#include "search/compute/option_names.h"
#include "search/vector_fault.h"
#include "store/catalogue.h"

namespace cowatch {
namespace {

constexpr size_t block_rows = 16384;
// Rows are normalised in float32; a sum of 4,096 squares is off by less than this.
constexpr float length_tolerance = 1e-3f;

std::string embed_remedy(const Workspace& workspace) {
  return "Run `cowatch embed " + shell_word(workspace.folder()) + "`.";
}

[[noreturn]] void throw_bad_row(const Workspace& workspace, size_t row, const std::string& found) {
  throw Error(ErrorCode::damaged, "an embedding cannot be searched",
              {.where = workspace.embeddings().string() + ", row " + std::to_string(row),
               .expected = "finite numbers of length 1, or zeros for a video without features",
               .found = found,
               .remedy = embed_remedy(workspace)});
}

// True when the row is an embedding, false when it is zeros. Infinite and undefined numbers make the sum so.
bool check_row(const Workspace& workspace, ConstMatrix rows, size_t r) {
  const float square = dot(rows.row(r), rows.row(r));
  if (square == 0) return false;
  if (!std::isfinite(square)) throw_bad_row(workspace, r, "a number that is not finite");
  const float length = std::sqrt(square);
  if (std::abs(length - 1) > length_tolerance)
    throw_bad_row(workspace, r, "length " + std::to_string(length));
  return true;
}

uint64_t catalogue_videos(const Workspace& workspace) {
  if (!std::filesystem::exists(workspace.catalogue())) return 0;
  return Catalogue(workspace.catalogue(), Catalogue::Mode::read).item_count();
}

void check_count(const Workspace& workspace, IndexSummary& summary) {
  const uint64_t videos = catalogue_videos(workspace);
  if (videos < summary.videos) {
    throw Error(ErrorCode::damaged, "there are more embeddings than videos",
                {.where = workspace.embeddings().string(),
                 .expected = "at most " + std::to_string(videos) + " rows",
                 .found = std::to_string(summary.videos),
                 .remedy = embed_remedy(workspace)});
  }
  summary.new_videos = videos - summary.videos;
}

IndexOptions options_of(const Settings& settings) {
  IndexOptions options;
  options.kind = index_kind_of(settings.get_text("index.kind"));
  options.metric = Metric::cosine;
  const std::string& codes = settings.get_text("index.codes");
  options.codes = codes.empty() ? usual_codes(options.kind) : code_kind_of(codes);
  options.lists = static_cast<size_t>(settings.get_int("index.lists"));
  options.code_bytes = static_cast<size_t>(settings.get_int("index.code_bytes"));
  options.degree = static_cast<size_t>(settings.get_int("index.degree"));
  options.build_effort = static_cast<size_t>(settings.get_int("index.build_effort"));
  return options;
}

IndexOptions checked_options(const Settings& settings, size_t width) {
  try {
    const IndexOptions options = options_of(settings);
    check_index_options(options, width);
    return options;
  } catch (const Error& error) {
    throw at_place(error, "index.kind, index.codes, index.code_bytes, index.lists");
  }
}

// Adds what the index takes to what the table takes. Throws for options that do not go together.
void predict_memory(const Settings& settings, IndexSummary& summary) {
  const IndexOptions options = checked_options(settings, summary.width);
  const bool indexed = summary.videos >= static_cast<uint64_t>(settings.get_int("index.graph_from"));
  summary.kind = indexed ? options.kind : IndexKind::exact;
  summary.building_bytes = summary.mapped_bytes;
  if (!indexed) return;
  const PredictedBytes predicted = predict_bytes(options, summary.videos, summary.width);
  summary.mapped_bytes += predicted.index;
  summary.building_bytes += predicted.building;
}

void check_memory(const IndexSummary& summary, const Settings& settings) {
  const auto allowed = static_cast<uint64_t>(settings.get_int("index.memory")) << 20;
  const uint64_t needed = std::max(summary.mapped_bytes, summary.building_bytes);
  if (allowed == 0 || needed <= allowed) return;
  const auto mib = [](uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; };
  throw Error(ErrorCode::no_space, "the embeddings would take more memory than they may",
              {.where = "index.memory",
               .expected = "at most " + mib(allowed),
               .found = mib(needed) + " predicted, " + mib(summary.mapped_bytes) + " of them while serving",
               .remedy = "Raise index.memory, take another index.kind or shorter index.codes, or train with "
                         "a smaller train.outputs. The version "
                         "in use goes on."});
}

IndexSummary summary_of(const TensorFile& file) {
  const auto shape = file.shape("embeddings");
  if (shape.size() != 2)
    throw Error(ErrorCode::damaged, "the embeddings are not a table", {.where = file.path().string()});
  IndexSummary summary;
  summary.videos = shape[0];
  summary.width = shape[1];
  summary.mapped_bytes = std::filesystem::file_size(file.path());
  return summary;
}

}  // namespace

std::string way_of_search(IndexKind kind) {
  return kind == IndexKind::exact ? "exactly" : kind == IndexKind::graph ? "by a graph" : "by inverted lists";
}

std::string index_fingerprint(const Workspace& workspace, const Settings& settings) {
  return Fingerprint()
      .add("index 3")
      .add(settings.get_text("index.kind"))
      .add(settings.get_text("index.codes"))
      .add(std::to_string(settings.get_int("index.lists")))
      .add(std::to_string(settings.get_int("index.code_bytes")))
      .add(std::to_string(settings.get_int("index.graph_from")))
      .add(std::to_string(settings.get_int("index.degree")))
      .add(std::to_string(settings.get_int("index.build_effort")))
      .add(content_digest(workspace.embeddings(), embed_remedy(workspace)))
      .digest();
}

std::vector<Path> index_artifacts(const Workspace& workspace) {
  const auto current = current_release(workspace);
  if (!current) return {};
  if (current->kind == IndexKind::exact) return {current->embeddings(workspace)};
  return {current->embeddings(workspace), current->index(workspace)};
}

bool index_is_current(const Workspace& workspace, const Settings& settings) {
  try {
    const auto current = current_release(workspace);
    if (!current || current->input != index_fingerprint(workspace, settings)) return false;
    for (const Path& path : index_artifacts(workspace)) TensorFile(path, "", 1).verify();
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::damaged && error.code() != ErrorCode::not_found) throw;
    return false;
  }
}

namespace {

// The file is unmapped again before anything is made: it counts once.
IndexSummary check_embeddings(const Workspace& workspace, const Settings& settings) {
  const TensorFile file(workspace.embeddings(), "embeddings", 1);
  IndexSummary summary = summary_of(file);
  check_count(workspace, summary);
  predict_memory(settings, summary);
  check_memory(summary, settings);
  const ConstMatrix rows(file.tensor<float>("embeddings").data(), summary.videos, summary.width);
  Progress progress("checking embeddings", "videos", rows.rows);
  for (size_t begin = 0; begin < rows.rows; begin += block_rows) {
    throw_if_interrupted();
    const size_t end = std::min(rows.rows, begin + block_rows);
    for (size_t r = begin; r < end; ++r) summary.embedded += check_row(workspace, rows, r);
    progress.add(end - begin);
  }
  return summary;
}

}  // namespace

IndexSummary run_index_stage(const Workspace& workspace, const Settings& settings) {
  if (!std::filesystem::exists(workspace.embeddings())) {
    throw Error(ErrorCode::missing_stage, "the videos are not embedded yet",
                {.where = workspace.embeddings().string(), .remedy = embed_remedy(workspace)});
  }
  IndexSummary summary = check_embeddings(workspace, settings);
  if (index_is_current(workspace, settings)) {
    remove_other_releases(workspace);
    return summary;
  }
  SearchRelease next;
  next.input = index_fingerprint(workspace, settings);
  next.kind = summary.embedded > 0 ? summary.kind : IndexKind::exact;
  switch_release(workspace, next, [&](const Path& embeddings, const Path& folder) {
    if (next.kind == IndexKind::exact) return;
    Progress progress("indexing", "videos", summary.embedded);
    EmbeddingIndex::build(embeddings, folder / SearchRelease::index_file(next.kind), options_of(settings),
                          [&](size_t more) {
                            throw_if_interrupted();
                            progress.add(more);
                          });
  });
  summary.switched = true;
  summary.mapped_bytes = 0;
  for (const Path& path : index_artifacts(workspace)) summary.mapped_bytes += std::filesystem::file_size(path);
  return summary;
}

IndexSummary predict_index(const Workspace& workspace, const Settings& settings) {
  IndexSummary summary;
  if (std::filesystem::exists(workspace.embeddings())) {
    summary = summary_of(TensorFile(workspace.embeddings(), "embeddings", 1));
    check_count(workspace, summary);
  } else {
    summary.videos = catalogue_videos(workspace);
    summary.width = static_cast<uint64_t>(settings.get_int("train.outputs"));
    if (settings.get_text("train.method") == "default") summary.width *= joint_widths;
    summary.mapped_bytes = summary.videos * (summary.width * sizeof(float) + RowCodes::record_bytes(summary.width) + sizeof(float));
  }
  predict_memory(settings, summary);
  check_memory(summary, settings);
  summary.predicted = true;
  return summary;
}

}  // namespace cowatch
