// The writing half of the catalogue: each call is one transaction.
#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "store/catalogue_implementation.h"
#include "store/catalogue_tools.h"

namespace cowatch {
namespace {

void check_id(std::string_view what, std::string_view id) {
  if (!id.empty() && id.size() <= longest_id) return;
  throw Error(ErrorCode::bad_input, std::string(what) + " has no usable id",
              {.expected = "1 to " + std::to_string(longest_id) + " bytes",
               .found = std::to_string(id.size()) + " bytes"});
}

}  // namespace

constexpr size_t most_asked = 1000;  // names, one by one

NameTable::NameTable(Database& database, const char* table)
    : database_(database),
      table_(table),
      find_(database, "SELECT idx FROM " + table_ + " WHERE id = ?"),
      insert_(database, "INSERT INTO " + table_ + " (idx, id) VALUES (?, ?)"),
      size_(static_cast<size_t>(database.number(("SELECT coalesce(max(idx) + 1, 0) FROM " + table_).c_str()))) {}

void NameTable::load() {
  Statement all(database_, "SELECT id, idx FROM " + table_);
  while (all.step()) numbers_.emplace(all.text(0), static_cast<uint32_t>(all.integer(1)));
  loaded_ = true;
}

uint32_t NameTable::number(std::string_view name) {
  // Heterogeneous look-up would need C++20's transparent hash; the copy is cheap beside the insert that
  // follows.
  std::string key(name);
  if (const auto known = numbers_.find(key); known != numbers_.end()) return known->second;
  if (!loaded_ && ++asked_ > most_asked) {
    load();
    if (const auto known = numbers_.find(key); known != numbers_.end()) return known->second;
  }
  uint32_t number = 0;
  bool is_new = loaded_;
  if (!loaded_) {
    is_new = !find_.bind(1, name).step();
    if (!is_new) number = static_cast<uint32_t>(find_.integer(0));
    find_.reset();
  }
  if (is_new) {
    number = static_cast<uint32_t>(size_);
    insert_.bind(1, static_cast<int64_t>(number)).bind(2, name).run();
    ++size_;
    added_.push_back(key);
  }
  numbers_.emplace(std::move(key), number);
  return number;
}

void NameTable::forget_added() {
  for (const std::string& name : added_) numbers_.erase(name);
  size_ -= added_.size();
  added_.clear();
}

void Catalogue::Implementation::forget_names_others_changed() {
  const int64_t now = database.number("PRAGMA data_version");
  if (now == seen_data_version) return;
  users.reset();
  items.reset();
  seen_data_version = now;
}

void Catalogue::Implementation::change(const std::function<void()>& work, bool raises_version) {
  try {
    Transaction transaction(database);
    forget_names_others_changed();
    const int64_t before = database.total_changes();
    work();
    if (raises_version && database.total_changes() != before)
      database.run("UPDATE version SET number = number + 1");
    transaction.commit();
  } catch (...) {
    if (users) users->forget_added();
    if (items) items->forget_added();
    throw;
  }
  if (users) users->keep_added();
  if (items) items->keep_added();
}

Catalogue::Written Catalogue::add_events(std::span<const Event> events) {
  Written written;
  if (events.empty()) return written;
  auto& state = *implementation_;
  for (const Event& event : events) check_id("a user", event.user), check_id("an item", event.item);
  state.change([&] {
    struct Key {
      uint32_t user, item, event;
    };
    std::vector<Key> keys(events.size());
    for (size_t i = 0; i < events.size(); ++i) {
      keys[i] = {state.user_names().number(events[i].user), state.item_names().number(events[i].item),
                 static_cast<uint32_t>(i)};
    }
    // In the table's own order, so that neighbouring rows go to the same page.
    std::sort(keys.begin(), keys.end(), [&](const Key& a, const Key& b) {
      return std::tuple(a.user, events[a.event].time_ms, a.item, a.event) <
             std::tuple(b.user, events[b.event].time_ms, b.item, b.event);
    });
    Statement insert(state.database, "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    for (const Key& key : keys) {
      const Event& event = events[key.event];
      insert.bind(1, static_cast<int64_t>(key.user))
          .bind(2, event.time_ms)
          .bind(3, static_cast<int64_t>(key.item));
      insert.bind(4, static_cast<int64_t>(event.kind)).bind(5, event.watched_ms).bind(6, event.length_ms);
      insert.bind(7, event.portion).bind(8, event.text).run();
      ++(state.database.changes() > 0 ? written.accepted : written.duplicate);
    }
  });
  return written;
}

Catalogue::Written Catalogue::put_items(std::span<const ItemRecord> items) {
  Written written;
  if (items.empty()) return written;
  auto& state = *implementation_;
  for (const ItemRecord& item : items) check_id("an item", item.id);
  state.change([&] {
    // A row that changes nothing counts as a duplicate; empty fields keep what is known.
    Statement update(
        state.database,
        "UPDATE items SET title = iif(?2 = '', title, ?2), description = iif(?3 = '', description, ?3), "
        "author = iif(?4 = '', author, ?4), language = iif(?5 = '', language, ?5), "
        "media_path = iif(?6 = '', media_path, ?6), created_ms = iif(?7 < 0, created_ms, ?7), "
        "seconds = iif(?8 < 0, seconds, ?8), hashtags = iif(?9 = '', hashtags, ?9), "
        "attributes = iif(?10 = '', attributes, ?10) WHERE idx = ?1 AND NOT ("
        "?2 IN ('', title) AND ?3 IN ('', description) AND ?4 IN ('', author) AND ?5 IN ('', language) AND "
        "?6 IN ('', media_path) AND (?7 < 0 OR ?7 = created_ms) AND (?8 < 0 OR ?8 = seconds) AND "
        "?9 IN ('', hashtags) AND ?10 IN ('', attributes))");
    for (const ItemRecord& item : items) {
      auto& names = state.item_names();
      const size_t before = names.size();
      const uint32_t index = names.number(item.id);
      const bool added = names.size() > before;
      const std::string hashtags = join_hashtags(item.hashtags);
      update.bind(1, static_cast<int64_t>(index))
          .bind(2, item.title)
          .bind(3, item.description)
          .bind(4, item.author);
      update.bind(5, item.language).bind(6, item.media_path).bind(7, item.created_ms).bind(8, item.seconds);
      update.bind(9, hashtags).bind(10, item.attributes).run();
      ++(added || state.database.changes() > 0 ? written.accepted : written.duplicate);
    }
  });
  return written;
}

Catalogue::Written Catalogue::add_edges(std::span<const StoredEdge> edges) {
  Written written;
  if (edges.empty()) return written;
  auto& state = *implementation_;
  state.change([&] {
    std::vector<StoredEdge> sorted(edges.begin(), edges.end());
    std::sort(sorted.begin(), sorted.end(),
              [](const auto& a, const auto& b) { return std::tie(a.u, a.v) < std::tie(b.u, b.v); });
    Statement insert(state.database, "INSERT OR IGNORE INTO edges VALUES (?, ?, ?)");
    for (const StoredEdge& edge : sorted) {
      insert.bind(1, static_cast<int64_t>(edge.u))
          .bind(2, static_cast<int64_t>(edge.v))
          .bind(3, edge.weight)
          .run();
      ++(state.database.changes() > 0 ? written.accepted : written.duplicate);
    }
  });
  return written;
}

void Catalogue::change_item(uint32_t index, const std::function<void(ItemRecord&)>& work) {
  auto& state = *implementation_;
  state.change([&] {
    const std::optional<ItemRecord> known = item(index);
    if (!known)
      throw Error(ErrorCode::not_found, "there is no item with this index", {.found = std::to_string(index)});
    ItemRecord changed = *known;
    work(changed);
    if (changed == *known) return;
    const std::string hashtags = join_hashtags(changed.hashtags);
    Statement update(state.database,
                     "UPDATE items SET title = ?2, description = ?3, author = ?4, language = ?5, media_path = ?6, "
                     "created_ms = ?7, seconds = ?8, hashtags = ?9, attributes = ?10, hidden = ?11 WHERE idx = ?1");
    update.bind(1, static_cast<int64_t>(index)).bind(2, changed.title).bind(3, changed.description);
    update.bind(4, changed.author).bind(5, changed.language).bind(6, changed.media_path);
    update.bind(7, changed.created_ms).bind(8, changed.seconds).bind(9, hashtags).bind(10, changed.attributes);
    update.bind(11, int64_t{changed.hidden}).run();
  });
}

namespace {

void write_user(Database& database, uint32_t index, const UserRecord& user) {
  Statement(database, "UPDATE users SET labels = ?2, comment = ?3 WHERE idx = ?1")
      .bind(1, static_cast<int64_t>(index))
      .bind(2, user.labels)
      .bind(3, user.comment)
      .run();
}

}  // namespace

void Catalogue::put_users(std::span<const UserRecord> users) {
  auto& state = *implementation_;
  for (const UserRecord& user : users) check_id("a user", user.id);
  state.change([&] {
    for (const UserRecord& user : users) write_user(state.database, state.user_names().number(user.id), user);
  });
}

void Catalogue::change_user(std::string_view id, const std::function<void(UserRecord&)>& work) {
  auto& state = *implementation_;
  state.change([&] {
    std::optional<UserRecord> known = user(id);
    if (!known) throw Error(ErrorCode::not_found, "there is no such user", {.found = std::string(id)});
    work(*known);
    write_user(state.database, state.user_names().number(id), *known);
  });
}

bool Catalogue::remove_user(std::string_view id) {
  auto& state = *implementation_;
  bool removed = false;
  state.change([&] {
    removed = user(id).has_value();
    if (!removed) return;
    const auto index = static_cast<int64_t>(state.user_names().number(id));
    Statement(state.database, "DELETE FROM events WHERE user = ?").bind(1, index).run();
    Statement(state.database,
              "UPDATE users SET id = 'removed-' || hex(randomblob(16)), labels = '', comment = '', removed = 1 "
              "WHERE idx = ?")
        .bind(1, index)
        .run();
  });
  if (removed) state.users.reset();  // it still knows the name
  return removed;
}

void Catalogue::index_events() {
  implementation_->database.run("CREATE INDEX IF NOT EXISTS events_by_item ON events (item, time_ms)");
}

void Catalogue::put_media(const MediaRecord& record) {
  auto& state = *implementation_;
  state.change(
      [&] {
        Statement insert(state.database,
                         "INSERT OR REPLACE INTO media VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        insert.bind(1, static_cast<int64_t>(record.item)).bind(2, record.state).bind(3, record.reason);
        insert.bind(4, record.fingerprint)
            .bind(5, record.poster)
            .bind(6, record.preview)
            .bind(7, record.seconds);
        insert.bind(8, int64_t{record.width})
            .bind(9, int64_t{record.height})
            .bind(10, int64_t{record.has_sound})
            .run();
      },
      false);
}

void Catalogue::hide_item(uint32_t index, bool hidden) {
  change_item(index, [hidden](ItemRecord& item) { item.hidden = hidden; });
}

bool Catalogue::remove_event(std::string_view user, std::string_view item, FeedbackKind kind) {
  auto& state = *implementation_;
  bool removed = false;
  state.change([&] {
    Statement erase(state.database,
                    "DELETE FROM events WHERE user = (SELECT idx FROM users WHERE id = ?) AND "
                    "item = (SELECT idx FROM items WHERE id = ?) AND kind = ?");
    erase.bind(1, user).bind(2, item).bind(3, static_cast<int64_t>(kind)).run();
    removed = state.database.changes() > 0;
  });
  return removed;
}

void Catalogue::limit_pages(uint64_t pages) {
  implementation_->database.run(("PRAGMA max_page_count = " + std::to_string(pages)).c_str());
}

void Catalogue::set_note(std::string_view key, std::string_view value) {
  auto& state = *implementation_;
  state.change(
      [&] {
        Statement(state.database, "INSERT OR REPLACE INTO notes VALUES (?, ?)")
            .bind(1, key)
            .bind(2, value)
            .run();
      },
      false);
}

}  // namespace cowatch
