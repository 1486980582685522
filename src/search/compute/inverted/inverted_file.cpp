// The artifact of an inverted lists index: docs/formats.md, "vector_index".
#include <algorithm>
#include <numeric>
#include <string>

#include "base/error.h"
#include "search/compute/codes/code_choice.h"
#include "search/compute/codes/k_means.h"
#include "search/compute/index_base.h"
#include "search/compute/index_file.h"
#include "search/compute/inverted/inverted_index.h"

namespace cowatch {

InvertedIndex::InvertedIndex(const std::shared_ptr<const TensorFile>& file, const VectorSource& source)
    : VectorIndex(IndexKind::ivf, metric_of(file->get("metric")), source) {
  IndexOptions& options = data_.options;
  options.kind = IndexKind::ivf;
  options.metric = metric();
  options.codes = code_kind_of(file->get("codes"));
  options.lists = stored_number(*file, "lists", 1, UINT32_MAX);
  data_.residual = stored_number(*file, "residual", 0, 1) == 1;
  const size_t slots = stored_number(*file, "slots", 0, std::min<size_t>(source.size(), UINT32_MAX - 1));
  data_.projection = Projection::load(*file, source.dimension());
  const size_t width = data_.projection.outputs();
  data_.code = open_code(options, *file, width);

  const auto centres = stored<float>(*file, "centres", options.lists * width);
  data_.centres.assign(centres.begin(), centres.end());
  data_.centre_halves = half_squares({data_.centres.data(), options.lists, width});
  const auto list_of = stored<uint32_t>(*file, "list_of", slots),
             counts = stored<uint32_t>(*file, "counts", options.lists);
  data_.list_of.assign(list_of.begin(), list_of.end());
  size_t blocks = 0;
  for (const uint32_t count : counts) {
    data_.live += count;
    blocks += (count + block_codes - 1) / block_codes;
  }
  const auto members = stored<uint32_t>(*file, "members", data_.live);
  const auto codes = stored<uint8_t>(*file, "codes", blocks * data_.code->block_bytes());
  // Each live slot stands in its own list, once.
  size_t at = 0, wrong = 0;
  Allowed seen(slots);
  for (uint32_t list = 0; list < counts.size(); ++list) {
    for (size_t end = at + counts[list]; at < end; ++at) {
      const uint32_t slot = members[at];
      wrong += slot >= slots || list_of[slot] != list || seen.has(slot);
      seen.add(slot);
    }
  }
  for (size_t slot = 0; slot < slots; ++slot)
    wrong += (list_of[slot] != InvertedData::no_list) != seen.has(static_cast<uint32_t>(slot));
  if (wrong > 0)
    throw_damaged_index(*file, "lists and slots disagree", "each live slot in its list",
                        std::to_string(wrong) + " that are not");
  data_.lists = InvertedLists(counts, members, codes, data_.code->block_bytes(), file);
}

void InvertedIndex::save(const Path& path) const {
  const std::shared_lock lock(mutex_);
  const IndexOptions& options = data_.options;
  const auto stored = data_.lists.stored();
  TensorFileWriter writer = artifact(data_.list_of.size());
  writer.set("codes", std::string(code_kind_name(options.codes)));
  writer.set("lists", std::to_string(data_.lists.lists()));
  writer.set("residual", data_.residual ? "1" : "0");
  data_.projection.save(writer);
  data_.code->save(writer);
  writer.add<float>("centres", {data_.lists.lists(), data_.projection.outputs()}, data_.centres);
  writer.add<uint32_t>("list_of", {data_.list_of.size()}, data_.list_of);
  writer.add<uint32_t>("counts", {stored.counts.size()}, stored.counts);
  writer.add<uint32_t>("members", {stored.slots.size()}, stored.slots);
  writer.add<uint8_t>("codes", {stored.blocks.size()}, stored.blocks);
  writer.write(path);
}

}  // namespace cowatch
