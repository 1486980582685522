#include "store/import/importer.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "base/error.h"
#include "base/progress.h"
#include "store/catalogue_tools.h"
#include "store/import/file_ids.h"
#include "store/import/parse.h"

namespace cowatch {
namespace {

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
        format_(options.table.value_or(guess_format(file))),
        reader_(RecordReader::open(file, format_, options.header)) {
    // JSON lines show their columns only in rows that can be read.
    for (Record record; good_ < rows_shown && first_.size() < rows_looked_at && reader_->next(record);) {
      good_ += !record.problem;
      first_.push_back(record);
    }
    if (!first_.empty() && first_.front().problem) check_first(*first_.front().problem);
    map_ = map_columns(roles, reader_->columns(), options.columns);
    for (const auto& group : needed) need_column(group);
  }

  bool has(std::string_view role) const { return map_.contains(role); }
  const ColumnMap& map() const { return map_; }
  std::span<const std::string> columns() const { return reader_->columns(); }

  // The columns' roles and the first rows, for people.
  std::string explain() const {
    std::string text =
        one_line(file_.filename().string() + ": " + describe_columns(map_, reader_->columns()));
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
    const auto advance = [&] {
      const uint64_t at = reader_->input().consumed();
      if (at == shown) return;
      progress.add(at - shown);
      shown = at;
      throw_if_interrupted();
    };
    for (const Record& record : first_) take(record);
    advance();
    for (Record record; reader_->next(record);) {
      take(record);
      advance();
    }
  }

 private:
  static constexpr size_t rows_shown = 3, rows_looked_at = 1000;

  // JSON that is not one object a line has no columns, or those of its last line alone.
  void check_first(const Reject& problem) const {
    const bool list = format_ == TableFormat::jsonl && problem.row.starts_with('[');
    if (!list && !reader_->columns().empty()) return;
    throw Error(ErrorCode::bad_input, list ? "the file is one JSON list" : "no row can be read",
                {.where = file_.string() + ", line " + std::to_string(problem.line),
                 .expected = list ? "a JSON object a line" : problem.expected,
                 .found = one_line(list ? problem.row : problem.found),
                 .remedy = list ? "Write a row a line: jq -c '.[]' " + shell_word(file_) + " > rows.jsonl"
                                : "Write a row a line."});
  }

  void need_column(const std::vector<std::string_view>& group) const {
    for (const auto role : group) {
      if (map_.contains(role)) return;
    }
    const std::string role(group.front());
    throw Error(ErrorCode::bad_input, "no column looks like the " + role,
                {.where = file_.string(),
                 .expected = "a column named '" + role + "' or like it",
                 .found = one_line(join_names(reader_->columns())),
                 .remedy = "Name it: --column " + role + "=COLUMN"});
  }

  Path file_;
  std::span<const Role> roles_;
  TableFormat format_;
  std::unique_ptr<RecordReader> reader_;
  std::vector<Record> first_;
  size_t good_ = 0;
  ColumnMap map_;
};

// NAME.tsv, NAME-2.tsv …
bool is_of_table(std::string_view rejects, std::string_view name) {
  if (!rejects.starts_with(name) || !rejects.ends_with(".tsv") || rejects.size() < name.size() + 4)
    return false;
  const std::string_view number = rejects.substr(name.size(), rejects.size() - name.size() - 4);
  return number.empty() ||
         (number.size() > 1 && number[0] == '-' && number.find_first_not_of("0123456789", 1) == number.npos);
}

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
  if (times > 1 || !std::filesystem::exists(rejects_folder_)) return;
  // An earlier import may have had more files of this name.
  std::vector<Path> old;
  for (const auto& entry : std::filesystem::directory_iterator(rejects_folder_)) {
    if (is_of_table(entry.path().filename().string(), name)) old.push_back(entry.path());
  }
  for (const Path& path : old) file_system().remove(path);
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
  ++problems_[one_line((reject.column.empty() ? "" : "column " + reject.column + ": ") + "expected " +
                       reject.expected)];
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

std::map<std::string, std::string> ImportSink::known_files() {
  flush();
  std::map<std::string, std::string> known;
  for (uint32_t first = 0; catalogue_;) {
    const auto items = catalogue_->items(first, 5000);
    if (items.empty()) break;
    for (const ItemRecord& item : items)
      if (!item.media_path.empty()) known.emplace(item.media_path, item.id);
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

std::vector<std::pair<std::string, uint64_t>> most_first(const std::map<std::string, uint64_t>& counts) {
  std::vector<std::pair<std::string, uint64_t>> order(counts.begin(), counts.end());
  std::ranges::stable_sort(order, std::greater{}, &std::pair<std::string, uint64_t>::second);
  return order;
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
  if (const auto kind = implied_kind(table.map(), table.columns()); kind && !options.kind)
    options.explain("  every row is a " + std::string(feedback_name(*kind)) +
                    ", by the name of its column of text; --kind says otherwise");
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
  FileIds ids(table.has("id") ? std::map<std::string, std::string>() : sink.known_files());
  table.read([&](const Record& record, const ColumnMap& map, std::span<const std::string> columns) {
    sink.row();
    auto parsed = ItemParser{map, folder, ids}.parse(record, columns);
    if (const auto* reject = std::get_if<Reject>(&parsed)) return sink.reject(*reject);
    auto& [item, missing_file] = std::get<ParsedItem>(parsed);
    if (missing_file) sink.missing_file(*missing_file);
    sink.item(std::move(item));
  });
}

}  // namespace cowatch
