#include "store/import/data_sets.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/settings.h"
#include "base/tensor_file.h"
#include "store/graph_folder.h"
#include "store/import/parse.h"

namespace cowatch {
namespace {

// Sequences without times keep their order: a second apart from this moment on.
constexpr int64_t first_of_order_ms = 946684800000;  // 2000-01-01

Path need(const Path& folder, std::initializer_list<const char*> names) {
  std::string list;
  for (const char* name : names) {
    for (const char* ending : {"", ".gz", ".zst"}) {
      if (std::filesystem::exists(folder / (std::string(name) + ending)))
        return folder / (std::string(name) + ending);
    }
    list += (list.empty() ? "" : " or ") + std::string(name);
  }
  throw Error(ErrorCode::not_found, "a file of the data set is missing",
              {.where = folder.string(), .expected = list, .found = "none"});
}

bool there(const Path& folder, const char* name) {
  return std::filesystem::exists(folder / name) ||
         std::filesystem::exists(folder / (std::string(name) + ".gz"));
}

void import_graph(const Path& folder, const Path& features_target, const ImportOptions&, ImportSink& sink) {
  GraphFolder graph = read_graph_folder(folder);
  sink.begin_file("edges.tsv");
  for (size_t i = 0; i < graph.ids.size(); ++i) {
    ItemRecord item;
    item.id = graph.ids[i];
    if (!graph.titles.empty()) item.title = graph.titles[i];
    if (!graph.labels.empty()) {
      for (std::string label : graph.labels[i]) {
        std::replace(label.begin(), label.end(), ' ', '_');
        item.hashtags.push_back(std::move(label));
      }
    }
    sink.row();
    sink.item(std::move(item));
  }
  for (const auto& reject : graph.rejects) {
    sink.row();
    sink.reject({reject.line, "", reject.expected, reject.found, reject.found});
  }
  if (graph.features.rows > 0) {
    write_imported_features(graph.features, graph.ids.size(), folder.filename().string(), features_target);
  }
  sink.edges(std::move(graph.edges));
}

void import_movielens_csv(const Path& folder, const Path&, const ImportOptions& options, ImportSink& sink) {
  import_items(need(folder, {"movies.csv"}), options, sink);
  import_events(need(folder, {"ratings.csv"}), options, sink);
  if (!there(folder, "tags.csv")) return;
  ImportOptions tags = options;
  tags.kind = FeedbackKind::hashtag;
  import_events(need(folder, {"tags.csv"}), tags, sink);
}

std::string utf8_from_latin1(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0 | byte >> 6);
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return out;
}

// u.item is in Latin-1 and parted by bars, so the general reader does not fit.
void import_movielens_100k(const Path& folder, const Path&, const ImportOptions& options, ImportSink& sink) {
  const std::string text = InputStream(need(folder, {"u.item"})).read_all();
  sink.begin_file("u.item");
  uint64_t line_number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line(text.data() + begin, end - begin);
    begin = end + 1;
    ++line_number;
    sink.row();
    const size_t bar = line.find('|'), second = bar == line.npos ? bar : line.find('|', bar + 1);
    if (second == line.npos || bar == 0) {
      sink.reject(
          {line_number, "", "id|title|…", std::string(line.substr(0, 40)), std::string(line.substr(0, 80))});
      continue;
    }
    ItemRecord item;
    item.id = line.substr(0, bar);
    item.title = utf8_from_latin1(line.substr(bar + 1, second - bar - 1));
    sink.item(std::move(item));
  }
  ImportOptions ratings = options;
  ratings.table = TableFormat::tsv;
  ratings.header = false;
  ratings.columns = {{"user", "1"}, {"item", "2"}, {"rating", "3"}, {"time", "4"}};
  import_events(need(folder, {"u.data"}), ratings, sink);
}

