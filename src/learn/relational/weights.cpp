#include "learn/relational/weights.h"

#include <algorithm>
#include <numeric>

#include "base/threads.h"

namespace cowatch {
namespace {

constexpr double steps[] = {0, 0.25, 0.5, 1, 2, 4};
constexpr double least_gain = 1.002;  // smaller ones are within the noise of a few hundred queries
constexpr int most_rounds = 4;

double worth(const RetrievalScores& scores) {
  return scores.map + scores.ndcg_10;
}

struct Found {
  std::vector<double> weights;
  double worth;
};

Found climb(const std::vector<CosineTable>& tables, std::vector<double> weights) {
  double best = worth(mean_score(tables, weights));
  for (int round = 0; round < most_rounds; ++round) {
    bool changed = false;
    for (size_t c = 0; c < weights.size(); ++c) {
      std::vector<double> trial = weights;
      for (const double step : steps) {
        trial[c] = step;
        if (std::accumulate(trial.begin(), trial.end(), 0.0) == 0) continue;
        const double value = worth(mean_score(tables, trial));
        if (value <= best * least_gain) continue;
        best = value;
        weights = trial;
        changed = true;
      }
    }
    if (!changed) break;
  }
  return {weights, best};
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
      const float* from = cosines_[c].data() + q * videos;
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

std::vector<double> search_weights(const std::vector<CosineTable>& tables) {
  const size_t count = tables.front().candidates();
  Found best = climb(tables, std::vector<double>(count, 1.0));
  std::vector<double> single;
  double single_worth = -1;
  for (size_t c = 0; c < count; ++c) {
    std::vector<double> alone(count);
    alone[c] = 1;
    const double value = worth(mean_score(tables, alone));
    if (value > single_worth) {
      single_worth = value;
      single = alone;
    }
  }
  Found other = climb(tables, single);
  if (other.worth > best.worth * least_gain) best = std::move(other);
  const double sum = std::accumulate(best.weights.begin(), best.weights.end(), 0.0);
  for (double& weight : best.weights) weight /= sum;
  return best.weights;
}

}  // namespace cowatch
