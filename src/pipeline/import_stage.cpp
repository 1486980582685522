#include "pipeline/import_stage.h"

#include <unistd.h>

#include "base/error.h"
#include "store/import/data_sets.h"
#include "store/npy.h"

namespace cowatch {
namespace {

ImportOutcome import_into(Catalogue& catalogue, const ImportRequest& request, const Path& rejects,
                          const Path& features_target) {
  ImportSink sink(&catalogue, rejects);
  for (const Path& path : request.videos) {
    if (std::filesystem::is_directory(path)) {
      import_media_folder(path, sink);
    } else {
      import_items(path, request.options, sink);
    }
  }
  if (!request.format.empty())
    import_data_set(request.format, request.data, features_target, request.options, sink);
  for (const Path& path : request.events) import_events(path, request.options, sink);
  ImportOutcome outcome;
  outcome.counts = sink.finish();
  outcome.reject_samples = sink.samples();
  if (!request.features.empty()) {
    write_imported_features(read_npy(request.features), catalogue.item_count(), request.features.string(),
                            features_target);
  }
  if (std::filesystem::exists(features_target)) catalogue.set_note("features", "imported");
  outcome.health = measure_health(catalogue);
  return outcome;
}

}  // namespace

ImportOutcome run_import(const Workspace& workspace, const ImportRequest& request) {
  Catalogue catalogue(workspace.catalogue(), Catalogue::Mode::write);
  return import_into(catalogue, request, workspace.rejects(), workspace.imported_features());
}

ImportOutcome check_import(const ImportRequest& request) {
  std::string folder = (std::filesystem::temp_directory_path() / "cowatch-check-XXXXXX").string();
  if (!mkdtemp(folder.data())) throw_system_error("make", folder);
  struct Remover {
    Path path;
    ~Remover() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  } remover{folder};
  Catalogue catalogue(remover.path / "catalogue.sqlite", Catalogue::Mode::write);
  return import_into(catalogue, request, {}, remover.path / "features.safetensors");
}

}  // namespace cowatch