// A row of KuaiRand's log is one showing of a video with everything that came of it: it makes one event a
// signal.
class KuairandLog {
 public:
  KuairandLog(const RecordReader& reader, const Path& file) : names_(reader.columns()) {
    map_ = map_columns(event_roles(), names_, {});
    for (const char* needed : {"user", "item", "time"}) {
      if (!map_.contains(needed)) {
        throw Error(ErrorCode::bad_input, "this is not a KuaiRand log",
                    {.where = file.string(),
                     .expected = "a column for " + std::string(needed),
                     .found = describe_columns({}, names_)});
      }
    }
    map_["time"] = column("time_ms") >= 0 ? column("time_ms") : map_["time"];
    for (const auto& [name, kind] : signals_) {
      if (const int found = column(name); found >= 0) signal_columns_.emplace_back(found, kind);
    }
  }

  void take(const Record& record, ImportSink& sink) const {
    const EventParser parser{map_, FeedbackKind::watch};
    const auto parsed = parser.parse(record, names_);
    if (const auto* reject = std::get_if<Reject>(&parsed)) {
      sink.row();
      return sink.reject(*reject);
    }
    Event event = std::get<Event>(parsed);
    if (event.length_ms == 0) event.length_ms = -1;  // 0 stands for not known
    sink.row();
    sink.event(event);
    for (const auto& [at, kind] : signal_columns_) {
      if (record.cell(at) != "1") continue;
      event.kind = kind;
      event.watched_ms = event.length_ms = -1;
      sink.row();  // each signal counts as a row of its own
      sink.event(event);
    }
  }

 private:
  int column(std::string_view name) const {
    const auto found = std::find(names_.begin(), names_.end(), name);
    return found == names_.end() ? -1 : static_cast<int>(found - names_.begin());
  }

  static constexpr std::pair<const char*, FeedbackKind> signals_[] = {
      {"is_click", FeedbackKind::click},   {"is_like", FeedbackKind::like},
      {"is_follow", FeedbackKind::follow}, {"is_comment", FeedbackKind::comment},
      {"is_forward", FeedbackKind::share}, {"is_hate", FeedbackKind::dislike}};
  std::vector<std::string> names_;
  ColumnMap map_;
  std::vector<std::pair<int, FeedbackKind>> signal_columns_;
};

void import_kuairand(const Path& folder, const Path&, const ImportOptions& options, ImportSink& sink) {
  std::vector<Path> files;
  const bool one = std::filesystem::is_regular_file(folder);
  if (one) files.push_back(folder);
  if (!one) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("log_") || name.starts_with("events.csv")) files.push_back(entry.path());
    }
  }
  if (files.empty()) need(folder, {"log_standard_*.csv", "events.csv"});
  std::sort(files.begin(), files.end());
  for (const Path& file : files) {
    const auto reader = RecordReader::open(file, TableFormat::csv, true);
    sink.begin_file(file.filename().string());
    const KuairandLog log(*reader, file);
    options.explain(file.filename().string() + ": one event for each signal of a row");
    for (Record record; reader->next(record);) log.take(record, sink);
  }
}

// "user item item …", in order of watching.
void import_sequences(const Path& file, ImportSink& sink) {
  const std::string text = InputStream(file).read_all();
  sink.begin_file(file.filename().string());
  uint64_t line_number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    ++line_number;
    std::vector<std::string> cells;
    for (size_t at = begin; at < end;) {
      const size_t stop = std::min(text.find(' ', at), end);
      if (stop > at) cells.push_back(text.substr(at, stop - at));
      at = stop + 1;
    }
    begin = end + 1;
    if (cells.size() < 2) {
      sink.row();
      sink.reject(
          {line_number, "", "a user and at least one item", std::to_string(cells.size()) + " numbers", ""});
      continue;
    }
    for (size_t i = 1; i < cells.size(); ++i) {
      Event event;
      event.user = cells[0], event.item = cells[i];
      event.time_ms = first_of_order_ms + static_cast<int64_t>(i) * 1000;
      sink.row();
      sink.event(std::move(event));
    }
  }
}

