// Cold-start evaluation (methods §1.8): how well embeddings of videos that training never saw find each
// other's neighbours.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "math/matrix.h"

namespace cowatch {

struct VideoSplit {
  std::vector<uint32_t> train, test;  // ascending, together all videos
};
// Puts round(share · videos) videos into train, chosen by the seed alone.
VideoSplit split_videos(size_t videos, double share, uint64_t seed);

struct RetrievalScores {
  double map = 0, map_10 = 0, map_50 = 0, map_100 = 0, ndcg_10 = 0, ndcg_50 = 0, ndcg_100 = 0;
  size_t queries = 0;  // videos with a neighbour; the others are skipped

  void add(const RetrievalScores& other, double share);  // adds share · other, and its queries
};

// Every video with neighbours in `truth` asks all other rows of `embeddings` (unit rows, one a video of
// `truth`) by cosine; its neighbours are relevant; equal cosines rank by smaller id. With relevant ranks r_1
// < r_2 < … from 0 and R neighbours:
//   AP@k = Σ_{r_i < k} i / (r_i + 1) / min(k, R)   (MAP: k = all),
//   NDCG@k = Σ_{r_i < k} 1 / log2(r_i + 2) / Σ_{i < min(k, R)} 1 / log2(i + 2).
// Means over the queries. Memory: a few MB beside the input.
RetrievalScores evaluate_retrieval(ConstMatrix embeddings, const Graph& truth);

// The same for given queries and any score of a video for a query: `fill(q, scores)` writes that of query q
// for every video. Called in parallel.
RetrievalScores mean_over_queries(std::span<const uint32_t> queries, const Graph& truth,
                                  const std::function<void(size_t, std::vector<float>&)>& fill);

// Scores of one query from the ascending ranks of its relevant videos (each from 0). Empty: all zero.
RetrievalScores score_ranks(std::span<const uint32_t> ranks);

}  // namespace cowatch
