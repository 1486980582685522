// Tables in text: every row comes as cells that fit the columns or as a reject with its line, whatever the
// bytes.
#include "fuzz/fuzz.h"
#include "store/catalogue_tools.h"
#include "store/import/parse.h"

using namespace cowatch;

namespace {

void check_event(const Event& event) {
  fuzz::expect(!event.user.empty() && event.user.size() <= longest_id, "a user with an id");
  fuzz::expect(!event.item.empty() && event.item.size() <= longest_id, "an item with an id");
  fuzz::expect(event.time_ms == -1 || event.time_ms > 631151000000, "a time after 1990");
  fuzz::expect(event.watched_ms >= -1 && event.watched_ms <= 7LL * 86400000, "a watch of at most a week");
  fuzz::expect(event.portion == -1 || (event.portion >= 0 && event.portion <= 1000),
               "a portion in its range");
}

void check_record(const Record& record, const ColumnMap& events, const ColumnMap& items,
                  const std::vector<std::string>& columns) {
  size_t at = 0;
  const auto event = EventParser{events, std::nullopt}.parse(record, columns);
  FileIds ids({});
  const auto item = ItemParser{items, "/nowhere", ids}.parse(record, columns);
  if (record.problem) {
    fuzz::expect(record.problem->line >= record.line && !record.problem->expected.empty(),
                 "a place and a reason");
    fuzz::expect(event.index() == 1 && item.index() == 1, "a malformed row makes a reject");
    return;
  }
  fuzz::expect(record.cells.size() <= columns.size(), "no more cells than columns");
  for (const std::string& cell : record.cells) fuzz::expect(is_utf8(cell, at), "cells in UTF-8");
  if (const auto* found = std::get_if<Event>(&event)) check_event(*found);
  if (const auto* found = std::get_if<ParsedItem>(&item))
    fuzz::expect(!found->item.id.empty(), "an item with an id");
}

}  // namespace

// The first byte chooses the format and whether there is a header.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const auto format = static_cast<TableFormat>(data[0] % 3);
  const fuzz::MemoryFile file(fuzz::text_of(data + 1, size - 1));
  try {
    const auto reader = RecordReader::open(file.path(), format, (data[0] & 4) == 0);
    ColumnMap events = map_columns(event_roles(), reader->columns(), {});
    ColumnMap items = map_columns(item_roles(), reader->columns(), {});
    uint64_t line = 0, rows = 0;
    for (Record record; reader->next(record) && ++rows < 100000;) {
      fuzz::expect(record.line > line, "lines in order");
      line = record.line;
      extend_columns(events, event_roles(), reader->columns());
      extend_columns(items, item_roles(), reader->columns());
      check_record(record, events, items, reader->columns());
    }
  } catch (const Error& error) {
    fuzz::expect(!error.message().empty(), "a message");
  }
  return 0;
}
