#include "store/import/importer.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/progress.h"
#include "store/import/parse.h"

namespace cowatch {
namespace {

constexpr size_t chunk_events = 200000;  // a transaction each: large enough that sorted inserts share pages
constexpr size_t chunk_items = 20000;
constexpr size_t most_rejects = 100000;  // kept in the file; all are counted

// Cells of the rejects' file hold no tabs or line ends.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
  return text;
}

std::string join(std::span<const std::string> cells) {
  std::string text;
  for (const std::string& cell : cells) text += (text.empty() ? "  " : " | ") + cell.substr(0, 40);
  return text;
}

void need_column(const ColumnMap& map, std::string_view role, const RecordReader& reader, const Path& file) {
  if (map.contains(role)) return;
  throw Error(ErrorCode::bad_input, "no column looks like the " + std::string(role),
              {.where = file.string(),
               .expected = "a column named '" + std::string(role) + "' or like it",
               .found = describe_columns({}, reader.columns()),
               .remedy = "Name it: --column " + std::string(role) + "=COLUMN"});
}

// Reads a table to its end: `make` turns the column map into a parser, `deliver` takes what it parsed.
template <typename Make, typename Deliver>
void import_table(const Path& file, const ImportOptions& options, std::span<const Role> roles,
                  std::initializer_list<std::string_view> needed, ImportSink& sink, Make&& make,
                  Deliver&& deliver) {
  const auto reader = RecordReader::open(file, options.table.value_or(guess_format(file)), options.header);
  sink.begin_file(file.filename().string());
  std::vector<Record> first;
  for (Record record; first.size() < 3 && reader->next(record);) first.push_back(record);
  ColumnMap map = map_columns(roles, reader->columns(), options.columns);
  for (const auto role : needed) need_column(map, role, *reader, file);
  std::string text = file.filename().string() + ": " + describe_columns(map, reader->columns());
  for (const Record& record : first) text += "\n" + join(record.cells);
  options.explain(text);

  Progress progress("import", "bytes", reader->input().size());
  uint64_t shown = 0;
  size_t columns = reader->columns().size();
  auto parser = make(map);
  const auto take = [&](const Record& record) {
    // JSON lines may bring new keys.
    if (reader->columns().size() != columns) {
      columns = reader->columns().size();
      parser = make(map_columns(roles, reader->columns(), options.columns));
    }
    sink.row();
    auto parsed = parser.parse(record, reader->columns());
    if (const auto* reject = std::get_if<Reject>(&parsed)) {
      sink.reject(*reject);
    } else {
      deliver(std::get<0>(std::move(parsed)));
    }
  };
  for (const Record& record : first) take(record);
  for (Record record; reader->next(record);) {
    take(record);
    if (const uint64_t at = reader->input().consumed(); at != shown) {
      progress.add(at - shown);
      shown = at;
      throw_if_interrupted();
    }
  }
}

}  // namespace

void ImportSink::begin_file(const std::string& name) {
  write_rejects();
  file_ = name;
}

// Items are numbered in order of appearance, so the two buffers are never filled at the same time.
void ImportSink::event(Event event) {
  flush_items();
  ++kinds_[event.kind];
  events_.push_back(std::move(event));
  if (events_.size() >= chunk_events) flush_events();
}

void ImportSink::item(ItemRecord item) {
  flush_events();
  items_.push_back(std::move(item));
  if (items_.size() >= chunk_items) flush_items();
}

void ImportSink::edges(std::vector<StoredEdge> edges) {
  flush_items();
  counts_.read += edges.size();
  count(catalogue_ ? catalogue_->add_edges(edges) : Catalogue::Written{edges.size(), 0});
}

void ImportSink::count(const Catalogue::Written& written) {
  counts_.accepted += written.accepted;
  counts_.duplicate += written.duplicate;
}

void ImportSink::flush_items() {
  if (items_.empty()) return;
  count(catalogue_ ? catalogue_->put_items(items_) : Catalogue::Written{items_.size(), 0});
  items_.clear();
}

void ImportSink::flush_events() {
  if (events_.empty()) return;
  count(catalogue_ ? catalogue_->add_events(events_) : Catalogue::Written{events_.size(), 0});
  events_.clear();
}

void ImportSink::keep(const Reject& reject) {
  const std::string line = std::to_string(reject.line) + "\t" + one_line(reject.column) + "\t" +
                           one_line(reject.expected) + "\t" + one_line(reject.found) + "\t" +
                           one_line(reject.row) + "\n";
  if (counts_.rejected + counts_.missing_files <= most_rejects) rejects_ += line;
  if (samples_.size() < 5) {
    samples_.push_back(file_ + ", line " + std::to_string(reject.line) +
                       (reject.column.empty() ? "" : ", column " + reject.column) + ": expected " +
                       reject.expected + ", found " + reject.found);
  }
}

void ImportSink::reject(const Reject& reject) {
  ++counts_.rejected;
  keep(reject);
}

void ImportSink::missing_file(const Reject& where) {
  ++counts_.missing_files;
  keep(where);
}

void ImportSink::write_rejects() {
  if (!rejects_.empty() && !rejects_folder_.empty()) {
    std::filesystem::create_directories(rejects_folder_);
    write_atomically(rejects_folder_ / (file_ + ".tsv"), "line\tcolumn\texpected\tfound\trow\n" + rejects_);
  }
  rejects_.clear();
}

ImportCounts ImportSink::finish() {
  flush_items();
  flush_events();
  write_rejects();
  return counts_;
}

void import_events(const Path& file, const ImportOptions& options, ImportSink& sink) {
  import_table(
      file, options, event_roles(), {"user", "item"}, sink,
      [&](const ColumnMap& map) {
        return EventParser{map, options.kind};
      },
      [&](Event event) { sink.event(std::move(event)); });
}

void import_items(const Path& file, const ImportOptions& options, ImportSink& sink) {
  const Path folder = std::filesystem::absolute(file).parent_path();
  import_table(
      file, options, item_roles(), {"id"}, sink,
      [&](const ColumnMap& map) {
        return ItemParser{map, folder};
      },
      [&](ParsedItem parsed) {
        if (parsed.missing_file) sink.missing_file(*parsed.missing_file);
        sink.item(std::move(parsed.item));
      });
}

void import_media_folder(const Path& folder, ImportSink& sink) {
  static const std::set<std::string> endings = {".mp4", ".m4v",  ".mov", ".mkv", ".webm", ".avi",
                                                ".mpg", ".mpeg", ".ts",  ".flv", ".3gp"};
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    std::string ending = entry.path().extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (entry.is_regular_file() && endings.contains(ending)) files.push_back(entry.path());
  }
  if (files.empty()) {
    throw Error(ErrorCode::bad_input, "the folder holds no video files",
                {.where = folder.string(),
                 .expected = "files that end in .mp4, .mkv, .webm, .mov, .avi …",
                 .found = "none"});
  }
  std::sort(files.begin(), files.end());  // the order of a folder's listing must not number the items
  for (const Path& file : files) {
    ItemRecord item;
    const Path inside = std::filesystem::relative(file, folder);
    item.id = (inside.parent_path() / inside.stem()).string();
    item.title = inside.stem().string();
    std::replace(item.title.begin(), item.title.end(), '_', ' ');
    item.media_path = std::filesystem::absolute(file).string();
    sink.row();
    sink.item(std::move(item));
  }
}

}  // namespace cowatch
