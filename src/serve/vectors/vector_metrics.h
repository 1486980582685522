// Measures of the collections for Prometheus: latency by operation, the queue, points and memory, and
// recall (recall_sampler.h).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "search/collection_set.h"
#include "search/schedule/scheduler.h"
#include "serve/vectors/recall_sampler.h"

namespace cowatch::serve {

class VectorMetrics {
 public:
  void answered(const std::string& operation, int status, double seconds);
  // Times that half and 99 in 100 of the answers kept to: bounds of the histogram, in seconds; 0: longer than all.
  struct Latency {
    std::string operation;
    uint64_t count = 0;
    double median = 0, p99 = 0;
  };
  std::vector<Latency> latencies() const;

  using Queues = std::vector<std::pair<const char*, Scheduler::Status>>;  // by name
  // Without collections, nothing is told of any by name.
  std::string text(const CollectionSet* collections, const Queues& queues,
                   const std::map<std::string, RecallSampler::Count>& recalls) const;

 private:
  static constexpr std::array<double, 13> bounds = {0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02,
                                                    0.05,   0.1,   0.25,  0.5,   1,     5};
  struct Operation {
    std::array<uint64_t, bounds.size()> buckets = {};
    std::map<int, uint64_t> by_status;
    double sum = 0;
    uint64_t count = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Operation> operations_;
};

}  // namespace cowatch::serve
