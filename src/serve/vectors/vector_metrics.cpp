#include "serve/vectors/vector_metrics.h"

#include <cstdio>

#include "serve/vectors/each_collection.h"

namespace cowatch::serve {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

void head(std::string& text, const std::string& name, const char* type, const char* meaning) {
  text += "# HELP cowatch_vectors_" + name + " " + meaning + "\n# TYPE cowatch_vectors_" + name + " " + type +
          "\n";
}

void line(std::string& text, const std::string& name, const std::string& labels, double value) {
  text += "cowatch_vectors_" + name + (labels.empty() ? "" : "{" + labels + "}") + " " + number(value) + "\n";
}

void add_queues(std::string& text, const VectorMetrics::Queues& queues) {
  const auto all = [&](const char* name, const char* type, const char* meaning, const auto& value) {
    head(text, name, type, meaning);
    for (const auto& [queue, status] : queues)
      line(text, name, "queue=\"" + std::string(queue) + "\"", static_cast<double>(value(status)));
  };
  all("queue_length", "gauge", "Requests that wait.", [](const auto& s) { return s.waiting; });
  all("running", "gauge", "Requests being answered.", [](const auto& s) { return s.running; });
  all("refused_total", "counter", "Requests refused at once: their turn would have come too late.",
       [](const auto& s) { return s.refused; });
  all("shed_total", "counter", "Requests refused when their turn came too late.",
       [](const auto& s) { return s.shed; });
  all("cancelled_total", "counter", "Requests dropped: nobody waited any longer.",
       [](const auto& s) { return s.cancelled; });
  all("batches_total", "counter", "Groups of requests answered in one pass.",
       [](const auto& s) { return s.batches; });
  all("pieces_helped_total", "counter",
       "Pieces of searches done by processors that had no search of their own.",
       [](const auto& s) { return s.pieces_helped; });
}

}  // namespace

void VectorMetrics::answered(const std::string& operation, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  Operation& each = operations_[operation];
  for (size_t i = 0; i < bounds.size(); ++i) each.buckets[i] += seconds <= bounds[i];
  each.sum += seconds;
  ++each.count;
  ++each.by_status[status];
}

std::vector<VectorMetrics::Latency> VectorMetrics::latencies() const {
  const std::lock_guard lock(mutex_);
  std::vector<Latency> all;
  for (const auto& [name, each] : operations_) {
    const auto within = [&each = each](double share) {
      for (size_t i = 0; i < bounds.size(); ++i)
        if (static_cast<double>(each.buckets[i]) >= share * static_cast<double>(each.count)) return bounds[i];
      return 0.0;
    };
    all.push_back({name, each.count, within(0.5), within(0.99)});
  }
  return all;
}

std::string VectorMetrics::text(const CollectionSet* collections, const Queues& queues,
                                const std::map<std::string, RecallSampler::Count>& recalls) const {
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    head(text, "requests_total", "counter", "Requests answered.");
    for (const auto& [name, each] : operations_)
      for (const auto& [status, count] : each.by_status)
        line(text, "requests_total", "operation=\"" + name + "\",status=\"" + std::to_string(status) + "\"",
             static_cast<double>(count));
    head(text, "request_seconds", "histogram", "Time from a request's arrival to its answer.");
    for (const auto& [name, each] : operations_) {
      const std::string label = "operation=\"" + name + "\"";
      for (size_t i = 0; i < bounds.size(); ++i)
        line(text, "request_seconds_bucket", label + ",le=\"" + number(bounds[i]) + "\"",
             static_cast<double>(each.buckets[i]));
      line(text, "request_seconds_bucket", label + ",le=\"+Inf\"", static_cast<double>(each.count));
      line(text, "request_seconds_sum", label, each.sum);
      line(text, "request_seconds_count", label, static_cast<double>(each.count));
    }
  }
  head(text, "recall_wanted_total", "counter", "True neighbours of the searches whose recall was sampled.");
  for (const auto& [name, each] : recalls)
    line(text, "recall_wanted_total", "collection=\"" + name + "\"", static_cast<double>(each.wanted));
  head(text, "recall_found_total", "counter",
       "Those of them that were answered: recall is found over wanted.");
  for (const auto& [name, each] : recalls)
    line(text, "recall_found_total", "collection=\"" + name + "\"", static_cast<double>(each.found));
  add_queues(text, queues);
  if (!collections) return text;
  head(text, "points", "gauge", "Points of a collection.");
  std::string indexed, bytes, work, damage, trouble;
  each_collection(*collections, [&](const std::string& name) {
    if (collections->failed().contains(name)) return;
    const auto status = collections->find(name)->status();
    const std::string label = "collection=\"" + name + "\"";
    line(text, "points", label, static_cast<double>(status.points));
    line(indexed, "indexed_points", label, static_cast<double>(status.indexed));
    line(bytes, "bytes", label + ",part=\"segments\"", static_cast<double>(status.vector_bytes));
    line(bytes, "bytes", label + ",part=\"indexes\"", static_cast<double>(status.index_bytes));
    line(bytes, "bytes", label + ",part=\"memory\"", static_cast<double>(status.memory_bytes));
    line(bytes, "bytes", label + ",part=\"records\"", static_cast<double>(status.record_bytes));
    line(work, "segments_total", label + ",work=\"written\"", static_cast<double>(status.written));
    line(work, "segments_total", label + ",work=\"merged\"", static_cast<double>(status.merged));
    line(work, "segments_total", label + ",work=\"indexed\"", static_cast<double>(status.built));
    line(work, "segments_total", label + ",work=\"grown\"", static_cast<double>(status.grown));
    line(damage, "damages", label, static_cast<double>(status.damage.size()));
    line(trouble, "troubles", label, static_cast<double>(status.trouble.size()));
  });
  head(text, "indexed_points", "gauge", "Points that a graph index covers.");
  text += indexed;
  head(text, "bytes", "gauge", "Bytes of a collection's parts, on disk or in memory.");
  text += bytes;
  head(text, "segments_total", "counter", "Segments written out of memory, merged or cleaned, and indexed since the start; of the indexed, those whose index grew out of another.");
  text += work;
  head(text, "damages", "gauge", "Damage found since the start, mended or not; GET /collections/NAME says which.");
  text += damage;
  head(text, "troubles", "gauge",
       "Damage that is not mended, or work that does not get on; GET /collections/NAME says what.");
  return text + trouble;
}

}  // namespace cowatch::serve
