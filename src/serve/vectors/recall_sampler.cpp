#include "serve/vectors/recall_sampler.h"

#include <algorithm>

#include "base/background.h"
#include "base/error.h"

namespace cowatch::serve {

RecallSampler::RecallSampler(VectorMetrics& metrics)
    : metrics_(metrics), thread_([this](const std::stop_token& stop) { work(stop); }) {}

RecallSampler::~RecallSampler() {
  ending_ = true;  // cuts a search short
}

void RecallSampler::offer(Sample sample) {
  const std::lock_guard lock(mutex_);
  if (sample_) return;
  sample_ = std::move(sample);
  changed_.notify_all();
}

void RecallSampler::work(const std::stop_token& stop) {
  const BackgroundThread background;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return sample_.has_value(); })) return;
    }
    try {
      measure(*sample_);
    } catch (const Error&) {  // the server ends, or a segment is damaged and mended meanwhile
    }
    const std::lock_guard lock(mutex_);
    sample_.reset();
  }
}

void RecallSampler::measure(const Sample& sample) {
  const VectorQuery query = {.vector = sample.vector, .k = sample.k, .exact = true, .cancel = &ending_};
  const auto truth = search(*sample.view, sample.metric, query, sample.allowed);
  size_t found = 0;
  for (const Hit& hit : truth) {
    found += std::any_of(sample.hits.begin(), sample.hits.end(), [&](const Hit& each) {
      return each.at.table == hit.at.table && each.at.slot == hit.at.slot;
    });
  }
  metrics_.recall(sample.collection, found, truth.size());
}

}  // namespace cowatch::serve
