// Search for the weights of a join of cosines that rank best.
#pragma once

#include <vector>

#include "graph/graph.h"
#include "learn/evaluation.h"
#include "math/matrix.h"

namespace cowatch {

// Validation videos of one split: cosines of some queries to all videos, for each candidate, and what is
// relevant.
class CosineTable {
 public:
  // Queries are videos with neighbours in `truth`, evenly spread over them, at most `most`.
  CosineTable(const Graph& truth, size_t most);
  // Adds a candidate: unit rows, one a video.
  void add(ConstMatrix embeddings);
  size_t candidates() const { return cosines_.size(); }
  // Scores of the weighted sum of the candidates' cosines.
  RetrievalScores score(const std::vector<double>& weights) const;

 private:
  const Graph& truth_;
  std::vector<uint32_t> queries_;
  std::vector<std::vector<float>> cosines_;  // a candidate: queries × videos
};

// Mean over tables.
RetrievalScores mean_score(const std::vector<CosineTable>& tables, const std::vector<double>& weights);

// Coordinate search from equal weights and from the best single candidate, over 0 and powers of two:
// maximises MAP + NDCG@10. A candidate's weight changes only for a gain beyond noise. Deterministic. Weights
// sum to 1.
std::vector<double> search_weights(const std::vector<CosineTable>& tables);

}  // namespace cowatch
