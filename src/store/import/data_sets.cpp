#include "store/import/data_sets.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include "base/error.h"
#include "base/progress.h"
#include "base/settings.h"
#include "store/catalogue_tools.h"
#include "store/graph_folder.h"
#include "store/import/parse.h"

namespace cowatch {
namespace {

// Sequences without times keep their order: a second apart from this moment on.
constexpr int64_t first_of_order_ms = 946684800000;  // 2000-01-01

Path need(const Path& folder, std::initializer_list<const char*> names) {
  std::string list;
  for (const char* name : names) {
    if (const auto path = find_file(folder, name)) return *path;
    list += (list.empty() ? "" : " or ") + std::string(name);
  }
  throw Error(ErrorCode::not_found, "a file of the data set is missing",
              {.where = folder.string(),
               .expected = list + " (also .gz or .zst)",
               .found = "none",
               .remedy = "docs/import.md says what each format's folder holds."});
}

std::optional<FeatureRows> features_of(GraphFolder& graph, const Path& folder) {
  if (graph.features.rows == 0) return std::nullopt;
  return FeatureRows{graph.ids, std::move(graph.features), folder.string()};
}

void import_graph_items(const GraphFolder& graph, ImportSink& sink) {
  for (size_t i = 0; i < graph.ids.size(); ++i) {
    ItemRecord item;
    item.id = graph.ids[i];
    if (!graph.titles.empty()) item.title = graph.titles[i];
    if (!graph.labels.empty()) item.hashtags = split_tags(graph.labels[i], ",");
    sink.row();
    sink.item(std::move(item));
  }
}

std::string describe_graph(const GraphFolder& graph) {
  std::string text = std::to_string(graph.ids.size()) + " videos, " + std::to_string(graph.edges.size()) +
                     " edges, " + std::to_string(graph.features.rows ? graph.features.columns : 0) +
                     " features";
  for (size_t i = 0; i < std::min<size_t>(3, graph.ids.size()); ++i) {
    std::string row = "  " + graph.ids[i];
    if (!graph.titles.empty()) row += " | " + std::string(cut_text(graph.titles[i], 40));
    if (!graph.labels.empty()) row += " | " + std::string(cut_text(graph.labels[i], 40));
    text += "\n" + one_line(std::move(row));
  }
  return text;
}

DataSet open_graph(const Path& folder, const ImportOptions& options) {
  const auto graph = std::make_shared<GraphFolder>(read_graph_folder(folder));
  options.explain(describe_graph(*graph));
  return {features_of(*graph, folder), [graph](ImportSink& sink) {
            sink.begin_file("edges.tsv");
            import_graph_items(*graph, sink);
            for (const auto& reject : graph->rejects) {
              sink.row();
              sink.reject({reject.line, "", reject.expected, reject.found, reject.found});
            }
            sink.edges(graph->ids, graph->edges, graph->duplicates);
          }};
}

DataSet open_movielens_csv(const Path& folder, const ImportOptions& options) {
  const Path movies = need(folder, {"movies.csv"}), ratings = need(folder, {"ratings.csv"});
  const std::optional<Path> tags = find_file(folder, "tags.csv");
  check_items(movies, options);
  check_events(ratings, options);
  if (tags) check_events(*tags, options);
  return {std::nullopt, [=, &options](ImportSink& sink) {
            import_items(movies, options, sink);
            import_events(ratings, options, sink);
            ImportOptions of_tags = options;
            of_tags.kind = FeedbackKind::hashtag;
            if (tags) import_events(*tags, of_tags, sink);
          }};
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

// "id|title|date|…": in Latin-1 and parted by bars, so the general reader does not fit.
void import_movielens_films(const Path& file, ImportSink& sink) {
  TextInput input(file);
  sink.begin_file(file.filename().string());
  std::string line;
  bool overlong = false;
  for (uint64_t number = 1; input.next_line(line, overlong); ++number) {
    if (line.empty()) continue;
    sink.row();
    const size_t bar = line.find('|'), second = bar == line.npos ? bar : line.find('|', bar + 1);
    if (second == line.npos || bar == 0 || bar > longest_id || overlong) {
      sink.reject({number, "", "id|title|…", utf8_from_latin1(line.substr(0, 40)),
                   utf8_from_latin1(line.substr(0, 80))});
      continue;
    }
    ItemRecord item;
    item.id = line.substr(0, bar);
    item.title = utf8_from_latin1(std::string_view(line).substr(bar + 1, second - bar - 1));
    sink.item(std::move(item));
  }
}

DataSet open_movielens_100k(const Path& folder, const ImportOptions& options) {
  ImportOptions ratings = options;
  ratings.table = TableFormat::tsv;
  ratings.header = false;
  ratings.columns = {{"user", "1"}, {"item", "2"}, {"rating", "3"}, {"time", "4"}};
  const Path films = need(folder, {"u.item"}), data = need(folder, {"u.data"});
  TextInput{films};
  check_compression(films);
  check_events(data, ratings);
  return {std::nullopt, [=](ImportSink& sink) {
            import_movielens_films(films, sink);
            import_events(data, ratings, sink);
          }};
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

  std::string describe() const {
    std::string text;
    for (const auto& [role, at] : map_)
      text += (text.empty() ? "" : ", ") + role + " = " + names_[static_cast<size_t>(at)];
    for (const auto& [at, kind] : signal_columns_)
      text += ", " + std::string(feedback_name(kind)) + " = " + names_[static_cast<size_t>(at)];
    return text;
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
    if (event.watched_ms == 0) event.kind = FeedbackKind::impression;
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

std::vector<Path> kuairand_files(const Path& folder) {
  if (std::filesystem::is_regular_file(folder)) return {folder};
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("log_") || name.starts_with("events.csv")) files.push_back(entry.path());
  }
  if (files.empty()) need(folder, {"log_standard_*.csv", "events.csv"});
  std::sort(files.begin(), files.end());
  return files;
}

void import_kuairand_log(const Path& file, const ImportOptions& options, ImportSink& sink) {
  const auto reader = RecordReader::open(file, TableFormat::csv, true);
  const KuairandLog log(*reader, file);
  sink.begin_file(file.filename().string());
  options.explain(one_line(file.filename().string() + ": " + log.describe()) +
                  "; an event for the showing and one for each signal of a row");
  for (Record record; reader->next(record);) {
    log.take(record, sink);
    throw_if_interrupted();
  }
}

DataSet open_kuairand(const Path& folder, const ImportOptions& options) {
  const std::vector<Path> files = kuairand_files(folder);
  for (const Path& file : files) {
    KuairandLog(*RecordReader::open(file, TableFormat::csv, true), file);
    check_compression(file);
  }
  return {std::nullopt, [files, &options](ImportSink& sink) {
            for (const Path& file : files) import_kuairand_log(file, options, sink);
          }};
}

// "user item item …" in order of watching; a tab may follow the user. `ids`: when not empty, items are
// positions in it.
void import_sequences(const Path& file, std::span<const std::string> ids, ImportSink& sink) {
  sink.begin_file(file.filename().string());
  for_each_line(file, [&](uint64_t number, std::string_view line) {
    std::vector<std::string> cells;
    while (!line.empty()) {
      const size_t end = std::min(line.find_first_of(" \t"), line.size());
      if (end > 0) cells.emplace_back(line.substr(0, end));
      line.remove_prefix(std::min(end + 1, line.size()));
    }
    if (cells.empty()) return;
    if (cells.size() < 2 || cells[0].size() > longest_id) {
      sink.row();
      return sink.reject(
          {number, "", "a user and at least one item", std::to_string(cells.size()) + " cells", ""});
    }
    for (size_t i = 1; i < cells.size(); ++i) {
      sink.row();
      size_t position = 0;
      const char* const end = cells[i].data() + cells[i].size();
      const bool numbered =
          std::from_chars(cells[i].data(), end, position).ptr == end && position < ids.size();
      if (cells[i].size() > longest_id || (!ids.empty() && !numbered)) {
        sink.reject({number, std::to_string(i + 1), "an item of ids.txt, counted from 0",
                     "'" + std::string(cut_text(cells[i], 40)) + "'", cells[0]});
        continue;
      }
      Event event;
      event.user = cells[0], event.item = ids.empty() ? cells[i] : ids[position];
      event.time_ms = first_of_order_ms + static_cast<int64_t>(i) * 1000;
      sink.event(std::move(event));
    }
    throw_if_interrupted();
  });
}

void check_sequences(const Path& file) {
  check_compression(file);
  for_each_line(file, [](uint64_t, std::string_view) {});
}

// Sequences whose items are lines of a graph folder; its edges were made from them, so that only the
// sequences count.
DataSet open_numbered_microlens(const Path& folder, const ImportOptions& options) {
  const auto graph = std::make_shared<GraphFolder>(read_graph_folder(folder));
  const Path sequences = need(folder, {"train.txt"});
  check_sequences(sequences);
  options.explain(describe_graph(*graph) + "\n  (edges are left out: they come from the sequences)");
  return {features_of(*graph, folder), [=](ImportSink& sink) {
            sink.begin_file("ids.txt");
            import_graph_items(*graph, sink);
            import_sequences(sequences, graph->ids, sink);
          }};
}

// The only file of the folder whose name contains `word` and has one of the endings.
std::optional<Path> file_named(const Path& folder, std::string_view word,
                               std::initializer_list<std::string_view> endings) {
  std::vector<Path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    for (const std::string_view packed : {".gz", ".zst"})
      if (name.ends_with(packed)) name.resize(name.size() - packed.size());
    const bool ends =
        std::any_of(endings.begin(), endings.end(), [&](auto ending) { return name.ends_with(ending); });
    if (ends && name.find(word) != name.npos) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found.empty() ? std::nullopt : std::optional(found.front());
}

DataSet open_microlens(const Path& folder, const ImportOptions& options) {
  if (find_file(folder, "train.txt")) return open_numbered_microlens(folder, options);
  const auto titles = file_named(folder, "titles", {".csv"}), pairs = file_named(folder, "pairs", {".csv"}),
             sequences = file_named(folder, "pairs", {".tsv"});
  if (!pairs && !sequences) need(folder, {"train.txt", "*pairs*.csv", "*pairs*.tsv"});
  if (titles) check_items(*titles, options);
  if (pairs) check_events(*pairs, options);
  if (!pairs) check_sequences(*sequences);
  return {std::nullopt, [=, &options](ImportSink& sink) {
            if (titles) import_items(*titles, options, sink);
            if (pairs) {
              import_events(*pairs, options, sink);
            } else {
              import_sequences(*sequences, {}, sink);
            }
          }};
}

DataSet open_youtube_trending(const Path& folder, const ImportOptions& options) {
  ImportOptions items = options;
  items.table = TableFormat::tsv;
  items.columns = {{"id", "video"}, {"author", "channel"}, {"title", "title"}, {"hashtags", "tags"}};
  const Path videos = need(folder, {"videos.tsv"});
  check_items(videos, items);
  return {std::nullopt, [=](ImportSink& sink) { import_items(videos, items, sink); }};
}

struct Format {
  const char* name;
  const char* files;
  DataSet (*open)(const Path&, const ImportOptions&);
};

constexpr Format formats[] = {
    {"graph", "ids.txt, edges.tsv[.gz], and optionally features.npy[.gz], titles.txt, labels.txt",
     open_graph},
    {"movielens-100k", "u.data, u.item", open_movielens_100k},
    {"movielens-csv", "ratings.csv, movies.csv, optionally tags.csv", open_movielens_csv},
    {"kuairand", "log_*.csv or events.csv[.gz]", open_kuairand},
    {"microlens",
     "*pairs*.csv or *pairs*.tsv and *titles*.csv, or train.txt[.gz] with ids.txt, titles.txt, edges.tsv, "
     "features.npy",
     open_microlens},
    {"youtube-trending", "videos.tsv", open_youtube_trending},
};

const Format& find_format(std::string_view name) {
  for (const Format& format : formats) {
    if (format.name == name) return format;
  }
  const auto names = data_set_formats();
  const std::string near = nearest_name(name, names);
  std::string list;
  for (const std::string& known : names) list += (list.empty() ? "" : ", ") + known;
  throw Error(
      ErrorCode::bad_argument, "--format does not know this data set",
      {.expected = list,
       .found = "'" + std::string(name) + "'",
       .remedy = near.empty() ? "Name one of these, or give the tables themselves: --events, --videos."
                              : "Did you mean " + near + "?"});
}

}  // namespace

std::vector<std::string> data_set_formats() {
  std::vector<std::string> names;
  for (const Format& format : formats) names.emplace_back(format.name);
  return names;
}

std::string_view describe_data_set(std::string_view format) {
  return find_format(format).files;
}

DataSet open_data_set(std::string_view name, const Path& folder, const ImportOptions& options) {
  const Format& format = find_format(name);
  const bool file = std::filesystem::is_regular_file(folder);
  if (!std::filesystem::is_directory(folder) && !(file && format.open == open_kuairand)) {
    throw Error(file ? ErrorCode::bad_input : ErrorCode::not_found, "there is no such folder",
                {.where = folder.string(),
                 .expected = "a folder with " + std::string(format.files),
                 .found = file ? "a file" : "none",
                 .remedy = "Name it with --data FOLDER."});
  }
  return format.open(folder, options);
}

}  // namespace cowatch
