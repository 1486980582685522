#include "search/point_files.h"

#include <algorithm>
#include <unordered_set>

#include "base/error.h"
#include "base/json.h"
#include "base/json_text.h"
#include "base/progress.h"
#include "search/io/vector_files.h"
#include "search/vector_fault.h"
#include "store/text_input.h"

namespace cowatch {
namespace {

constexpr size_t batch_points = 2000;
constexpr size_t batch_numbers = 4u << 20;  // of vectors, in a batch
using Visit = std::function<void(const std::string& where, PointChange&&)>;

bool is_lines(const Path& path) {
  return path.filename().string().find(".jsonl") != std::string::npos;
}

void visit_points(const PointFile& file, const Visit& visit) {
  const std::string name = file.path.string();
  if (is_lines(file.path)) {
    for_each_line(file.path, [&](uint64_t number, std::string_view line) {
      const std::string where = name + ", line " + std::to_string(number);
      if (!line.empty()) visit(where, parse_point_line(parse_json(line, where), where));
    });
    return;
  }
  read_vectors(vector_format_of(file.path), file.path, file.dataset, [&](size_t first, ConstMatrix rows) {
    for (size_t r = 0; r < rows.rows; ++r) {
      PointChange change;
      change.id = PointId(file.first_id + first + r);
      change.vector.assign(rows.row(r).begin(), rows.row(r).end());
      visit(name + ", row " + std::to_string(first + r), std::move(change));
    }
  });
}

// The first pass: throws when any row is wrong. Returns how many there are.
size_t check_points(const CollectionConfig& config, const PointFile& file) {
  size_t rows = 0, wrong = 0;
  std::optional<Error> first;
  std::string others;
  visit_points(file, [&](const std::string& where, PointChange&& point) {
    if (++rows % batch_points == 0) throw_if_interrupted();
    const auto found = vector_fault(config.index.metric, config.dimension, point.vector);
    if (!found) return;
    if (++wrong > 1 && wrong <= 10) others += (others.empty() ? "" : "; ") + where.substr(where.rfind(", ") + 2);
    if (!first) first = at_place(*found, where);
  });
  if (!first) return rows;
  Error::Details details = first->details();
  details.remedy = "Nothing was imported. Wrong rows: " + std::to_string(wrong) + " of " + std::to_string(rows) +
                   (others.empty() ? "" : ", also " + others + (wrong > 10 ? "; …" : "")) + ".";
  throw Error(first->code(), first->message(), details);
}

}  // namespace

size_t import_points(Collection& collection, const PointFile& file, const std::function<void(size_t)>& advance) {
  const CollectionConfig config = collection.config();
  const size_t rows = check_points(config, file);
  const size_t most = std::clamp<size_t>(batch_numbers / config.dimension, 1, batch_points);
  std::vector<PointChange> batch;
  std::unordered_set<PointId> ids;
  const auto flush = [&] {
    if (batch.empty()) return;
    throw_if_interrupted();
    const size_t count = batch.size();
    collection.write(std::exchange(batch, {}));
    ids.clear();
    advance(count);
  };
  visit_points(file, [&](const std::string&, PointChange&& point) {
    if (batch.size() == most || ids.contains(point.id)) flush();
    ids.insert(point.id);
    batch.push_back(std::move(point));
  });
  flush();
  return rows;
}

Json point_line(const CollectionView& view, PointPlace at) {
  const PointTable& table = *view.tables[at.table].table;
  const auto vector = table.vector_of(at.slot);
  return {{"id", to_json(view.id_of(at))},
          {"vector", std::vector<float>(vector.begin(), vector.end())},
          {"payload", table.payload_of(at.slot)}};
}

size_t export_points(const CollectionView& view, size_t dimension, const Path& path) {
  const auto places = view.in_order(PointId(0), view.count(), view.select(nullptr));
  if (path.extension() == ".jsonl") {
    write_atomically(path, [&](OutputFile& file) {
      for (const PointPlace at : places) {
        const std::string line = point_line(view, at).dump() + "\n";
        file.write(std::as_bytes(std::span(line)));
      }
    });
  } else {
    write_vectors(path, places.size(), dimension, [&](size_t row, std::span<float> values) {
      std::ranges::copy(view.tables[places[row].table].table->vector_of(places[row].slot), values.begin());
    });
  }
  return places.size();
}

}  // namespace cowatch
