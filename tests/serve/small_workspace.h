// A small workspace with everything the server answers from, and requests to ask it with.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "learn/curves.h"
#include "pipeline/graph_stage.h"
#include "pipeline/map_stage.h"
#include "serve/service.h"
#include "store/catalogue.h"
#include "support/temporary_folder.h"

namespace cowatch::test {

constexpr uint32_t small_videos = 14;
constexpr size_t small_width = 16;

// Rows of unit length, another table for another seed.
inline std::vector<float> small_embeddings(uint64_t seed) {
  const Random random(seed, 7);
  std::vector<float> rows(small_videos * small_width);
  for (size_t row = 0; row < small_videos; ++row) {
    double square = 0;
    for (size_t i = row * small_width; i < (row + 1) * small_width; ++i) {
      rows[i] = static_cast<float>(random.uniform(0, static_cast<uint32_t>(i)) - 0.5);
      square += static_cast<double>(rows[i]) * static_cast<double>(rows[i]);
    }
    for (size_t i = row * small_width; i < (row + 1) * small_width; ++i)
      rows[i] /= static_cast<float>(std::sqrt(square));
  }
  return rows;
}

inline void write_embeddings(const Workspace& workspace, uint64_t seed) {
  const std::vector<float> rows = small_embeddings(seed);
  TensorFileWriter writer("embeddings", 1);
  writer.set("model", "model-" + std::to_string(seed));
  writer.add<float>("embeddings", {small_videos, small_width}, rows);
  writer.write(workspace.embeddings());
}

inline void write_bytes(const Path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string video_id(uint32_t index) {
  return "v" + std::to_string(index);
}

// Four people watched v0 … v6 together, four others v7 … v12; nobody v13. v0 has a poster.
inline void fill_catalogue(const Workspace& workspace) {
  Catalogue catalogue(workspace.catalogue(), Catalogue::Mode::write);
  std::vector<ItemRecord> items;
  for (uint32_t i = 0; i < small_videos; ++i) {
    ItemRecord item;
    item.id = video_id(i);
    item.title = "Film number " + std::to_string(i);
    item.hashtags = {i < 7 ? "cats" : "dogs"};
    item.created_ms = 1700000000000 + i;
    items.push_back(item);
  }
  catalogue.put_items(items);
  std::vector<Event> events;
  for (uint32_t person = 0; person < 8; ++person) {
    for (uint32_t i = person < 4 ? 0 : 7; i < (person < 4 ? 7u : 13u); ++i) {
      Event event;
      event.user = "u" + std::to_string(person);
      event.item = video_id(i);
      event.time_ms = 1700000000000 + 60000 * static_cast<int64_t>(i);
      events.push_back(event);
    }
  }
  catalogue.add_events(events);
  MediaRecord media;
  media.state = "extracted";
  media.poster = "v0.jpg";
  media.seconds = 3;
  media.width = 64, media.height = 48;
  catalogue.put_media(media);
}

struct SmallWorkspace {
  TemporaryFolder folder;
  Workspace workspace = Workspace::open_or_create(folder / "ws");

  explicit SmallWorkspace(bool learnt = true) {
    fill_catalogue(workspace);
    write_bytes(workspace.media() / "v0.jpg", "0123456789abcdefghij");
    if (!learnt) return;
    run_graph_stage(workspace, Settings());
    write_embeddings(workspace, 1);
    run_map_stage(workspace);
    CurveWriter curves(curve_file(workspace.curves(), "relational"), 0);
    for (uint64_t step = 1; step <= 5; ++step) curves.add(step, "loss", 1.0 / static_cast<double>(step));
    curves.sync();
  }

  Workspace opened() const { return Workspace::open(workspace.folder(), Workspace::Access::read); }
};

inline Settings with_key(const std::string& key) {
  Settings settings;
  settings.set("serve.key", key, Settings::Source::flag, "test");
  return settings;
}

inline serve::Request request_of(const std::string& method, const std::string& target,
                                 const std::string& body = "") {
  serve::Request request;
  request.method = method;
  request.body = body;
  serve::parse_target(target, request);
  return request;
}

inline Json json_of(const serve::Response& response) {
  return Json::parse(response.body);
}

inline std::vector<std::string> ids_of(const Json& neighbours) {
  std::vector<std::string> ids;
  for (const Json& neighbour : neighbours) ids.push_back(neighbour["Id"].get<std::string>());
  return ids;
}

}  // namespace cowatch::test
