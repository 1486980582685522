#include "store/import/importer.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/progress.h"
#include "store/catalogue_tools.h"
#include "store/import/parse.h"

namespace cowatch {
namespace {

// Cells of the rejects' file hold no tabs or line ends, and are UTF-8 whatever was found.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r' || c == '\0'; }, ' ');
  for (size_t at = 0; !is_utf8(text, at);) text[at] = '?';
  return text;
}

std::string join(std::span<const std::string> cells) {
  std::string text;
  for (const std::string& cell : cells)
    text += (text.empty() ? "  " : " | ") + std::string(cut_text(cell, 40));
  return one_line(std::move(text));
}

// A table that is open, with its columns understood from the first rows.
class Table {
 public:
  // `needed`: one of each group must be there.
  Table(const Path& file, const ImportOptions& options, std::span<const Role> roles,
        std::initializer_list<std::vector<std::string_view>> needed)
      : file_(file),
        roles_(roles),
        reader_(RecordReader::open(file, options.table.value_or(guess_format(file)), options.header)) {
    // JSON lines show their columns only in rows that can be read.
    for (Record record; good_ < rows_shown && first_.size() < rows_looked_at && reader_->next(record);) {
      good_ += !record.problem;
      first_.push_back(record);
    }
    map_ = map_columns(roles, reader_->columns(), options.columns);
    for (const auto& group : needed) need_column(group);
  }

  // The columns' roles and the first rows, for people.
  std::string explain() const {
    std::string text = file_.filename().string() + ": " + describe_columns(map_, reader_->columns());
    size_t shown = 0;
    for (const Record& record : first_) {
      if (!record.problem && shown++ < rows_shown) text += "\n" + join(record.cells);
    }
    return text;
  }

  // Visits every row with the column map of that moment, and shows progress.
  template <typename Visit>
  void read(Visit&& visit) {
    Progress progress("import", "bytes", reader_->input().size());
    uint64_t shown = 0;
    size_t columns = reader_->columns().size();
    const auto take = [&](const Record& record) {
      // JSON lines may bring new keys.
      if (reader_->columns().size() != columns) {
        columns = reader_->columns().size();
        extend_columns(map_, roles_, reader_->columns());
      }
      visit(record, map_, reader_->columns());
    };
    for (const Record& record : first_) take(record);
    for (Record record; reader_->next(record);) {
      take(record);
      if (const uint64_t at = reader_->input().consumed(); at != shown) {
        progress.add(at - shown);
        shown = at;
        throw_if_interrupted();
      }
    }
  }

 private:
  static constexpr size_t rows_shown = 3, rows_looked_at = 1000;

  void need_column(const std::vector<std::string_view>& group) const {
    for (const auto role : group) {
      if (map_.contains(role)) return;
    }
    const std::string role(group.front());
    throw Error(ErrorCode::bad_input, "no column looks like the " + role,
                {.where = file_.string(),
                 .expected = "a column named '" + role + "' or like it",
                 .found = describe_columns({}, reader_->columns()),
                 .remedy = "Name it: --column " + role + "=COLUMN"});
  }

  Path file_;
  std::span<const Role> roles_;
  std::unique_ptr<RecordReader> reader_;
  std::vector<Record> first_;
  size_t good_ = 0;
  ColumnMap map_;
};

Table event_table(const Path& file, const ImportOptions& options) {
  return {file, options, event_roles(), {{"user"}, {"item"}}};
}

Table item_table(const Path& file, const ImportOptions& options) {
  return {file, options, item_roles(), {{"id", "file"}}};
}

}  // namespace

void ImportSink::begin_file(const std::string& name) {
  write_rejects();
  const int times = ++times_[name];
  file_ = times == 1 ? name : name + "-" + std::to_string(times);
  if (!rejects_folder_.empty()) file_system().remove(rejects_folder_ / (file_ + ".tsv"));
}

// Items are numbered in order of appearance, so the two buffers are never filled at the same time.
void ImportSink::event(Event event) {
  flush_items();
  events_.push_back(std::move(event));
  if (events_.size() >= transaction_) flush_events();
}

void ImportSink::item(ItemRecord item) {
  flush_events();
  items_.push_back(std::move(item));
  if (items_.size() >= transaction_) flush_items();
}

std::vector<uint32_t> ImportSink::indices(std::span<const std::string> ids) const {
  std::vector<uint32_t> result(ids.size());
  std::iota(result.begin(), result.end(), 0);  // without a catalogue any numbers do
  if (!catalogue_) return result;
  const auto found = find_items(*catalogue_, ids);
  for (size_t i = 0; i < ids.size(); ++i) result[i] = found[i].value();
  return result;
}

