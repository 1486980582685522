// The catalogue: items (videos), users, feedback and what is known of them, in one SQLite file.
//
// An item has an external id (any text of 1 to 512 bytes) and an index: 0, 1, 2 … in order of first
// appearance, never reused. All other artifacts speak of items by index. One writer, many readers
// (write-ahead log). Not thread-safe: one Catalogue a thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/feedback.h"
#include "base/file.h"
#include "base/json_forward.h"

namespace cowatch {

// One thing a person did. Times are Unix milliseconds (UTC); negative fields: not known.
struct Event {
  std::string user, item;
  FeedbackKind kind = FeedbackKind::watch;
  int64_t time_ms = -1;
  int64_t watched_ms = -1, length_ms = -1;
  double portion = -1;  // watched / length when known by itself
  std::string text;     // query, comment or hashtag
};

struct ItemRecord {
  uint32_t index = 0;
  std::string id, title, description, author, language;
  std::string media_path;  // absolute; empty: none
  int64_t created_ms = -1;
  double seconds = -1;  // length
  std::vector<std::string> hashtags;
  std::string attributes;  // a JSON object, for what has no column of its own
  bool hidden = false;     // deleted or hidden: never answered

  bool operator==(const ItemRecord&) const = default;
};

struct UserRecord {
  std::string id, comment;
  std::string labels;  // a JSON object or array; "": none
};

// What extraction found out about an item's file.
struct MediaRecord {
  uint32_t item = 0;
  std::string state;            // "extracted", "refused"
  std::string reason;           // of a refusal
  std::string fingerprint;      // size and modification time of the file it speaks of
  std::string poster, preview;  // file names in Workspace::media()
  double seconds = -1;
  int width = 0, height = 0;
  bool has_sound = false;
};

struct StoredEdge {
  uint32_t u, v;
  double weight;
};

// One watch as the graph needs it. Users are numbered 0, 1, 2 … in order of first appearance.
struct Watch {
  uint32_t user, item;
  int64_t time_ms, watched_ms, length_ms;
  double portion;
};

std::string_view sqlite_version();  // "3.40.1"

class Catalogue {
 public:
  enum class Mode { read, write };
  Catalogue(const Path& path, Mode mode);  // write creates the file and its tables
  ~Catalogue();
  Catalogue(Catalogue&&) noexcept;

  // --- writing; each call is one transaction ---
  struct Written {
    uint64_t accepted = 0, duplicate = 0;
  };
  Written add_events(
      std::span<const Event> events);  // unknown users and items are added; exact repeats are duplicates
  Written put_items(
      std::span<const ItemRecord> items);  // by id; known items: non-empty fields replace; index is ignored
  Written add_edges(std::span<const StoredEdge> edges);  // imported graph; u < v; a known pair is a duplicate
  // Makes item_events() quick. Sorting a whole log once costs a fraction of keeping the index up while the first log
  // comes in; later events keep it up. Nothing to do where it is there.
  void index_events();
  void put_users(std::span<const UserRecord> users);  // by id; what is known of them is replaced
  // In one transaction with what they read; not_found when there is none.
  void change_item(uint32_t index, const std::function<void(ItemRecord&)>& work);
  void hide_item(uint32_t index, bool hidden);
  void change_user(std::string_view id, const std::function<void(UserRecord&)>& work);
  bool remove_user(std::string_view id);  // with all feedback, the id too; false: there is none
  void put_media(const MediaRecord& record);
  bool remove_event(std::string_view user, std::string_view item, FeedbackKind kind);
  void set_note(std::string_view key, std::string_view value);  // small named facts, e.g. of imports
  std::string note(std::string_view key) const;
  // Most pages (of 4 KiB) the file may grow to; beyond it writes throw no_space. For quotas and tests.
  void limit_pages(uint64_t pages);

  // --- reading ---
  // From begin_view() to end_view() all reads see the catalogue of one moment, that of the first of them.
  // end_view() never throws; false: the view could not be ended, this catalogue is of no more use.
  void begin_view() const;
  bool end_view() const;
  uint64_t item_count() const;
  uint64_t user_count() const;
  uint64_t event_count() const;
  std::map<FeedbackKind, uint64_t> event_counts() const;  // kinds without events are left out
  uint64_t edge_count() const;
  std::optional<uint32_t> find_item(std::string_view id) const;
  std::optional<ItemRecord> item(uint32_t index) const;
  std::vector<ItemRecord> items(uint32_t first, size_t limit) const;  // by index, from `first`
  // Newest first, those without a time last; hidden ones are left out.
  std::vector<ItemRecord> newest_items(size_t offset, size_t limit) const;
  uint64_t dated_item_count() const;  // with a time
  // Items that have each word in their title, author or hashtags, or as their id; by index, from `first`. Hidden ones are
  // left out.
  std::vector<ItemRecord> find_items(std::string_view words, uint32_t first, size_t limit) const;
  std::vector<uint32_t> hidden_items() const;  // ascending
  std::vector<UserRecord> users(std::string_view after, size_t limit) const;  // in order of ids, after the given one
  std::optional<UserRecord> user(std::string_view id) const;
  std::vector<Event> user_events(std::string_view user, size_t limit) const;  // newest first
  std::vector<Event> item_events(uint32_t item, size_t limit) const;          // newest first
  std::optional<MediaRecord> media(uint32_t item) const;
  // Events of `kinds` grouped by user, users ascending, each user's events in order of time (then item).
  void for_each_watch(std::span<const FeedbackKind> kinds,
                      const std::function<void(const Watch&)>& visit) const;
  void for_each_edge(const std::function<void(const StoredEdge&)>& visit) const;  // sorted
  void for_each_media(const std::function<void(const MediaRecord&)>& visit) const;
  // Changes with every committed write to what the graph depends on (items, events, edges).
  uint64_t version() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace cowatch
