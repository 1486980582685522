// Searching: by vector, by a point, by examples; alone, several at once, and in groups.
#include <algorithm>
#include <map>
#include <optional>

#include "base/error.h"
#include "search/distance.h"
#include "serve/vectors/fields.h"
#include "serve/vectors/vector_routes.h"

namespace cowatch::serve {
namespace {

constexpr size_t most_answers = 10'000;
constexpr size_t most_queries = 1000;  // of one batch

// What every kind of query says besides what it looks for.
struct Asked {
  size_t limit = 10, offset = 0;
  size_t effort = 0;
  bool exact = false;
  std::optional<double> threshold;  // as shown to people
  std::optional<Condition> condition;
  Shown shown;
};

Asked read_asked(const Fields& fields, bool payload_by_default) {
  Asked asked;
  fields.refuse({"shard_key", "using", "lookup_from"});
  asked.limit = fields.whole("limit", 10, 1, most_answers);
  asked.offset = fields.whole("offset", 0, 0, most_answers);
  double threshold = 0;
  if (fields.number("score_threshold", threshold)) asked.threshold = threshold;
  asked.condition = read_filter(fields);
  asked.shown = read_shown(fields, payload_by_default);
  if (const Json* found = fields.find("params")) {
    const Fields params(*found, fields.place("params"), {"hnsw_ef", "exact", "quantization", "indexed_only", "acorn"});
    params.refuse({"quantization", "acorn"});
    if (params.flag("indexed_only", false))
      throw Error(ErrorCode::unsupported, "points that are not indexed yet are always searched too", {.where = params.place("indexed_only")});
    asked.effort = params.whole("hnsw_ef", 0, 0, 100'000);
    asked.exact = params.flag("exact", false);
  }
  return asked;
}

struct Target {
  std::vector<float> vector;       // what is looked for
  std::vector<PointId> left_out;   // examples are no answers
  std::vector<std::vector<float>> positive, negative;  // not empty: the strategy best_score or sum_scores
  bool sum = false;
};

void check_vector(const Collection& collection, const std::vector<float>& vector, const std::string& where) {
  const CollectionConfig config = collection.config();
  if (vector.size() != config.dimension)
    throw Error(ErrorCode::bad_input, "the query has another dimension",
                {.where = where, .expected = std::to_string(config.dimension) + " numbers", .found = std::to_string(vector.size())});
}

// Under cosine, to unit length.
void make_unit(const Collection& collection, std::vector<float>& vector, const std::string& where) {
  if (collection.config().index.metric == Metric::cosine && !(normalise(vector) > 0))
    throw Error(ErrorCode::bad_input, "a vector of zeros has no direction", {.where = where, .expected = "a length that is not 0, for Cosine"});
}

// An example: a vector, or the id of a point.
std::vector<float> read_example(const Collection& collection, const CollectionView& view, const Json& json,
                                const std::string& where, std::vector<PointId>& left_out) {
  if (json.is_array() || json.is_object()) {
    std::vector<float> vector = read_vector(json, where);
    check_vector(collection, vector, where);
    make_unit(collection, vector, where);
    return vector;
  }
  const PointId id = parse_point_id(json, where);
  const auto at = view.find(id);
  if (!at) throw Error(ErrorCode::not_found, "there is no such point", {.where = where, .found = to_text(id)});
  left_out.push_back(id);
  const auto vector = view.tables[at->table].table->vector_of(at->slot);
  return {vector.begin(), vector.end()};
}

std::vector<float> mean_of(const std::vector<std::vector<float>>& vectors) {
  std::vector<float> mean(vectors[0].size());
  for (const auto& vector : vectors) add_scaled(1 / static_cast<float>(vectors.size()), vector, mean);
  return mean;
}

// As in Qdrant: the mean of the positives, moved away from the mean of the negatives: 2 · mean(p) − mean(n).
Target read_examples(const Collection& collection, const CollectionView& view, const Fields& fields) {
  Target target;
  std::vector<std::vector<float>> positive, negative;
  for (auto& [name, list] : {std::pair<const char*, std::vector<std::vector<float>>&>{"positive", positive}, {"negative", negative}}) {
    if (!fields.find(name)) continue;
    for (const Json& example : fields.list(name)) {
      const std::string place = fields.place(name) + "/" + std::to_string(list.size());
      list.push_back(read_example(collection, view, example, place, target.left_out));
    }
  }
  const std::string strategy = fields.text("strategy", "average_vector");
  if (strategy == "best_score" || strategy == "sum_scores") {
    if (positive.empty() && negative.empty()) fields.wrong("positive", "at least one example");
    target.positive = std::move(positive);
    target.negative = std::move(negative);
    target.sum = strategy == "sum_scores";
    return target;
  }
  if (strategy != "average_vector") fields.wrong("strategy", "average_vector, best_score or sum_scores");
  if (positive.empty()) fields.wrong("positive", "at least one example");
  target.vector = mean_of(positive);
  if (!negative.empty()) {
    const auto away = mean_of(negative);
    add_scaled(1, target.vector, target.vector);
    add_scaled(-1, away, target.vector);
  }
  make_unit(collection, target.vector, fields.place("positive"));
  return target;
}

// The score of one point against several examples, by Qdrant's definitions.
float example_score(const Target& target, Metric metric, std::span<const float> vector) {
  float best_positive = -INFINITY, best_negative = -INFINITY, sum = 0;
  for (const auto& each : target.positive) {
    const float score = score_of(metric, each, vector);
    best_positive = std::max(best_positive, score);
    sum += score;
  }
  for (const auto& each : target.negative) {
    const float score = score_of(metric, each, vector);
    best_negative = std::max(best_negative, score);
    sum -= score;
  }
  if (target.sum) return sum;
  const auto sigmoid = [](float x) { return 0.5f * (x / (1 + std::abs(x)) + 1); };
  return best_positive > best_negative ? sigmoid(best_positive) : -sigmoid(best_negative);
}

struct Answer {
  PointPlace at;
  float shown;
};

// Every allowed point is scored: examples have no one vector that an index could look for.
std::vector<Answer> search_examples(const CollectionView& view, Metric metric, const Target& target, size_t k,
                                    std::span<const std::shared_ptr<const Allowed>> allowed, const std::atomic<bool>* cancel) {
  std::vector<Answer> answers;
  for (uint32_t t = 0; t < view.tables.size(); ++t) {
    TopK best(std::min(k, allowed[t]->count()));
    size_t seen = 0;
    allowed[t]->for_each([&](uint32_t slot) {
      if (++seen % 1024 == 0 && cancel && cancel->load()) throw Error(ErrorCode::interrupted, "the search was cancelled");
      best.offer({slot, example_score(target, metric, view.tables[t].table->vector_of(slot))});
    });
    for (const Scored& found : best.take()) answers.push_back({{t, found.index}, found.score});
  }
  std::stable_sort(answers.begin(), answers.end(), [](const Answer& a, const Answer& b) { return a.shown > b.shown; });
  if (answers.size() > k) answers.resize(k);
  return answers;
}

std::vector<std::shared_ptr<const Allowed>> allowed_slots(const CollectionView& view, const Asked& asked, const Target& target) {
  auto allowed = view.select(asked.condition ? &*asked.condition : nullptr);
  for (const PointId& id : target.left_out) {
    const auto at = view.find(id);
    if (!at) continue;
    auto without = std::make_shared<Allowed>(*allowed[at->table]);
    without->remove(at->slot);
    allowed[at->table] = std::move(without);
  }
  return allowed;
}

using View = std::shared_ptr<const CollectionView>;

// A share of the searches is asked again exactly, later; what both found is counted.
void measure_recall(VectorCall& call, const View& view, const VectorQuery& query,
                    std::vector<std::shared_ptr<const Allowed>> allowed, const std::vector<Hit>& hits) {
  RecallSampler& sampler = call.service.recall();
  const std::string name = call.collection->folder().filename().string();
  if (query.exact || query.k == 0 || !sampler.takes(name)) return;
  std::vector<float> scores;
  for (size_t i = 0; i < std::min<size_t>(10, hits.size()); ++i) scores.push_back(hits[i].score);
  sampler.offer(name, [view, metric = call.collection->config().index.metric,
                       k = std::min<size_t>(query.k, 10),
                       vector = std::vector<float>(query.vector.begin(), query.vector.end()),
                       allowed = std::move(allowed), scores] {
    const auto truth = search(*view, metric, {vector, k, 0, true, nullptr}, allowed);
    // Codes and vectors score alike up to rounding.
    const float least = truth.empty() ? 0 : truth.back().score - 1e-5f * std::abs(truth.back().score);
    const auto found = std::count_if(scores.begin(), scores.end(), [&](float score) { return score >= least; });
    return RecallSampler::Count{std::min(truth.size(), static_cast<size_t>(found)), truth.size()};
  });
}

std::vector<Answer> answers_of(VectorCall& call, const View& shared, const Asked& asked, const Target& target, size_t k) {
  const CollectionView& view = *shared;
  const Metric metric = call.collection->config().index.metric;
  const auto allowed = allowed_slots(view, asked, target);
  std::vector<Answer> answers;
  if (target.vector.empty()) {
    answers = search_examples(view, metric, target, k, allowed, call.cancel);
  } else {
    VectorQuery query{target.vector, k, asked.effort, asked.exact, call.cancel};
    const auto hits = search(view, metric, query, allowed);
    measure_recall(call, shared, query, allowed, hits);
    for (const Hit& hit : hits) answers.push_back({hit.at, shown_score(metric, hit.score)});
  }
  if (asked.threshold) {
    const auto limit = static_cast<float>(*asked.threshold);
    std::erase_if(answers, [&](const Answer& answer) {
      return metric == Metric::l2 && !target.vector.empty() ? answer.shown > limit : answer.shown < limit;
    });
  }
  return answers;
}

Json scored_json(const CollectionView& view, const Answer& answer, const Shown& shown) {
  Json point = point_json(view, answer.at, shown);
  point["version"] = view.tables[answer.at.table].table->sequence_of(answer.at.slot);
  point["score"] = answer.shown;
  return point;
}

Json page(VectorCall& call, const View& view, const Asked& asked, const Target& target) {
  const auto answers = answers_of(call, view, asked, target, asked.limit + asked.offset);
  Json list = Json::array();
  for (size_t i = asked.offset; i < answers.size(); ++i) list.push_back(scored_json(*view, answers[i], asked.shown));
  return list;
}

// The kinds of queries: what a body looks for.
using Reader = Target (*)(const Collection&, const CollectionView&, const Fields&);

Target read_search(const Collection& collection, const CollectionView&, const Fields& fields) {
  Target target;
  target.vector = read_vector(fields.need("vector", "an array of numbers"), fields.place("vector"));
  check_vector(collection, target.vector, fields.place("vector"));
  make_unit(collection, target.vector, fields.place("vector"));
  return target;
}

Target read_query(const Collection& collection, const CollectionView& view, const Fields& fields) {
  fields.refuse({"prefetch"});
  const Json& query = fields.need("query", "a vector, a point id, {\"nearest\": …} or {\"recommend\": …}");
  Target target;
  if (!query.is_object()) {
    target.vector = read_example(collection, view, query, fields.place("query"), target.left_out);
    return target;
  }
  const Fields kind(query, fields.place("query"),
                    {"nearest", "recommend", "mmr", "discover", "context", "order_by", "fusion", "sample", "formula", "rrf", "indices", "values"});
  kind.refuse({"mmr", "discover", "context", "order_by", "fusion", "sample", "formula", "rrf", "indices", "values"});
  if (const Json* nearest = kind.find("nearest")) {
    target.vector = read_example(collection, view, *nearest, kind.place("nearest"), target.left_out);
    return target;
  }
  const Json& recommend = kind.need("recommend", "{\"positive\": […]}");
  return read_examples(collection, view, Fields(recommend, kind.place("recommend"), {"positive", "negative", "strategy"}));
}

const std::initializer_list<std::string_view> search_fields = {
    "vector", "filter", "params", "limit", "offset", "with_payload", "with_vector", "with_vectors", "score_threshold", "shard_key"};
const std::initializer_list<std::string_view> recommend_fields = {
    "positive", "negative", "strategy", "filter", "params", "limit", "offset", "with_payload", "with_vector", "with_vectors",
    "score_threshold", "using", "lookup_from", "shard_key"};
const std::initializer_list<std::string_view> query_fields = {
    "query", "prefetch", "using", "filter", "params", "score_threshold", "limit", "offset", "with_vector", "with_vectors",
    "with_payload", "lookup_from", "shard_key"};

// `legacy`: search and recommend, whose answers are a bare list.
Json answer_one(VectorCall& call, const Json& body, const std::string& where, std::initializer_list<std::string_view> known,
                Reader reader, bool legacy) {
  const Fields fields(body, where, known);
  const auto view = call.collection->view();
  const Asked asked = read_asked(fields, false);
  Json list = page(call, view, asked, reader(*call.collection, *view, fields));
  return legacy ? list : Json{{"points", std::move(list)}};
}

Json answer_several(VectorCall& call, std::initializer_list<std::string_view> known, Reader reader, bool legacy) {
  const Fields fields(call.body, "", {"searches"});
  const Json& searches = fields.list("searches");
  if (searches.size() > most_queries)
    throw Error(ErrorCode::too_large, "there are too many queries in one request", {.where = "/searches", .expected = "at most " + std::to_string(most_queries)});
  Json lists = Json::array();
  for (const Json& body : searches)
    lists.push_back(answer_one(call, body, "/searches/" + std::to_string(lists.size()), known, reader, legacy));
  return lists;
}

// The best points of each value of a field: more and more neighbours are looked at until `limit` groups are full
// or there are no more.
Json answer_groups(VectorCall& call, const Json& body, std::initializer_list<std::string_view> known, Reader reader) {
  const Fields fields(body, "", known);
  fields.refuse({"with_lookup"});
  const auto view = call.collection->view();
  Asked asked = read_asked(fields, false);
  const std::string key = fields.text("group_by");
  if (key.empty()) fields.wrong("group_by", "the key of a payload field");
  const size_t size = fields.whole("group_size", 3, 1, 100), limit = asked.limit;
  const Target target = reader(*call.collection, *view, fields);
  std::vector<std::pair<Scalar, std::vector<Answer>>> groups;
  const size_t points = view->count();
  for (size_t k = limit * size * 4;; k *= 4) {
    groups.clear();
    const auto answers = answers_of(call, view, asked, target, std::min(k, points));
    for (const Answer& answer : answers) {
      visit_nodes(view->tables[answer.at.table].table->payload_of(answer.at.slot), key, [&](const Json& node) {
        visit_values(node, [&](const Json& value) {
          const auto scalar = scalar_of(value);
          if (!scalar || std::holds_alternative<bool>(*scalar)) return;
          auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& each) { return each.first == *scalar; });
          if (group == groups.end()) {
            if (groups.size() == limit) return;
            group = groups.insert(groups.end(), {*scalar, {}});
          }
          if (group->second.size() < size) group->second.push_back(answer);
        });
      });
    }
    const bool full = groups.size() == limit && std::all_of(groups.begin(), groups.end(), [&](const auto& each) { return each.second.size() == size; });
    if (full || k >= points) break;
  }
  Json list = Json::array();
  for (const auto& [value, answers] : groups) {
    Json hits = Json::array();
    for (const Answer& answer : answers) hits.push_back(scored_json(*view, answer, asked.shown));
    list.push_back({{"id", std::visit([](const auto& each) { return Json(each); }, value)}, {"hits", hits}});
  }
  return {{"groups", list}};
}

}  // namespace

