#include "pipeline/extract_stage.h"

#include <sys/stat.h>

#include <filesystem>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/progress.h"
#include "base/threads.h"
#include "media/extractor.h"
#include "pipeline/contents.h"
#include "pipeline/feature_log.h"
#include "pipeline/feature_table_writer.h"
#include "store/catalogue.h"

namespace cowatch {
namespace {

constexpr size_t page = 4096;  // items read from the catalogue at once
// Raise when posters or previews are made in another way, so that they are made again.
constexpr uint32_t picture_version = 2;

// One item's file as it is now.
struct MediaFile {
  uint32_t item;
  std::string path;
  uint64_t content = 0;     // changes with what shows in the features
  std::string fingerprint;  // of a good file; a refused one also depends on the limits
};

uint64_t content_of(const std::string& path, const Settings& settings) {
  struct stat status = {};
  const bool there = ::stat(path.c_str(), &status) == 0;
  Fingerprint fingerprint;
  fingerprint.add(path).add(feature_layout_version).add(picture_version);
  fingerprint.add(static_cast<uint64_t>(settings.get_int("extract.preview_pixels")));
  fingerprint.add(to_text(settings.entry("extract.preview_seconds").value));
  if (there) {
    fingerprint.add(static_cast<uint64_t>(status.st_size)).add(static_cast<uint64_t>(status.st_mtim.tv_sec));
    fingerprint.add(static_cast<uint64_t>(status.st_mtim.tv_nsec));
  }
  return std::stoull(fingerprint.digest(), nullptr, 16);
}

std::vector<MediaFile> media_files(const Catalogue& catalogue, const Settings& settings) {
  std::vector<MediaFile> files;
  const uint64_t count = catalogue.item_count();
  for (uint64_t first = 0; first < count; first += page) {
    for (ItemRecord& item : catalogue.items(static_cast<uint32_t>(first), page)) {
      if (item.media_path.empty()) continue;
      const uint64_t content = content_of(item.media_path, settings);
      files.push_back({item.index, std::move(item.media_path), content, hex64(content)});
    }
  }
  return files;
}

std::string refused_fingerprint(const MediaFile& file, const Settings& settings) {
  return Fingerprint().add(file.fingerprint).add(settings.section("extract")).digest();
}

std::string fingerprint(const Workspace& workspace, const Catalogue& catalogue, const Settings& settings,
                        const std::vector<MediaFile>& files) {
  Fingerprint result;
  result.add("extract").add(settings.section("extract")).add(feature_layout_version);
  result.add(catalogue.item_count());
  for (const MediaFile& file : files) result.add(file.item).add(file.content);
  if (std::filesystem::exists(workspace.imported_features())) {
    result.add(content_digest(workspace.imported_features(), ""));
  }
  return result.digest();
}

class Extraction {
 public:
  Extraction(const Workspace& workspace, Catalogue& catalogue, const Settings& settings)
      : workspace_(workspace),
        catalogue_(catalogue),
        settings_(settings),
        extractor_(media_limits(settings)),
        log_(workspace.file("extracted_features.log"), feature_layout_version, feature_count) {
    std::filesystem::create_directories(workspace.media());
  }

  bool done(const MediaFile& file) const {
    const std::optional<MediaRecord> record = catalogue_.media(file.item);
    if (!record) return false;
    if (record->state == "refused") return record->fingerprint == refused_fingerprint(file, settings_);
    return record->fingerprint == file.fingerprint && log_.has(file.item, file.content) &&
           is_there(record->poster) && is_there(record->preview);
  }

  // Decodes in batches: what a batch found is on the disk before the next begins.
  void run(const std::vector<MediaFile>& files) {
    if (files.empty()) return;
    namespaces_ = extractor_.namespaces();
    Progress progress("decoding", "files", files.size());
    const size_t batch = 4 * threads();
    for (size_t first = 0; first < files.size(); first += batch) {
      const size_t count = std::min(batch, files.size() - first);
      std::vector<std::optional<MediaFeatures>> found(count);
      parallel_for(count, 1, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end && !interrupted(); ++i) {
          found[i] = extract(files[first + i]);
          progress.add();
        }
      });
      keep({files.data() + first, count}, found);
      throw_if_interrupted();
    }
  }

  const FeatureLog& log() const { return log_; }
  bool namespaces() const { return namespaces_; }

 private:
  bool is_there(const std::string& name) const {
    return name.empty() || std::filesystem::exists(workspace_.media() / name);
  }

  MediaFeatures extract(const MediaFile& file) {
    // Whoever uploads must not choose what we open; links in somebody's own folders are theirs.
    const bool uploaded = file.path.starts_with(workspace_.media().string() + "/");
    MediaFeatures found =
        extractor_.extract(file.path, uploaded ? Extractor::Links::refuse : Extractor::Links::follow);
    // The log's row and the catalogue refer to these names, so they are on the disk first.
    if (!found.poster.empty()) {
      write_atomically(workspace_.media() / name_of(file.item, found.poster, ".jpg"), found.poster);
    }
    if (!found.preview.empty()) {
      write_atomically(workspace_.media() / name_of(file.item, found.preview, ".mp4"), found.preview);
    }
    return found;
  }

  static std::string name_of(uint32_t item, const std::string& bytes, const char* suffix) {
    return bytes.empty() ? "" : std::to_string(item) + "-" + hex64(hash64(bytes)) + suffix;
  }

  void keep(std::span<const MediaFile> files, const std::vector<std::optional<MediaFeatures>>& found) {
    for (size_t i = 0; i < files.size(); ++i) {
      if (!found[i] || found[i]->refused) continue;
      uint32_t presence = 0;
      for (size_t m = 0; m < modality_count; ++m) presence |= uint32_t{found[i]->present[m]} << m;
      log_.append(files[i].item, files[i].content, presence, found[i]->values);
    }
    log_.sync();
    for (size_t i = 0; i < files.size(); ++i) {
      if (found[i]) put(files[i], *found[i]);
    }
  }

