// The measures of retrieval by their names in tables and reports, and how reports show what a method may
// lack.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "learn/evaluation.h"

namespace cowatch {

inline std::array<std::pair<std::string_view, double>, 7> named_scores(const RetrievalScores& scores) {
  return {{{"map", scores.map},
           {"map@10", scores.map_10},
           {"map@50", scores.map_50},
           {"map@100", scores.map_100},
           {"ndcg@10", scores.ndcg_10},
           {"ndcg@50", scores.ndcg_50},
           {"ndcg@100", scores.ndcg_100}}};
}

// A share of a training as reports show it: null where its method has none.
inline Json share_or_null(const std::optional<double>& share) {
  return share ? Json(*share) : Json();
}

}  // namespace cowatch
