#include "base/feedback.h"

#include <array>

#include "base/error.h"
#include "base/settings.h"

namespace cowatch {
namespace {

constexpr std::array<std::string_view, 11> kind_names = {"impression", "watch",   "click",  "like",
                                                         "dislike",    "hide",    "share",  "follow",
                                                         "search",     "comment", "hashtag"};

}  // namespace

std::string_view feedback_name(FeedbackKind kind) {
  return kind_names[static_cast<size_t>(kind)];
}

std::vector<std::string> feedback_names() {
  return {kind_names.begin(), kind_names.end()};
}

std::optional<FeedbackKind> feedback_kind(std::string_view name) {
  for (size_t i = 0; i < kind_names.size(); ++i) {
    if (kind_names[i] == name) return static_cast<FeedbackKind>(i);
  }
  return std::nullopt;
}

std::vector<FeedbackKind> watching_kinds(const Settings& settings) {
  std::vector<FeedbackKind> kinds;
  for (const std::string& name : settings.get_list("graph.feedback")) {
    const auto kind = feedback_kind(name);
    if (!kind) {
      throw Error(ErrorCode::bad_argument, "no such kind of feedback",
                  {.where = "graph.feedback",
                   .expected = "kinds such as watch, click, like, search, separated by commas",
                   .found = "'" + name + "'",
                   .remedy = "Correct the setting."});
    }
    kinds.push_back(*kind);
  }
  return kinds;
}

}  // namespace cowatch
