#include "learn/relational/weights.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/progress.h"

namespace cowatch {
namespace {

constexpr size_t parts = 3;
constexpr int most_additions = 16;
constexpr double least_selected = 0.05, least_weight = 0.02;  // less costs more time than it gives
constexpr double steepness = 8, half_way = 0.5;
constexpr double heavy = 0.25;  // for one training

double worth(const RetrievalScores& scores) {
  return scores.map + scores.ndcg_10;
}

void scale_to_one(std::vector<double>& weights) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= sum;
}

// The queries of one part in one table, and the sum of the cosines taken so far.
class PartialSum {
 public:
  PartialSum(const CosineTable& table, size_t part) : table_(table) {
    for (size_t q = part; q < table.queries().size(); q += parts) {
      numbers_.push_back(q);
      queries_.push_back(table.queries()[q]);
    }
    sum_.resize(numbers_.size() * table.truth().nodes());
  }
  size_t queries() const { return queries_.size(); }
  double worth_with(size_t candidate) const {
    if (queries_.empty()) return 0;
    return worth(mean_over_queries(queries_, table_.truth(), [&](size_t q, std::vector<float>& scores) {
      const size_t videos = table_.truth().nodes();
      const float *sum = sum_.data() + q * videos, *cosines = table_.cosines(candidate, numbers_[q]);
      scores.resize(videos);
      for (size_t k = 0; k < videos; ++k) scores[k] = sum[k] + cosines[k];
    }));
  }
  void take(size_t candidate) {
    const size_t videos = table_.truth().nodes();
    for (size_t q = 0; q < numbers_.size(); ++q) {
      const float* cosines = table_.cosines(candidate, numbers_[q]);
      for (size_t k = 0; k < videos; ++k) sum_[q * videos + k] += cosines[k];
    }
  }

 private:
  const CosineTable& table_;
  std::vector<size_t> numbers_;
  std::vector<uint32_t> queries_;
  std::vector<float> sum_;
};

// How often each candidate is taken on one part of the queries; empty when the part has none.
std::vector<double> select_on(const std::vector<CosineTable>& tables, size_t part) {
  std::vector<PartialSum> sums;
  size_t queries = 0;
  for (const CosineTable& table : tables) {
    sums.emplace_back(table, part);
    queries += sums.back().queries();
  }
  if (queries == 0) return {};
  std::vector<double> taken(tables.front().candidates());
  double best = -1;
  for (int addition = 0; addition < most_additions; ++addition) {
    size_t chosen = taken.size();
    for (size_t c = 0; c < taken.size(); ++c) {
      throw_if_interrupted();
      double value = 0;
      for (const PartialSum& sum : sums)
        value += sum.worth_with(c) * static_cast<double>(sum.queries()) / static_cast<double>(queries);
      if (value <= best) continue;
      best = value;
      chosen = c;
    }
    if (chosen == taken.size()) break;
    taken[chosen] += 1;
    for (PartialSum& sum : sums) sum.take(chosen);
  }
  return taken;
}

std::vector<double> worth_alone(const std::vector<CosineTable>& tables) {
  std::vector<double> worths;
  for (size_t c = 0; c < tables.front().candidates(); ++c) {
    std::vector<double> alone(tables.front().candidates());
    alone[c] = 1;
    worths.push_back(worth(mean_score(tables, alone)));
  }
  return worths;
}

void cut_below(double least, std::vector<double>& weights) {
  for (double& weight : weights) weight = weight < least ? 0 : weight;
  scale_to_one(weights);
}

// See weights.h: a move of `weights` towards the growing candidates.
void lean(const std::vector<double>& alone, const std::vector<bool>& growing, std::vector<double>& weights) {
  const double best = *std::max_element(alone.begin(), alone.end());
  std::vector<double> mixture(alone.size());
  for (size_t c = 0; c < alone.size(); ++c)
    mixture[c] = growing[c] && best > 0 ? std::pow(alone[c] / best, steepness) : 0;
  const double most = *std::max_element(mixture.begin(), mixture.end());
  if (most == 0) return;
  scale_to_one(mixture);
  for (size_t c = 0; c < alone.size(); ++c) weights[c] += half_way * most * (mixture[c] - weights[c]);
}

}  // namespace

