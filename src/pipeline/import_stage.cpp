#include "pipeline/import_stage.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "base/temporary_folder.h"
#include "store/catalogue_tools.h"
#include "store/graph_folder.h"
#include "store/import/data_sets.h"
#include "store/import/media_folder.h"

namespace cowatch {
namespace {

// Where an import goes.
struct Target {
  Path rejects;  // folder; empty: they are only counted
  Path existing_features, features;
  Settings settings;  // of the workspace
};

// What an import reads: every file opened and understood, nothing written yet.
struct Sources {
  std::optional<DataSet> set;
  std::optional<FeatureRows> features;  // of --features
};

FeatureRows read_features(const ImportRequest& request) {
  FeatureRows rows{{}, read_npy(request.features), request.features.string()};
  if (request.feature_ids.empty()) return rows;
  rows.ids = read_ids(request.feature_ids);
  if (rows.ids.size() == rows.table.rows) return rows;
  throw Error(
      ErrorCode::bad_input, "features of the wrong length",
      {.where = rows.origin,
       .expected = std::to_string(rows.ids.size()) + " rows, one a line of " + request.feature_ids.string(),
       .found = std::to_string(rows.table.rows),
       .remedy = "Write both from one list of videos."});
}

[[noreturn]] void refuse_length(const FeatureRows& rows, uint64_t videos, const std::string& also) {
  throw Error(ErrorCode::bad_input, "features of the wrong length" + also,
              {.where = rows.origin,
               .expected = std::to_string(videos) + " rows, one a video in the order of first import",
               .found = std::to_string(rows.table.rows),
               .remedy = "Say whose rows they are: --feature-ids FILE, an id a line."});
}

Sources open_sources(const ImportRequest& request, const Catalogue& catalogue,
                     const Path& existing_features) {
  Sources sources;
  for (const Path& path : request.videos) {
    if (std::filesystem::is_directory(path)) {
      media_files_below(path);
    } else {
      check_items(path, request.options);
    }
  }
  for (const Path& path : request.events) check_events(path, request.options);
  if (!request.features.empty()) {
    sources.features = read_features(request);
    const bool brings_videos = !request.videos.empty() || !request.events.empty() || !request.format.empty();
    if (request.feature_ids.empty() && !brings_videos &&
        sources.features->table.rows != catalogue.item_count())
      refuse_length(*sources.features, catalogue.item_count(), "");
    if (!request.feature_ids.empty())
      check_imported_features(*sources.features, find_items(catalogue, sources.features->ids),
                              existing_features);
  }
  if (!request.format.empty()) {
    sources.set = open_data_set(request.format, request.data, request.options);
    if (sources.set->features)
      check_imported_features(*sources.set->features, find_items(catalogue, sources.set->features->ids),
                              existing_features);
  }
  return sources;
}

// Which item each row of --features belongs to; rows of unknown videos are rejected one by one.
std::vector<std::optional<uint32_t>> items_of(const FeatureRows& rows, const ImportRequest& request,
                                              const Catalogue& catalogue, ImportSink& sink) {
  if (request.feature_ids.empty()) {
    const uint64_t count = catalogue.item_count();
    if (rows.table.rows != count) refuse_length(rows, count, "; all else is imported");
    std::vector<std::optional<uint32_t>> items(count);
    for (uint32_t i = 0; i < count; ++i) items[i] = i;
    return items;
  }
  auto items = find_items(catalogue, rows.ids);
  sink.begin_file(request.feature_ids.filename().string());
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i]) continue;
    sink.row();
    sink.reject({i + 1, "", "the id of a video in the catalogue", "'" + rows.ids[i] + "'", rows.ids[i]});
  }
  return items;
}

void import_rows(const ImportRequest& request, const Sources& sources, ImportSink& sink) {
  for (const Path& path : request.videos) {
    if (std::filesystem::is_directory(path)) {
      import_media_folder(path, request.options, sink);
    } else {
      import_items(path, request.options, sink);
    }
  }
  if (sources.set) sources.set->import_into_sink(sink);
  for (const Path& path : request.events) import_events(path, request.options, sink);
  sink.flush();
}

ImportOutcome import_into(Catalogue& catalogue, const ImportRequest& request, const Sources& sources,
                          const Target& target) {
  ImportSink sink(&catalogue, target.rejects, request.options.transaction);
  import_rows(request, sources, sink);
  Path existing = target.existing_features;
  bool features_used = false;
  const auto put = [&](const FeatureRows& rows, std::span<const std::optional<uint32_t>> items) {
    write_imported_features(rows, items, catalogue.item_count(), existing, target.features);
    existing = target.features;
    features_used |= std::ranges::any_of(items, [](const auto& item) { return item.has_value(); });
    catalogue.set_note("features", "imported");
  };
  if (sources.set && sources.set->features)
    put(*sources.set->features, find_items(catalogue, sources.set->features->ids));
  if (sources.features) put(*sources.features, items_of(*sources.features, request, catalogue, sink));
  ImportOutcome outcome;
  outcome.counts = sink.finish();
  outcome.reject_samples = sink.samples();
  outcome.problems = sink.problems();
  outcome.nothing_used =
      outcome.counts.read > 0 && outcome.counts.rejected == outcome.counts.read && !features_used;
  outcome.rejects_cut = sink.cut();
  outcome.health = measure_health(catalogue, watching_kinds(target.settings));
  return outcome;
}

}  // namespace

ImportOutcome run_import(const Workspace& workspace, const ImportRequest& request) {
  std::optional<Catalogue> catalogue(std::in_place, workspace.catalogue(), Catalogue::Mode::write);
  Sources sources;
  try {
    sources = open_sources(request, *catalogue, workspace.imported_features());
  } catch (const Error&) {
    catalogue.reset();
    if (workspace.is_new()) workspace.discard();
    throw;
  }
  return import_into(*catalogue, request, sources,
                     {workspace.rejects(), workspace.imported_features(), workspace.imported_features(), workspace.settings()});
}

ImportOutcome check_import(const Path& folder, const ImportRequest& request) {
  const TemporaryFolder copy;
  Path existing;
  Settings settings;
  if (!Workspace::may_be(folder)) {
    log(LogLevel::warning,
        folder.string() + " holds other things: an import would refuse it, name another folder");
  }
  if (std::filesystem::exists(folder / "workspace.json")) {
    const Workspace workspace = Workspace::open(folder, Workspace::Access::read);
    existing = workspace.imported_features();
    settings = workspace.settings();
    if (std::filesystem::exists(workspace.catalogue()))
      copy_catalogue(workspace.catalogue(), copy / "catalogue.sqlite");
  }
  Catalogue catalogue(copy / "catalogue.sqlite", Catalogue::Mode::write);
  const Sources sources = open_sources(request, catalogue, existing);
  return import_into(catalogue, request, sources, {{}, existing, copy / "features.safetensors", settings});
}

}  // namespace cowatch
