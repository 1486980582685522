// The k best of a stream of scores: higher scores first, equal scores by smaller index. NaN never enters.
#pragma once

#include <algorithm>
#include <cstdint>
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

class TopK {
 public:
  explicit TopK(size_t k) : k_(k) { heap_.reserve(k); }

  void offer(Scored candidate) {
    if (heap_.size() < k_) {
      if (candidate.score != candidate.score) return;
      heap_.push_back(candidate);
      std::push_heap(heap_.begin(), heap_.end(), better);
    } else if (k_ > 0 && better(candidate, heap_.front())) {
      std::pop_heap(heap_.begin(), heap_.end(), better);
      heap_.back() = candidate;
      std::push_heap(heap_.begin(), heap_.end(), better);
    }
  }
  // A score below this cannot enter: lets a scan skip most candidates with one comparison.
  float threshold() const { return heap_.size() < k_ || k_ == 0 ? -__builtin_inff() : heap_.front().score; }
  size_t size() const { return heap_.size(); }
  std::vector<Scored> take() {
    std::sort(heap_.begin(), heap_.end(), better);
    return std::move(heap_);
  }

 private:
  size_t k_;
  std::vector<Scored> heap_;  // the worst at the front
};

}  // namespace cowatch
