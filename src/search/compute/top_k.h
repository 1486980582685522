// The k best of a stream of scores: higher scores first, equal scores by smaller index or in another order
// that is given. NaN never enters.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <vector>

namespace cowatch {

struct Scored {
  uint32_t index;
  float score;
};

// An object, so that sorts and heaps inline it.
struct Better {
  bool operator()(const Scored& a, const Scored& b) const {
    return a.score > b.score || (a.score == b.score && a.index < b.index);
  }
};
inline constexpr Better better;

// A score that the k best of a query reach, as far as any thread has found out that looks for them in some of
// the vectors: what is below is not among the best of all.
class Floor {
 public:
  float get() const { return score_.load(std::memory_order_relaxed); }
  void raise(float score) {
    float now = get();
    while (now < score && !score_.compare_exchange_weak(now, score, std::memory_order_relaxed)) {
    }
  }

 private:
  std::atomic<float> score_{-std::numeric_limits<float>::infinity()};
};

template <typename Order>
class TopKBy {
 public:
  explicit TopKBy(size_t k, Order order = {}) : k_(k), order_(order) { heap_.reserve(k); }

  void offer(Scored candidate) {
    if (heap_.size() < k_) {
      if (candidate.score != candidate.score) return;
      heap_.push_back(candidate);
      std::push_heap(heap_.begin(), heap_.end(), order_);
    } else if (k_ > 0 && order_(candidate, heap_.front())) {
      std::pop_heap(heap_.begin(), heap_.end(), order_);
      heap_.back() = candidate;
      std::push_heap(heap_.begin(), heap_.end(), order_);
    }
  }
  // A score below this cannot enter: lets a scan skip most candidates with one comparison.
  float threshold() const { return heap_.size() < k_ || k_ == 0 ? -__builtin_inff() : heap_.front().score; }
  size_t size() const { return heap_.size(); }
  std::vector<Scored> take() {
    std::sort(heap_.begin(), heap_.end(), order_);
    return std::move(heap_);
  }

 private:
  size_t k_;
  [[no_unique_address]] Order order_;
  std::vector<Scored> heap_;  // the worst at the front
};
using TopK = TopKBy<Better>;

}  // namespace cowatch
