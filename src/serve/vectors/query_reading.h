// What the body of a query asks for, read and checked before anything is searched.
#pragma once

#include <optional>

#include "serve/vectors/fields.h"
#include "serve/vectors/vector_routes.h"

namespace cowatch::serve {

// What every kind of query says besides what it looks for.
struct Asked {
  size_t limit = 10, offset = 0;
  size_t effort = 0, probes = 0;
  bool exact = false;
  std::optional<double> threshold;  // as shown to people
  std::optional<Condition> condition;
  Shown shown;
};

struct Target {
  std::vector<float> vector;                           // what is looked for
  std::vector<PointId> left_out;                       // examples are no answers
  std::vector<std::vector<float>> positive, negative;  // not empty: the strategy best_score or sum_scores
  bool sum = false;
};

using View = std::shared_ptr<const CollectionView>;

// A query as it was read: what is looked for, in which view, among which slots.
struct Question {
  View view;
  Asked asked;
  Target target;
  size_t k = 0;
  AllowedSlots allowed;
  Patience patience = {};

  VectorQuery query() const { return {target.vector, k, asked.effort, asked.probes, asked.exact, patience}; }
};

// The kinds of queries: what a body looks for.
using Reader = Target (*)(const Collection&, const CollectionView&, const Fields&);

// `legacy`: search and recommend, whose answers are a bare list.
struct QueryKind {
  std::initializer_list<std::string_view> known;
  Reader reader;
  bool legacy;
};

namespace query_kinds {
extern const QueryKind search, search_groups, recommend, recommend_groups, query, query_groups;
}

// The bodies of a batch, {"searches": […]}.
const Json& read_searches(const Json& body);

// Throws bad_input that names the place below `where`, or not_found for an example that is no point.
Question read_question(VectorCall& call, View view, const Json& body, const std::string& where,
                       const QueryKind& kind);

}  // namespace cowatch::serve
