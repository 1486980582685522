#include "search/collection_config.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "search/compute/option_names.h"
#include "search/io/segment.h"

namespace cowatch {
namespace {

constexpr const char* codebook_file = "codebook.safetensors";

// Earlier versions also took what the kind of index has no use for.
void forget_unused(IndexOptions& options) {
  if (options.kind == IndexKind::ivf) return;
  options.lists = options.code_bytes = options.kept_dimensions = 0;
  options.anisotropic = 0;
  if (options.kind == IndexKind::exact) options.codes = usual_codes(options.kind);
}

CollectionConfig parse_collection_config(const Json& json) {
  CollectionConfig config;
  config.dimension = json.at("dimension").get<size_t>();
  config.index.metric = metric_of(json.at("metric").get<std::string>());
  config.index_threshold = json.value("index_threshold", config.index_threshold);
  config.index.memory_cap = json.value("index_memory", config.index.memory_cap);
  config.most_points = json.value("most_points", config.most_points);
  config.table_points = json.value("table_points", config.table_points);
  each_option(config.index, [&](const char* name, auto& option, const char*) {
    const auto found = json.find(name);
    if (found == json.end()) return;
    if constexpr (std::is_enum_v<std::decay_t<decltype(option)>>) {
      read_option(found->template get<std::string>(), option);
    } else {
      found->get_to(option);
    }
  });
  forget_unused(config.index);
  return config;
}

void check_size(const CollectionConfig& config) {
  if (config.dimension >= 1 && config.dimension <= CollectionConfig::largest_dimension) return;
  throw Error(ErrorCode::bad_argument, "a collection's vectors cannot have this size",
              {.where = "size",
               .expected = "1 to " + std::to_string(CollectionConfig::largest_dimension),
               .found = std::to_string(config.dimension)});
}

void check_table(const CollectionConfig& config) {
  if (config.table_points <= CollectionConfig::most_table_points) return;
  throw Error(ErrorCode::bad_argument, "a table in memory cannot have so many points",
              {.where = "table_points",
               .expected = "at most " + std::to_string(CollectionConfig::most_table_points),
               .found = std::to_string(config.table_points)});
}

}  // namespace

Json to_json(const IndexOptions& options) {
  Json json;
  each_option(options, [&](const char* name, const auto& option, const char*) {
    if constexpr (std::is_enum_v<std::decay_t<decltype(option)>>) {
      json[name] = option_name(option);
    } else {
      json[name] = option;
    }
  });
  return json;
}

Json to_json(const CollectionConfig& config) {
  Json json = to_json(config.index);
  json["dimension"] = config.dimension;
  json["metric"] = metric_name(config.index.metric);
  json["index_threshold"] = config.index_threshold;
  json["index_memory"] = config.index.memory_cap;
  json["most_points"] = config.most_points;
  json["table_points"] = config.table_points;
  return json;
}

size_t CollectionConfig::table_capacity() const {
  constexpr size_t table_bytes = 4u << 20;  // every search scans it: what a core reads in some 0.3 ms
  if (table_points > 0) return table_points;
  return std::clamp<size_t>(table_bytes / (dimension * sizeof(float)), 64, 8192);
}

size_t CollectionConfig::table_row_bytes() const {
  return dimension * sizeof(float) + (codes_tables() ? RowCodes::record_bytes(dimension) + sizeof(float) : 0);
}

CollectionBytes predict_bytes(const CollectionConfig& config, size_t points) {
  CollectionBytes bytes;
  bytes.segments = Segment::predict_bytes(points, config.dimension);
  bytes.tables = (CollectionConfig::most_full_tables + 1) * config.table_capacity() *
                 (config.table_row_bytes() + Segment::bytes_a_point);
  bytes.building = points * Segment::bytes_a_point;
  if (!config.indexes(points)) return bytes;
  const PredictedBytes index = predict_bytes(config.index, points, config.dimension);
  if (config.index.memory_cap > 0 && index.building > config.index.memory_cap) return bytes;  // it is scanned
  bytes.indexes = index.index;
  bytes.building = std::max(bytes.building, index.building);
  return bytes;
}

void check_config(const CollectionConfig& config) {
  check_size(config);
  check_table(config);
  check_index_options(config.index, config.dimension);
  const size_t points = config.most_points > 0 ? config.most_points : config.index_threshold;
  if (config.index_threshold < SIZE_MAX && config.indexes(points))
    check_index_memory(config.index, points, config.dimension);
}

void write_config(RecordStore& records, const CollectionConfig& config) {
  if (!config.index.codebook.empty()) records.write_note("codebook", read_text(config.index.codebook));
  records.write_note("config", to_json(config).dump());
}

// Of its options, those of the index are not checked: what an earlier version took leaves segments unindexed.
CollectionConfig read_config_note(const Path& records) {
  std::string found;
  try {
    const CollectionConfig config = parse_collection_config(Json::parse(RecordStore::read_note(records, "config")));
    check_size(config);
    check_table(config);
    return config;
  } catch (const Json::exception& error) {
    found = error.what();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::bad_argument) throw;
    found = error.what();
  }
  throw Error(ErrorCode::damaged, "the collection's configuration cannot be read",
              {.where = records.string(), .found = found, .remedy = "Restore the collection from a snapshot."});
}

CollectionConfig read_config(const Path& folder) {
  const Path records = folder / records_file;
  CollectionConfig config = read_config_note(records);
  const std::string codebook = RecordStore::read_note(records, "codebook");
  if (codebook.empty() || config.index.kind != IndexKind::ivf) return config;
  config.index.codebook = folder / codebook_file;
  if (!std::filesystem::exists(config.index.codebook) || read_text(config.index.codebook) != codebook)
    write_atomically(config.index.codebook, codebook);
  return config;
}

}  // namespace cowatch