void import_microlens(const Path& folder, const Path& features_target, const ImportOptions& options,
                      ImportSink& sink) {
  if (there(folder, "train.txt")) {
    // The shared form numbers items by line; the items go in first, so that features and titles fit.
    const GraphFolder graph = read_graph_folder(folder);
    sink.begin_file("titles.txt");
    for (size_t i = 0; i < graph.ids.size(); ++i) {
      ItemRecord item;
      item.id = std::to_string(i);
      if (!graph.titles.empty()) item.title = graph.titles[i];
      sink.row();
      sink.item(std::move(item));
    }
    if (graph.features.rows > 0)
      write_imported_features(graph.features, graph.ids.size(), "microlens", features_target);
    return import_sequences(need(folder, {"train.txt"}), sink);
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.find("titles") != name.npos && name.ends_with(".csv")) import_items(entry.path(), options, sink);
    if (name.find("pairs") != name.npos && name.ends_with(".csv")) import_events(entry.path(), options, sink);
  }
}

void import_youtube_trending(const Path& folder, const Path&, const ImportOptions& options,
                             ImportSink& sink) {
  ImportOptions items = options;
  items.table = TableFormat::tsv;
  items.columns = {{"id", "video"}, {"author", "channel"}, {"title", "title"}, {"hashtags", "tags"}};
  import_items(need(folder, {"videos.tsv"}), items, sink);
}

struct DataSet {
  const char* name;
  const char* files;
  void (*read)(const Path&, const Path&, const ImportOptions&, ImportSink&);
};

constexpr DataSet data_sets[] = {
    {"graph", "ids.txt, edges.tsv[.gz], and optionally features.npy[.gz], titles.txt, labels.txt",
     import_graph},
    {"movielens-100k", "u.data, u.item", import_movielens_100k},
    {"movielens-csv", "ratings.csv, movies.csv, optionally tags.csv", import_movielens_csv},
    {"kuairand", "log_*.csv or events.csv[.gz]", import_kuairand},
    {"microlens",
     "*pairs*.csv and *titles*.csv, or train.txt[.gz] with ids.txt, titles.txt, edges.tsv, features.npy",
     import_microlens},
    {"youtube-trending", "videos.tsv", import_youtube_trending},
};

const DataSet& find_data_set(std::string_view format) {
  for (const DataSet& set : data_sets) {
    if (set.name == format) return set;
  }
  const auto names = data_set_formats();
  const std::string near = nearest_name(format, names);
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  throw Error(ErrorCode::bad_argument, "--format does not know this data set",
              {.expected = list,
               .found = "'" + std::string(format) + "'",
               .remedy = near.empty() ? "" : "Did you mean " + near + "?"});
}

}  // namespace

std::vector<std::string> data_set_formats() {
  std::vector<std::string> names;
  for (const DataSet& set : data_sets) names.emplace_back(set.name);
  return names;
}

std::string_view describe_data_set(std::string_view format) {
  return find_data_set(format).files;
}

void import_data_set(std::string_view format, const Path& folder, const Path& features_target,
                     const ImportOptions& options, ImportSink& sink) {
  const DataSet& set = find_data_set(format);
  if (!std::filesystem::exists(folder))
    throw Error(ErrorCode::not_found, "there is no such folder", {.where = folder.string()});
  set.read(folder, features_target, options, sink);
}

void write_imported_features(const NumberTable& features, uint64_t items, const std::string& origin,
                             const Path& target) {
  if (features.rows != items) {
    throw Error(ErrorCode::bad_input, "features of the wrong length",
                {.where = origin,
                 .expected = std::to_string(items) + " rows, one an item in the catalogue's order",
                 .found = std::to_string(features.rows),
                 .remedy = "Rows follow the order in which items were first imported."});
  }
  if (target.empty()) return;
  std::vector<uint8_t> present(features.rows);
  for (size_t row = 0; row < features.rows; ++row) {
    const float* begin = features.values.data() + row * features.columns;
    present[row] = std::any_of(begin, begin + features.columns, [](float v) { return v != 0; });
  }
  TensorFileWriter writer("features", 1);
  writer.set("modalities",
             R"([{"name":"imported","begin":0,"end":)" + std::to_string(features.columns) + "}]");
  writer.set("origin", origin);
  writer.add<float>("features", {features.rows, features.columns}, features.values);
  writer.add<uint8_t>("present", {features.rows, 1}, present);
  writer.write(target);
}

}  // namespace cowatch
