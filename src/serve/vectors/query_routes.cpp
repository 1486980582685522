// Searching: by vector, by a point, by examples; alone, several at once, and in groups.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "search/distance.h"
#include "search/table_scan.h"
#include "serve/vectors/query_reading.h"

namespace cowatch::serve {
namespace {

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
std::vector<Answer> search_examples(const VectorCall& call, const Question& question, Metric metric) {
  const CollectionView& view = *question.view;
  std::vector<std::vector<Scored>> found(view.tables.size());
  run_pieces(call.loop, found.size(), [&](size_t t) {
    const PointTable& table = *view.tables[t].table;
    const Allowed& allowed = *question.allowed[t];
    TopKBy best(std::min(question.k, allowed.count()), BetterPoint{&table});
    size_t seen = 0;
    allowed.for_each([&](uint32_t slot) {
      if (++seen % 64 == 0) question.patience.check();
      best.offer({slot, example_score(question.target, metric, table.vector_of(slot))});
    });
    found[t] = best.take();
  });
  std::vector<Answer> answers;
  for (uint32_t t = 0; t < found.size(); ++t)
    for (const Scored& each : found[t]) answers.push_back({{t, each.index}, each.score});
  std::ranges::sort(answers, [&](const Answer& a, const Answer& b) {
    return a.shown > b.shown || (a.shown == b.shown && view.id_of(a.at) < view.id_of(b.at));
  });
  if (answers.size() > question.k) answers.resize(question.k);
  return answers;
}

// A share of the searches is asked again exactly, later; what both found is counted.
void measure_recall(VectorCall& call, const Question& question, const std::vector<Hit>& hits) {
  RecallSampler& sampler = call.service.recall();
  const std::string name = call.collection->folder().filename().string();
  if (question.asked.exact || question.k == 0 || !sampler.takes(name)) return;
  std::vector<float> scores;
  for (size_t i = 0; i < std::min<size_t>(10, hits.size()); ++i) scores.push_back(hits[i].score);
  sampler.offer(name, [view = question.view, metric = call.collection->config().index.metric,
                       k = std::min<size_t>(question.k, 10), vector = question.target.vector,
                       allowed = question.allowed, scores] {
    const auto truth = search(*view, metric, {.vector = vector, .k = k, .exact = true}, allowed);
    // Codes and vectors score alike up to rounding.
    const float least = truth.empty() ? 0 : truth.back().score - 1e-5f * std::abs(truth.back().score);
    const auto found =
        std::count_if(scores.begin(), scores.end(), [&](float score) { return score >= least; });
    return RecallSampler::Count{std::min(truth.size(), static_cast<size_t>(found)), truth.size()};
  });
}

void keep_within(const Asked& asked, bool distance, std::vector<Answer>& answers) {
  if (!asked.threshold) return;
  const auto limit = static_cast<float>(*asked.threshold);
  std::erase_if(answers,
                [&](const Answer& answer) { return distance ? answer.shown > limit : answer.shown < limit; });
}

// The answers to questions of one view. What several look for by vector is searched for together.
std::vector<std::vector<Answer>> answers_of(VectorCall& call, std::span<const Question> questions) {
  const Metric metric = call.collection->config().index.metric;
  std::vector<std::vector<Answer>> answers(questions.size());
  std::vector<VectorQuery> queries;
  std::vector<AllowedSlots> allowed;
  std::vector<size_t> by_vector;
  for (size_t q = 0; q < questions.size(); ++q) {
    const Question& question = questions[q];
    if (question.target.vector.empty()) {
      answers[q] = search_examples(call, question, metric);
      keep_within(question.asked, false, answers[q]);
    } else {
      queries.push_back(question.query());
      allowed.push_back(question.allowed);
      by_vector.push_back(q);
    }
  }
  if (queries.empty()) return answers;
  const auto hits = search(*questions[0].view, metric, queries, allowed, call.loop);
  for (size_t i = 0; i < hits.size(); ++i) {
    const size_t q = by_vector[i];
    measure_recall(call, questions[q], hits[i]);
    for (const Hit& hit : hits[i]) answers[q].push_back({hit.at, shown_score(metric, hit.score)});
    keep_within(questions[q].asked, metric == Metric::l2, answers[q]);
  }
  return answers;
}

Json scored_json(const CollectionView& view, const Answer& answer, const Shown& shown, AnswerSize& size) {
  Json point = point_json(view, answer.at, shown, size);
  point["version"] = view.tables[answer.at.table].table->sequence_of(answer.at.slot);
  point["score"] = answer.shown;
  return point;
}

Json page(VectorCall& call, const Question& question, const std::vector<Answer>& answers) {
  call.patience.check();
  Json list = Json::array();
  for (size_t i = question.asked.offset; i < answers.size(); ++i)
    list.push_back(scored_json(*question.view, answers[i], question.asked.shown, call.size));
  return list;
}

Json shown(VectorCall& call, const QueryKind& kind, const Question& question,
           const std::vector<Answer>& answers) {
  Json list = page(call, question, answers);
  return kind.legacy ? list : Json{{"points", std::move(list)}};
}

Json answer_one(VectorCall& call, const QueryKind& kind) {
  const Question question = read_question(call, call.collection->view(), call.body, "", kind);
  return shown(call, kind, question, answers_of(call, std::span(&question, 1))[0]);
}

Json answer_several(VectorCall& call, const QueryKind& kind) {
  std::vector<Question> questions;
  const auto view = call.collection->view();
  for (const Json& body : read_searches(call.body))
    questions.push_back(
        read_question(call, view, body, "/searches/" + std::to_string(questions.size()), kind));
  const auto answers = answers_of(call, questions);
  Json lists = Json::array();
  for (size_t q = 0; q < questions.size(); ++q) lists.push_back(shown(call, kind, questions[q], answers[q]));
  return lists;
}

// Requests that waited at the same time, each answered as if it were alone.
void answer_together(std::span<Attempt> attempts, const QueryKind& kind) {
  std::vector<Question> questions;
  std::vector<Attempt*> asked;
  std::shared_ptr<Collection> collection;
  View view;
  Job::Clock::time_point latest = {};
  for (Attempt& attempt : attempts) {
    attempt.of([&] {
      VectorCall& call = *attempt.call;
      if (!collection) collection = call.collection, view = collection->view();
      // The name may have come to mean another collection meanwhile.
      if (call.collection != collection) {
        attempt.result = answer_one(call, kind);
        return;
      }
      questions.push_back(read_question(call, view, call.body, "", kind));
      latest = std::max(latest, call.patience.deadline);
      asked.push_back(&attempt);
    });
  }
  // One that is given up does not end the others.
  for (Question& question : questions) question.patience = {nullptr, latest};
  std::vector<std::vector<Answer>> answers;
  for (size_t q = 0; q < questions.size(); ++q) {
    asked[q]->of([&] {
      if (answers.empty()) answers = answers_of(*asked[0]->call, questions);
      asked[q]->result = shown(*asked[q]->call, kind, questions[q], answers[q]);
    });
  }
}

// The best points of each value of a field: more and more neighbours are looked at until `limit` groups are
// full or there are no more.
Json answer_groups(VectorCall& call, const QueryKind& kind) {
  const Fields fields(call.body, "", kind.known);
  fields.refuse({"with_lookup"});
  const auto view = call.collection->view();
  Question question = read_question(call, view, call.body, "", kind);
  const std::string key = fields.text("group_by");
  if (key.empty()) fields.wrong("group_by", "the key of a payload field");
  check_key(key, fields.place("group_by"));
  const size_t size = fields.whole("group_size", 3, 1, 100), limit = question.asked.limit;
  call.size.want(limit * size - question.k, fields.place("group_size"));
  std::vector<std::pair<Scalar, std::vector<Answer>>> groups;
  const size_t points = view->count();
  for (size_t k = limit * size * 4;; k *= 4) {
    groups.clear();
    question.k = std::min(k, points);
    const auto answers = answers_of(call, std::span(&question, 1))[0];
    for (const Answer& answer : answers) {
      call.patience.check();
      visit_nodes(view->tables[answer.at.table].table->payload_of(answer.at.slot), key,
                  [&](const Json& node) {
                    visit_values(node, [&](const Json& value) {
                      const auto scalar = scalar_of(value);
                      if (!scalar || std::holds_alternative<bool>(*scalar)) return;
                      auto group = std::find_if(groups.begin(), groups.end(),
                                                [&](const auto& each) { return each.first == *scalar; });
                      if (group == groups.end()) {
                        if (groups.size() == limit) return;
                        group = groups.insert(groups.end(), {*scalar, {}});
                      }
                      if (group->second.size() < size) group->second.push_back(answer);
                    });
                  });
    }
    const bool full =
        groups.size() == limit && std::all_of(groups.begin(), groups.end(),
                                              [&](const auto& each) { return each.second.size() == size; });
    if (full || k >= points) break;
  }
  Json list = Json::array();
  for (const auto& [value, answers] : groups) {
    Json hits = Json::array();
    for (const Answer& answer : answers) hits.push_back(scored_json(*view, answer, question.asked.shown, call.size));
    list.push_back({{"id", std::visit([](const auto& each) { return Json(each); }, value)}, {"hits", hits}});
  }
  return {{"groups", list}};
}
}  // namespace

Json search_points(VectorCall& call) {
  return answer_one(call, query_kinds::search);
}
Json search_batch(VectorCall& call) {
  return answer_several(call, query_kinds::search);
}
Json search_groups(VectorCall& call) {
  return answer_groups(call, query_kinds::search_groups);
}
Json recommend_points(VectorCall& call) {
  return answer_one(call, query_kinds::recommend);
}
Json recommend_batch(VectorCall& call) {
  return answer_several(call, query_kinds::recommend);
}
Json recommend_groups(VectorCall& call) {
  return answer_groups(call, query_kinds::recommend_groups);
}
Json query_points(VectorCall& call) {
  return answer_one(call, query_kinds::query);
}
Json query_batch(VectorCall& call) {
  return answer_several(call, query_kinds::query);
}
Json query_groups(VectorCall& call) {
  return answer_groups(call, query_kinds::query_groups);
}

void search_together(std::span<Attempt> attempts) {
  answer_together(attempts, query_kinds::search);
}
void query_together(std::span<Attempt> attempts) {
  answer_together(attempts, query_kinds::query);
}

}  // namespace cowatch::serve
