// The recall of a share of the searches, found by asking them again exactly: in the background, after they
// were answered, one at a time, at low priority. Those that come meanwhile are left out.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "search/collection_view.h"
#include "serve/vectors/vector_metrics.h"

namespace cowatch::serve {

class RecallSampler {
 public:
  explicit RecallSampler(VectorMetrics& metrics);
  ~RecallSampler();

  struct Sample {
    std::string collection;
    std::shared_ptr<const CollectionView> view;
    Metric metric = Metric::cosine;
    std::vector<float> vector;
    std::vector<std::shared_ptr<const Allowed>> allowed;
    std::vector<Hit> hits;  // the answer
    size_t k = 0;
  };
  // Takes the sample unless one is under way.
  void offer(Sample sample);

 private:
  void work(const std::stop_token& stop);
  void measure(const Sample& sample);

  VectorMetrics& metrics_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Sample> sample_;
  std::atomic<bool> ending_{false};
  std::jthread thread_;
};

}  // namespace cowatch::serve
