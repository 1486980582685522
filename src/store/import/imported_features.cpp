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

// Copies the rows that are there already; of another width they must all be replaced.
void keep_existing(const Path& path, const FeatureRows& rows, const std::vector<bool>& replaced, RowTable& table) {
  const TensorFile file(path, "features", 1);
  const size_t width = file.shape("features").at(1);
  const auto values = file.tensor<float>("features");
  const auto present = file.tensor<uint8_t>("present");
  for (uint32_t item = 0; item < std::min(present.size(), replaced.size()); ++item) {
    if (present[item] == 0 || replaced[item]) continue;
    if (width != rows.table.columns) {
      throw Error(ErrorCode::bad_input, "these features have another width than those imported before",
                  {.where = rows.origin,
                   .expected = std::to_string(width) + " columns, or rows for every video that has some",
                   .found = std::to_string(rows.table.columns) + " columns",
                   .remedy = "Import them into another workspace, or remove " + path.string() + " first."});
    }
    table.put(item, values.subspan(item * width, width));
  }
}

}  // namespace

void write_imported_features(const FeatureRows& rows, std::span<const std::optional<uint32_t>> items,
                             uint64_t item_count, const Path& existing, const Path& target) {
  RowTable table(item_count, rows.table.columns);
  std::vector<bool> replaced(item_count);
  for (const auto& item : items) {
    if (item) replaced[*item] = true;
  }
  if (std::filesystem::exists(existing)) keep_existing(existing, rows, replaced, table);
  for (size_t row = 0; row < items.size(); ++row) {
    if (items[row])
      table.put(*items[row], std::span(rows.table.values).subspan(row * rows.table.columns, rows.table.columns));
  }
  table.write(rows.origin, target);
}

}  // namespace cowatch