Json search_points(VectorCall& call) {
  return answer_one(call, call.body, "", search_fields, read_search, true);
}
Json search_batch(VectorCall& call) {
  return answer_several(call, search_fields, read_search, true);
}
Json search_groups(VectorCall& call) {
  return answer_groups(call, call.body,
                       {"vector", "filter", "params", "limit", "with_payload", "with_vector", "with_vectors", "score_threshold",
                        "shard_key", "group_by", "group_size", "with_lookup"},
                       read_search);
}
Json recommend_points(VectorCall& call) {
  return answer_one(call, call.body, "", recommend_fields, read_examples, true);
}
Json recommend_batch(VectorCall& call) {
  return answer_several(call, recommend_fields, read_examples, true);
}
Json recommend_groups(VectorCall& call) {
  return answer_groups(call, call.body,
                       {"positive", "negative", "strategy", "filter", "params", "limit", "with_payload", "with_vector", "with_vectors",
                        "score_threshold", "using", "lookup_from", "shard_key", "group_by", "group_size", "with_lookup"},
                       read_examples);
}
Json query_points(VectorCall& call) {
  return answer_one(call, call.body, "", query_fields, read_query, false);
}
Json query_batch(VectorCall& call) {
  return answer_several(call, query_fields, read_query, false);
}
Json query_groups(VectorCall& call) {
  return answer_groups(call, call.body,
                       {"query", "prefetch", "using", "filter", "params", "score_threshold", "limit", "with_vector", "with_vectors",
                        "with_payload", "lookup_from", "shard_key", "group_by", "group_size", "with_lookup"},
                       read_query);
}

}  // namespace cowatch::serve
