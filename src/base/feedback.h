// What somebody did with a video: the kinds of feedback that the whole program knows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cowatch {

class Settings;

// Stored by number: new kinds go to the end.
enum class FeedbackKind : uint8_t {
  impression,
  watch,
  click,
  like,
  dislike,
  hide,
  share,
  follow,
  search,
  comment,
  hashtag
};
std::string_view feedback_name(FeedbackKind kind);
std::vector<std::string> feedback_names();
std::optional<FeedbackKind> feedback_kind(std::string_view name);
// The kinds that count as watching (graph.feedback); bad_argument when the setting names another.
std::vector<FeedbackKind> watching_kinds(const Settings& settings);

}  // namespace cowatch
