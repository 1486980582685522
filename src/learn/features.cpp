#include "learn/features.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/page_release.h"
#include "base/tensor_file.h"
#include "base/threads.h"
#include "math/float16.h"

namespace cowatch {

struct FeatureTable::Storage {
  std::vector<float> values;  // in memory …
  std::vector<uint8_t> flags;
  std::unique_ptr<TensorFile> file;  // … or mapped
  const float* single = nullptr;     // one of the two is set
  const uint16_t* half = nullptr;
  const uint8_t* present = nullptr;  // nullptr: nothing is missing
  size_t rows = 0;
  std::string name = "features";  // for errors
};

namespace {

std::vector<Modality> modalities_of(const TensorFile& file, size_t width) {
  std::vector<Modality> all;
  try {
    for (const auto& entry : Json::parse(file.get("modalities", "[]"))) {
      all.push_back({entry.at("name").get<std::string>(), entry.at("begin").get<size_t>(),
                     entry.at("end").get<size_t>()});
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::damaged, "the list of modalities cannot be read",
                {.where = file.path().string(),
                 .expected = "a JSON list of name, begin and end",
                 .found = error.what(),
                 .remedy = "Make the features again (`cowatch extract`)."});
  }
  for (const Modality& modality : all) {
    if (modality.begin < modality.end && modality.end <= width) continue;
    throw Error(ErrorCode::damaged, "modality " + modality.name + " lies outside the features",
                {.where = file.path().string(),
                 .expected = "columns below " + std::to_string(width),
                 .found = std::to_string(modality.begin) + " to " + std::to_string(modality.end),
                 .remedy = "Make the features again (`cowatch extract`)."});
  }
  if (all.empty()) all.push_back({"features", 0, width});
  return all;
}

}  // namespace

FeatureTable::FeatureTable(size_t items, std::vector<Modality> modalities, std::vector<float> values,
                           std::vector<uint8_t> present)
    : modalities_(std::move(modalities)), items_(items), width_(items == 0 ? 0 : values.size() / items) {
  if (width_ * items != values.size() || (!present.empty() && present.size() != items * modalities_.size())) {
    throw Error(ErrorCode::bad_input, "the features do not have the size they should",
                {.expected = std::to_string(items) + " rows of one length",
                 .found = std::to_string(values.size()) + " numbers"});
  }
  auto storage = std::make_shared<Storage>();
  storage->rows = items;
  storage->values = std::move(values);
  storage->flags = std::move(present);
  storage->single = storage->values.data();
  storage->present = storage->flags.empty() ? nullptr : storage->flags.data();
  storage_ = std::move(storage);
  check();
}

FeatureTable FeatureTable::of_rows(size_t items, size_t width, std::vector<float> values) {
  std::vector<uint8_t> present(items);
  for (size_t r = 0; r < items && (r + 1) * width <= values.size(); ++r) {
    const auto* row = values.data() + r * width;
    present[r] = std::any_of(row, row + width, [](float value) { return value != 0; });
  }
  return FeatureTable(items, {{"features", 0, width}}, std::move(values), std::move(present));
}

FeatureTable FeatureTable::load(const Path& path) {
  if (!std::filesystem::exists(path)) {
    throw Error(
        ErrorCode::missing_stage, "there are no features yet",
        {.where = path.string(),
         .expected = "features of the videos",
         .found = "no such file",
         .remedy = "Run `cowatch extract`, or import features with `cowatch import WS --features FILE`."});
  }
  auto storage = std::make_shared<Storage>();
  storage->file = std::make_unique<TensorFile>(path, "features", 1);
  storage->name = path.string();
  const auto& shape = storage->file->shape("features");
  if (shape.size() != 2)
    throw Error(ErrorCode::damaged, "the features are not a matrix", {.where = path.string()});
  FeatureTable table;
  table.items_ = storage->rows = shape[0];
  table.width_ = shape[1];
  if (storage->file->type("features") == ElementType::f16) {
    storage->half =
        reinterpret_cast<const uint16_t*>(storage->file->raw("features", ElementType::f16).data());
  } else {
    storage->single = storage->file->tensor<float>("features").data();
  }
  table.modalities_ = modalities_of(*storage->file, table.width_);
  if (storage->file->has("present")) {
    const auto present = storage->file->tensor<uint8_t>("present");
    if (present.size() != table.items_ * table.modalities_.size()) {
      throw Error(ErrorCode::damaged, "the table of present modalities has another size than the features",
                  {.where = path.string(), .remedy = "Make the features again (`cowatch extract`)."});
    }
    storage->present = present.data();
  }
  table.storage_ = std::move(storage);
  table.check();
  return table;
}

void FeatureTable::check() const {
  std::atomic<size_t> worst{items_};
  parallel_for(items_, 4096, [&](size_t begin, size_t end) {
    std::vector<float> row(width_);
    for (size_t r = begin; r < end; ++r) {
      copy_row(static_cast<uint32_t>(r), row.data());
      if (r + 1 == end) release(begin, end - begin);
      if (std::all_of(row.begin(), row.end(), [](float value) { return std::isfinite(value); })) continue;
      size_t before = worst;
      while (r < before && !worst.compare_exchange_weak(before, r)) continue;
      return;
    }
  });
  if (worst < items_) {
    throw Error(ErrorCode::bad_input, "a feature is not a finite number",
                {.where = storage_->name + ", row " + std::to_string(worst),
                 .expected = "finite numbers",
                 .found = "NaN or infinity",
                 .remedy = "Correct the row, or leave the item without features."});
  }
}

bool FeatureTable::present(uint32_t item, size_t modality) const {
  const auto* flags = storage_->present;
  return flags == nullptr || flags[size_t{stored(item)} * modalities_.size() + modality] != 0;
}

bool FeatureTable::known(uint32_t item) const {
  for (size_t m = 0; m < modalities_.size(); ++m) {
    if (present(item, m)) return true;
  }
  return false;
}

void FeatureTable::copy_row(uint32_t item, float* row) const {
  const size_t at = size_t{stored(item)} * width_;
  if (storage_->single != nullptr) {
    std::copy_n(storage_->single + at, width_, row);
  } else {
    floats_from_halves({storage_->half + at, width_}, {row, width_});
  }
  for (size_t m = 0; m < modalities_.size(); ++m) {
    if (!present(item, m)) std::fill(row + modalities_[m].begin, row + modalities_[m].end, 0.0f);
  }
}

void FeatureTable::release(size_t first, size_t count) const {
  if (storage_->file == nullptr || !rows_.empty()) return;
  const auto span_of = [&](const auto* values) {
    return std::as_bytes(std::span(values + first * width_, count * width_));
  };
  release_pages(storage_->single != nullptr ? span_of(storage_->single) : span_of(storage_->half));
}

FeatureTable FeatureTable::select(std::vector<uint32_t> items) const {
  FeatureTable chosen = *this;
  if (!rows_.empty()) {
    for (uint32_t& item : items) item = rows_[item];
  }
  chosen.items_ = items.size();
  chosen.rows_ = std::move(items);
  return chosen;
}

std::string FeatureTable::fingerprint() const {
  Fingerprint fingerprint;
  fingerprint.add(items_).add(width_);
  for (const Modality& modality : modalities_)
    fingerprint.add(modality.name).add(modality.begin).add(modality.end);
  std::vector<float> row(width_);
  for (size_t r = 0; r < items_; ++r) {
    copy_row(static_cast<uint32_t>(r), row.data());
    fingerprint.add(hash64(std::as_bytes(std::span(row)), known(static_cast<uint32_t>(r))));
  }
  return fingerprint.digest();
}

}  // namespace cowatch
