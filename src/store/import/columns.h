// Which column of a table holds what: guessed from the names, settable by the user.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cowatch {

// What a column can be. The first name is the role's own, the others are names that platforms give it.
struct Role {
  std::vector<std::string_view> names;
  std::string_view meaning;
};

// user, item, kind, time, watched_ms, watched_s, length_ms, length_s, portion, percent, text, rating
std::span<const Role> event_roles();
// id, title, description, author, created, seconds, hashtags, file, language
std::span<const Role> item_roles();

// Role → column number. `chosen` (role → column name or 1-based number) goes before the guess; its roles of
// the other table are left alone. Throws bad_argument for a role of no table or a column that is not there,
// naming the nearest.
using ColumnMap = std::map<std::string, int, std::less<>>;
ColumnMap map_columns(std::span<const Role> roles, std::span<const std::string> columns,
                      const std::map<std::string, std::string>& chosen);
// The same once more columns have turned up: roles that are mapped stay as they are.
void extend_columns(ColumnMap& map, std::span<const Role> roles, std::span<const std::string> columns);

// A name in lower case, letters and digits only: "User-ID" and "user_id" are one.
std::string folded_name(std::string_view name);
std::string join_names(std::span<const std::string> names);  // by ", "
// "user = uid, item = video_id, …; not used: city" for people.
std::string describe_columns(const ColumnMap& map, std::span<const std::string> columns);

}  // namespace cowatch
