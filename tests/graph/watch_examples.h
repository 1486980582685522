// Watches written as text: one line a person, `alice: a b c`, videos named by one letter (a is video 0) in
// order of time, one minute apart; `|` is a pause of a day. And the pairs they make, as text: "ab 2, bc 3".
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/pairs.h"

namespace cowatch::test {

inline std::vector<PairWatch> watches_of(const std::string& text) {
  constexpr int64_t minute = 60'000, day = 24 * 60 * minute;
  std::vector<PairWatch> watches;
  uint32_t user = 0;
  int64_t time = 0;
  bool named = false;
  for (const char c : text) {
    if (c == '\n') {
      user += named;
      named = false;
      time = 0;
    } else if (c == ':') {
      named = true;
    } else if (c == '|') {
      time += day;
    } else if (named && c >= 'a' && c <= 'z') {
      watches.push_back({.user = user, .item = static_cast<uint32_t>(c - 'a'), .time_ms = time += minute});
    }
  }
  return watches;
}

inline std::string text_of(const Graph& graph) {
  std::string text;
  for (const Edge& edge : graph.edge_list()) {
    std::string weight = std::to_string(edge.weight);
    weight.erase(weight.find_last_not_of('0') + 1);
    if (weight.back() == '.') weight.pop_back();
    text += (text.empty() ? "" : ", ") + std::string(1, static_cast<char>('a' + edge.u)) +
            static_cast<char>('a' + edge.v) + " " + weight;
  }
  return text;
}

}  // namespace cowatch::test