  void put(const MediaFile& file, const MediaFeatures& found) {
    MediaRecord record;
    record.item = file.item;
    record.state = found.refused ? "refused" : "extracted";
    record.reason = found.reason;
    record.fingerprint = found.refused ? refused_fingerprint(file, settings_) : file.fingerprint;
    record.poster = name_of(file.item, found.poster, ".jpg");
    record.preview = name_of(file.item, found.preview, ".mp4");
    record.seconds = found.refused ? -1 : found.seconds;
    record.width = found.width;
    record.height = found.height;
    record.has_sound = found.has_sound;
    const std::optional<MediaRecord> before = catalogue_.media(file.item);
    catalogue_.put_media(record);
    if (before) forget(*before, record);
  }

  void forget(const MediaRecord& before, const MediaRecord& now) const {
    std::error_code ignored;  // a file left over costs its space only
    if (!before.poster.empty() && before.poster != now.poster)
      std::filesystem::remove(workspace_.media() / before.poster, ignored);
    if (!before.preview.empty() && before.preview != now.preview)
      std::filesystem::remove(workspace_.media() / before.preview, ignored);
  }

  const Workspace& workspace_;
  Catalogue& catalogue_;
  const Settings& settings_;
  Extractor extractor_;
  FeatureLog log_;
  bool namespaces_ = true;
};

// Decodes what is missing and puts the rows of all good files into the table.
void extract_files(const Workspace& workspace, Catalogue& catalogue, const Settings& settings,
                   const std::vector<MediaFile>& files, FeatureTableWriter& table, ExtractSummary& summary) {
  Extraction extraction(workspace, catalogue, settings);
  std::vector<MediaFile> left;
  for (const MediaFile& file : files) {
    if (!extraction.done(file)) left.push_back(file);
  }
  summary.decoded = left.size();
  extraction.run(left);
  summary.namespaces = extraction.namespaces();
  std::vector<float> values(feature_count);
  for (const MediaFile& file : files) {
    const std::optional<MediaRecord> record = catalogue.media(file.item);
    if (record->state == "refused") {
      summary.refused.push_back({catalogue.item(file.item)->id, file.path, record->reason});
      continue;
    }
    ++summary.extracted;
    summary.posters += !record->poster.empty();
    summary.previews += !record->preview.empty();
    const uint32_t presence = extraction.log().read(file.item, values);
    for (size_t m = 0; m < modality_count; ++m) {
      if ((presence >> m & 1) == 0) continue;
      const ColumnRange columns = modality_columns(static_cast<MediaModality>(m));
      table.put(file.item, m, std::span(values).subspan(columns.begin, columns.end - columns.begin));
    }
  }
}

}  // namespace

MediaLimits media_limits(const Settings& settings) {
  MediaLimits limits;
  limits.max_bytes = static_cast<uint64_t>(settings.get_int("extract.max_file")) << 20;
  limits.max_memory = static_cast<uint64_t>(settings.get_int("extract.max_memory")) << 20;
  limits.max_pixels = static_cast<uint64_t>(settings.get_int("extract.max_pixels"));
  limits.max_seconds = settings.get_number("extract.max_seconds");
  limits.wall_seconds = settings.get_number("extract.wall_seconds");
  limits.cpu_seconds = settings.get_number("extract.cpu_seconds");
  limits.preview_pixels = static_cast<uint32_t>(settings.get_int("extract.preview_pixels"));
  limits.preview_seconds = settings.get_number("extract.preview_seconds");
  return limits;
}

std::string extract_fingerprint(const Workspace& workspace, const Settings& settings) {
  const Catalogue catalogue(workspace.catalogue(), Catalogue::Mode::read);
  return fingerprint(workspace, catalogue, settings, media_files(catalogue, settings));
}

bool features_are_current(const Workspace& workspace, const Settings& settings) {
  return input_of(workspace.features()) == extract_fingerprint(workspace, settings);
}

ExtractSummary run_extract_stage(const Workspace& workspace, const Settings& settings) {
  const double start = seconds_now();
  Catalogue catalogue(workspace.catalogue(), Catalogue::Mode::write);
  const std::vector<MediaFile> files = media_files(catalogue, settings);
  const bool imported = std::filesystem::exists(workspace.imported_features());
  if (files.empty() && !imported) {
    throw Error(ErrorCode::missing_stage, "there is nothing to make features from",
                {.where = workspace.folder().string(),
                 .expected = "videos with a file, or imported features",
                 .found = std::to_string(catalogue.item_count()) + " videos without either",
                 .remedy = "Run `cowatch import WS --videos FOLDER` (or --features FILE)."});
  }
  const std::string input = fingerprint(workspace, catalogue, settings, files);
  ExtractSummary summary;
  summary.items = catalogue.item_count();
  summary.with_media = files.size();
  FeatureTableWriter table(summary.items);
  if (!files.empty()) {
    for (size_t m = 0; m < modality_count; ++m) {
      const auto modality = static_cast<MediaModality>(m);
      const ColumnRange columns = modality_columns(modality);
      table.add_modality(std::string(modality_name(modality)), columns.end - columns.begin);
    }
  }
  if (imported) table.reserve_imported(workspace.imported_features());
  table.allocate();
  if (!files.empty()) extract_files(workspace, catalogue, settings, files, table, summary);
  if (imported) summary.imported = table.put_imported();
  summary.columns = table.columns();
  table.write(workspace.features(), {{"input", input}, {"settings", settings.section("extract")}});
  summary.seconds = seconds_now() - start;
  return summary;
}

}  // namespace cowatch
