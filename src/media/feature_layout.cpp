#include "media/feature_layout.h"

#include <algorithm>

namespace cowatch {

std::string_view modality_name(MediaModality modality) {
  constexpr std::array<std::string_view, modality_count> names = {"picture", "motion", "sound"};
  return names[static_cast<size_t>(modality)];
}

ColumnRange modality_columns(MediaModality modality) {
  size_t column = 0;
  ColumnRange range = {feature_count, 0};
  for (const BlockLayout& layout : feature_blocks) {
    if (layout.modality == modality) {
      range.begin = std::min(range.begin, column);
      range.end = column + layout.size;
    }
    column += layout.size;
  }
  return range;
}

std::span<float> block_columns(std::span<float> row, Block block) {
  return row.subspan(block_begin(block), feature_blocks[static_cast<size_t>(block)].size);
}

}  // namespace cowatch
