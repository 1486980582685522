#include "store/import/columns.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/settings.h"

namespace cowatch {
namespace {

int find_column(std::string_view wanted, std::span<const std::string> columns) {
  const std::string name = folded_name(wanted);
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] == wanted || folded_name(columns[i]) == name) return static_cast<int>(i);
  }
  return -1;
}

int chosen_column(const std::string& role, const std::string& wanted, std::span<const std::string> columns) {
  if (const int found = find_column(wanted, columns); found >= 0) return found;
  size_t number = 0;
  const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  if (error == std::errc() && *end == '\0' && number >= 1 && number <= columns.size())
    return static_cast<int>(number - 1);
  const std::string near = nearest_name(wanted, columns);
  throw Error(ErrorCode::bad_argument, "there is no column for " + role,
              {.expected = "one of " + join_names(columns),
               .found = "'" + wanted + "'",
               .remedy = near.empty() ? "" : "Did you mean --column " + role + "=" + near + "?"});
}

bool has_role(std::span<const Role> roles, std::string_view role) {
  return std::any_of(roles.begin(), roles.end(), [&](const Role& known) { return known.names[0] == role; });
}

[[noreturn]] void refuse_role(const std::string& role, std::span<const Role> roles) {
  std::vector<std::string> names;
  for (const Role& known : roles) names.emplace_back(known.names[0]);
  const std::string near = nearest_name(role, names);
  throw Error(ErrorCode::bad_argument, "--column does not know this role",
              {.expected = "one of " + join_names(names),
               .found = "'" + role + "'",
               .remedy = near.empty() ? "" : "Did you mean " + near + "?"});
}

}  // namespace

std::string folded_name(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') text += static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80) text += c;
  }
  return text;
}

std::string join_names(std::span<const std::string> names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

std::span<const Role> event_roles() {
  static const std::vector<Role> roles = {
      {{"user", "user_id", "uid", "userid", "person", "viewer", "member", "customer", "account", "visitor"},
       "who"},
      {{"item", "item_id", "video", "video_id", "vid", "movie", "movie_id", "itemid", "photo_id",
        "content_id", "clip", "track_id"},
       "which video"},
      {{"kind", "type", "event", "event_type", "feedback_type", "feedback", "action", "behavior"},
       "what was done"},
      {{"time", "timestamp", "time_ms", "ts", "date", "datetime", "created_at", "event_time", "unix_time"},
       "when"},
      {{"watched_ms", "play_ms", "play_time_ms", "watch_time_ms", "playing_time_ms", "watch_ms", "dwell_ms"},
       "milliseconds watched"},
      {{"watched_s", "watched", "watch_time", "watched_seconds", "play_time", "dwell"}, "seconds watched"},
      {{"length_ms", "duration_ms", "video_duration_ms"}, "the video's length in milliseconds"},
      {{"length_s", "length", "duration", "video_duration", "duration_s"}, "the video's length in seconds"},
      {{"portion", "watch_ratio", "ratio", "completion", "watched_portion"}, "part watched, 0 to 1"},
      {{"percent", "percent_watched", "percentage", "watch_percent", "completion_percent"},
       "part watched in per cent"},
      {{"text", "query", "comment", "hashtag", "tag", "search"}, "words of a search, comment or hashtag"},
      {{"rating", "value", "score", "stars"}, "a rating"},
  };
  return roles;
}

std::span<const Role> item_roles() {
  static const std::vector<Role> roles = {
      {{"id", "item", "item_id", "video", "video_id", "vid", "movie_id", "itemid"}, "the video's id"},
      {{"title", "name"}, "title"},
      {{"description", "caption", "text", "summary"}, "description"},
      {{"author", "author_id", "channel", "uploader", "creator", "user"}, "who made it"},
      {{"created", "created_at", "created_ms", "uploaded", "upload_time", "published", "time", "timestamp",
        "date"},
       "when it came"},
      {{"seconds", "length_s", "duration", "length", "duration_s"}, "length in seconds"},
      {{"hashtags", "tags", "labels", "label", "genres", "keywords"}, "hashtags"},
      {{"file", "path", "media", "media_path", "filename", "video_file"}, "the media file"},
      {{"language", "lang"}, "language"},
  };
  return roles;
}

ColumnMap map_columns(std::span<const Role> roles, std::span<const std::string> columns,
                      const std::map<std::string, std::string>& chosen) {
  ColumnMap map;
  for (const auto& [role, column] : chosen) {
    if (has_role(roles, role)) {
      map[role] = chosen_column(role, column, columns);
    } else if (!has_role(event_roles(), role) && !has_role(item_roles(), role)) {
      refuse_role(role, roles);
    }
  }
  extend_columns(map, roles, columns);
  return map;
}

void extend_columns(ColumnMap& map, std::span<const Role> roles, std::span<const std::string> columns) {
  std::vector<bool> taken(columns.size());
  for (const auto& [role, column] : map) taken[static_cast<size_t>(column)] = true;
  for (const Role& role : roles) {
    if (map.contains(role.names[0])) continue;
    for (const std::string_view name : role.names) {
      const int found = find_column(name, columns);
      if (found < 0 || taken[static_cast<size_t>(found)]) continue;
      map[std::string(role.names[0])] = found;
      taken[static_cast<size_t>(found)] = true;
      break;
    }
  }
}

std::string describe_columns(const ColumnMap& map, std::span<const std::string> columns) {
  std::string text, unused;
  for (const auto& [role, column] : map)
    text += (text.empty() ? "" : ", ") + role + " = " + columns[static_cast<size_t>(column)];
  for (size_t i = 0; i < columns.size(); ++i) {
    const bool used = std::any_of(map.begin(), map.end(),
                                  [&](const auto& entry) { return entry.second == static_cast<int>(i); });
    if (!used) unused += (unused.empty() ? "" : ", ") + columns[i];
  }
  return unused.empty() ? text : text + "; not used: " + unused;
}

}  // namespace cowatch
