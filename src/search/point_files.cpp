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
using VisitFault = std::function<void(const std::string& where, const Error&)>;

bool is_lines(const Path& path) {
  return path.filename().string().find(".jsonl") != std::string::npos;
}

void check_ids(uint64_t first_id, size_t rows) {
  if (rows == 0 || rows - 1 <= UINT64_MAX - first_id) return;
  throw Error(
      ErrorCode::bad_argument, "the ids of the last rows would be too large",
      {.where = "--first-id",
       .expected = "ids of at most " + std::to_string(UINT64_MAX),
       .found = std::to_string(first_id) + " for the first of " + std::to_string(rows) + " rows or more",
       .remedy = "Nothing was imported."});
}

// Lines that are no points are given to `fault`.
void visit_points(const PointFile& file, const Visit& visit, const VisitFault& fault) {
  const std::string name = file.path.string();
  if (is_lines(file.path)) {
    for_each_line(file.path, [&](uint64_t number, std::string_view line) {
      if (line.empty()) return;
      const std::string where = name + ", line " + std::to_string(number);
      std::optional<PointChange> point;
      try {
        point = parse_point_line(parse_json(line, where), where);
      } catch (const Error& error) {
        fault(where, error);
      }
      if (point) visit(where, std::move(*point));
    });
    return;
  }
  read_vectors(vector_format_of(file.path), file.path, file.dataset, [&](size_t first, ConstMatrix rows) {
    check_ids(file.first_id, first + rows.rows);
    for (size_t r = 0; r < rows.rows; ++r) {
      PointChange change;
      change.id = PointId(file.first_id + first + r);
      change.vector.assign(rows.row(r).begin(), rows.row(r).end());
      visit(name + ", row " + std::to_string(first + r), std::move(change));
    }
  });
}

// The points that a quota still lets in, of those that are new.
class Room {
 public:
  Room(const CollectionConfig& config, std::shared_ptr<const CollectionView> view)
      : most_(config.most_points), view_(std::move(view)), held_(view_->count()) {}
  void take(const PointId& id) {
    if (most_ == 0 || view_->find(id)) return;
    added_.insert(id);
    if (held_ + added_.size() <= most_) return;
    throw Error(ErrorCode::too_large, "the file has more new points than the collection's quota lets in",
                {.expected = "at most " + std::to_string(most_ - std::min(most_, held_)) + " beside the " +
                             std::to_string(held_) + " that are there",
                 .found = "more",
                 .remedy = "Nothing was imported."});
  }

 private:
  size_t most_;
  std::shared_ptr<const CollectionView> view_;
  size_t held_;
  std::unordered_set<PointId> added_;
};

// The first pass: throws when any row is wrong, or not all have room. Returns how many there are.
size_t check_points(const Collection& collection, const PointFile& file) {
  const CollectionConfig config = collection.config();
  Room room(config, collection.view());
  size_t rows = 0, wrong = 0;
  std::optional<Error> first;
  std::string others;
  const auto count = [&] {
    if (++rows % batch_points == 0) throw_if_interrupted();
  };
  const auto add_wrong = [&](const std::string& where, const Error& error) {
    if (++wrong > 1 && wrong <= 10)
      others += (others.empty() ? "" : "; ") + where.substr(where.rfind(", ") + 2);
    if (!first) first = error;
  };
  visit_points(
      file,
      [&](const std::string& where, PointChange&& point) {
        count();
        const auto found = vector_fault(config.index.metric, config.dimension, point.vector);
        if (found) return add_wrong(where, at_place(*found, where));
        if (!first) room.take(point.id);
      },
      [&](const std::string& where, const Error& error) {
        count();
        add_wrong(where, error);
      });
  if (!first) return rows;
  Error::Details details = first->details();
  if (!details.remedy.empty()) details.remedy += " ";
  details.remedy += "Nothing was imported. Wrong rows: " + std::to_string(wrong) + " of " + std::to_string(rows) +
                   (others.empty() ? "" : ", also " + others + (wrong > 10 ? "; …" : "")) + ".";
  throw Error(first->code(), first->message(), details);
}

}  // namespace

size_t import_points(Collection& collection, const PointFile& file,
                     const std::function<void(size_t)>& advance, const std::function<void(size_t)>& checked) {
  const size_t rows = check_points(collection, file);
  checked(rows);
  const size_t most = std::clamp<size_t>(batch_numbers / collection.config().dimension, 1, batch_points);
  std::vector<PointChange> batch;
  std::unordered_set<PointId> ids;
  size_t written = 0;
  const auto flush = [&] {
    if (batch.empty()) return;
    throw_if_interrupted();
    const size_t count = batch.size();
    collection.write(std::exchange(batch, {}));
    ids.clear();
    written += count;
    advance(count);
  };
  try {
    visit_points(
        file,
        [&](const std::string&, PointChange&& point) {
          if (batch.size() == most || ids.contains(point.id)) flush();
          ids.insert(point.id);
          batch.push_back(std::move(point));
        },
        [](const std::string&, const Error& error) { throw error; });
    flush();
  } catch (const Error& error) {
    Error::Details details = error.details();
    details.remedy = std::to_string(written) + " of " + std::to_string(rows) +
                     " rows were imported; the same command brings in all of them.";
    throw Error(error.code(), error.message(), details);
  }
  return rows;
}

Json point_line(const CollectionView& view, PointPlace at) {
  const PointTable& table = *view.tables[at.table].table;
  const auto vector = table.vector_of(at.slot);
  return {{"id", to_json(view.id_of(at))},
          {"vector", std::vector<float>(vector.begin(), vector.end())},
          {"payload", table.payload_of(at.slot)}};
}

size_t export_points(const CollectionView& view, size_t dimension, const Path& path,
                     const std::function<void(size_t)>& advance) {
  const auto places = view.in_order(PointId(0), view.count(), view.select(nullptr));
  if (path.extension() == ".jsonl") {
    write_atomically(path, [&](OutputFile& file) {
      for (const PointPlace at : places) {
        throw_if_interrupted();
        const std::string line = point_line(view, at).dump() + "\n";
        file.write(std::as_bytes(std::span(line)));
        advance(1);
      }
    });
  } else {
    write_vectors(path, places.size(), dimension, [&](size_t row, std::span<float> values) {
      throw_if_interrupted();
      std::ranges::copy(view.tables[places[row].table].table->vector_of(places[row].slot), values.begin());
      advance(1);
    });
  }
  return places.size();
}

}  // namespace cowatch
