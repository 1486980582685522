// Imports tables and ready-made data sets into a catalogue (`cowatch import`).
//
// Every row read is accepted, a duplicate of what is there, or rejected with its place: the counts add up.
// Rows go in by chunks, each one transaction; an import that was killed and is repeated finds its first
// chunks as duplicates and ends in the same store. A file that cannot be used as a whole (missing, empty,
// without the columns that are needed, compressed bytes damaged) throws before any of its rows is written:
// check files first to have none of them half-applied.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "store/catalogue.h"
#include "store/import/record_reader.h"

namespace cowatch {

struct ImportOptions {
  std::optional<TableFormat> table;  // guessed when absent
  bool header = true;
  std::map<std::string, std::string> columns;  // role → column name or number
  std::optional<FeedbackKind> kind;            // for every row
  size_t transaction = 200000;                 // rows; large enough that sorted inserts share pages
  // Told how the columns of a file were understood, with its first three rows; once a file.
  std::function<void(const std::string&)> explain = [](const std::string&) {};
};

struct ImportCounts {
  uint64_t read = 0, accepted = 0, duplicate = 0, rejected = 0;
  uint64_t missing_files = 0;  // accepted items whose media file is not there
  uint64_t left_out = 0;       // files of folders whose endings are no media's
};

inline constexpr size_t most_rejects = 100000;  // of one file that are kept; all are counted

// Where rows go: buffers them, writes chunks, counts, keeps the rejects.
class ImportSink {
 public:
  // `catalogue` null: only validates (repeats then count as accepted). `rejects_folder` empty: rejects are
  // only counted.
  ImportSink(Catalogue* catalogue, Path rejects_folder, size_t transaction = ImportOptions().transaction)
      : catalogue_(catalogue), rejects_folder_(std::move(rejects_folder)), transaction_(transaction) {}

  // Rejects of the file go to NAME.tsv (NAME-2.tsv when a file of that name was there before in this import);
  // all of an earlier import of that name are removed.
  void begin_file(const std::string& name);
  // One row may make several events (and counts once each): call row() first, then what it made.
  void row() { ++counts_.read; }
  void event(Event event);
  void item(ItemRecord item);
  // The ends are positions in `ids`, which must be items by now; edges whose ends are one item are not
  // allowed. `duplicates`: further rows that name one of these pairs again.
  void edges(std::span<const std::string> ids, std::span<const StoredEdge> edges, uint64_t duplicates);
  void reject(const Reject& reject);
  void missing_file(const Reject& where);
  void leave_out(uint64_t files) { counts_.left_out += files; }
  // Writes what is buffered; then every item can be found.
  void flush();
  ImportCounts finish();  // flush, the last file's rejects, the index of events by item
  // A few of the rejects, for people.
  const std::vector<std::string>& samples() const { return samples_; }
  // How many there are of each problem.
  const std::map<std::string, uint64_t>& problems() const { return problems_; }
  // Whether a file had more rejects than are kept of one.
  bool cut() const { return cut_; }
  // Flushes; then the media files that the catalogue knows, by path, each with the id of its item.
  std::map<std::string, std::string> known_files();

 private:
  void keep(const Reject& reject);
  void write_rejects();
  std::vector<uint32_t> indices(std::span<const std::string> ids) const;
  void flush_events();
  void flush_items();
  void count(const Catalogue::Written& written);

  Catalogue* catalogue_;
  Path rejects_folder_;
  size_t transaction_;
  std::string file_;
  std::map<std::string, int> times_;  // that a name was begun
  std::string rejects_;               // text of the file's rejects
  size_t kept_ = 0;                   // lines of it
  bool cut_ = false;
  std::vector<std::string> samples_;
  std::map<std::string, uint64_t> problems_;
  std::vector<Event> events_;
  std::vector<ItemRecord> items_;
  ImportCounts counts_;
};

// What was counted, by number, the most first.
std::vector<std::pair<std::string, uint64_t>> most_first(const std::map<std::string, uint64_t>& counts);

// Throws what import_events() and import_items() would throw of the file as a whole, and writes nothing.
void check_events(const Path& file, const ImportOptions& options);
void check_items(const Path& file, const ImportOptions& options);

void import_events(const Path& file, const ImportOptions& options, ImportSink& sink);
void import_items(const Path& file, const ImportOptions& options, ImportSink& sink);

}  // namespace cowatch
