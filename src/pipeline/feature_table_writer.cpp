#include "pipeline/feature_table_writer.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"

namespace cowatch {

void FeatureTableWriter::add_modality(std::string name, size_t width) {
  modalities_.push_back({std::move(name), columns_, columns_ + width});
  columns_ += width;
}

void FeatureTableWriter::reserve_imported(const Path& path) {
  imported_ = std::make_unique<TensorFile>(path, "features", 1);
  const std::vector<size_t>& shape = imported_->shape("features");
  const std::vector<size_t>& flags = imported_->shape("present");
  if (shape.size() != 2 || flags != std::vector<size_t>{shape[0], 1}) {
    throw Error(
        ErrorCode::damaged, "the imported features do not have the shape they should",
        {.where = path.string(), .remedy = "Import them again (`cowatch import WS --features FILE`)."});
  }
  if (shape[0] > items_) {
    throw Error(ErrorCode::bad_input, "there are imported features of more videos than the catalogue has",
                {.where = path.string(),
                 .expected = "at most " + std::to_string(items_) + " rows",
                 .found = std::to_string(shape[0]),
                 .remedy = "Import the features that belong to this catalogue."});
  }
  add_modality("imported", shape[1]);
}

void FeatureTableWriter::allocate() {
  values_.assign(items_ * columns_, 0);
  present_.assign(items_ * modalities_.size(), 0);
}

void FeatureTableWriter::put(uint32_t item, size_t modality, std::span<const float> values) {
  const auto row = values_.begin() + static_cast<ptrdiff_t>(item * columns_ + modalities_[modality].begin);
  std::copy(values.begin(), values.end(), row);
  present_[item * modalities_.size() + modality] = 1;
}

uint64_t FeatureTableWriter::put_imported() {
  const auto values = imported_->tensor<float>("features");
  const auto flags = imported_->tensor<uint8_t>("present");
  const size_t modality = modalities_.size() - 1;
  const size_t width = modalities_[modality].end - modalities_[modality].begin;
  uint64_t count = 0;
  for (uint32_t item = 0; item < flags.size(); ++item) {
    if (flags[item] == 0) continue;
    put(item, modality, values.subspan(item * width, width));
    ++count;
  }
  return count;
}

void FeatureTableWriter::write(const Path& path, const Metadata& metadata) const {
  Json ranges = Json::array();
  for (const Modality& modality : modalities_) {
    ranges.push_back({{"name", modality.name}, {"begin", modality.begin}, {"end", modality.end}});
  }
  TensorFileWriter writer("features", 1);
  for (const auto& [key, value] : metadata) writer.set(key, value);
  writer.set("modalities", ranges.dump());
  writer.add<float>("features", {items_, columns_}, values_);
  writer.add<uint8_t>("present", {items_, modalities_.size()}, present_);
  writer.write(path);
}

}  // namespace cowatch
