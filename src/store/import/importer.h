// Imports tables and ready-made data sets into a catalogue (`cowatch import`).
//
// Every row read is accepted, a duplicate of what is there, or rejected with its place: the counts add up.
// Rows go in by chunks, each one transaction; an import that was killed and is repeated finds its first
// chunks as duplicates and ends in the same store.
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
  // Told how the columns of a file were understood, with its first three rows; once a file.
  std::function<void(const std::string&)> explain = [](const std::string&) {};
};

struct ImportCounts {
  uint64_t read = 0, accepted = 0, duplicate = 0, rejected = 0;
  uint64_t missing_files = 0;  // accepted items whose media file is not there
};

// Where rows go: buffers them, writes chunks, counts, keeps the rejects.
class ImportSink {
 public:
  // `catalogue` null: only validates (repeats then count as accepted). `rejects_folder` empty: rejects are
  // only counted.
  ImportSink(Catalogue* catalogue, Path rejects_folder)
      : catalogue_(catalogue), rejects_folder_(std::move(rejects_folder)) {}

  void begin_file(const std::string& name);  // rejects of the file go to NAME.tsv
  // One row may make several events (and counts once): call row() first, then what it made.
  void row() { ++counts_.read; }
  void event(Event event);
  void item(ItemRecord item);
  void edges(std::vector<StoredEdge> edges);
  void reject(const Reject& reject);
  void missing_file(const Reject& where);
  ImportCounts finish();  // writes what is buffered
  const std::map<FeedbackKind, uint64_t>& kinds() const { return kinds_; }
  // A few of the rejects, for people.
  const std::vector<std::string>& samples() const { return samples_; }

 private:
  void keep(const Reject& reject);
  void write_rejects();
  void flush_events();
  void flush_items();
  void count(const Catalogue::Written& written);

  Catalogue* catalogue_;
  Path rejects_folder_;
  std::string file_;
  std::string rejects_;  // text of the file's rejects
  std::vector<std::string> samples_;
  std::vector<Event> events_;
  std::vector<ItemRecord> items_;
  std::map<FeedbackKind, uint64_t> kinds_;
  ImportCounts counts_;
};

void import_events(const Path& file, const ImportOptions& options, ImportSink& sink);
void import_items(const Path& file, const ImportOptions& options, ImportSink& sink);
// Every video file below a folder becomes an item; its id is the path below the folder without the ending.
void import_media_folder(const Path& folder, ImportSink& sink);

}  // namespace cowatch
