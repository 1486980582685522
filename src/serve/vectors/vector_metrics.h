// Measures of the collections for Prometheus: latency by operation, the queue, points and memory, and recall:
// a share of the searches is asked again exactly, in the background, and compared.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "search/collection_set.h"
#include "search/schedule/scheduler.h"

namespace cowatch::serve {

class VectorMetrics {
 public:
  void answered(const std::string& operation, int status, double seconds);
  // True for one search in `sample_every`: its recall should be measured.
  bool sample(const std::string& collection);
  void recall(const std::string& collection, size_t found, size_t wanted);

  std::string text(const CollectionSet& collections, const Scheduler::Status& searches,
                   const Scheduler::Status& others) const;
  struct Recall {
    uint64_t samples = 0, found = 0, wanted = 0;
  };
  std::map<std::string, Recall> recalls() const;

 private:
  static constexpr std::array<double, 13> bounds = {0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02,
                                                    0.05,   0.1,   0.25,  0.5,   1,     5};
  static constexpr uint64_t sample_every = 1000;
  struct Operation {
    std::array<uint64_t, bounds.size()> buckets = {};
    std::map<int, uint64_t> by_status;
    double sum = 0;
    uint64_t count = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Operation> operations_;
  std::map<std::string, Recall> recalls_;
  std::map<std::string, uint64_t> searches_;
};

}  // namespace cowatch::serve