void ImportSink::edges(std::span<const std::string> ids, std::span<const StoredEdge> edges,
                       uint64_t duplicates) {
  flush();
  const std::vector<uint32_t> index = indices(ids);
  std::vector<StoredEdge> stored;
  stored.reserve(edges.size());
  for (const StoredEdge& edge : edges) {
    stored.push_back(
        {std::min(index[edge.u], index[edge.v]), std::max(index[edge.u], index[edge.v]), edge.weight});
  }
  counts_.read += stored.size() + duplicates;
  counts_.duplicate += duplicates;
  count(catalogue_ ? catalogue_->add_edges(stored) : Catalogue::Written{stored.size(), 0});
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
  if (kept_ < most_rejects) {
    rejects_ += line;
    ++kept_;
  } else {
    cut_ = true;
  }
  if (samples_.size() < 5) {
    samples_.push_back(one_line(file_ + ", line " + std::to_string(reject.line) +
                                (reject.column.empty() ? "" : ", column " + reject.column) + ": expected " +
                                reject.expected + ", found " + reject.found));
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
  kept_ = 0;
}

std::map<std::string, std::string> ImportSink::known_files(const Path& folder) const {
  const std::string below = (folder / "").string();
  std::map<std::string, std::string> known;
  for (uint32_t first = 0; catalogue_;) {
    const auto items = catalogue_->items(first, 5000);
    if (items.empty()) break;
    for (const ItemRecord& item : items)
      if (item.media_path.starts_with(below)) known.emplace(item.media_path, item.id);
    first = items.back().index + 1;
  }
  return known;
}

void ImportSink::flush() {
  flush_items();
  flush_events();
}

ImportCounts ImportSink::finish() {
  flush();
  write_rejects();
  if (catalogue_) catalogue_->index_events();
  return counts_;
}

void check_events(const Path& file, const ImportOptions& options) {
  event_table(file, options);
  check_compression(file);
}

void check_items(const Path& file, const ImportOptions& options) {
  item_table(file, options);
  check_compression(file);
}

void import_events(const Path& file, const ImportOptions& options, ImportSink& sink) {
  Table table = event_table(file, options);
  sink.begin_file(file.filename().string());
  options.explain(table.explain());
  table.read([&](const Record& record, const ColumnMap& map, std::span<const std::string> columns) {
    sink.row();
    auto parsed = EventParser{map, options.kind}.parse(record, columns);
    if (const auto* reject = std::get_if<Reject>(&parsed)) return sink.reject(*reject);
    sink.event(std::get<Event>(std::move(parsed)));
  });
}

void import_items(const Path& file, const ImportOptions& options, ImportSink& sink) {
  Table table = item_table(file, options);
  const Path folder = std::filesystem::absolute(file).parent_path();
  sink.begin_file(file.filename().string());
  options.explain(table.explain());
  table.read([&](const Record& record, const ColumnMap& map, std::span<const std::string> columns) {
    sink.row();
    auto parsed = ItemParser{map, folder}.parse(record, columns);
    if (const auto* reject = std::get_if<Reject>(&parsed)) return sink.reject(*reject);
    auto& [item, missing_file] = std::get<ParsedItem>(parsed);
    if (missing_file) sink.missing_file(*missing_file);
    sink.item(std::move(item));
  });
}

std::vector<Path> media_files_below(const Path& folder) {
  static const std::set<std::string> endings = {".mp4", ".m4v",  ".mov", ".mkv", ".webm", ".avi",
                                                ".mpg", ".mpeg", ".ts",  ".flv", ".3gp"};
  std::vector<Path> files;
  constexpr auto options = std::filesystem::directory_options::skip_permission_denied;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, options)) {
    std::string ending = entry.path().extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::error_code error;
    if (entry.is_regular_file(error) && endings.contains(ending)) files.push_back(entry.path());
  }
  if (files.empty()) {
    throw Error(ErrorCode::bad_input, "the folder holds no video files",
                {.where = folder.string(),
                 .expected = "files that end in .mp4, .mkv, .webm, .mov, .avi …",
                 .found = "none",
                 .remedy = "Name the folder that holds them, or a table with a column for the file."});
  }
  std::sort(files.begin(), files.end());  // the order of a folder's listing must not number the items
  return files;
}

void import_media_folder(const Path& folder, ImportSink& sink) {
  const Path whole = std::filesystem::absolute(folder / "").lexically_normal();
  sink.begin_file(whole.parent_path().filename().string());
  auto known = sink.known_files(whole.parent_path());
  std::set<std::string> ids;
  for (const auto& [path, id] : known) ids.insert(id);
  for (const Path& file : media_files_below(whole)) {
    ItemRecord item;
    const Path inside = file.lexically_relative(whole);
    item.media_path = file.string();
    if (const auto at = known.find(item.media_path); at != known.end()) {
      item.id = at->second;
      known.erase(at);
    } else {
      item.id = (inside.parent_path() / inside.stem()).string();
      if (!ids.insert(item.id).second) item.id = inside.string();
    }
    sink.row();
    size_t at = 0;
    if (!is_utf8(item.id, at) || item.id.size() > longest_id) {
      sink.reject({0, "", "a path of at most " + std::to_string(longest_id) + " bytes in UTF-8",
                   item.id.size() > longest_id ? std::to_string(item.id.size()) + " bytes"
                                               : describe_byte(item.id, at),
                   inside.string()});
      continue;
    }
    item.title = inside.stem().string();
    std::replace(item.title.begin(), item.title.end(), '_', ' ');
    sink.item(std::move(item));
  }
  for (const auto& [path, id] : known) sink.missing_file({0, "", "the file of video " + id, "no such file", path});
}

}  // namespace cowatch
