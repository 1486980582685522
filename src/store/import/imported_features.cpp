#include "store/import/imported_features.h"

#include <algorithm>

#include "base/error.h"
#include "base/tensor_file.h"

namespace cowatch {
namespace {

class RowTable {
 public:
  RowTable(uint64_t items, size_t width) : width_(width), values_(items * width), present_(items) {}

  void put(uint32_t item, std::span<const float> row) {
    std::copy(row.begin(), row.end(), values_.begin() + static_cast<ptrdiff_t>(item * width_));
    present_[item] = std::any_of(row.begin(), row.end(), [](float v) { return v != 0; });
  }
  void write(const std::string& origin, const Path& path) const {
    TensorFileWriter writer("features", 1);
    writer.set("modalities", R"([{"name":"imported","begin":0,"end":)" + std::to_string(width_) + "}]");
    writer.set("origin", origin);
    writer.add<float>("features", {present_.size(), width_}, values_);
    writer.add<uint8_t>("present", {present_.size(), 1}, present_);
    writer.write(path);
  }

 private:
  size_t width_;
  std::vector<float> values_;
  std::vector<uint8_t> present_;
};

// Visits the rows of `existing` that no new row replaces: item, values.
template <typename Visit>
void for_each_kept(const Path& existing, std::span<const std::optional<uint32_t>> items, Visit&& visit) {
  if (!std::filesystem::exists(existing)) return;
  const TensorFile file(existing, "features", 1);
  const size_t width = file.shape("features").at(1);
  const auto values = file.tensor<float>("features");
  const auto present = file.tensor<uint8_t>("present");
  std::vector<bool> replaced(present.size());
  for (const auto& item : items) {
    if (item && *item < replaced.size()) replaced[*item] = true;
  }
  for (uint32_t item = 0; item < present.size(); ++item) {
    if (present[item] != 0 && !replaced[item]) visit(item, values.subspan(item * width, width));
  }
}

}  // namespace

void check_imported_features(const FeatureRows& rows, std::span<const std::optional<uint32_t>> items,
                             const Path& existing) {
  for_each_kept(existing, items, [&](uint32_t, std::span<const float> kept) {
    if (kept.size() == rows.table.columns) return;
    throw Error(ErrorCode::bad_input, "these features have another width than those imported before",
                {.where = rows.origin,
                 .expected = std::to_string(kept.size()) + " columns, or rows for every video that has some",
                 .found = std::to_string(rows.table.columns) + " columns",
                 .remedy = "Import them into another workspace, or remove " + existing.string() + " first."});
  });
}

void write_imported_features(const FeatureRows& rows, std::span<const std::optional<uint32_t>> items,
                             uint64_t item_count, const Path& existing, const Path& target) {
  check_imported_features(rows, items, existing);
  const size_t width = rows.table.columns;
  RowTable table(item_count, width);
  for_each_kept(existing, items, [&](uint32_t item, std::span<const float> kept) { table.put(item, kept); });
  for (size_t row = 0; row < items.size(); ++row) {
    if (items[row]) table.put(*items[row], std::span(rows.table.values).subspan(row * width, width));
  }
  table.write(rows.origin, target);
}

}  // namespace cowatch
