// The artifact of a graph index: docs/formats.md, "vector_index".
#include <algorithm>
#include <string>

#include "base/error.h"
#include "search/compute/graph/graph_build.h"
#include "search/compute/graph/graph_index.h"
#include "search/compute/index_file.h"

namespace cowatch {
namespace {

IndexOptions options_of(const TensorFile& file) {
  IndexOptions options;
  options.kind = IndexKind::graph;
  options.metric = metric_of(file.get("metric"));
  options.codes = code_kind_of(file.get("codes"));
  options.degree = stored_number(file, "degree", 4, 256);
  options.build_effort = stored_number(file, "build_effort", 1, size_t{1} << 31);
  options.alpha = std::max(1.0f, stored_value(file, "alpha", 1.2f));
  options.seed = stored_value(file, "seed", uint64_t{1});
  return options;
}

template <typename T>
HugeArray<T> mapped(const std::shared_ptr<const TensorFile>& file, const std::string& name, size_t count) {
  return {stored<T>(*file, name, count), file};
}

// Ends of links and entries name slots; a list ends at the first no_slot.
void check_ends(const TensorFile& file, std::span<const uint32_t> ends, size_t slots) {
  bool good = true;
  for (const uint32_t end : ends) good &= end < slots || end == GraphData::no_slot;
  if (!good)
    throw_damaged_index(file, "a link leads nowhere", "slots below " + std::to_string(slots), "another");
}

bool all_differ(std::span<const uint32_t> ends, size_t slots) {
  Allowed seen(slots);
  for (const uint32_t end : ends) seen.add(end);
  return seen.count() == ends.size();
}

}  // namespace

GraphIndex::GraphIndex(std::shared_ptr<const TensorFile> file, const VectorSource& source)
    : VectorIndex(IndexKind::graph, metric_of(file->get("metric")), source),
      data_(options_of(*file), source.dimension()) {
  const size_t slots = stored_number(*file, "slots", 0, std::min<size_t>(source.size(), size_t{1} << 31));
  data_.records = mapped<uint8_t>(file, "records", slots * data_.layout.record_bytes);
  if (data_.has_finer()) data_.finer = mapped<uint8_t>(file, "finer", slots * data_.layout.finer_bytes);
  data_.links = mapped<uint32_t>(file, "links", slots * data_.capacity);
  check_ends(*file, data_.links.view(), slots);
  const auto live = mapped<uint64_t>(file, "live", (slots + 63) / 64);
  data_.live = Allowed(slots);
  std::copy_n(live.data(), live.size(), data_.live.words().begin());
  data_.live.recount();
  const auto mean = mapped<float>(file, "mean", source.dimension());
  data_.mean.assign(mean.data(), mean.data() + mean.size());
  data_.largest_square = mapped<float>(file, "largest_square", 1).data()[0];
  if (file->get("rotated", "").empty()) data_.rotation = {};
  open_entries(file);
}

// Files of the first version had no groups.
void GraphIndex::open_entries(const std::shared_ptr<const TensorFile>& file) {
  if (!file->has("entry_groups")) {
    data_.entries.build(data_, random_order(data_));
    return;
  }
  const auto slots = file->tensor<uint32_t>("entries"), begins = file->tensor<uint32_t>("entry_groups");
  check_ends(*file, slots, data_.slots());
  const bool good = begins.empty() ? slots.empty()
                                   : begins.size() >= 2 && begins.front() == 0 &&
                                         begins.back() == slots.size() && begins.size() - 2 <= begins[1] &&
                                         std::is_sorted(begins.begin(), begins.end()) &&
                                         all_differ(slots, data_.slots());
  if (!good)
    throw_damaged_index(*file, "the entries of an index are not in groups", "ascending places, each slot once", "others");
  data_.entries.restore(data_, slots, begins,
                        mapped<uint8_t>(file, "entry_records", slots.size() * data_.layout.record_bytes));
}

void GraphIndex::save(const Path& path) const {
  const auto lock = reading();
  const IndexOptions& options = data_.options;
  const size_t slots = data_.slots();
  TensorFileWriter writer = artifact(slots);
  writer.set("codes", std::string(code_kind_name(options.codes)));
  writer.set("degree", std::to_string(options.degree));
  writer.set("build_effort", std::to_string(options.build_effort));
  writer.set("alpha", std::to_string(options.alpha));
  writer.set("seed", std::to_string(options.seed));
  writer.set("rotated", "1");
  writer.add<uint8_t>("records", {slots, data_.layout.record_bytes}, data_.records.view());
  if (data_.has_finer()) writer.add<uint8_t>("finer", {slots, data_.layout.finer_bytes}, data_.finer.view());
  writer.add<uint32_t>("links", {slots, data_.capacity}, data_.links.view());
  writer.add<uint64_t>("live", {data_.live.words().size()}, std::as_const(data_.live).words());
  writer.add<uint32_t>("entries", {data_.entries.slots().size()}, data_.entries.slots());
  writer.add<uint32_t>("entry_groups", {data_.entries.begins().size()}, data_.entries.begins());
  writer.add<uint8_t>("entry_records", {data_.entries.slots().size(), data_.layout.record_bytes},
                      data_.entries.records());
  writer.add<float>("mean", {data_.mean.size()}, data_.mean);
  writer.add<float>("largest_square", {1}, std::span(&data_.largest_square, 1));
  writer.write(path);
}

}  // namespace cowatch
