// Opening the catalogue, and its reading half.
#include <algorithm>

#include "base/error.h"
#include "store/catalogue_implementation.h"

namespace cowatch {
namespace {

constexpr const char* item_columns =
    "SELECT idx, id, title, description, author, language, media_path, created_ms, seconds, hashtags, "
    "attributes, hidden "
    "FROM items ";
constexpr const char* event_columns =
    "SELECT users.id, items.id, kind, time_ms, watched_ms, length_ms, portion, text FROM events "
    "JOIN users ON users.idx = events.user JOIN items ON items.idx = events.item ";

ItemRecord read_item(const Statement& row) {
  ItemRecord item;
  item.index = static_cast<uint32_t>(row.integer(0));
  item.id = row.text(1), item.title = row.text(2), item.description = row.text(3), item.author = row.text(4);
  item.language = row.text(5), item.media_path = row.text(6), item.created_ms = row.integer(7),
  item.seconds = row.number(8);
  item.hashtags = split_hashtags(row.text(9));
  item.attributes = row.text(10);
  item.hidden = row.integer(11) != 0;
  return item;
}

std::vector<ItemRecord> read_items(Statement& query) {
  std::vector<ItemRecord> items;
  while (query.step()) items.push_back(read_item(query));
  return items;
}

std::vector<Event> read_events(Statement& query) {
  std::vector<Event> events;
  while (query.step()) {
    events.push_back({query.text(0), query.text(1), static_cast<FeedbackKind>(query.integer(2)),
                      query.integer(3), query.integer(4), query.integer(5), query.number(6), query.text(7)});
  }
  return events;
}

MediaRecord read_media(const Statement& row) {
  return {static_cast<uint32_t>(row.integer(0)),
          row.text(1),
          row.text(2),
          row.text(3),
          row.text(4),
          row.text(5),
          row.number(6),
          static_cast<int>(row.integer(7)),
          static_cast<int>(row.integer(8)),
          row.integer(9) != 0};
}

// Escapes LIKE's own signs.
std::string like_pattern(std::string_view word) {
  std::string pattern = "%";
  for (const char c : word) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

}  // namespace

// Hashtags hold no white space, so one space parts them.
std::string join_hashtags(std::span<const std::string> hashtags) {
  std::string text;
  for (const std::string& tag : hashtags) text += (text.empty() ? "" : " ") + tag;
  return text;
}

std::vector<std::string> split_hashtags(std::string_view text) {
  std::vector<std::string> tags;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end > 0) tags.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return tags;
}

Catalogue::Implementation::Implementation(const Path& file, Mode mode)
    : path(file), database(file, mode == Mode::write) {
  if (mode == Mode::write) {
    prepare_schema(database, file);
  } else {
    check_schema(database, file);
  }
}

NameTable& Catalogue::Implementation::user_names() {
  if (!users) users = std::make_unique<NameTable>(database, "users");
  return *users;
}

NameTable& Catalogue::Implementation::item_names() {
  if (!items) items = std::make_unique<NameTable>(database, "items");
  return *items;
}

Catalogue::Catalogue(const Path& path, Mode mode)
    : implementation_(std::make_unique<Implementation>(path, mode)) {}
Catalogue::~Catalogue() = default;
Catalogue::Catalogue(Catalogue&&) noexcept = default;

void Catalogue::begin_view() const {
  Statement(implementation_->database, "BEGIN").step();
}

bool Catalogue::end_view() const {
  sqlite3* handle = implementation_->database.handle();
  return sqlite3_get_autocommit(handle) != 0 ||
         sqlite3_exec(handle, "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK;
}

std::string Catalogue::note(std::string_view key) const {
  Statement query(implementation_->database, "SELECT value FROM notes WHERE key = ?");
  return query.bind(1, key).step() ? query.text(0) : "";
}

uint64_t Catalogue::item_count() const {
  return static_cast<uint64_t>(implementation_->database.number("SELECT count(*) FROM items"));
}
uint64_t Catalogue::user_count() const {
  return static_cast<uint64_t>(implementation_->database.number("SELECT count(*) FROM users WHERE removed = 0"));
}
uint64_t Catalogue::event_count() const {
  return static_cast<uint64_t>(implementation_->database.number("SELECT count(*) FROM events"));
}
std::map<FeedbackKind, uint64_t> Catalogue::event_counts() const {
  Statement query(implementation_->database, "SELECT kind, count(*) FROM events GROUP BY kind");
  std::map<FeedbackKind, uint64_t> counts;
  while (query.step())
    counts[static_cast<FeedbackKind>(query.integer(0))] = static_cast<uint64_t>(query.integer(1));
  return counts;
}
uint64_t Catalogue::edge_count() const {
  return static_cast<uint64_t>(implementation_->database.number("SELECT count(*) FROM edges"));
}

std::optional<uint32_t> Catalogue::find_item(std::string_view id) const {
  Statement query(implementation_->database, "SELECT idx FROM items WHERE id = ?");
  if (!query.bind(1, id).step()) return std::nullopt;
  return static_cast<uint32_t>(query.integer(0));
}

std::optional<ItemRecord> Catalogue::item(uint32_t index) const {
  Statement query(implementation_->database, std::string(item_columns) + "WHERE idx = ?");
  if (!query.bind(1, static_cast<int64_t>(index)).step()) return std::nullopt;
  return read_item(query);
}

std::vector<ItemRecord> Catalogue::items(uint32_t first, size_t limit) const {
  Statement query(implementation_->database,
                  std::string(item_columns) + "WHERE idx >= ? ORDER BY idx LIMIT ?");
  query.bind(1, static_cast<int64_t>(first)).bind(2, static_cast<int64_t>(limit));
  return read_items(query);
}

std::vector<ItemRecord> Catalogue::newest_items(size_t offset, size_t limit) const {
  Statement query(
      implementation_->database,
      std::string(item_columns) + "WHERE hidden = 0 ORDER BY created_ms DESC, idx DESC LIMIT ? OFFSET ?");
  query.bind(1, static_cast<int64_t>(limit)).bind(2, static_cast<int64_t>(offset));
  return read_items(query);
}

uint64_t Catalogue::dated_item_count() const {
  return static_cast<uint64_t>(
      implementation_->database.number("SELECT count(*) FROM items WHERE created_ms >= 0"));
}

std::vector<ItemRecord> Catalogue::find_items(std::string_view words, uint32_t first, size_t limit) const {
  std::vector<std::pair<std::string, std::string>> wanted;  // a word and the pattern that finds it
  std::string sql = std::string(item_columns) + "WHERE hidden = 0 AND idx >= ?1";
  for (const std::string& word : split_hashtags(words)) {
    wanted.emplace_back(word, like_pattern(word));
    const std::string whole = "?" + std::to_string(2 * wanted.size()), pattern = "?" + std::to_string(2 * wanted.size() + 1),
                      like = " LIKE " + pattern + " ESCAPE '\\'";
    sql += " AND (title" + like + " OR author" + like + " OR hashtags" + like + " OR id = " + whole + ")";
  }
  if (wanted.empty()) return {};
  Statement query(implementation_->database, sql + " ORDER BY idx LIMIT ?" + std::to_string(2 * wanted.size() + 2));
  int position = 0;
  query.bind(++position, static_cast<int64_t>(first));
  for (const auto& [word, pattern] : wanted) query.bind(++position, word), query.bind(++position, pattern);
  query.bind(++position, static_cast<int64_t>(limit));
  return read_items(query);
}

std::vector<UserRecord> Catalogue::users(std::string_view after, size_t limit) const {
  Statement query(implementation_->database,
                  "SELECT id, comment, labels FROM users WHERE id > ? AND removed = 0 ORDER BY id LIMIT ?");
  query.bind(1, after).bind(2, static_cast<int64_t>(limit));
  std::vector<UserRecord> users;
  while (query.step()) users.push_back({query.text(0), query.text(1), query.text(2)});
  return users;
}

std::vector<uint32_t> Catalogue::hidden_items() const {
  Statement query(implementation_->database, "SELECT idx FROM items WHERE hidden != 0 ORDER BY idx");
  std::vector<uint32_t> indices;
  while (query.step()) indices.push_back(static_cast<uint32_t>(query.integer(0)));
  return indices;
}

std::optional<UserRecord> Catalogue::user(std::string_view id) const {
  Statement query(implementation_->database, "SELECT id, comment, labels FROM users WHERE id = ? AND removed = 0");
  if (!query.bind(1, id).step()) return std::nullopt;
  return UserRecord{query.text(0), query.text(1), query.text(2)};
}

std::vector<Event> Catalogue::user_events(std::string_view user, size_t limit) const {
  Statement query(implementation_->database, std::string(event_columns) +
                                                 "WHERE user = (SELECT idx FROM users WHERE id = ?) "
                                                 "ORDER BY time_ms DESC, item LIMIT ?");
  query.bind(1, user).bind(2, static_cast<int64_t>(limit));
  return read_events(query);
}

std::vector<Event> Catalogue::item_events(uint32_t item, size_t limit) const {
  Statement query(implementation_->database,
                  std::string(event_columns) + "WHERE item = ? ORDER BY time_ms DESC, user LIMIT ?");
  query.bind(1, static_cast<int64_t>(item)).bind(2, static_cast<int64_t>(limit));
  return read_events(query);
}

std::optional<MediaRecord> Catalogue::media(uint32_t item) const {
  Statement query(implementation_->database, "SELECT * FROM media WHERE item = ?");
  if (!query.bind(1, static_cast<int64_t>(item)).step()) return std::nullopt;
  return read_media(query);
}

void Catalogue::for_each_watch(std::span<const FeedbackKind> kinds,
                               const std::function<void(const Watch&)>& visit) const {
  std::string list;
  for (const FeedbackKind kind : kinds)
    list += (list.empty() ? "" : ", ") + std::to_string(static_cast<int>(kind));
  Statement query(implementation_->database,
                  "SELECT user, item, time_ms, watched_ms, length_ms, portion FROM events WHERE kind IN (" +
                      list + ") ORDER BY user, time_ms, item");
  while (query.step()) {
    visit({static_cast<uint32_t>(query.integer(0)), static_cast<uint32_t>(query.integer(1)), query.integer(2),
           query.integer(3), query.integer(4), query.number(5)});
  }
}

void Catalogue::for_each_edge(const std::function<void(const StoredEdge&)>& visit) const {
  Statement query(implementation_->database, "SELECT u, v, weight FROM edges ORDER BY u, v");
  while (query.step())
    visit(
        {static_cast<uint32_t>(query.integer(0)), static_cast<uint32_t>(query.integer(1)), query.number(2)});
}

void Catalogue::for_each_media(const std::function<void(const MediaRecord&)>& visit) const {
  Statement query(implementation_->database, "SELECT * FROM media ORDER BY item");
  while (query.step()) visit(read_media(query));
}

uint64_t Catalogue::version() const {
  return static_cast<uint64_t>(implementation_->database.number("SELECT number FROM version"));
}

std::string_view sqlite_version() {
  return sqlite3_libversion();
}

}  // namespace cowatch
