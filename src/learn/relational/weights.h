// Search for the weights of a join of cosines that rank best.
#pragma once

#include <span>
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
  const Graph& truth() const { return truth_; }
  const std::vector<uint32_t>& queries() const { return queries_; }
  const float* cosines(size_t candidate, size_t query) const {  // of the query's number, to all videos
    return cosines_[candidate].data() + query * truth_.nodes();
  }
  // Scores of the weighted sum of the candidates' cosines.
  RetrievalScores score(const std::vector<double>& weights) const;

 private:
  const Graph& truth_;
  std::vector<uint32_t> queries_;
  std::vector<std::vector<float>> cosines_;  // a candidate: queries × videos
};

// Mean over tables.
RetrievalScores mean_score(const std::vector<CosineTable>& tables, const std::vector<double>& weights);

// Ensemble selection (Caruana et al., ICML 2004): from the best candidate on, the one whose cosine added to
// the sum raises MAP + NDCG@10 most is added, again and again, until none does; how often each was taken is
// its weight. Done on three parts of the queries apart and averaged, because one run follows the chance of
// its queries; weights below a twentieth become 0.
//
// That still leans on chance, and on fewer videos to learn from than the final training has, from which
// networks gain more than closed forms. So the result is moved towards a fixed mixture of the candidates that
// `growing` names: each by the 8th power of its worth alone over the best one's, and all of it half way,
// times the same power of the best among them. Where they rank as well as any the move is half; where they
// are a fifth worse it is a twelfth. Ours; measured in docs/relational.md.
//
// A join that ranks below the best candidate alone, over all queries, is not taken: then the move is undone,
// and if that does not help, the best candidate stands alone. Deterministic. Weights sum to 1.
std::vector<double> search_weights(const std::vector<CosineTable>& tables, const std::vector<bool>& growing);

// How often to train each network of a join from another start, the mean of which ranks better than one: each
// with a weight once, then again the one whose trainings carry most each, while that is more than a quarter.
// `most` trainings in all, at least as many as there are weights above 0.
std::vector<size_t> starts_of(std::span<const double> weights, size_t most);

}  // namespace cowatch
