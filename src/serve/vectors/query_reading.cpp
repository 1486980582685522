#include "serve/vectors/query_reading.h"

#include "base/error.h"
#include "search/distance.h"
#include "search/vector_fault.h"

namespace cowatch::serve {
namespace {

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
    const Fields params(*found, fields.place("params"),
                        {"hnsw_ef", "probes", "exact", "quantization", "indexed_only", "acorn"});
    params.refuse({"quantization", "acorn"});
    if (params.flag("indexed_only", false))
      throw Error(ErrorCode::unsupported, "points that are not indexed yet are always searched too",
                  {.where = params.place("indexed_only")});
    asked.effort = params.whole("hnsw_ef", 0, 0, 100'000);
    asked.probes = params.whole("probes", 0, 0, UINT32_MAX);
    asked.exact = params.flag("exact", false);
  }
  return asked;
}

// Only inverted lists can be scanned in larger or smaller part.
void need_lists(const Collection& collection, const std::string& where) {
  const IndexKind kind = collection.config().index.kind;
  if (kind == IndexKind::ivf) return;
  throw Error(ErrorCode::bad_input, "only a collection with the index ivf has lists to scan",
              {.where = where,
               .found = "the index " + std::string(index_kind_name(kind)),
               .remedy = kind == IndexKind::graph ? "A graph finds more with a larger hnsw_ef." : ""});
}

// What may be looked for is what may be stored; under cosine, brought to unit length.
std::vector<float> checked(const Collection& collection, std::vector<float> vector,
                           const std::string& where) {
  const CollectionConfig config = collection.config();
  if (const auto fault = vector_fault(config.index.metric, config.dimension, vector))
    throw at_place(*fault, where);
  if (config.index.metric == Metric::cosine) bring_to_unit(vector);
  return vector;
}

// An example: a vector, or the id of a point.
std::vector<float> read_example(const Collection& collection, const CollectionView& view, const Json& json,
                                const std::string& where, std::vector<PointId>& left_out) {
  if (json.is_structured() || json.is_binary()) return checked(collection, read_vector(json, where), where);
  const PointId id = parse_point_id(json, where);
  const auto at = view.find(id);
  if (!at)
    throw Error(ErrorCode::not_found, "there is no such point", {.where = where, .found = to_text(id)});
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
  for (auto& [name, list] : {std::pair<const char*, std::vector<std::vector<float>>&>{"positive", positive},
                             {"negative", negative}}) {
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
  target.vector = checked(collection, std::move(target.vector), fields.place("positive"));
  return target;
}

AllowedSlots allowed_slots(const CollectionView& view, const Asked& asked, const Target& target,
                           const Patience& patience) {
  auto allowed = view.select(asked.condition ? &*asked.condition : nullptr, patience);
  for (const PointId& id : target.left_out) {
    const auto at = view.find(id);
    if (!at) continue;
    auto without = std::make_shared<Allowed>(*allowed[at->table]);
    without->remove(at->slot);
    allowed[at->table] = std::move(without);
  }
  return allowed;
}

Target read_search(const Collection& collection, const CollectionView&, const Fields& fields) {
  Target target;
  const std::string place = fields.place("vector");
  target.vector =
      checked(collection, read_vector(fields.need("vector", "an array of numbers"), place), place);
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
                    {"nearest", "recommend", "mmr", "discover", "context", "order_by", "fusion", "sample",
                     "formula", "rrf", "indices", "values"});
  kind.refuse(
      {"mmr", "discover", "context", "order_by", "fusion", "sample", "formula", "rrf", "indices", "values"});
  if (kind.find("nearest") && kind.find("recommend"))
    fields.wrong("query", "one of {\"nearest\": …} and {\"recommend\": …}");
  if (const Json* nearest = kind.find("nearest")) {
    target.vector = read_example(collection, view, *nearest, kind.place("nearest"), target.left_out);
    return target;
  }
  const Json& recommend = kind.need("recommend", "{\"positive\": […]}");
  return read_examples(collection, view,
                       Fields(recommend, kind.place("recommend"), {"positive", "negative", "strategy"}));
}

const std::initializer_list<std::string_view> search_fields = {
    "vector",       "filter",      "params",       "limit",           "offset",
    "with_payload", "with_vector", "with_vectors", "score_threshold", "shard_key"};
const std::initializer_list<std::string_view> recommend_fields = {
    "positive",     "negative",    "strategy",     "filter",          "params", "limit",       "offset",
    "with_payload", "with_vector", "with_vectors", "score_threshold", "using",  "lookup_from", "shard_key"};
const std::initializer_list<std::string_view> query_fields = {
    "query",  "prefetch",    "using",        "filter",       "params",      "score_threshold", "limit",
    "offset", "with_vector", "with_vectors", "with_payload", "lookup_from", "shard_key"};
const std::initializer_list<std::string_view> search_group_fields = {
    "vector",       "filter",          "params",    "limit",    "with_payload", "with_vector",
    "with_vectors", "score_threshold", "shard_key", "group_by", "group_size",   "with_lookup"};
const std::initializer_list<std::string_view> recommend_group_fields = {
    "positive",     "negative",    "strategy",     "filter",          "params", "limit",
    "with_payload", "with_vector", "with_vectors", "score_threshold", "using",  "lookup_from",
    "shard_key",    "group_by",    "group_size",   "with_lookup"};
const std::initializer_list<std::string_view> query_group_fields = {
    "query",           "prefetch",  "using",       "filter",       "params",
    "score_threshold", "limit",     "with_vector", "with_vectors", "with_payload",
    "lookup_from",     "shard_key", "group_by",    "group_size",   "with_lookup"};

}  // namespace

namespace query_kinds {
const QueryKind search = {search_fields, read_search, true},
                search_groups = {search_group_fields, read_search, true},
                recommend = {recommend_fields, read_examples, true},
                recommend_groups = {recommend_group_fields, read_examples, true},
                query = {query_fields, read_query, false},
                query_groups = {query_group_fields, read_query, false};
}

const Json& read_searches(const Json& body) {
  constexpr size_t most_queries = 1000;
  const Fields fields(body, "", {"searches"});
  const Json& searches = fields.list("searches");
  if (searches.size() > most_queries)
    throw Error(ErrorCode::too_large, "there are too many queries in one request",
                {.where = "/searches", .expected = "at most " + std::to_string(most_queries)});
  return searches;
}

Question read_question(VectorCall& call, View view, const Json& body, const std::string& where,
                       const QueryKind& kind) {
  call.patience.check();
  const Fields fields(body, where, kind.known);
  Question question;
  question.asked = read_asked(fields, false);
  if (question.asked.probes > 0) need_lists(*call.collection, fields.place("params/probes"));
  question.target = kind.reader(*call.collection, *view, fields);
  question.k = question.asked.limit + question.asked.offset;
  call.size.want(question.k, fields.place("limit"));
  question.allowed = allowed_slots(*view, question.asked, question.target, call.patience);
  question.view = std::move(view);
  question.patience = call.patience;
  return question;
}

}  // namespace cowatch::serve
