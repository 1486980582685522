#include "learn/evaluation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "base/threads.h"

namespace cowatch {
namespace {

constexpr uint32_t split_stream = 0x73706c69;
constexpr size_t query_block = 128;  // queries at once a task: their similarities to 18,000 videos are 9 MB

double average_precision(std::span<const uint32_t> ranks, size_t cut) {
  double sum = 0;
  for (size_t i = 0; i < ranks.size() && ranks[i] < cut; ++i) {
    sum += static_cast<double>(i + 1) / (static_cast<double>(ranks[i]) + 1);
  }
  return sum / static_cast<double>(std::min(cut, ranks.size()));
}

double discounted_gain(std::span<const uint32_t> ranks, size_t cut) {
  double gain = 0, ideal = 0;
  for (const uint32_t rank : ranks) gain += rank < cut ? 1 / std::log2(static_cast<double>(rank) + 2) : 0;
  for (size_t i = 0; i < std::min(cut, ranks.size()); ++i) ideal += 1 / std::log2(static_cast<double>(i) + 2);
  return gain / ideal;
}

// Ranks of `relevant` among all videos but the query: by similarity, then by id.
void find_ranks(std::span<const float> similarities, uint32_t query, std::span<const uint32_t> relevant,
                std::vector<uint32_t>& ranks) {
  std::vector<uint32_t> order(relevant.begin(), relevant.end());
  const auto before = [&](uint32_t a, uint32_t b) {
    return similarities[a] != similarities[b] ? similarities[a] > similarities[b] : a < b;
  };
  std::sort(order.begin(), order.end(), before);
  // above[i]: videos that come before order[i] but not before order[i - 1]
  std::vector<uint32_t> above(order.size() + 1);
  const float lowest = similarities[order.back()];
  for (uint32_t video = 0; video < similarities.size(); ++video) {
    if (similarities[video] < lowest || video == query) continue;
    // The first relevant video that does not come before this one: equal to it for the relevant themselves.
    const auto place = std::lower_bound(order.begin(), order.end(), video, before) - order.begin();
    if (static_cast<size_t>(place) == order.size() || order[place] != video) ++above[place];
  }
  ranks.resize(order.size());
  uint32_t rank = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    rank += above[i];
    ranks[i] = rank++;
  }
}

RetrievalScores mean_of(const std::vector<RetrievalScores>& scores) {
  RetrievalScores mean;
  for (const RetrievalScores& one : scores) mean.add(one, 1 / static_cast<double>(scores.size()));
  return mean;
}

}  // namespace

void RetrievalScores::add(const RetrievalScores& other, double share) {
  map += share * other.map;
  map_10 += share * other.map_10;
  map_50 += share * other.map_50;
  map_100 += share * other.map_100;
  ndcg_10 += share * other.ndcg_10;
  ndcg_50 += share * other.ndcg_50;
  ndcg_100 += share * other.ndcg_100;
  queries += other.queries;
}

VideoSplit split_videos(size_t videos, double share, uint64_t seed) {
  std::vector<uint32_t> order(videos);
  std::iota(order.begin(), order.end(), 0);
  const Random random(seed, split_stream);
  for (size_t k = videos; k > 1; --k) {  // Fisher and Yates
    std::swap(order[k - 1], order[random.below(k, 0, static_cast<uint32_t>(k))]);
  }
  const auto cut = order.begin() + std::lround(share * static_cast<double>(videos));
  VideoSplit split{{order.begin(), cut}, {cut, order.end()}};
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.test.begin(), split.test.end());
  return split;
}

RetrievalScores score_ranks(std::span<const uint32_t> ranks) {
  RetrievalScores scores;
  if (ranks.empty()) return scores;
  scores.map = average_precision(ranks, SIZE_MAX);
  scores.map_10 = average_precision(ranks, 10);
  scores.map_50 = average_precision(ranks, 50);
  scores.map_100 = average_precision(ranks, 100);
  scores.ndcg_10 = discounted_gain(ranks, 10);
  scores.ndcg_50 = discounted_gain(ranks, 50);
  scores.ndcg_100 = discounted_gain(ranks, 100);
  scores.queries = 1;
  return scores;
}

RetrievalScores evaluate_retrieval(ConstMatrix embeddings, const Graph& truth) {
  std::vector<uint32_t> queries;
  for (uint32_t video = 0; video < truth.nodes(); ++video) {
    if (truth.degree(video) > 0) queries.push_back(video);
  }
  std::vector<RetrievalScores> scores(queries.size());
  parallel_for(queries.size(), query_block, [&](size_t begin, size_t end) {
    const size_t count = end - begin, width = embeddings.columns;
    std::vector<float> rows(count * width), similarities(count * embeddings.rows);
    for (size_t q = 0; q < count; ++q) {
      std::ranges::copy(embeddings.row(queries[begin + q]), rows.begin() + static_cast<ptrdiff_t>(q * width));
    }
    const Matrix block(similarities.data(), count, embeddings.rows);
    multiply(Transpose::no, Transpose::yes, 1, ConstMatrix(rows.data(), count, width), embeddings, 0, block);
    std::vector<uint32_t> ranks;
    for (size_t q = 0; q < count; ++q) {
      const uint32_t query = queries[begin + q];
      find_ranks(block.row(q), query, truth.neighbours(query), ranks);
      scores[begin + q] = score_ranks(ranks);
    }
  });
  return mean_of(scores);
}

RetrievalScores mean_over_queries(std::span<const uint32_t> queries, const Graph& truth,
                                  const std::function<void(size_t, std::vector<float>&)>& fill) {
  std::vector<RetrievalScores> scores(queries.size());
  parallel_for(queries.size(), 16, [&](size_t begin, size_t end) {
    std::vector<float> similarities;
    std::vector<uint32_t> ranks;
    for (size_t q = begin; q < end; ++q) {
      fill(q, similarities);
      find_ranks(similarities, queries[q], truth.neighbours(queries[q]), ranks);
      scores[q] = score_ranks(ranks);
    }
  });
  return mean_of(scores);
}

}  // namespace cowatch