CosineTable::CosineTable(const Graph& truth, size_t most) : truth_(truth) {
  std::vector<uint32_t> all;
  for (uint32_t video = 0; video < truth.nodes(); ++video) {
    if (truth.degree(video) > 0) all.push_back(video);
  }
  const size_t count = std::min(most, all.size());
  for (size_t k = 0; k < count; ++k) queries_.push_back(all[k * all.size() / count]);
}

void CosineTable::add(ConstMatrix embeddings) {
  std::vector<float> rows;
  for (const uint32_t query : queries_)
    rows.insert(rows.end(), embeddings.row(query).begin(), embeddings.row(query).end());
  auto& cosines = cosines_.emplace_back(queries_.size() * embeddings.rows);
  multiply(Transpose::no, Transpose::yes, 1, ConstMatrix(rows.data(), queries_.size(), embeddings.columns),
           embeddings, 0, Matrix(cosines.data(), queries_.size(), embeddings.rows));
}

RetrievalScores CosineTable::score(const std::vector<double>& weights) const {
  const size_t videos = truth_.nodes();
  return mean_over_queries(queries_, truth_, [&](size_t q, std::vector<float>& sum) {
    sum.assign(videos, 0.0f);
    for (size_t c = 0; c < cosines_.size(); ++c) {
      if (weights[c] == 0) continue;
      const float* from = cosines(c, q);
      const auto weight = static_cast<float>(weights[c]);
      for (size_t k = 0; k < videos; ++k) sum[k] += weight * from[k];
    }
  });
}

RetrievalScores mean_score(const std::vector<CosineTable>& tables, const std::vector<double>& weights) {
  RetrievalScores mean;
  for (const CosineTable& table : tables)
    mean.add(table.score(weights), 1 / static_cast<double>(tables.size()));
  return mean;
}

std::vector<double> search_weights(const std::vector<CosineTable>& tables, const std::vector<bool>& growing) {
  std::vector<double> weights(tables.front().candidates());
  for (size_t part = 0; part < parts; ++part) {
    std::vector<double> taken = select_on(tables, part);
    if (taken.empty()) continue;
    scale_to_one(taken);
    for (size_t c = 0; c < weights.size(); ++c) weights[c] += taken[c];
  }
  scale_to_one(weights);
  cut_below(least_selected, weights);
  const std::vector<double> alone = worth_alone(tables);
  const auto best = std::max_element(alone.begin(), alone.end());
  std::vector<double> leaning = weights;
  lean(alone, growing, leaning);
  cut_below(least_weight, leaning);
  for (const auto& join : {leaning, weights}) {
    if (worth(mean_score(tables, join)) >= *best) return join;
  }
  std::fill(weights.begin(), weights.end(), 0.0);
  weights[static_cast<size_t>(best - alone.begin())] = 1;
  return weights;
}

std::vector<size_t> starts_of(std::span<const double> weights, size_t most) {
  std::vector<size_t> starts;
  size_t made = 0;
  for (const double weight : weights) made += starts.emplace_back(weight > 0);
  const auto carried = [&](size_t k) {
    return starts[k] == 0 ? 0 : weights[k] / static_cast<double>(starts[k]);
  };
  for (; made < most; ++made) {
    size_t heaviest = 0;
    for (size_t k = 1; k < weights.size(); ++k) heaviest = carried(k) > carried(heaviest) ? k : heaviest;
    if (weights.empty() || carried(heaviest) <= heavy) break;
    ++starts[heaviest];
  }
  return starts;
}

}  // namespace cowatch
